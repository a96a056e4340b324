"""What there is in a daemon's mutable file system, and below ``/ipfs``."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Final, Literal

from ipfs_comm.errors import DaemonError, NotFoundError, NotUnixFSError
from ipfs_comm.node.api import FileEntry, FileStat, Mtime
from ipfs_comm.node.embedded.mfs.reading import Reading
from ipfs_comm.node.kubo.answers import Said
from ipfs_comm.node.kubo.links import DIRECTORY, SHARD, SYMLINK, links, mode_of, mtime_of
from ipfs_comm.node.kubo.paths import written
from ipfs_comm.node.mfs_path import Place
from ipfs_comm.unixfs.builder import DAG_PB, RAW

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from ipfs_comm.ipld import CID
    from ipfs_comm.node.kubo.context import Context
    from ipfs_comm.node.target import Target

__all__ = ["UNIXFS", "described", "entries", "found_at", "listed", "read"]

#: Codecs that UnixFS is made of.
UNIXFS: Final = (RAW, DAG_PB)
#: What comes with a symlink that has no bits.
_GO_SYMLINK: Final = 1 << 27


async def described(
    context: Context, where: Place | Target, *, with_local: bool = False, offline: bool = False
) -> FileStat:
    """Describe what is at a place.

    Raises
    ------
    NotFoundError
        Nothing is.
    NotUnixFSError
        The way there leads through a file.
    """
    if not isinstance(where, Place):
        where = await context.blocks.settle(where)
    told = str(where) if isinstance(where, Place) else written(where)
    try:
        said = await context.rpc.call("files/stat", told, with_local=with_local or None, **context.offline_if(offline))
    except NotFoundError as error:
        if not isinstance(where, Place) or "file does not exist" not in str(error):
            raise
        # Kubo says it of any path and names none.
        raise NotFoundError(f"{where} does not exist", detail={**error.detail, "path": str(where)}) from error
    except NotUnixFSError:
        if isinstance(where, Place) or not (where.segments or where.root.code not in UNIXFS):
            raise
        # A node of another codec than UnixFS is made of, which Kubo does not describe. Nothing outside has a root.
        reading = Reading(context.blocks, None)  # type: ignore[arg-type]
        return await reading.stat(told, with_local=with_local, offline=offline)
    return _stat(Said("files/stat", said), with_local)


async def found_at(context: Context, where: Place) -> FileStat | None:
    """Describe what is at a place of the MFS; None where nothing is."""
    try:
        return await described(context, where)
    except NotFoundError:
        return None


def _stat(said: Said, with_local: bool) -> FileStat:
    cid = said.cid("Hash")
    kind: Literal["file", "directory"] = "directory" if said.text("Type") == "directory" else "file"
    try:
        bits = int(said.text("Mode", "0"), 8)
    except ValueError:
        bits = 0
    seconds, fraction = said.whole("Mtime", least=-(1 << 62)), said.whole("MtimeNsecs")
    return FileStat(
        cid,
        kind,
        said.whole("Size"),
        said.whole("CumulativeSize"),
        said.whole("Blocks"),
        with_locality=with_local,
        local=said.flag("Local") if with_local else None,
        size_local=said.whole("SizeLocal") if with_local else None,
        mode=_mode(cid, bits, kind == "directory"),
        mtime=Mtime(seconds, min(fraction, 999_999_999)) if "Mtime" in said else None,
    )


async def entries(
    context: Context, directory: CID, offline: bool, *, least: int = 0
) -> AsyncGenerator[tuple[FileEntry, bool], None]:
    """Stream the entries of a directory as they are read; what comes with one is whether it is a symlink.

    Raises
    ------
    DaemonError
        They are fewer than ``least``: it has as many links.
    """
    async with aclosing(links(context, directory, offline=offline, least=least)) as told:
        async for link in told:
            yield await _entry(context, link)


async def listed(context: Context, where: Place | Target, offline: bool) -> AsyncGenerator[FileEntry, None]:
    """Stream a directory's entries, or the one file that is there; errors are those of `described` and `entries`."""
    found = await described(context, where, offline=offline)
    if found.type != "directory":
        name = where.name if isinstance(where, Place) else (where.segments or (str(where.start),))[-1]
        yield FileEntry(name, "file", found.size, found.cid, found.mode, found.mtime)
        return
    async with aclosing(entries(context, found.cid, offline, least=found.blocks)) as children:
        async for child, _ in children:
            yield child


async def read(
    context: Context, where: Place | Target, offset: int, length: int | None, offline: bool
) -> AsyncGenerator[bytes, None]:
    """Stream ``length`` bytes of a file, from byte ``offset`` on.

    Raises
    ------
    NotFoundError
        Nothing is there.
    NotUnixFSError
        It is no file (``ERR_NOT_FILE``).
    DaemonError
        The daemon gives more or fewer bytes than the file has.
    """
    rpc, asking = context.rpc, context.offline_if(offline)
    begin = offset or None
    if not isinstance(where, Place):
        where = await context.blocks.settle(where)
    told = str(where) if isinstance(where, Place) else written(where)
    try:
        before = await described(context, where, offline=offline)
        if isinstance(where, Place):
            chunks = rpc.stream("files/read", told, offset=begin, count=length, **asking)
        else:
            chunks = rpc.stream("cat", told, offset=begin, length=length, progress=False, **asking)
        left = max(0, before.size - offset)
        left = left if length is None else min(left, length)
        async with aclosing(chunks) as pieces:
            async for piece in pieces:
                left -= len(piece)
                yield piece
        if left and before.type == "file" and await described(context, where, offline=offline) == before:
            # Otherwise somebody has written to it meanwhile.
            raise DaemonError(
                f"files.read: the daemon gives {'fewer' if left > 0 else 'more'} bytes of {told} than it has"
            )
    except NotUnixFSError as error:
        raise NotUnixFSError(str(error), code="ERR_NOT_FILE", detail=error.detail) from error


async def _entry(context: Context, link: Said) -> tuple[FileEntry, bool]:
    cid, name, size = link.cid("Hash"), link.text("Name"), link.whole("Size")
    if cid.code not in UNIXFS:
        # Kubo tells no size of what is no file.
        size = await context.blocks.store.size(cid)
        return FileEntry(name, "file", size, cid), False
    kind = link.whole("Type")
    directory = kind in (DIRECTORY, SHARD)
    if symlink := kind == SYMLINK:
        size = len(link.text("Target", "").encode("utf-8", "surrogateescape"))
    try:
        mtime = mtime_of(link)
    except (ValueError, OverflowError) as error:
        raise DaemonError(f"ls: the daemon tells a time that is none: {link.text('ModTime', '')[:80]!r}") from error
    mode = _mode(cid, link.whole("Mode"), directory)
    return FileEntry(name, "directory" if directory else "file", 0 if directory else size, cid, mode, mtime), symlink


def _mode(cid: CID, bits: int, directory: bool) -> int | None:
    return mode_of(cid, 0 if bits & _GO_SYMLINK else bits, directory=directory)
