"""A file on disk as content: read ahead of its use, in pieces of the size that is asked for."""

from __future__ import annotations

import asyncio
import os
import stat
from contextlib import aclosing
from io import FileIO
from typing import TYPE_CHECKING, Final

from ipfs_comm.blockstore._pool import Pool
from ipfs_comm.errors import InvalidInputError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator
    from pathlib import Path

#: Bytes of a piece where no other size is asked for.
CHUNK: Final = 1 << 20
#: Bytes read at once, in one piece or several.
_AT_ONCE: Final = 2 << 20
#: Pieces shorter than this cost more than to cut longer ones.
_LEAST: Final = 64 * 1024
# A special file must not make the opening wait; Windows has none of these flags.
_FLAGS: Final = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_NO_FOLLOW: Final = getattr(os, "O_NOFOLLOW", 0)


class DiskFile:
    """A file on disk; nothing is opened before the first piece is asked for.

    Parameters
    ----------
    path : Path
    pool : Pool, optional
        Where the disk is waited for; one of its own where not given.
    follow : bool
        Whether `path` may be a symlink.
    """

    def __init__(self, path: Path, pool: Pool | None = None, *, follow: bool = True) -> None:
        self._path = path
        self._pool = pool
        self._follow = follow

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self.pieces(CHUNK)

    async def pieces(self, size: int) -> AsyncGenerator[bytes, None]:
        """Iterate over the bytes; the next ones are read while the last are in use.

        Parameters
        ----------
        size : int
            Bytes of a piece, the last one's aside. Where that is so little that it does not pay, pieces are larger.

        Raises
        ------
        NotFoundError
            There is no such file.
        InvalidInputError
            It is no file, or cannot be read (code ``ERR_DISK``).
        """
        own = None if self._pool is not None else Pool(1, "ipfs_comm-read")
        reading = _Reading(self._path, size if size >= _LEAST else CHUNK, self._follow)
        try:
            async with aclosing(_ahead(reading, self._pool or own or Pool())) as pieces:
                async for piece in pieces:
                    yield piece
        finally:
            if own is not None:
                own.close()


async def _ahead(reading: _Reading, pool: Pool) -> AsyncGenerator[bytes, None]:
    ahead = pool.submit(reading.some)
    more = True
    try:
        while more:
            pieces, more = await ahead
            if more:
                ahead = pool.submit(reading.some)
            for piece in pieces:
                yield piece
    finally:
        if not ahead.done():
            # The file must not be closed under a running read.
            await asyncio.wait({ahead})
        reading.close()


class _Reading:
    """One reading of a file from its beginning; its calls may block, and come one after another."""

    def __init__(self, path: Path, size: int, follow: bool) -> None:
        self._path = path
        self._size = size
        self._follow = follow
        self._opened: FileIO | None = None
        self._length = 0
        self._at = 0

    def some(self) -> tuple[list[bytes], bool]:
        """Return the next pieces, and whether there may be more."""
        try:
            opened = self._opened or self._open()
            return self._read(opened)
        except IsADirectoryError:
            raise InvalidInputError(f"{self._path} is a directory, which has no bytes: add it as a tree") from None
        except (OSError, ValueError) as error:
            raise unreadable(self._path, error) from error

    def _open(self) -> FileIO:
        opened = FileIO(os.open(self._path, _FLAGS | (0 if self._follow else _NO_FOLLOW)), "rb")
        try:
            status = os.fstat(opened.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise special(self._path)
        except BaseException:
            opened.close()
            raise
        self._opened, self._length = opened, status.st_size
        return opened

    def _read(self, opened: FileIO) -> tuple[list[bytes], bool]:
        pieces: list[bytes] = []
        gathered = 0
        while gathered < _AT_ONCE:
            piece = opened.read(self._size)
            if not piece:
                return pieces, False
            pieces.append(piece)
            gathered += len(piece)
            self._at += len(piece)
            if len(piece) < self._size:
                # Short at the length that it had: its end. Short before: it is changing, and is read until it ends.
                return pieces, self._at != self._length
        return pieces, True

    def close(self) -> None:
        """Close the file, if it was opened."""
        if self._opened is not None:
            self._opened.close()


def whole(path: Path, size: int, *, follow: bool) -> bytes | None:
    """Return all bytes of a small file; None where it has not that size, or cannot be read, which a `DiskFile` tells.

    May block.
    """
    reading = _Reading(path, size + 1, follow)
    try:
        pieces, more = reading.some()
    except (InvalidInputError, NotFoundError):
        return None
    finally:
        reading.close()
    content = b"".join(pieces)
    return None if more or len(content) != size else content


def special(path: Path) -> InvalidInputError:
    """Return the error about a device, a pipe or a socket."""
    return InvalidInputError(
        f"{path} is neither a file, a directory nor a symlink and cannot be added: leave it out",
        detail={"path": str(path)},
    )


def unreadable(path: Path, error: OSError | ValueError) -> InvalidInputError | NotFoundError:
    """Return the typed error for what the operating system says about a path."""
    if isinstance(error, FileNotFoundError):
        return NotFoundError(f"there is no file or directory {path}: check the path", detail={"path": str(path)})
    reason = (error.strerror if isinstance(error, OSError) else None) or error
    return InvalidInputError(f"{path} cannot be read: {reason}", code="ERR_DISK", detail={"path": str(path)})
