"""Files and trees on disk as what an import takes: symlinks stay symlinks if not told otherwise."""

from __future__ import annotations

import os
import stat
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ipfs_comm.errors import InvalidInputError, LimitError
from ipfs_comm.unixfs.directory import MAX_PATH_DEPTH, TreeEntry
from ipfs_comm.unixfs.disk_file import DiskFile, special, unreadable, whole
from ipfs_comm.unixfs.format import MODE_BITS, Mtime

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from ipfs_comm.blockstore._pool import Pool

__all__ = ["DiskRules", "OnDisk", "entries"]

#: Files up to this many bytes are read together, this many of them and this many bytes: to ask a thread for each of
#: them costs more than to read it.
_SMALL: Final = 64 * 1024
_TOGETHER: Final = 64
_TOGETHER_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class DiskRules:
    """What is taken from a disk.

    Parameters
    ----------
    hidden : bool
        Names that begin with a dot, below the root.
    preserve_mode, preserve_mtime : bool
        Modes and modification times. As in Kubo, a symlink has no mode.
    empty_dirs : bool
        Directories in which nothing is, hidden names counted as they are taken; the root is taken anyhow.
    dereference_args : bool
        Where the root itself is a symlink, what it leads to.
    dereference_symlinks : bool
        What any symlink leads to, in its place, also out of the tree. One that leads back to a directory around it is
        refused.
    """

    hidden: bool = False
    preserve_mode: bool = False
    preserve_mtime: bool = False
    empty_dirs: bool = True
    dereference_args: bool = False
    dereference_symlinks: bool = False


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
        return aiter(DiskFile(self.path))


@dataclass(frozen=True, slots=True)
class _Found:
    path: Path
    status: os.stat_result
    target: str | None
    follow: bool
    #: The directories around what a followed symlink leads to, by device and inode.
    around: frozenset[tuple[int, int]] = frozenset()

    @property
    def small(self) -> bool:
        return self.target is None and stat.S_ISREG(self.status.st_mode) and self.status.st_size <= _SMALL


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
    top = await pool.run(_look, root.path, rules.dereference_args or rules.dereference_symlinks)
    stack: list[tuple[_Found, str]] = [(top, name)]
    while stack:
        if stack[-1][0].small:
            async with aclosing(_small(stack, pool)) as small:
                async for found, path, content in small:
                    yield _entry(found, path, rules, pool, content)
            continue
        found, path = stack.pop()
        if not stat.S_ISDIR(found.status.st_mode):
            yield _entry(found, path, rules, pool)
            continue
        if path.count("/") + 1 >= MAX_PATH_DEPTH:
            raise LimitError(
                f"{found.path} is nested too deep: at most {MAX_PATH_DEPTH} names", detail={"limit": MAX_PATH_DEPTH}
            )
        inside = await pool.run(_list, found, rules)
        if inside or rules.empty_dirs or found is top:
            yield _entry(found, path, rules, pool)
        stack.extend((child, f"{path}/{child.path.name}" if path else child.path.name) for child in reversed(inside))


async def _small(stack: list[tuple[_Found, str]], pool: Pool) -> AsyncGenerator[tuple[_Found, str, bytes | None], None]:
    """Take the small files that come next, with their contents; the next ones are read while the last are in use."""
    together = _together(stack)
    reading = pool.submit(_read, together)
    try:
        while together:
            contents = await reading
            following = _together(stack)
            if following:
                reading = pool.submit(_read, following)
            for (found, path), content in zip(together, contents, strict=True):
                yield found, path, content
            together = following
    finally:
        reading.cancel()


def _together(stack: list[tuple[_Found, str]]) -> list[tuple[_Found, str]]:
    """Take the small files that come next, as many as are read together."""
    taken: list[tuple[_Found, str]] = []
    size = 0
    while stack and stack[-1][0].small and len(taken) < _TOGETHER and size < _TOGETHER_BYTES:
        taken.append(stack.pop())
        size += taken[-1][0].status.st_size
    return taken


def _read(files: list[tuple[_Found, str]]) -> list[bytes | None]:
    return [whole(found.path, found.status.st_size, follow=found.follow) for found, _ in files]


def _entry(found: _Found, path: str, rules: DiskRules, pool: Pool, content: bytes | None = None) -> TreeEntry:
    status = found.status
    kind = status.st_mode
    mode = kind & MODE_BITS if rules.preserve_mode else None
    mtime = Mtime(*divmod(status.st_mtime_ns, 1_000_000_000)) if rules.preserve_mtime else None
    if found.target is not None:
        return TreeEntry(path, target=found.target, mtime=mtime)
    if stat.S_ISDIR(kind):
        return TreeEntry(path, mode=mode, mtime=mtime)
    if not stat.S_ISREG(kind):
        raise special(found.path)
    if content is not None:
        return TreeEntry(path, content, mode=mode, mtime=mtime)
    return TreeEntry(path, DiskFile(found.path, pool, follow=found.follow), mode=mode, mtime=mtime)


def _look(path: Path, follow: bool, around: frozenset[tuple[int, int]] = frozenset()) -> _Found:
    try:
        status = path.stat(follow_symlinks=follow)
        target = os.readlink(path) if stat.S_ISLNK(status.st_mode) else None  # noqa: PTH115 (a Path would rewrite it)
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from error
    if (status.st_dev, status.st_ino) in around:
        raise InvalidInputError(
            f"{path} leads back to a directory that it is in: leave it out, or add without dereference_symlinks",
            detail={"path": str(path)},
        )
    return _Found(path, status, target, follow, around)


def _list(found: _Found, rules: DiskRules) -> list[_Found]:
    path = found.path
    try:
        if not found.follow and path.is_symlink():
            raise OSError("it has become a symlink meanwhile")
        with os.scandir(path) as inside:
            names = sorted(entry.name for entry in inside if rules.hidden or not entry.name.startswith("."))
    except OSError as error:
        raise unreadable(path, error) from error
    if not rules.dereference_symlinks:
        return [_look(path / name, follow=False) for name in names]
    around = found.around | {(found.status.st_dev, found.status.st_ino)}
    return [_look(path / name, follow=True, around=around) for name in names]
