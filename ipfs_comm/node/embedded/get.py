"""``get``: a file or a whole tree, entry by entry, as a tree on disk, or as one archive."""

from __future__ import annotations

from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ipfs_comm.errors import InvalidInputError, NotUnixFSError
from ipfs_comm.node.api import CIDLike, GetEntry
from ipfs_comm.node.embedded.context import Context, Load, Target, target
from ipfs_comm.node.embedded.entries import find, kind, mode
from ipfs_comm.node.stream import Stream, Whole
from ipfs_comm.unixfs import exporter

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncGenerator, AsyncIterator

    from ipfs_comm.unixfs.exporter import WalkEntry
    from ipfs_comm.unixfs.to_disk import Symlinks


def get(
    context: Context,
    path: CIDLike,
    *,
    to: str | os.PathLike[str] | None = None,
    symlinks: Symlinks = "inside",
    archive: bool = False,
    compress: bool = False,
    compression_level: int | None = None,
    max_size: int | None = None,
    offline: bool = False,
    timeout: float | None = None,
) -> Stream[Any, Any]:
    """Stream a file or a tree; nothing of a file is read before its ``content`` is.

    Parameters
    ----------
    path : CID or path
    to : path, optional
        Write it to disk: this is what it becomes, and nothing may be there yet. Nothing appears there before it is
        whole. Names that would lead elsewhere, and symlinks that do, are errors; see `ipfs_comm.unixfs.to_disk.write`.
    symlinks : {"inside", "any"}
        With ``to``: whether symlinks that are absolute or lead out of the tree are made all the same.
    archive : bool
        The bytes of a TAR archive instead of entries.
    compress : bool
        Compressed by gzip: the archive, or without ``archive`` the bytes of one file.
    compression_level : int, optional
        -1 to 9.
    max_size : int, optional
        Most bytes of an archive, before and after it is compressed, of all entries, and of one entry's content, where
        that is awaited whole; 1 GiB where not given. With ``to`` most bytes of all files; as many as the disk has room
        for where not given. A small DAG can claim any number of bytes, and iterating over them has no other end than
        the consumer's.
    offline : bool
        Ask nobody else for blocks that are not here.
    timeout : float, optional
        Seconds for any one entry, and for any one chunk of a file.

    Returns
    -------
    Stream of GetEntry
        A directory comes before what is in it. With ``to`` the same, without content, as it is written; awaited whole
        the ``Path``. With ``archive`` or ``compress`` a stream of bytes.

    Raises
    ------
    InvalidInputError
        For options that cannot be meant together, and a level that is none.
    LimitError
        It is awaited whole, or written to disk, and larger than ``max_size``; with ``to`` nothing is left there then.
    NoSpaceError
        With ``to``: the disk is full, or has less room than the next file needs.
    """
    wanted = target(path, offline=offline)
    what = f"get of {wanted.text}"
    whole = Whole(max_size, what)
    if archive or compress or compression_level is not None:
        from ipfs_comm.unixfs.tar import checked_level

        level = checked_level(compression_level)
        if to is not None:
            raise InvalidInputError("get: to writes a tree, archive and compress make bytes: give one of them")
        if archive or compress:
            return Stream(
                lambda: _packed(context, wanted, archive, compress, level, whole),
                whole.bytes,
                timeout=timeout,
                what=what,
            )
    if to is not None:
        place = Path(to)

        async def written(entries: AsyncIterator[GetEntry]) -> Path:
            async for _ in entries:
                pass
            return place

        return Stream(lambda: _written(context, wanted, place, symlinks, max_size), written, timeout=timeout, what=what)
    return Stream(
        lambda: _entries(context, wanted, timeout, max_size),
        whole.list(lambda entry: len(entry.path) + len(entry.name)),
        timeout=timeout,
        what=what,
    )


def _name(wanted: Target) -> str:
    return wanted.segments[-1] if wanted.segments else str(wanted.root)


def _entry(entry: WalkEntry, name: str, content: Stream[bytes, bytes] | None) -> GetEntry:
    stat = entry.stat
    path = f"{name}/{entry.path}" if entry.path else name
    return GetEntry(entry.name or name, path, stat.cid, kind(stat), stat.size, mode(stat), stat.mtime, content)


async def _entries(
    context: Context, wanted: Target, timeout: float | None, max_size: int | None
) -> AsyncGenerator[GetEntry, None]:
    wanted = await context.settle(wanted)
    load = context.loader(wanted)
    root = await find(load, wanted)
    name = _name(wanted)
    async with aclosing(exporter.walk(load, root)) as found:
        async for entry in found:
            path = f"{name}/{entry.path}" if entry.path else name
            content = None
            if entry.stat.type != "directory":
                content = _content(load, entry, path, timeout, Whole(max_size, f"get of {path}"))
            yield _entry(entry, name, content)


def _content(load: Load, entry: WalkEntry, path: str, timeout: float | None, whole: Whole) -> Stream[bytes, bytes]:
    return Stream(lambda: _bytes(load, entry, whole), whole.bytes, timeout=timeout, what=f"get of {path}")


async def _bytes(load: Load, entry: WalkEntry, whole: Whole) -> AsyncGenerator[bytes, None]:
    whole.expect(entry.stat.size)
    async with aclosing(exporter.cat(load, entry.cid)) as pieces:
        async for piece in pieces:
            yield bytes(piece)


async def _written(
    context: Context, wanted: Target, place: Path, symlinks: Symlinks, max_size: int | None
) -> AsyncGenerator[GetEntry, None]:
    from ipfs_comm.unixfs import to_disk

    wanted = await context.settle(wanted)
    load = context.loader(wanted)
    root = await find(load, wanted)
    writing = to_disk.write(load, root, place, pool=context.disk, symlinks=symlinks, max_size=max_size)
    async with aclosing(writing) as written:
        async for entry in written:
            yield _entry(entry, _name(wanted), None)


async def _packed(
    context: Context, wanted: Target, archive: bool, compress: bool, level: int, whole: Whole
) -> AsyncGenerator[bytes, None]:
    from ipfs_comm.unixfs.tar import gzip, pack

    wanted = await context.settle(wanted)
    load = context.loader(wanted)
    root = await find(load, wanted)
    if archive:
        pieces = pack(load, root, _name(wanted), whole.expect)
    elif (stat := await exporter.stat(load, root)).type == "directory":
        raise NotUnixFSError(
            f"{wanted.text} is a directory, so the file is not regular and cannot be compressed: give archive=True too",
            code="ERR_IS_DIRECTORY",
            detail={"path": wanted.text},
        )
    else:
        whole.expect(stat.size)
        pieces = exporter.cat(load, root)
    if compress:
        pieces = cast("AsyncGenerator[bytes | memoryview, None]", gzip(pieces, context.pool, level))
    async with aclosing(pieces):
        async for piece in pieces:
            yield bytes(piece)
