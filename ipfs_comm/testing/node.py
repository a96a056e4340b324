"""The contract of a node: whatever offers the core API passes all of it, and nothing of the core API is left out.

Use it from pytest (with pytest-asyncio)::

    class TestMine(NodeContract):
        @pytest.fixture
        async def node(self):
            async with open_node(repo=":memory:") as node:
                yield node

It is made of contracts for one part each, for implementations that have that part alone: `ClientContract` (what a
client over a message port has too), `TreeContract`, `DagContract`, `ObjectContract`, `FilesContract`, `RootsContract`,
`PinRemoteContract`, `NamesContract` and `NetworkContract`. That every verb of ``ipfs_comm.node.api`` is called
somewhere in it is tested by name; see ``ipfs_comm.testing.verbs``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfs_comm.node.api import File
from ipfs_comm.testing.client import ClientContract
from ipfs_comm.testing.dag import DagContract
from ipfs_comm.testing.files import FilesContract
from ipfs_comm.testing.names import NamesContract
from ipfs_comm.testing.network import NetworkContract
from ipfs_comm.testing.object import ObjectContract
from ipfs_comm.testing.pin_remote import PinRemoteContract
from ipfs_comm.testing.roots import RootsContract
from ipfs_comm.testing.trees import TreeContract

if TYPE_CHECKING:
    from ipfs_comm.node.api import Node

__all__ = ["NodeContract"]


class NodeContract(
    ClientContract,
    TreeContract,
    DagContract,
    ObjectContract,
    FilesContract,
    RootsContract,
    PinRemoteContract,
    NamesContract,
    NetworkContract,
):
    """Tests of the whole core API; a subclass gives the fixture ``node``: a fresh one, that may be written to.

    What a kind of node cannot do as the embedded one does is named in ``differences``, with the reason; see
    ``ipfs_comm.testing.differences``.
    """

    async def test_get_streams_a_tree_parents_first(self, node: Node) -> None:
        root = (await node.add_all([File("d/a", b"aaa"), File("d/s/b", b"b")]))[-1].cid
        got = {e.path: await e.content if e.content is not None else None async for e in node.get(root)}
        assert got == {f"{root}": None, f"{root}/a": b"aaa", f"{root}/s": None, f"{root}/s/b": b"b"}

    async def test_a_node_tells_its_version(self, node: Node) -> None:
        assert (await node.version()).version
        assert (await node.id()).agent_version.startswith(("ipfs_comm/", "kubo/"))
