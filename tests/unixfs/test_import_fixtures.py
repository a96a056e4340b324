from __future__ import annotations

from typing import Any

import pytest
from fixtures_support import cases
from unixfs.inputs import imported

from ipfs_comm.blockstore import MemoryBlockstore
from ipfs_comm.errors import IPFSCommError
from ipfs_comm.ipld import CID
from ipfs_comm.unixfs import exporter


def marked(area: str, name: str) -> list[Any]:
    """Return the cases, those that need much time or memory marked."""
    parameters = []
    for parameter in cases(area, name):
        case = parameter.values[0]
        marks = (
            [*parameter.marks, pytest.mark.heavy, pytest.mark.timeout(1800)]
            if case and case.get("heavy")
            else parameter.marks
        )
        parameters.append(pytest.param(case, id=parameter.id, marks=marks))
    return parameters


async def check(case: dict[str, Any], area: str) -> None:
    expect = case["expect"]
    async with MemoryBlockstore() as store:
        if "error" in expect:
            with pytest.raises(IPFSCommError, match=expect.get("errorContains")):
                await imported(case, store, area)
            return
        checked = False
        # A gigabyte is only hashed.
        root, made = await imported(case, store, area, only_hash=bool(case.get("heavy")))
        if "root" in expect:
            expected = CID.parse(expect["root"])
            # Some were shown as CIDv1 only on output, which their note says.
            assert expected == (root.cid.to_v1() if "upgrade in output only" in case.get("note", "") else root.cid)
            checked = True
        for path, cid in expect.get("entries", {}).items():
            assert CID.parse(cid) == made[path].cid
            checked = True
        if "multihash" in expect:
            assert root.cid.multihash.name == expect["multihash"]
            checked = True
        if "sameAs" in expect:
            changed = {**case, "params": {**case["params"], **expect["sameAs"]}}
            assert (await imported(changed, store, area))[0].cid == root.cid
            checked = True
        if "sortedCids" in expect:
            # A tree's listing: what one `add` of all paths prints.
            assert sorted(str(entry.cid) for entry in made.values()) == expect["sortedCids"]
            checked = True
        if "size" in expect:
            entry = root if "root" in expect else made[next(iter(expect["entries"]))]
            assert entry.size == expect["size"]
        if "cumulativeSize" in expect:
            assert root.size == expect["cumulativeSize"]
        if "blockSize" in expect:
            assert len(await store.get(root.cid)) == expect["blockSize"]
        if "rootType" in expect:
            found = await exporter.stat(store.get, root.cid)
            assert found.type == "directory"
            assert found.sharded == (expect["rootType"] == "hamt-sharded-directory")
        if "ls" in expect:
            await check_ls(store, root.cid, expect["ls"])
        assert checked


async def check_ls(store: MemoryBlockstore, root: CID, expected: Any) -> None:
    if isinstance(expected, list):
        assert await listing(store, root) == expected
        return
    for path, entries in expected.items():
        found = await exporter.resolve(store.get, root, [name for name in path.split("/") if name])
        assert [
            [name, None if kind == "dir" else size] for name, size, kind in await listing(store, found.cid)
        ] == entries


async def listing(store: MemoryBlockstore, cid: CID) -> list[list[Any]]:
    lines = []
    async for entry in exporter.ls(store.get, cid):
        stat = await exporter.stat(store.get, entry.cid)
        lines.append([entry.name, stat.size, "dir" if stat.type == "directory" else "file"])
    return lines


@pytest.mark.parametrize("case", marked("unixfs", "import_cases.json"))
async def test_an_import_has_the_cid_that_others_gave_it(case: dict[str, Any]) -> None:
    await check(case, "unixfs")


@pytest.mark.parametrize("case", marked("interface", "add_cases.json"))
async def test_an_add_has_the_cid_that_js_ipfs_gave_it(case: dict[str, Any]) -> None:
    await check(case, "interface")
