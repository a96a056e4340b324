"""MFS, pin and GC step scripts, and IPNS names and records, that other implementations agree on."""

from __future__ import annotations

import importlib
from datetime import datetime
from typing import Any

import pytest
from fixtures_support import cases, fixtures_root
from node.scripts import run

import ipfs_comm


@pytest.mark.parametrize("case", cases("ipns_mfs_pin", "mfs_scripts.json"))
async def test_mfs_script(case: dict[str, Any]) -> None:
    async with ipfs_comm.open_node(repo=":memory:", **case.get("node", {})) as node:
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


@pytest.mark.parametrize("case", cases("ipns_mfs_pin", "ipns_records.json"))
def test_ipns_record(case: dict[str, Any]) -> None:
    ipns = importlib.import_module("ipfs_comm.ipld.ipns")
    now = datetime.fromisoformat(case["now"])
    if case["expect"]["valid"]:
        record = ipns.validate(record_bytes(case), name=case["name"], now=now)
        assert record.sequence == case["expect"]["record"]["sequence"]
    else:
        with pytest.raises(ipns.InvalidRecordError):
            ipns.validate(record_bytes(case), name=case["name"], now=now)


@pytest.mark.parametrize("case", cases("ipns_mfs_pin", "ipns_select.json"))
def test_ipns_selection(case: dict[str, Any]) -> None:
    ipns = importlib.import_module("ipfs_comm.ipld.ipns")
    records = [bytes.fromhex(case["recordsHex"][name]) for name in case["records"]]
    assert case["records"][ipns.select(records)] == case["expect"]


@pytest.mark.parametrize("case", cases("ipns_mfs_pin", "ipns_names.json"))
def test_ipns_name(case: dict[str, Any]) -> None:
    ipns = importlib.import_module("ipfs_comm.ipld.ipns")
    for text in case["inputs"]:
        if case.get("expect") == "error":
            with pytest.raises(ipns.InvalidNameError):
                ipns.parse_name(text)
        else:
            assert str(ipns.parse_name(text)) == case["name"]
