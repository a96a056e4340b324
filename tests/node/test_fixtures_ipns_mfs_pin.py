"""MFS, pin and GC step scripts, and IPNS names and records, that other implementations agree on."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from fixtures_support import cases, fixtures_root, load
from node.scripts import run

import ipfs_comm
from ipfs_comm import ipns
from ipfs_comm.ipld import CID

#: What the node of a script is, and how ours is told.
NODE_OPTIONS = {"importCidVersion": "cid_version", "importHashFunction": "hash_alg"}


@pytest.mark.parametrize("case", cases("ipns_mfs_pin", "mfs_scripts.json"))
async def test_mfs_script(case: dict[str, Any]) -> None:
    options = {NODE_OPTIONS[name]: value for name, value in case.get("node", {}).items()}
    async with ipfs_comm.open_node(repo=":memory:", offline=True, **options) as node:
        await run(case, node)


@pytest.mark.parametrize("case", cases("ipns_mfs_pin", "pin_gc_scripts.json"))
async def test_pin_and_gc_script(case: dict[str, Any]) -> None:
    async with ipfs_comm.open_node(repo=":memory:", **case.get("node", {})) as node:
        await run(case, node)


def record_bytes(case: dict[str, Any]) -> bytes:
    if "recordHex" in case:
        return bytes.fromhex(case["recordHex"])
    root = fixtures_root()
    assert root is not None
    return (root / "ipns_mfs_pin" / case["recordFile"]).read_bytes()


def written(value: bytes) -> Any:
    """Return a record's value as the cases write it: text where it is a path, else its bytes in hexadecimal."""
    return value.decode() if value.startswith(b"/") else {"hex": value.hex()}


def created_again(record: ipns.Record, v1: bool) -> bytes:
    """Make the record once more, with the private key that the file gives for its name."""
    document = load("ipns_mfs_pin", "ipns_records.json")
    assert document is not None
    for key in document["keys"].values():
        if "seedHex" in key:
            public = bytes.fromhex(key["libp2pPublicKeyHex"])[4:]
            private = ipns.PrivateKey("ed25519", bytes.fromhex(key["seedHex"]) + public)
        else:
            private = ipns.PrivateKey("rsa", bytes.fromhex(key["pkcs1PrivateKeyDerHex"]))
        public_key = ipns.PublicKey.decode(bytes.fromhex(key["libp2pPublicKeyHex"]))
        assert (private.public, str(private.name), private.name.peer_id) == (public_key, key["k"], key["b58mh"])
        if private.public.verify(b"ipns-signature:" + record.data, record.signature_v2 or b""):
            return ipns.create(
                private, record.value, sequence=record.sequence, expires=record.expires, ttl=record.ttl, v1=v1
            ).encode()
    raise AssertionError("none of the keys signed it")


@pytest.mark.parametrize("case", cases("ipns_mfs_pin", "ipns_records.json"))
def test_ipns_record(case: dict[str, Any]) -> None:
    data, expect = record_bytes(case), case["expect"]
    now = datetime.fromisoformat(case["now"])
    if not expect["valid"]:
        with pytest.raises(ipns.InvalidRecordError) as refused:
            ipns.validate(data, name=case["name"], now=now)
        assert (refused.value.code == "ERR_IPNS_EXPIRED_RECORD") == (expect.get("reason") == "expired")
        if expect.get("reason") == "expired":
            assert ipns.Record.decode(data).encode() == data
        return
    record = ipns.validate(data, name=case["name"], now=now)
    assert record.encode() == data
    found = {
        "value": written(record.value),
        "validity": record.validity,
        "sequence": record.sequence,
        "ttl": record.ttl,
        "validityType": record.validity_type,
        "hasV1": record.signature_v1 is not None,
        "hasPubKey": record.public_key is not None,
        "extra": sorted(record.extra),
    }
    assert found == expect["record"]
    if "resolves" in expect and expect["resolves"] is None:
        with pytest.raises(ipns.InvalidRecordError):
            _ = record.path
    else:
        assert record.path == expect.get("resolves", expect["record"]["value"])
    if case["group"] == "create":
        assert created_again(record, v1=expect["record"]["hasV1"]) == data


@pytest.mark.parametrize("case", cases("ipns_mfs_pin", "ipns_select.json"))
def test_ipns_selection(case: dict[str, Any]) -> None:
    records = [bytes.fromhex(case["recordsHex"][name]) for name in case["records"]]
    assert case["records"][ipns.select(records)] == case["expect"]


@pytest.mark.parametrize("case", cases("ipns_mfs_pin", "ipns_names.json"))
def test_ipns_name(case: dict[str, Any]) -> None:
    for text in case["inputs"]:
        if case.get("expect") == "error":
            with pytest.raises(ipns.InvalidNameError):
                ipns.parse_name(text)
            continue
        name = ipns.parse_name(text)
        assert (str(name), name.path, name.peer_id) == (case["name"], case["path"], case["peerIdBase58"])
        assert bytes(name.multihash).hex() == case["multihashHex"]
        assert name.routing_key.hex() == case["routingKeyHex"]
        assert ipns.Name.from_routing_key(name.routing_key) == name
    if "dagPbBase36" in case:
        assert CID.create(1, "dag-pb", bytes.fromhex(case["multihashHex"])).encode("base36") == case["dagPbBase36"]
