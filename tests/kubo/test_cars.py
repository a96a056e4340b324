"""A CAR that one of the two exports is imported by the other, and is the same to the byte."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given, settings
from kubo.trees import Plan, Tree, by_kubo, by_us, plans, trees
from kubo_support import FACTOR

from ipfs_comm import open_node
from ipfs_comm.blockstore import MemoryBlockstore
from ipfs_comm.ipld import CID
from ipfs_comm.ipld.car import CarReader

if TYPE_CHECKING:
    from kubo_support import Daemon


@settings(max_examples=30 * FACTOR)
@given(plan=plans(), tree=trees())
async def test_what_kubo_exports_holds_the_blocks_that_we_make(kubo: Daemon, plan: Plan, tree: Tree) -> None:
    cid, _ = by_kubo(kubo, {"tree": tree}, plan)["tree"]
    reader = await CarReader.open(kubo.call("dag/export", str(cid), progress=False))
    exported = {cid: block async for cid, block in reader.blocks()}
    assert reader.roots == (cid,)
    async with MemoryBlockstore() as store:
        await by_us({"tree": tree}, plan, store.put)
        for found, block in exported.items():
            assert found.is_identity or await store.get(found) == block


@settings(max_examples=30 * FACTOR)
@given(plan=plans(), tree=trees())
async def test_both_export_the_same_bytes_and_import_what_the_other_exports(
    kubo: Daemon, plan: Plan, tree: Tree
) -> None:
    cid, _ = by_kubo(kubo, {"tree": tree}, plan)["tree"]
    theirs = kubo.call("dag/export", str(cid), progress=False)
    async with open_node(repo=":memory:") as node:
        imported = await node.dag.import_(theirs)
        assert [result.root.cid for result in imported if result.root] == [cid]
        ours = await node.dag.export(cid)
        assert ours == theirs
    lines = kubo.lines("dag/import", files=[ours])
    assert [CID.parse(line["Root"]["Cid"]["/"]) for line in lines if line.get("Root")] == [cid]
