"""What there is in a daemon's mutable file system, and below ``/ipfs``."""

from __future__ import annotations

from contextlib import aclosing
from datetime import datetime
from typing import TYPE_CHECKING, Final, Literal

from ipfs_comm.errors import DaemonError, NotFoundError, NotUnixFSError
from ipfs_comm.node.api import FileEntry, FileStat, Mtime
from ipfs_comm.node.embedded.mfs.path import Place
from ipfs_comm.node.embedded.mfs.reading import Reading
from ipfs_comm.node.kubo.answers import Said
from ipfs_comm.node.kubo.paths import written
from ipfs_comm.unixfs.format import DEFAULT_DIRECTORY_MODE, DEFAULT_FILE_MODE

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from ipfs_comm.ipld import CID
    from ipfs_comm.node.embedded.context import Target
    from ipfs_comm.node.kubo.context import Context

__all__ = ["described", "entries", "found_at"]

_RAW: Final = 0x55
_UNIXFS: Final = (_RAW, 0x70)
#: Go's bits for what is 04000, 02000 and 01000 elsewhere.
_GO_BITS: Final = ((1 << 23, 0o4000), (1 << 22, 0o2000), (1 << 20, 0o1000))
#: What comes with a symlink that has no bits.
_GO_SYMLINK: Final = 1 << 27
#: The types of UnixFS that ``ls`` tells.
_DIRECTORIES: Final = (1, 5)
_SYMLINK: Final = 4
#: What Go's time.Time says that was never set.
_NO_TIME: Final = "0001-01-01T00:00:00Z"


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
        if isinstance(where, Place) or not (where.segments or where.root.code not in _UNIXFS):
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


async def entries(context: Context, directory: CID, offline: bool) -> AsyncGenerator[tuple[FileEntry, bool], None]:
    """Stream the entries of a directory as they are read; what comes with one is whether it is a symlink."""
    lines = context.rpc.lines(
        "ls", f"/ipfs/{directory}", stream=True, resolve_type=True, size=True, **context.offline_if(offline)
    )
    async with aclosing(lines) as told:
        async for line in told:
            for listed in Said("ls", line).each("Objects"):
                for link in listed.each("Links"):
                    yield await _entry(context, link)


async def _entry(context: Context, link: Said) -> tuple[FileEntry, bool]:
    cid, name, size = link.cid("Hash"), link.text("Name"), link.whole("Size")
    if cid.code not in _UNIXFS:
        # Kubo tells no size of what is no file.
        size = await context.blocks.store.size(cid)
        return FileEntry(name, "file", size, cid), False
    kind = link.whole("Type")
    directory = kind in _DIRECTORIES
    bits = link.whole("Mode")
    if symlink := kind == _SYMLINK:
        size = len(link.text("Target", "").encode("utf-8", "surrogateescape"))
    mode = _mode(cid, bits, directory)
    entry = FileEntry(name, "directory" if directory else "file", 0 if directory else size, cid, mode, _time(link))
    return entry, symlink


def _mode(cid: CID, bits: int, directory: bool) -> int | None:
    """Return permission bits as POSIX has them; the usual ones where there are none, for there is a place for them."""
    mode = bits & 0o7777 if not bits & _GO_SYMLINK else 0
    for go, bit in _GO_BITS:
        if bits & go:
            mode |= bit
    if mode or cid.code == _RAW:
        return mode or None
    return DEFAULT_DIRECTORY_MODE if directory else DEFAULT_FILE_MODE


def _time(link: Said) -> Mtime | None:
    """Return a time of modification, which Go writes as RFC 3339."""
    text = link.text("ModTime", _NO_TIME)
    if text == _NO_TIME:
        return None
    whole, _, fraction = text.removesuffix("Z").partition(".")
    try:
        seconds = datetime.fromisoformat(whole + "+00:00").timestamp()
        return Mtime(round(seconds), int(fraction.ljust(9, "0")[:9]) if fraction else 0)
    except (ValueError, OverflowError) as error:
        raise DaemonError(f"ls: the daemon tells a time that is none: {text[:80]!r}") from error
