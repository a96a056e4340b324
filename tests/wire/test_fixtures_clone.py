"""Conformance: structured clone on the values that Python has.

Collected are the cases of `clone/value_cases.json` whose input can be made in Python (see `wire.typed_values`). Those
about JavaScript's own matters (getters, prototypes, property descriptors, symbols, expandos, functions, proxies, shared
or detached buffers, subclasses of its classes) are run by the tests of the JavaScript side.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from fixtures_support import cases
from wire.typed_values import NotPythonsError, build, describe, own_bytes

from ipfs_comm.errors import DataCloneError
from ipfs_comm.wire import MessageChannel, clone


def pythons() -> list[Any]:
    kept = []
    for parameter in cases("clone", "value_cases.json"):
        case = parameter.values[0]
        if case is not None:
            try:
                build(case["input"])
            except NotPythonsError:
                continue
            if "clone" not in case["expect"] and not case.get("transfer"):
                continue
        kept.append(parameter)
    return kept


def through_json(encoded: clone.Encoded) -> Any:
    meta = clone.parse_meta(clone.dump_meta(encoded, []))
    return clone.decode(meta.root, meta.entries, encoded.buffers, (), encoded.sources)


PYTHONS = pythons()
PLAIN = [parameter for parameter in PYTHONS if not (parameter.values[0] or {}).get("transfer")]
TRANSFERS = [parameter for parameter in PYTHONS if (parameter.values[0] or {}).get("transfer")]


@pytest.mark.parametrize("case", PLAIN)
def test_a_value_arrives_as_the_standard_says(case: dict[str, Any]) -> None:
    assert describe(through_json(clone.encode(build(case["input"])))) == own_bytes(case["expect"]["clone"])


@pytest.mark.parametrize("case", TRANSFERS)
async def test_a_transfer_goes_as_the_standard_says(case: dict[str, Any]) -> None:
    objects: dict[Any, Any] = {}
    value = build(case["input"], None, objects)
    owned = [objects[name] for name in case["transfer"]]
    channel = MessageChannel()
    if "throws" in case["expect"]:
        with pytest.raises(DataCloneError):
            channel.port1.post_message(value, owned)
        assert not any(item.detached for item in owned)
        return
    arrived: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    channel.port2.onmessage = lambda event: arrived.set_result(event.data)
    channel.port1.post_message(value, owned)
    assert all(item.detached for item in owned)
    assert describe(await arrived) == own_bytes(case["expect"]["clone"])
