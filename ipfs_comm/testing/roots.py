"""The contract of what a repository keeps: pins, references, garbage collection."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ipfs_comm.errors import InvalidInputError, NotFoundError
from ipfs_comm.testing.differences import Differing

if TYPE_CHECKING:
    from ipfs_comm.ipld import CID
    from ipfs_comm.node.api import Node

__all__ = ["RootsContract"]


async def _pins(node: Node) -> dict[CID, str]:
    return {entry.cid: entry.type async for entry in node.pin.ls()}


class RootsContract(Differing):
    """Tests of ``pin``, ``refs`` and ``repo``; a subclass gives the fixture ``node``, an empty one."""

    async def test_a_pin_keeps_what_is_under_it(self, node: Node) -> None:
        leaf = await node.dag.put({"leaf": 1})
        root = await node.dag.put({"link": leaf})
        assert await node.pin.add(root, name="mine") == root
        assert await _pins(node) == {root: "recursive", leaf: "indirect"}
        (entry,) = await node.pin.ls(root)
        assert entry.name == "mine"
        assert await node.pin.rm(root) == root
        assert await _pins(node) == {}
        with pytest.raises(NotFoundError, match="not pinned"):
            await node.pin.rm(root)

    async def test_what_is_added_is_pinned_under_a_name(self, node: Node) -> None:
        added = await node.add(b"named", pin_name="mine")
        (entry,) = await node.pin.ls(added.cid)
        assert (entry.type, entry.name) == ("recursive", "mine")
        with pytest.raises(InvalidInputError, match="pin=True"):
            await node.add(b"named", pin=False, pin_name="mine")

    async def test_more_than_a_name_is_kept_with_a_pin(self, node: Node) -> None:
        root = await node.dag.put({"leaf": 1})
        with self.unless("pin metadata"):
            assert await node.pin.add(root, name="mine", metadata={"a": 1}) == root
            (entry,) = await node.pin.ls(root)
            assert (entry.name, entry.metadata) == ("mine", {"a": 1})

    async def test_a_direct_pin_keeps_one_block(self, node: Node) -> None:
        root = await node.dag.put({"link": await node.dag.put({"leaf": 1})})
        await node.pin.add(root, recursive=False)
        assert await _pins(node) == {root: "direct"}
        await node.pin.add(root)
        with pytest.raises(InvalidInputError, match="already pinned recursively"):
            await node.pin.add(root, recursive=False)

    async def test_many_are_pinned_and_unpinned_in_their_order(self, node: Node) -> None:
        cids = [await node.dag.put({"number": number}) for number in range(5)]
        assert await node.pin.add_all(cids) == cids
        assert set(await _pins(node)) == set(cids)
        assert await node.pin.rm_all({"cid": cid} for cid in cids[:4]) == cids[:4]
        assert set(await _pins(node)) == {cids[4]}

    async def test_a_pin_moves_with_its_name(self, node: Node) -> None:
        old, new = [await node.dag.put({"version": version}) for version in (1, 2)]
        await node.pin.add(old, name="mine")
        assert await node.pin.update(old, new) == new
        assert [(entry.cid, entry.name) for entry in await node.pin.ls()] == [(new, "mine")]

    async def test_garbage_is_what_nothing_keeps(self, node: Node) -> None:
        kept = await node.dag.put({"kept": await node.dag.put({"leaf": 1})}, pin=True)
        garbage = await node.dag.put({"garbage": 1})
        removed = {result.cid.multihash for result in await node.repo.gc()}
        assert garbage.multihash in removed
        assert (await node.dag.get(kept, path="kept/leaf")).value == 1
        with pytest.raises(NotFoundError):
            await node.dag.get(garbage, offline=True)

    async def test_references_are_told_by_depth_and_by_edge(self, node: Node) -> None:
        leaf = await node.dag.put({"leaf": 1})
        inner = await node.dag.put({"a": leaf, "b": leaf})
        root = await node.dag.put([inner])
        assert [entry.ref for entry in await node.refs(root)] == [str(inner)]
        told = [entry.ref for entry in await node.refs(root, recursive=True)]
        assert told == [str(inner), str(leaf), str(leaf)]
        assert [entry.ref for entry in await node.refs(root, recursive=True, unique=True)] == told[:2]
        assert (await node.refs(inner, edges=True))[0].ref == f"{inner} -> {leaf}"
        held = {entry.ref async for entry in node.refs.local()}
        assert len(held) >= 3

    async def test_a_repository_is_counted_and_whole(self, node: Node) -> None:
        await node.dag.put({"a": 1})
        stat = await node.repo.stat()
        assert stat.num_objects >= 1
        assert stat.repo_size > 0
        assert stat.version == await node.repo.version()
        assert await node.repo.verify() == []
