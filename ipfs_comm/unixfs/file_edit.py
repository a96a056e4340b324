"""Files changed in place: overwritten from a byte on, appended to, emptied; only the touched part of the tree is read.

The shapes are Kubo's: bytes that are there are replaced in their leaves, what goes beyond them is appended as new
leaves in the trickle layout, a gap is filled with leaves of 4096 zero bytes, and a truncated file keeps one empty leaf.
A node that changes keeps the CID version and hash that it had, unless others are asked for.
"""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from ipfs_comm._shown import shown
from ipfs_comm.errors import LimitError, NotUnixFSError
from ipfs_comm.ipld.codecs.dag_pb import PBLink
from ipfs_comm.unixfs.builder import RAW, Made, written_mode
from ipfs_comm.unixfs.format import UnixFS
from ipfs_comm.unixfs.importer import import_leaves
from ipfs_comm.unixfs.layout import LAYER_REPEAT
from ipfs_comm.unixfs.options import MAX_INLINE

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from ipfs_comm.blockstore._pool import Pool
    from ipfs_comm.ipld import CID
    from ipfs_comm.unixfs._reader import Node, Reader
    from ipfs_comm.unixfs.builder import Builder
    from ipfs_comm.unixfs.format import Mtime
    from ipfs_comm.unixfs.source import Source

#: The deepest tree that is changed; a trickle tree of 2^63 bytes is not half as deep.
MAX_DEPTH: Final = 256
#: Bytes of a leaf that fills a gap: small, so that it is shared, and Kubo's.
GAP_LEAF: Final = 4096
#: The widest gap that is filled, in bytes: a million leaves.
MAX_GAP: Final = 4 << 30


@dataclass(slots=True)
class _Branch:
    """A node whose children change."""

    message: UnixFS
    links: list[PBLink] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)

    def add(self, child: Made) -> None:
        self.links.append(PBLink(child.cid, "", child.size))
        self.sizes.append(child.content)

    def replace(self, index: int, child: Made) -> None:
        self.links[index] = PBLink(child.cid, self.links[index].name, child.size)
        self.sizes[index] = child.content

    async def close(self, builder: Builder) -> Made:
        size = sum(self.sizes) + len(self.message.data or b"")
        message = replace(self.message, blocksizes=tuple(self.sizes), filesize=size)
        return await builder.node(message, self.links, content=size)


class _Leaves:
    """Leaves still to be placed, and whether there are any."""

    def __init__(self, leaves: AsyncIterator[Made]) -> None:
        self._leaves = leaves
        self._next: Made | None = None

    async def start(self) -> None:
        self._next = await anext(self._leaves, None)

    @property
    def more(self) -> bool:
        return self._next is not None

    async def take(self) -> Made:
        found = self._next
        assert found is not None, "asked for without looking at `more`"
        self._next = await anext(self._leaves, None)
        return found


class FileEditor:
    """Changes files; every change returns the new root and leaves the old one as it was.

    Parameters
    ----------
    reader : Reader
    builder : Builder
        Its options have CID version, hash, chunker, ``raw_leaves``, ``leaf_type`` and ``max_links`` of what is new.
    pool : Pool
        Threads for hashing.
    restate : bool
        Nodes that change take on the builder's CID version and hash too.
    """

    def __init__(self, reader: Reader, builder: Builder, pool: Pool, *, restate: bool = False) -> None:
        self._reader = reader
        self._builder = builder
        self._pool = pool
        self._restate = restate

    async def open(self, cid: CID) -> Node:
        """Return a file's root.

        Raises
        ------
        NotUnixFSError
            It is no file, or no valid one.
        """
        node = await self._reader.node(cid)
        _check(node)
        return node

    async def emptied(self, cid: CID) -> Made:
        """Return a file cut to no bytes: its first leaf, and the nodes above it, stay."""
        return await self._emptied(await self.open(cid), 0)

    async def _emptied(self, node: Node, depth: int) -> Made:
        _limit(node, depth)
        message = node.message
        if message is None:
            return await self._raw(node, b"")
        branch = _branch(node)
        if message.data is not None:
            branch.message = replace(message, data=b"")
        builder = self._like(node)
        if not branch.links and not self._restate:
            # A leaf that is cut is written in the oldest form, whatever it was.
            builder = builder.with_options(replace(builder.options, cid_version=0, hash_alg="sha2-256", inline_limit=0))
        for index, size in enumerate(branch.sizes):
            if size:
                child = await self._child(node, index)
                del branch.links[index + 1 :], branch.sizes[index + 1 :]
                branch.replace(index, await self._emptied(child, depth + 1))
                break
        return await branch.close(builder)

    async def overwritten(self, cid: CID, at: int, source: Source) -> Made:
        """Replace the bytes of a file from ``at`` on, as far as the file or the source goes."""
        return await self._overwritten(await self.open(cid), at, source, 0)

    async def _overwritten(self, node: Node, at: int, source: Source, depth: int) -> Made:
        _limit(node, depth)
        data = node.data
        if at < len(data):
            piece = await source.take(len(data) - at)
            data = b"".join((data[:at], piece, data[at + len(piece) :]))
        message = node.message
        if message is None:
            return await self._raw(node, data)
        branch = _branch(node)
        if data:
            branch.message = replace(message, data=data)
        begin = len(data)
        for index, size in enumerate(branch.sizes):
            if begin + size > at:
                if await source.done():
                    break
                child = await self._child(node, index)
                branch.replace(index, await self._overwritten(child, max(at - begin, 0), source, depth + 1))
            begin += size
        return await branch.close(self._like(node))

    async def _child(self, node: Node, index: int) -> Node:
        """Load a child, which must be as long as its parent says."""
        assert node.message is not None, "a raw block has no children"
        child = await self._reader.node(node.links[index].hash)
        _check(child)
        if child.content_size != node.message.blocksizes[index]:
            raise NotUnixFSError(
                f"{node.cid} lies about its sizes: {child.cid} holds {child.content_size} bytes where "
                f"{node.message.blocksizes[index]} were claimed",
                detail={"cid": str(child.cid)},
            )
        return child

    async def _raw(self, node: Node, data: bytes) -> Made:
        cid = self._like(node).address(RAW, data)
        await self._builder.keep(cid, data)
        return Made(cid, len(data), len(data), 1)

    def _like(self, node: Node) -> Builder:
        """Return the maker of what a node becomes; one inside its CID stays there as long as it fits."""
        if self._restate:
            return self._builder
        options, cid = self._builder.options, node.cid
        if cid.is_identity:
            return self._builder.with_options(replace(options, inline_limit=MAX_INLINE))
        return self._builder.with_options(
            replace(options, cid_version=cid.version, hash_alg=cid.multihash.name, inline_limit=0)
        )

    async def appended(self, cid: CID, source: Source) -> Made:
        """Add all that is left in a source to the end of a file."""
        root = await self.open(cid)
        async with (
            aclosing(source.rest()) as content,
            aclosing(import_leaves(content, builder=self._beside(root), pool=self._pool)) as leaves,
        ):
            return await self._grown(root, leaves)

    async def widened(self, cid: CID, gap: int) -> Made:
        """Add zero bytes to the end of a file.

        Raises
        ------
        LimitError
            They are more than `MAX_GAP`.
        """
        if gap > MAX_GAP:
            raise LimitError(
                f"a gap of {shown(gap)} bytes before what is written: at most {MAX_GAP} are filled with zeros; write "
                "in between, or nearer to the end",
                detail={"limit": MAX_GAP},
            )
        root = await self.open(cid)
        async with aclosing(self._zeros(gap, self._beside(root))) as leaves:
            return await self._grown(root, leaves)

    def _beside(self, root: Node) -> Builder:
        """Return the maker of leaves to be added to a file: raw ones where it is a raw block itself, as in Kubo."""
        raw = root.message is None or self._builder.options.raw_leaves
        return self._builder.with_options(replace(self._builder.options, raw_leaves=raw))

    async def _zeros(self, gap: int, builder: Builder) -> AsyncGenerator[Made, None]:
        whole, rest = divmod(gap, GAP_LEAF)
        for count, size in ((whole, GAP_LEAF), (1 if rest else 0, rest)):
            if count:
                made, block = builder.leaf(bytes(size))
                await builder.keep(made.cid, block)
                for _ in range(count):
                    yield made

    async def _grown(self, root: Node, leaves: AsyncIterator[Made]) -> Made:
        if root.message is None:
            # A raw block has no place for links: it becomes the first leaf.
            branch = _Branch(UnixFS.file())
            branch.add(Made(root.cid, root.block_size, root.content_size, 1))
        else:
            branch = _branch(root)
        waiting = _Leaves(leaves)
        await waiting.start()
        await self._fill(branch, None, waiting, 0)
        return await branch.close(self._builder if root.message is None else self._like(root))

    async def _fill(self, branch: _Branch, layers: int | None, leaves: _Leaves, depth: int) -> None:
        """Place leaves below a node as the trickle layout does, from where it was left; all of them below the root.

        A node has `max_links` leaves, then four subtrees of each depth; ``layers`` is the node's own depth, None for
        the root.
        """
        if depth > MAX_DEPTH:
            raise LimitError(f"the file's tree is more than {MAX_DEPTH} levels deep, which no honest file's is")
        direct = self._builder.options.max_links
        while leaves.more and len(branch.links) < direct:
            branch.add(await leaves.take())
        if leaves.more and len(branch.links) > direct:
            last = await self._reader.node(branch.links[-1].hash)
            _check(last)
            if last.links:
                below = _branch(last)
                await self._fill(below, _layer(len(branch.links) - 1 - direct), leaves, depth + 1)
                branch.replace(-1, await below.close(self._like(last)))
        while leaves.more:
            layer = _layer(len(branch.links) - direct)
            if layers is not None and layer >= layers:
                return
            below = _Branch(UnixFS.file())
            await self._fill(below, layer, leaves, depth + 1)
            branch.add(await below.close(self._builder))

    async def finished(
        self, cid: CID, *, mode: int | None = None, mtime: Mtime | None = None, reduce: bool | None = None
    ) -> Made:
        """Return a file in its final form.

        Parameters
        ----------
        cid : CID
        mode, mtime
            Written into the root where given, else as they are.
        reduce : bool, optional
            Whether a root with one leaf becomes that leaf. Where not given, as Kubo does: where the leaf is raw and
            the root says nothing else.
        """
        root = await self.open(cid)
        if root.message is None:
            if mode is None and mtime is None:
                return Made(root.cid, root.block_size, root.content_size, 1)
            message = UnixFS.file(root.data, mode=written_mode(mode), mtime=mtime)
            return await self._builder.node(message, content=root.content_size)
        branch = _branch(root)
        branch.message = replace(
            root.message,
            mode=root.message.mode if mode is None else written_mode(mode),
            mtime=root.message.mtime if mtime is None else mtime,
        )
        if reduce is not False and len(branch.links) == 1 and not root.data:
            reduced = await self._reduced(branch, root, everything=reduce is True)
            if reduced is not None:
                return reduced
        return await branch.close(self._like(root))

    async def _reduced(self, branch: _Branch, root: Node, *, everything: bool) -> Made | None:
        plain = branch.message.mode is None and branch.message.mtime is None
        link = branch.links[0]
        if link.hash.code == RAW and plain and (everything or self._builder.options.raw_leaves):
            return Made(link.hash, link.tsize or branch.sizes[0], branch.sizes[0], 1)
        if not everything:
            return None
        leaf = await self._child(root, 0)
        if leaf.links:
            return None
        message = UnixFS.file(leaf.data, mode=branch.message.mode, mtime=branch.message.mtime)
        return await self._builder.node(message, content=len(leaf.data))


def _layer(index: int) -> int:
    """Return the depth of the subtree at a place after a node's leaves."""
    return index // LAYER_REPEAT + 1


def _branch(node: Node) -> _Branch:
    assert node.message is not None, "a raw block has no children"
    return _Branch(node.message, list(node.links), list(node.message.blocksizes))


def _check(node: Node) -> None:
    message = node.message
    if message is None:
        return
    if message.type not in ("file", "raw"):
        raise NotUnixFSError(
            f"{node.cid} is not a file but a {message.type}", code="ERR_NOT_FILE", detail={"cid": str(node.cid)}
        )
    if len(message.blocksizes) != len(node.links):
        raise NotUnixFSError(
            f"{node.cid} is no valid file: {len(message.blocksizes)} block sizes, {len(node.links)} links",
            detail={"cid": str(node.cid)},
        )


def _limit(node: Node, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise LimitError(
            f"{node.cid} lies more than {MAX_DEPTH} levels deep in its file, which no honest file is",
            detail={"cid": str(node.cid), "limit": MAX_DEPTH},
        )
