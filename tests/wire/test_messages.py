"""Messages: the shared fixtures, fed through the assembler as a link feeds them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from wire.typed_values import build, describe, own_bytes

from ipfs_comm.errors import ProtocolError
from ipfs_comm.wire import MessagePort, clone
from ipfs_comm.wire.frame import Data
from ipfs_comm.wire.limits import Limits
from ipfs_comm.wire.receiver import Assembler

CASES = json.loads((Path(__file__).parent.parent / "fixtures" / "wire" / "messages.json").read_text("utf-8"))["cases"]
VALID = [pytest.param(case, id=case["id"]) for case in CASES if "value" in case]
HOSTILE = [pytest.param(case, id=case["id"]) for case in CASES if "error" in case]


def assemble(case: dict[str, Any], fragment: int = 1 << 30) -> tuple[clone.Meta, list[memoryview]]:
    meta = case["meta"].encode()
    message = len(meta).to_bytes(4, "little") + meta + bytes.fromhex("".join(case["buffers"]))
    assembler = Assembler(Limits())
    for start in range(0, len(message), fragment):
        body = message[start : start + fragment]
        result = assembler.feed(Data(1, 0, start == 0, start + fragment >= len(message), [body], len(body)))
    assert result is not None
    return result


def decode(case: dict[str, Any], fragment: int = 1 << 30) -> tuple[Any, dict[MessagePort, str]]:
    meta, buffers = assemble(case, fragment)
    count = case.get("ports", len(meta.port_ids) - case.get("blobs", 0))
    ports = [MessagePort() for _ in range(count)]
    sources = [clone.Blob(b"").source for _ in range(len(meta.port_ids) - count)]
    return clone.decode(meta.root, meta.entries, buffers, ports, sources), {
        port: f"#{n}" for n, port in enumerate(ports)
    }


def expected(case: dict[str, Any]) -> Any:
    return own_bytes(case["value"])


@pytest.mark.parametrize("fragment", [1 << 30, 3])
@pytest.mark.parametrize("case", VALID)
def test_a_message_means_what_the_fixture_says(case: dict[str, Any], fragment: int) -> None:
    value, ports = decode(case, fragment)
    assert describe(value, ports) == expected(case)


@pytest.mark.parametrize("case", [parameter for parameter in VALID if parameter.values[0]["encode"]])
def test_the_fixtures_value_survives_our_encoder(case: dict[str, Any]) -> None:
    ports = [MessagePort() for _ in range(case.get("ports", 0))]
    encoded = clone.encode(build(case["value"], {f"#{number}": port for number, port in enumerate(ports)}), ports=ports)
    meta = clone.parse_meta(clone.dump_meta(encoded, case.get("portIds", [])))
    assert meta.sizes == [len(buffer) for buffer in encoded.buffers]
    value = clone.decode(meta.root, meta.entries, encoded.buffers, ports)
    assert describe(value, {port: f"#{number}" for number, port in enumerate(ports)}) == expected(case)


@pytest.mark.parametrize("case", HOSTILE)
def test_a_malformed_message_is_a_protocol_error(case: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError) as caught:
        decode(case)
    assert caught.value.code == case["error"]
