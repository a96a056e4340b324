"""Files and trees on disk as what an import takes: symlinks stay symlinks, special files are refused."""

from __future__ import annotations

import asyncio
import os
import stat
from contextlib import aclosing
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ipfs_comm.blockstore._pool import Pool
from ipfs_comm.errors import InvalidInputError, LimitError, NotFoundError
from ipfs_comm.unixfs.directory import MAX_PATH_DEPTH, TreeEntry
from ipfs_comm.unixfs.format import MODE_BITS, Mtime

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

__all__ = ["DiskRules", "OnDisk", "entries", "read"]

#: Bytes read at once.
CHUNK: Final = 1 << 20
# A special file must not make the opening wait; Windows has none of these flags.
_FLAGS: Final = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_NO_FOLLOW: Final = getattr(os, "O_NOFOLLOW", 0)


@dataclass(frozen=True, slots=True)
class DiskRules:
    """What is taken from a disk.

    Parameters
    ----------
    hidden : bool
        Names that begin with a dot, below the root.
    preserve_mode, preserve_mtime : bool
        Modes and modification times. As in Kubo, a symlink has no mode.
    dereference_args : bool
        Where the root itself is a symlink, what it leads to; others are never followed.
    """

    hidden: bool = False
    preserve_mode: bool = False
    preserve_mtime: bool = False
    dereference_args: bool = False


class OnDisk:
    """Content that is a file or a tree on disk; iterating reads the file.

    Parameters
    ----------
    path : path-like
    """

    def __init__(self, path: os.PathLike[str]) -> None:
        self.path = Path(path)

    @property
    def name(self) -> str:
        """The last name of the path, also where that is ``.`` or ``..``."""
        return self.path.name if self.path.name not in ("", "..") else self.path.resolve().name

    def __aiter__(self) -> AsyncIterator[bytes]:
        return read(self.path)


@dataclass(frozen=True, slots=True)
class _Found:
    path: Path
    status: os.stat_result
    target: str | None
    follow: bool


async def entries(root: OnDisk, name: str, rules: DiskRules, pool: Pool) -> AsyncGenerator[TreeEntry, None]:
    """Iterate over a file or a tree on disk, directories before what is in them, names in order.

    Parameters
    ----------
    root : OnDisk
    name : str
        Path of the root in what is imported.
    rules : DiskRules
    pool : Pool
        Where the disk is waited for.

    Raises
    ------
    NotFoundError
        There is nothing at the path.
    InvalidInputError
        Something is neither a file, a directory nor a symlink, or cannot be read (code ``ERR_DISK``).
    LimitError
        Directories are nested too deep.
    """
    top = await pool.run(_look, root.path, rules.dereference_args)
    stack: list[tuple[_Found, str]] = [(top, name)]
    while stack:
        found, path = stack.pop()
        yield _entry(found, path, rules, pool)
        if not stat.S_ISDIR(found.status.st_mode):
            continue
        if path.count("/") + 1 >= MAX_PATH_DEPTH:
            raise LimitError(
                f"{found.path} is nested too deep: at most {MAX_PATH_DEPTH} names", detail={"limit": MAX_PATH_DEPTH}
            )
        inside = await pool.run(_list, found, rules.hidden)
        stack.extend((child, f"{path}/{child.path.name}" if path else child.path.name) for child in reversed(inside))


def _entry(found: _Found, path: str, rules: DiskRules, pool: Pool) -> TreeEntry:
    status = found.status
    kind = status.st_mode
    mode = kind & MODE_BITS if rules.preserve_mode else None
    mtime = Mtime(*divmod(status.st_mtime_ns, 1_000_000_000)) if rules.preserve_mtime else None
    if found.target is not None:
        return TreeEntry(path, target=found.target, mtime=mtime)
    if stat.S_ISDIR(kind):
        return TreeEntry(path, mode=mode, mtime=mtime)
    if not stat.S_ISREG(kind):
        raise _special(found.path)
    return TreeEntry(path, read(found.path, pool, follow=found.follow), mode=mode, mtime=mtime)


def _special(path: Path) -> InvalidInputError:
    return InvalidInputError(
        f"{path} is neither a file, a directory nor a symlink and cannot be added: leave it out",
        detail={"path": str(path)},
    )


def _look(path: Path, follow: bool) -> _Found:
    try:
        status = path.stat(follow_symlinks=follow)
        target = os.readlink(path) if stat.S_ISLNK(status.st_mode) else None  # noqa: PTH115 (a Path would rewrite it)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    return _Found(path, status, target, follow)


def _list(found: _Found, hidden: bool) -> list[_Found]:
    path = found.path
    try:
        if not found.follow and path.is_symlink():
            raise OSError("it has become a symlink meanwhile")
        with os.scandir(path) as inside:
            names = sorted(entry.name for entry in inside if hidden or not entry.name.startswith("."))
    except OSError as error:
        raise _unreadable(path, error) from error
    return [_look(path / name, follow=False) for name in names]


def _unreadable(path: Path, error: OSError | ValueError) -> InvalidInputError | NotFoundError:
    if isinstance(error, FileNotFoundError):
        return NotFoundError(f"there is no file or directory {path}: check the path", detail={"path": str(path)})
    reason = (error.strerror if isinstance(error, OSError) else None) or error
    return InvalidInputError(f"{path} cannot be read: {reason}", code="ERR_DISK", detail={"path": str(path)})


async def read(path: Path, pool: Pool | None = None, *, follow: bool = True) -> AsyncGenerator[bytes, None]:
    """Iterate over the bytes of a file; the next piece is read while the last one is in use.

    Parameters
    ----------
    path : Path
    pool : Pool, optional
        Where the disk is waited for; one of its own where not given.
    follow : bool
        Whether `path` may be a symlink.

    Raises
    ------
    NotFoundError
        There is no such file.
    InvalidInputError
        It is no file, or cannot be read (code ``ERR_DISK``).
    """
    own = None if pool is not None else Pool(1, "ipfs_comm-read")
    try:
        async with aclosing(_pieces(path, pool or own or Pool(), follow)) as pieces:
            async for piece in pieces:
                yield piece
    finally:
        if own is not None:
            own.close()


async def _pieces(path: Path, pool: Pool, follow: bool) -> AsyncGenerator[bytes, None]:
    piece, opened = await pool.run(_open, path, follow)
    if opened is None:
        if piece:
            yield piece
        return
    ahead: asyncio.Future[bytes] | None = None
    try:
        while piece:
            ahead = pool.submit(_next, path, opened)
            yield piece
            piece = await ahead
    finally:
        if ahead is not None and not ahead.done():
            # The file must not be closed under a running read.
            await asyncio.wait({ahead})
        opened.close()


def _open(path: Path, follow: bool) -> tuple[bytes, FileIO | None]:
    """Return a file's first piece, and the open file unless that was all."""
    try:
        opened = FileIO(os.open(path, _FLAGS | (0 if follow else _NO_FOLLOW)), "rb")
    except IsADirectoryError:
        raise InvalidInputError(f"{path} is a directory, which has no bytes: add it as a tree") from None
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    try:
        status = os.fstat(opened.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise _special(path)
        piece = opened.read(CHUNK)
        if len(piece) < CHUNK and len(piece) == status.st_size:
            opened.close()
            return piece, None
    except OSError as error:
        opened.close()
        raise _unreadable(path, error) from error
    except BaseException:
        opened.close()
        raise
    return piece, opened


def _next(path: Path, opened: FileIO) -> bytes:
    try:
        return opened.read(CHUNK)
    except OSError as error:
        raise _unreadable(path, error) from error
