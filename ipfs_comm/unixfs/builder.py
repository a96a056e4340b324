"""Making blocks of a DAG: their CIDs by the import's options, and what a parent must know of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from ipfs_comm.errors import LimitError
from ipfs_comm.ipld import CID, multihash
from ipfs_comm.ipld.codecs.dag_pb import PBLink, PBNode, encode
from ipfs_comm.unixfs.format import MODE_BITS, varint
from ipfs_comm.unixfs.options import MAX_INLINE, ImportOptions, Put

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipfs_comm.unixfs.chunker import Chunk
    from ipfs_comm.unixfs.format import UnixFS

DAG_PB: Final = 0x70
RAW: Final = 0x55


class Made(NamedTuple):
    """A node as its parent sees it.

    CID, cumulative size of its DAG, bytes of file content below it, blocks of its DAG.
    """

    cid: CID
    size: int
    content: int
    blocks: int


class Builder:
    """Makes and keeps the blocks of one import.

    Parameters
    ----------
    put : async callable
        See `ipfs_comm.unixfs.options.Put`.
    options : ImportOptions
        Resolved.
    """

    def __init__(self, put: Put, options: ImportOptions) -> None:
        self.options = options
        self._put = put
        self._hash = "identity" if options.hash_alg == "id" else options.hash_alg

    def with_options(self, options: ImportOptions) -> Builder:
        """Return a builder that keeps its blocks in the same place, by other options (resolved)."""
        return Builder(self._put, options)

    def address(self, codec: int, block: Chunk) -> CID:
        """Return a block's CID; safe in any thread.

        Raises
        ------
        LimitError
            The hash is identity and the block too long for it.
        """
        options = self.options
        size = len(block)
        if options.inline_limit and size <= options.inline_limit:
            return CID.create(1, codec, multihash.digest(block, "identity"))
        if self._hash == "identity" and size > MAX_INLINE:
            raise LimitError(
                f"digest too large: a block of {size} bytes cannot be an identity CID (at most {MAX_INLINE}): "
                f"use hash_alg='sha2-256'",
                detail={"size": size, "limit": MAX_INLINE},
            )
        version = 1 if codec == RAW else options.cid_version
        return CID.create(version, codec, multihash.digest(block, self._hash))

    def leaf(self, chunk: Chunk) -> tuple[Made, Chunk]:
        """Return one chunk's leaf and its block, which is a view where nothing is kept; safe in any thread."""
        block: Chunk
        if self.options.raw_leaves:
            block = chunk if self.options.only_hash else bytes(chunk)
            cid = self.address(RAW, block)
        else:
            block = _leaf_block(chunk, b"\x02" if self.options.leaf_type == "file" else b"\x00")
            cid = self.address(DAG_PB, block)
        return Made(cid, len(block), len(chunk), 1), block

    async def keep(self, cid: CID, block: Chunk) -> None:
        """Put a block where blocks are kept, unless its CID holds it or nothing is to be kept."""
        if not self.options.only_hash and not cid.is_identity:
            await self._put(cid, bytes(block))

    async def node(self, message: UnixFS, links: Sequence[PBLink] = (), *, content: int = 0, blocks: int = 0) -> Made:
        """Make and keep one dag-pb node.

        Parameters
        ----------
        message : UnixFS
        links : sequence of PBLink
            Each with the cumulative size of what it leads to.
        content, blocks : int
            Bytes of content, and blocks, below the links.
        """
        block = encode(PBNode(links, message.encode()))
        cid = self.address(DAG_PB, block)
        await self.keep(cid, block)
        return Made(cid, len(block) + sum(link.tsize or 0 for link in links), content, blocks + 1)


def _leaf_block(chunk: Chunk, number: bytes) -> bytes:
    """Return the dag-pb block of a UnixFS leaf; by hand, since it is made for every chunk of a stream."""
    size = len(chunk)
    length = varint(size)
    head = b"\x08" + number + (b"\x12" + length if size else b"")
    tail = b"\x18" + length
    return b"".join((b"\x0a", varint(len(head) + size + len(tail)), head, chunk, tail))


def written_mode(mode: int | None) -> int | None:
    """Return the mode to write: what was given, as Kubo does, its permission bits only."""
    return None if mode is None else mode & MODE_BITS
