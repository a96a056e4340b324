"""Files to DAGs: a stream is cut, hashed in parallel, laid out; memory does not grow with it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterable
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

from ipfs_comm.blockstore._pool import Pool
from ipfs_comm.errors import InvalidInputError
from ipfs_comm.ipld.codecs.dag_pb import PBLink
from ipfs_comm.unixfs import layout
from ipfs_comm.unixfs.builder import Builder, Made, written_mode
from ipfs_comm.unixfs.chunker import DEFAULT_SIZE, Chunk, Chunker, parse
from ipfs_comm.unixfs.format import Mtime, UnixFS
from ipfs_comm.unixfs.options import ImportOptions, Progress, Put

if TYPE_CHECKING:
    from ipfs_comm.ipld import CID

BytesLike = bytes | bytearray | memoryview


@runtime_checkable
class InPieces(Protocol):
    """Content that can be asked for pieces of a size, so that none has to be cut out of another."""

    def pieces(self, size: int) -> AsyncGenerator[bytes, None]:
        """Iterate over pieces of about `size` bytes."""
        ...


Content = BytesLike | Iterable[BytesLike] | AsyncIterable[BytesLike] | InPieces
_Leaves = list[tuple[Made, Chunk]]

#: Chunks are hashed together until there are this many bytes of them: a thread pays from about 64 KiB, and each batch
#: costs the loop a turn.
_BATCH: Final = 2 * 1024 * 1024
#: Batches that wait or are hashed for each thread: enough to go on with while a store writes.
_QUEUE: Final = 2
#: Less than this is hashed where it stands.
_INLINE_WORK: Final = 128 * 1024
#: Pieces given to a chunker that costs much, in bytes: what the loop waits for where there are no threads.
_SLOW_PIECE: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class ImportedFile:
    """What an import made.

    Attributes
    ----------
    cid : CID
    size : int
        Bytes of all blocks of the DAG, as links count them (a block that occurs twice counts twice).
    file_size : int
        Bytes of content.
    blocks : int
        Blocks of the DAG, counted likewise.
    mode : int or None
    mtime : Mtime or None
    """

    cid: CID
    size: int
    file_size: int
    blocks: int
    mode: int | None = None
    mtime: Mtime | None = None


async def import_file(
    content: Content,
    *,
    put: Put,
    options: ImportOptions | None = None,
    mode: int | None = None,
    mtime: Mtime | None = None,
    path: str = "",
    progress: Progress | None = None,
    pool: Pool | None = None,
) -> ImportedFile:
    """Make a UnixFS file of a stream of bytes (UnixFS v1, sections File and Layout).

    Parameters
    ----------
    content : bytes-like, or (async) iterable of bytes-like
        Pieces of any lengths. A piece may be changed by its owner once the next one is asked for.
    put : async callable
        Gets every block, children before parents; see `ipfs_comm.unixfs.options.Put`.
    options : ImportOptions, optional
    mode : int, optional
        Permission bits to write; none are written where not given.
    mtime : Mtime, optional
    path : str
        Told to `progress`, and named by errors.
    progress : callable, optional
        See `ipfs_comm.unixfs.options.Progress`.
    pool : Pool, optional
        Threads for hashing; where not given, some are started for a large file and ended with it.

    Returns
    -------
    ImportedFile

    Raises
    ------
    InvalidInputError
        A piece that is no bytes, or an option that cannot be meant.
    LimitError
        A chunk or an inline limit beyond what blocks may be.
    """
    chosen = resolved(options or ImportOptions(), described=mode is not None or mtime is not None)
    working = pool or Pool(2, "ipfs_comm-hash")
    try:
        made = await import_by(Builder(put, chosen), content, working, mode, mtime, path, progress)
    finally:
        if pool is None:
            working.close()
    return ImportedFile(made.cid, made.size, made.content, made.blocks, written_mode(mode), mtime)


def resolved(options: ImportOptions, *, described: bool) -> ImportOptions:
    """Return a file's options, resolved; one with a mode or a time has no raw leaves unless they are asked for."""
    return (replace(options, raw_leaves=False) if described and options.raw_leaves is None else options).resolved()


async def import_by(
    builder: Builder,
    content: Content,
    pool: Pool,
    mode: int | None = None,
    mtime: Mtime | None = None,
    path: str = "",
    progress: Progress | None = None,
) -> Made:
    """Make a file by a builder's options, which are `resolved` ones; parameters as for `import_file`."""
    chunker = parse(builder.options.chunker)
    return await _Import(builder, chunker, pool, written_mode(mode), mtime, path, progress).run(content)


async def import_leaves(content: Content, *, builder: Builder, pool: Pool) -> AsyncGenerator[Made, None]:
    """Cut content by the builder's chunker, and make and keep the leaves, in order; parameters as for `import_file`."""
    work = _Import(builder, parse(builder.options.chunker), pool, None, None, "", None)
    async with aclosing(work.chunks(content)) as chunks, aclosing(work.leaves((), chunks)) as leaves:
        async for made in leaves:
            yield made


class _Import:
    """One file on its way."""

    def __init__(
        self,
        builder: Builder,
        chunker: Chunker,
        pool: Pool,
        mode: int | None,
        mtime: Mtime | None,
        path: str,
        progress: Progress | None,
    ) -> None:
        self._builder = builder
        self._chunker = chunker
        self._pool = pool
        self._mode = mode
        self._mtime = mtime
        self._path = path
        self._progress = progress

    async def run(self, content: Content) -> Made:
        options = self._builder.options
        async with aclosing(self.chunks(content)) as chunks:
            first = await anext(chunks, None)
            if first is None:
                self._tell(0)
                return await self._empty()
            # Only the second chunk tells that the first is not the whole file, whose metadata it would carry.
            second = await anext(chunks, None)
            if second is None and options.reduce_single_leaf:
                made = await self._single(first)
                self._tell(made.content)
                return made
            begun = (first,) if second is None else (first, second)
            del first, second
            async with aclosing(self.leaves(begun, chunks)) as leaves:
                if options.layout == "trickle":
                    made_or_none = await layout.trickle(leaves, self._reduce, options.max_links)
                elif options.layout == "flat":
                    made_or_none = await layout.flat(leaves, self._reduce)
                else:
                    made_or_none = await layout.balanced(leaves, self._reduce, options.max_links)
        assert made_or_none is not None, "there was at least one leaf"
        return made_or_none

    def _tell(self, size: int) -> None:
        if self._progress is not None:
            self._progress(size, self._path)

    async def _empty(self) -> Made:
        options = self._builder.options
        if options.raw_leaves and options.reduce_single_leaf:
            return await self._single(b"")
        return await self._builder.node(UnixFS.file(mode=self._mode, mtime=self._mtime))

    async def _single(self, chunk: Chunk) -> Made:
        if self._mode is None and self._mtime is None:
            made, block = (
                self._builder.leaf(chunk)
                if len(chunk) < _INLINE_WORK
                else await self._pool.run(self._builder.leaf, chunk)
            )
            await self._builder.keep(made.cid, block)
            return made
        # A raw block has no place for metadata, so the file becomes a node that holds its data.
        message = UnixFS.file(bytes(chunk), mode=self._mode, mtime=self._mtime)
        return await self._builder.node(message, content=len(chunk))

    async def _reduce(self, children: list[Made], root: bool) -> Made:
        message = UnixFS.file(
            blocksizes=tuple(child.content for child in children),
            mode=self._mode if root else None,
            mtime=self._mtime if root else None,
        )
        links = [PBLink(child.cid, "", child.size) for child in children]
        return await self._builder.node(
            message,
            links,
            content=sum(child.content for child in children),
            blocks=sum(child.blocks for child in children),
        )

    async def chunks(self, content: Content) -> AsyncGenerator[Chunk, None]:
        chunker = self._chunker
        async with aclosing(pieces_of(content, chunker.wished)) as pieces:
            async for piece in pieces:
                if not chunker.slow:
                    for chunk in chunker.feed(piece):
                        yield chunk
                    continue
                view = memoryview(piece)
                for at in range(0, len(view), _SLOW_PIECE):
                    for chunk in await self._pool.run(_cut, chunker, view[at : at + _SLOW_PIECE]):
                        yield chunk
        for chunk in chunker.finish():
            yield chunk

    async def leaves(self, begun: tuple[Chunk, ...], chunks: AsyncIterator[Chunk]) -> AsyncGenerator[Made, None]:
        """Yield leaves in order; while one batch of blocks is put, the next are read and hashed."""
        keeping: asyncio.Task[list[Made]] | None = None
        try:
            async with aclosing(self._hashed(begun, chunks)) as batches:
                async for batch in batches:
                    kept = [] if keeping is None else await keeping
                    keeping = asyncio.create_task(self._kept(batch), name="ipfs_comm import: keep blocks")
                    for made in kept:
                        yield made
            if keeping is not None:
                for made in await keeping:
                    yield made
        finally:
            if keeping is not None and not keeping.done():
                keeping.cancel()
                await asyncio.wait({keeping})

    async def _hashed(self, begun: tuple[Chunk, ...], chunks: AsyncIterator[Chunk]) -> AsyncGenerator[_Leaves, None]:
        """Hash in batches, a few at a time; order is kept."""
        most = _QUEUE * self._pool.workers
        under_way: deque[asyncio.Future[_Leaves]] = deque()
        batch: list[Chunk] = []
        gathered = 0
        try:
            async for chunk in _chained(begun, chunks):
                batch.append(chunk)
                gathered += len(chunk)
                if gathered < _BATCH:
                    continue
                under_way.append(self._pool.submit(_make_leaves, self._builder, batch))
                batch, gathered = [], 0
                if len(under_way) >= most:
                    yield await under_way.popleft()
            while under_way:
                yield await under_way.popleft()
            if batch and gathered < _INLINE_WORK:
                yield _make_leaves(self._builder, batch)
            elif batch:
                yield await self._pool.run(_make_leaves, self._builder, batch)
        finally:
            for future in under_way:
                future.cancel()

    async def _kept(self, leaves: _Leaves) -> list[Made]:
        for made, block in leaves:
            await self._builder.keep(made.cid, block)
            self._tell(made.content)
        return [made for made, _ in leaves]


def _cut(chunker: Chunker, piece: Chunk) -> list[Chunk]:
    return list(chunker.feed(piece))


def _make_leaves(builder: Builder, chunks: list[Chunk]) -> _Leaves:
    return [builder.leaf(chunk) for chunk in chunks]


async def _chained(begun: tuple[Chunk, ...], chunks: AsyncIterator[Chunk]) -> AsyncGenerator[Chunk, None]:
    for chunk in begun:
        yield chunk
    async for chunk in chunks:
        yield chunk


async def pieces_of(content: Content, wished: int = DEFAULT_SIZE) -> AsyncGenerator[Chunk, None]:
    """Yield non-empty pieces that nobody changes any more; of a size that is wished, where the content can."""
    if isinstance(content, (bytes, bytearray, memoryview)):
        if len(content):
            yield _fixed(content)
    elif isinstance(content, InPieces):
        async with aclosing(content.pieces(wished)) as read:
            async for one in read:
                yield one
    elif isinstance(content, AsyncIterable):
        async for piece in content:
            if fixed := _fixed(piece):
                yield fixed
    elif isinstance(content, Iterable) and not isinstance(content, str):
        for piece in content:
            if fixed := _fixed(piece):
                yield fixed
    else:
        raise InvalidInputError(
            f"content of type {type(content).__name__} cannot be added: give bytes, or an (async) iterable of bytes"
        )


def _fixed(piece: object) -> Chunk:
    if type(piece) is bytes:
        return piece
    if isinstance(piece, str) or not hasattr(type(piece), "__len__"):
        raise InvalidInputError(f"a piece of type {type(piece).__name__} cannot be added: encode text, give bytes")
    try:
        view = memoryview(piece)  # type: ignore[arg-type]  # whether it is a buffer is what is being asked
    except TypeError:
        raise InvalidInputError(f"a piece of type {type(piece).__name__} cannot be added: give bytes") from None
    if type(view.obj) is bytes and view.c_contiguous:
        return view.cast("B")
    return view.tobytes()
