"""``get``: a file or a whole tree, entry by entry, as a tree on disk, or as one archive."""

from __future__ import annotations

from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ipfs_comm.errors import InvalidInputError, NotUnixFSError
from ipfs_comm.node.api import CIDLike, GetEntry
from ipfs_comm.node.embedded.context import Context, Load, Target, target
from ipfs_comm.node.embedded.entries import find, kind, mode
from ipfs_comm.node.stream import Stream, as_bytes, as_list
from ipfs_comm.unixfs import exporter

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncGenerator, AsyncIterator

    from ipfs_comm.ipld import CID
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
    """
    wanted = target(path, offline=offline)
    what = f"get of {wanted.text}"
    if archive or compress or compression_level is not None:
        from ipfs_comm.unixfs.tar import checked_level

        level = checked_level(compression_level)
        if to is not None:
            raise InvalidInputError("get: to writes a tree, archive and compress make bytes: give one of them")
        if archive or compress:
            return Stream(
                lambda: _packed(context, wanted, archive, compress, level), as_bytes, timeout=timeout, what=what
            )
    if to is not None:
        place = Path(to)

        async def written(entries: AsyncIterator[GetEntry]) -> Path:
            async for _ in entries:
                pass
            return place

        return Stream(lambda: _written(context, wanted, place, symlinks), written, timeout=timeout, what=what)
    return Stream(lambda: _entries(context, wanted, timeout), as_list, timeout=timeout, what=what)


def _name(wanted: Target) -> str:
    return wanted.segments[-1] if wanted.segments else str(wanted.root)


def _entry(entry: WalkEntry, name: str, content: Stream[bytes, bytes] | None) -> GetEntry:
    stat = entry.stat
    path = f"{name}/{entry.path}" if entry.path else name
    return GetEntry(entry.name or name, path, stat.cid, kind(stat), stat.size, mode(stat), stat.mtime, content)


async def _entries(context: Context, wanted: Target, timeout: float | None) -> AsyncGenerator[GetEntry, None]:
    wanted = await context.settle(wanted)
    load = context.loader(wanted)
    root = await find(load, wanted)
    name = _name(wanted)
    async with aclosing(exporter.walk(load, root)) as found:
        async for entry in found:
            path = f"{name}/{entry.path}" if entry.path else name
            content = None if entry.stat.type == "directory" else _content(load, entry.cid, path, timeout)
            yield _entry(entry, name, content)


def _content(load: Load, cid: CID, path: str, timeout: float | None) -> Stream[bytes, bytes]:
    return Stream(lambda: _bytes(load, cid), as_bytes, timeout=timeout, what=f"get of {path}")


async def _bytes(load: Load, cid: CID) -> AsyncGenerator[bytes, None]:
    async with aclosing(exporter.cat(load, cid)) as pieces:
        async for piece in pieces:
            yield bytes(piece)


async def _written(context: Context, wanted: Target, place: Path, symlinks: Symlinks) -> AsyncGenerator[GetEntry, None]:
    from ipfs_comm.unixfs import to_disk

    wanted = await context.settle(wanted)
    load = context.loader(wanted)
    root = await find(load, wanted)
    async with aclosing(to_disk.write(load, root, place, pool=context.pool, symlinks=symlinks)) as written:
        async for entry in written:
            yield _entry(entry, _name(wanted), None)


async def _packed(
    context: Context, wanted: Target, archive: bool, compress: bool, level: int
) -> AsyncGenerator[bytes, None]:
    from ipfs_comm.unixfs.tar import gzip, pack

    wanted = await context.settle(wanted)
    load = context.loader(wanted)
    root = await find(load, wanted)
    if archive:
        pieces = pack(load, root, _name(wanted))
    elif (await exporter.stat(load, root)).type == "directory":
        raise NotUnixFSError(
            f"{wanted.text} is a directory, so the file is not regular and cannot be compressed: give archive=True too",
            code="ERR_IS_DIRECTORY",
            detail={"path": wanted.text},
        )
    else:
        pieces = exporter.cat(load, root)
    if compress:
        pieces = cast("AsyncGenerator[bytes | memoryview, None]", gzip(pieces, context.pool, level))
    async with aclosing(pieces):
        async for piece in pieces:
            yield bytes(piece)
