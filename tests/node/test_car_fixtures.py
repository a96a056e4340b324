from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from fixtures_support import cases, fixtures_root, load

from ipfs_comm.errors import IPFSCommError
from ipfs_comm.ipld import CID, multihash, varint
from ipfs_comm.node.api import DagImportStats
from ipfs_comm.node.open import open_node

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ipfs_comm.node.api import DagImportResult, Node


def of(*operations: str) -> list[Any]:
    return [one for one in cases("car", "car_cases.json") if (one.values[0] or {}).get("op", "import") in operations]


def file(name: str) -> Path:
    root = fixtures_root()
    assert root is not None
    return root / "car" / name


def built(description: dict[str, Any]) -> bytes:
    data = bytes([description["byte"]]) * description["size"]
    cid = bytes(CID.create(1, "raw", multihash.digest(data)))
    header = bytes.fromhex("11a265726f6f7473806776657273696f6e01")
    return header + varint.encode(len(cid) + len(data)) + cid + data


async def imported(node: Node, case: dict[str, Any]) -> list[DagImportResult]:
    for name in case.get("pre", ()):
        await imported(node, named(name))
    if "hex" in case:
        source: Any = bytes.fromhex(case["hex"])
    elif "build" in case:
        source = built(case["build"]["rawBlock"])
    else:
        source = [file(name) for name in case["files"]]
    return await node.dag.import_(source, pin_roots=case.get("options", {}).get("pinRoots", True), stats=True)


def named(name: str) -> dict[str, Any]:
    document = load("car", "car_cases.json")
    assert document is not None
    found: dict[str, Any] = next(case for case in document["cases"] if case["id"] == name)
    return found


async def pins_of(node: Node) -> Iterable[str]:
    return [str(pin.cid) async for pin in node.pin.ls(type="recursive")]


@pytest.mark.parametrize("case", of("import"))
async def test_a_car_is_imported_as_kubo_imports_it(case: dict[str, Any]) -> None:
    async with open_node(repo=":memory:") as node:
        if "error" in case:
            with pytest.raises(IPFSCommError):
                await imported(node, case)
            return
        *roots, last = await imported(node, case)
        expect = case["expect"]
        if "stats" in expect:
            stats = expect["stats"]
            assert last.stats == DagImportStats(stats["blockCount"], stats["blockBytesCount"])
        told = {str(one.root.cid): one.root.pin_error_msg for one in roots if one.root is not None}
        if "pinnedRoots" in expect:
            assert told == dict.fromkeys(expect["pinnedRoots"], "")
            assert set(expect["pinnedRoots"]) <= set(await pins_of(node))
        if "roots" in expect:
            assert list(told) == expect["roots"]
        if "pins" in expect:
            assert await pins_of(node) == expect["pins"]
        if "pinError" in expect:
            assert expect["pinError"]["contains"] in told[expect["pinError"]["root"]]
            assert await pins_of(node) == []


@pytest.mark.parametrize("case", of("export"))
async def test_a_car_is_exported_byte_for_byte_as_kubo_exports_it(case: dict[str, Any]) -> None:
    async with open_node(repo=":memory:") as node:
        for name in case["pre"]:
            await imported(node, named(name))
        words = case["expect"].split()
        assert words[:2] == ["byte-identical", "to"]
        assert await node.dag.export(case["root"]) == file(words[2]).read_bytes()
