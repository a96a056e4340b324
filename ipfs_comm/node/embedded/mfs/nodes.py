"""Directories of the MFS that were read or made last: calls that follow each other go through the same few."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from ipfs_comm.unixfs._links import Links
from ipfs_comm.unixfs._reader import Node, Reader
from ipfs_comm.unixfs.builder import DAG_PB, Builder, Made
from ipfs_comm.unixfs.format import UnixFS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipfs_comm.ipld import CID
    from ipfs_comm.ipld.codecs.dag_pb import PBLink
    from ipfs_comm.unixfs.options import ImportOptions, Load, Put

#: Bytes of blocks whose nodes are held; in memory these take about six times as much.
MAX_BYTES: Final = 1 << 20


class Nodes:
    """Directories by their CIDs, those that were not used for the longest time forgotten first."""

    def __init__(self) -> None:
        self._held: OrderedDict[CID, Node] = OrderedDict()
        self._size = 0

    def get(self, cid: CID) -> Node | None:
        """Return a node that is held, or None."""
        node = self._held.get(cid)
        if node is not None:
            self._held.move_to_end(cid)
        return node

    def hold(self, node: Node) -> None:
        """Hold a node, if it is a directory."""
        if node.message is None or not node.message.is_directory or node.cid in self._held:
            return
        self._held[node.cid] = node
        self._size += node.block_size
        while self._size > MAX_BYTES:
            self._size -= self._held.popitem(last=False)[1].block_size


class HoldingReader(Reader):
    """A reader that holds the directories it has read."""

    def __init__(self, load: Load, nodes: Nodes) -> None:
        super().__init__(load)
        # Node by node: some are held.
        self.many = None
        self._nodes = nodes

    async def node(self, cid: CID) -> Node:
        """Return a node, one that is held without loading it."""
        node = self._nodes.get(cid)
        if node is None:
            node = await super().node(cid)
            self._nodes.hold(node)
        return node


class HoldingBuilder(Builder):
    """A builder that holds the directories it has made."""

    def __init__(self, put: Put, options: ImportOptions, nodes: Nodes) -> None:
        super().__init__(put, options)
        self._nodes = nodes

    def with_options(self, options: ImportOptions) -> HoldingBuilder:
        """Return a builder that keeps its blocks in the same place, by other options."""
        return HoldingBuilder(self._put, options, self._nodes)

    async def node(self, message: UnixFS, links: Sequence[PBLink] = (), *, content: int = 0, blocks: int = 0) -> Made:
        """Make and keep one dag-pb node."""
        if not message.is_directory:
            return await super().node(message, links, content=content, blocks=blocks)
        data = message.encode()
        ordered = Links.of(links)
        block = ordered.block(data)
        cid = self.address(DAG_PB, block)
        await self.keep(cid, block)
        self._nodes.hold(Node(cid, len(block), UnixFS.decode(data), b"", ordered))
        return Made(cid, len(block) + ordered.tsizes, content, blocks + 1)
