"""A file or tree of a DAG as a TAR stream (POSIX pax), and streams compressed by gzip."""

from __future__ import annotations

import tarfile
import zlib
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final

from ipfs_comm._shown import shown
from ipfs_comm.errors import InvalidInputError, NotUnixFSError
from ipfs_comm.unixfs import exporter
from ipfs_comm.unixfs.format import DEFAULT_DIRECTORY_MODE, DEFAULT_FILE_MODE, MODE_BITS
from ipfs_comm.unixfs.to_disk import safe_name

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping

    from ipfs_comm.blockstore._pool import Pool
    from ipfs_comm.ipld import CID
    from ipfs_comm.unixfs.exporter import WalkEntry
    from ipfs_comm.unixfs.options import Load, Read

__all__ = ["gzip", "pack"]

_BLOCK: Final = 512
_GZIP: Final = 31
#: As Kubo's archives have it.
_SYMLINK_MODE: Final = 0o777


class _Info(tarfile.TarInfo):
    """A header whose directories have their plain names, as in Kubo's archives; TarInfo gives them a slash."""

    def get_info(self) -> Mapping[str, Any]:
        return {**super().get_info(), "name": self.name}


async def pack(
    load: Load, cid: CID, name: str, expect: Callable[[int], None] | None = None, *, read: Read | None = None
) -> AsyncGenerator[bytes | memoryview, None]:
    """Iterate over the bytes of a TAR archive; nothing of a file is held but the piece under way.

    Parameters
    ----------
    load : async callable
    cid : CID
    name : str
        Path of the root in the archive.
    expect : callable, optional
        Told before each entry how many bytes the archive comes to with it; raises where these are too many.
    read : callable, optional
        Gives the bytes of a file; by ``load`` where not given.

    Raises
    ------
    InvalidPathError
        A name of the tree is no name (code ``ERR_UNSAFE_NAME``).
    NotUnixFSError
        The tree holds something that is no file, or a file that lies about its size.
    """
    content = read or (lambda file: exporter.cat(load, file))
    total = 2 * _BLOCK
    async with aclosing(exporter.walk(load, cid)) as found:
        async for entry in found:
            if entry.path:
                safe_name(entry.name, entry.path)
            header = _header(entry, f"{name}/{entry.path}" if entry.path else name)
            is_file = entry.stat.type in ("file", "raw")
            total += len(header) + (-(-entry.stat.size // _BLOCK) * _BLOCK if is_file else 0)
            if expect is not None:
                expect(total)
            yield header
            if not is_file:
                continue
            async with aclosing(content(entry.cid)) as pieces:
                async for piece in pieces:
                    yield piece
            if padding := -entry.stat.size % _BLOCK:
                yield bytes(padding)
    yield bytes(2 * _BLOCK)


def _header(entry: WalkEntry, path: str) -> bytes:
    stat = entry.stat
    info = _Info(path)
    default = DEFAULT_FILE_MODE
    if stat.type == "directory":
        info.type = tarfile.DIRTYPE
        default = DEFAULT_DIRECTORY_MODE
    elif stat.type == "symlink":
        info.type, info.linkname = tarfile.SYMTYPE, stat.target or ""
        default = _SYMLINK_MODE
    elif stat.type == "object":
        raise NotUnixFSError(
            f"{path} leads to {stat.cid}, a {stat.cid.codec} node, which is no file: read it with dag.get",
            detail={"cid": str(stat.cid), "path": path},
        )
    else:
        info.size = stat.size
    info.mode = (default if stat.mode is None else stat.mode) & MODE_BITS
    if stat.mtime is not None:
        info.mtime = stat.mtime.secs
        if stat.mtime.nsecs and stat.mtime.secs >= 0:
            info.pax_headers = {"mtime": f"{stat.mtime.secs}.{stat.mtime.nsecs:09}"}
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


async def gzip(
    pieces: AsyncGenerator[bytes | memoryview, None], pool: Pool, level: int | None = None
) -> AsyncGenerator[bytes, None]:
    """Compress a stream; the same bytes give the same stream, since its header names no time.

    Parameters
    ----------
    pieces : async generator
        Closed at the end.
    pool : Pool
        Where it is compressed.
    level : int, optional
        -1 to 9, as zlib counts.

    Raises
    ------
    InvalidInputError
        The level cannot be meant.
    """
    packer = zlib.compressobj(checked_level(level), zlib.DEFLATED, _GZIP)
    async with aclosing(pieces):
        async for piece in pieces:
            if packed := await pool.run(packer.compress, piece):
                yield packed
    yield await pool.run(packer.flush)


def checked_level(level: int | None) -> int:
    """Return zlib's level; -1, which is zlib's own choice, where none is given.

    Raises
    ------
    InvalidInputError
        It is not from -1 to 9.
    """
    if level is None:
        return -1
    if isinstance(level, bool) or not isinstance(level, int) or not -1 <= level <= 9:
        raise InvalidInputError(f"compression_level is {shown(level)}: Compression level must be between -1 and 9")
    return level
