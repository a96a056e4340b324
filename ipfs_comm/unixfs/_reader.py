"""Reading single nodes: from a CID to what UnixFS makes of its block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ipfs_comm.errors import CodecError, NotUnixFSError
from ipfs_comm.ipld.codecs import dag_pb
from ipfs_comm.unixfs.builder import DAG_PB, RAW
from ipfs_comm.unixfs.format import UnixFS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipfs_comm.ipld import CID
    from ipfs_comm.unixfs.options import Load, Many


@dataclass(frozen=True, slots=True)
class Node:
    """One node of a UnixFS DAG.

    Attributes
    ----------
    cid : CID
    block_size : int
        Bytes of its block.
    message : UnixFS or None
        None for a raw block.
    data : bytes
        Content in the node itself.
    links : sequence of PBLink
    """

    cid: CID
    block_size: int
    message: UnixFS | None
    data: bytes
    links: Sequence[dag_pb.PBLink]

    @property
    def content_size(self) -> int:
        """Bytes of content at and below this node, as the node itself says."""
        return len(self.data) if self.message is None else self.message.content_size

    @property
    def cumulative_size(self) -> int:
        """Bytes of all blocks of the DAG, as the node itself says."""
        return self.block_size + sum(link.tsize or 0 for link in self.links)


class Reader:
    """Loads blocks; those that a CID holds itself are never asked for.

    Parameters
    ----------
    load : async callable
        See `ipfs_comm.unixfs.options.Load`.
    """

    def __init__(self, load: Load) -> None:
        self._load = load
        #: Returns of several blocks those that are at hand, if the loader can do that.
        self.many: Many | None = getattr(load, "many", None)

    async def block(self, cid: CID) -> bytes:
        """Return a block's bytes."""
        return cid.block_inside() if cid.is_identity else await self._load(cid)

    async def node(self, cid: CID) -> Node:
        """Return a node.

        Raises
        ------
        NotUnixFSError
            The block is neither raw nor a dag-pb node with a UnixFS message.
        NotFoundError
            Nobody has the block.
        """
        return parse(cid, await self.block(cid))


def parse(cid: CID, block: bytes) -> Node:
    """Return the node that a block holds; raises NotUnixFSError."""
    if cid.code == RAW:
        return Node(cid, len(block), None, block, ())
    if cid.code != DAG_PB:
        raise NotUnixFSError(
            f"{cid} has codec {cid.codec} ({cid.code:#x}), which holds no file and no directory: read it with dag.get",
            detail={"cid": str(cid), "codec": cid.codec},
        )
    try:
        links, data = dag_pb.decode(block)
        if data is None:
            raise NotUnixFSError("it has no Data")
        message = UnixFS.decode(data)
    except (CodecError, NotUnixFSError) as error:
        raise NotUnixFSError(f"{cid} is neither a file nor a directory: {error}", detail={"cid": str(cid)}) from error
    content = b"" if message.is_directory or message.data is None else message.data
    return Node(cid, len(block), message, content, links)
