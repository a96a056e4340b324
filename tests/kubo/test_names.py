"""IPNS records that one of the two signs are valid to the other."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kubo_support import FACTOR, LIMIT, KuboError

from ipfs_comm.errors import IPFSCommError
from ipfs_comm.ipns.keys import PrivateKey
from ipfs_comm.ipns.name import Name
from ipfs_comm.ipns.record import create, validate

if TYPE_CHECKING:
    from pathlib import Path

    from kubo_support import Daemon, Repository

VALUE = "/ipfs/bafkqaclnn52w45dbnfxgk"
FORMAT = "application/vnd.ipfs.ipns-record"
KINDS = ["ed25519", "rsa"]


def in_an_hour() -> datetime:
    return datetime.now(UTC) + timedelta(hours=1)


def record_of(kubo: Daemon, name: str) -> bytes:
    """Return the record that Kubo has; its command for that needs a network, its gateway does not."""
    response = httpx.get(f"{kubo.gateway}/ipns/{name}", headers={"Accept": FORMAT}, timeout=LIMIT, trust_env=False)
    assert response.status_code == 200, response.text
    return response.content


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("compatible", [True, False])
def test_what_kubo_publishes_is_valid_here(kubo: Daemon, kind: str, compatible: bool) -> None:
    key = f"{kind}-{compatible}"
    (made,) = kubo.lines("key/gen", key, type=kind, ipns_base="base36")
    # The number rises where the value changes.
    for number, (value, seconds) in enumerate([(VALUE, 60), (f"{VALUE}/other", 7_200)]):
        kubo.call(
            "name/publish",
            value,
            key=key,
            lifetime=f"{seconds}s",
            ttl="10s",
            allow_offline=True,
            resolve=False,
            v1compat=compatible,
        )
        published = record_of(kubo, made["Id"])
        record = validate(published, name=made["Id"])
        assert record.path == value
        assert record.sequence == number
        assert record.ttl == 10 * 10**9
        assert bool(record.signature_v1) == compatible
        with pytest.raises(IPFSCommError):
            validate(published, name=made["Id"], now=datetime.now(UTC) + timedelta(seconds=seconds + 60))


@pytest.mark.parametrize("kind", ["ed25519", "rsa", "secp256k1", "ecdsa"])
@pytest.mark.parametrize("v1", [True, False])
def test_what_is_signed_here_is_valid_to_kubo(kubo: Daemon, kind: str, v1: bool) -> None:
    key = PrivateKey.generate(kind)
    name = str(key.public.name)
    record = create(key, VALUE, sequence=3, expires=in_an_hour(), ttl=60 * 10**9, v1=v1).encode()
    kubo.call("name/put", name, files=[record], allow_offline=True)
    assert record_of(kubo, name) == record
    assert json.loads(kubo.call("name/resolve", name, nocache=True))["Path"] == VALUE
    (seen,) = kubo.lines("name/inspect", files=[record], verify=name)
    assert seen["Validation"]["Valid"] is True
    assert seen["Entry"]["Sequence"] == 3


@settings(max_examples=20 * FACTOR)
@given(at=st.integers(0, 1 << 20), bit=st.integers(0, 7))
def test_kubo_and_we_refuse_the_same_damaged_records(kubo: Daemon, at: int, bit: int) -> None:
    key = PrivateKey.generate("ed25519")
    name = str(key.public.name)
    record = bytearray(create(key, VALUE, sequence=1, expires=in_an_hour(), ttl=10**9).encode())
    record[at % len(record)] ^= 1 << bit
    try:
        kubo.call("name/put", name, files=[bytes(record)], allow_offline=True)
        believed = True
    except KuboError:
        believed = False
    if believed:
        assert validate(bytes(record), name=name).path
    else:
        with pytest.raises(IPFSCommError):
            validate(bytes(record), name=name)


def test_a_record_that_has_ended_is_refused_by_both(kubo: Daemon) -> None:
    key = PrivateKey.generate("ed25519")
    name = str(key.public.name)
    record = create(key, VALUE, sequence=1, expires=datetime.now(UTC) - timedelta(seconds=5), ttl=10**9).encode()
    with pytest.raises(KuboError, match="expired"):
        kubo.call("name/put", name, files=[record], allow_offline=True)
    with pytest.raises(IPFSCommError):
        validate(record, name=name)


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_that_one_exports_the_other_imports(repository: Repository, tmp_path: Path, kind: str) -> None:
    theirs = repository.run("key", "gen", "theirs", f"--type={kind}").decode().strip()
    exported = tmp_path / "theirs.key"
    repository.run("key", "export", "theirs", f"--output={exported}")
    assert PrivateKey.decode(exported.read_bytes()).public.name == Name.parse(theirs)

    key = PrivateKey.generate(kind)
    ours = tmp_path / "ours.key"
    ours.write_bytes(key.encode())
    assert Name.parse(repository.run("key", "import", "ours", str(ours)).decode().strip()) == key.public.name
