"""The contract of the namespace ``object``: dag-pb nodes by themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ipfs_comm.errors import CodecError, NoLinkError
from ipfs_comm.ipld.codecs.dag_pb import PBLink, PBNode

if TYPE_CHECKING:
    from ipfs_comm.node.api import Node

__all__ = ["ObjectContract"]


class ObjectContract:
    """Tests of ``object`` and ``object.patch``; a subclass gives the fixture ``node``."""

    async def test_new_nodes_are_empty(self, node: Node) -> None:
        assert str(await node.object.new()) == "QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n"
        assert str(await node.object.new("unixfs-dir")) == "QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn"

    async def test_a_node_comes_back_with_its_data_and_links(self, node: Node) -> None:
        leaf = await node.object.put(b"leaf")
        root = await node.object.put(PBNode([PBLink(leaf, "to it", 6)], b"root"))
        assert await node.object.get(root) == PBNode([PBLink(leaf, "to it", 6)], b"root")
        assert await node.object.data(root) == b"root"
        assert [link.name for link in await node.object.links(root)] == ["to it"]
        stat = await node.object.stat(root)
        assert (stat.hash, stat.num_links, stat.data_size) == (root, 1, 4)
        assert stat.block_size == stat.links_size + stat.data_size == stat.cumulative_size - 6

    async def test_a_patch_makes_another_node(self, node: Node) -> None:
        leaf = await node.object.put(b"leaf")
        root = await node.object.put(b"root")
        linked = await node.object.patch.add_link(root, {"Hash": leaf, "Name": "a", "Tsize": 6})
        longer = await node.object.patch.append_data(linked, b" and more")
        other = await node.object.patch.set_data(longer, b"other")
        assert [await node.object.data(cid) for cid in (root, linked, longer, other)] == [
            b"root",
            b"root",
            b"root and more",
            b"other",
        ]
        unlinked = await node.object.patch.rm_link(linked, "a")
        assert await node.object.get(unlinked) == await node.object.get(root)
        with pytest.raises(NoLinkError):
            await node.object.patch.rm_link(root, "a")

    async def test_what_is_no_dag_pb_is_no_object(self, node: Node) -> None:
        cid = await node.dag.put({"a": 1})
        with pytest.raises(CodecError):
            await node.object.get(cid)
