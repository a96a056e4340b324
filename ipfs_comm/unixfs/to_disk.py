"""A file or tree of a DAG written to disk: whole or not at all, and never outside of where it was asked for.

The tree grows under a hidden name beside its place and is renamed when it is whole. Everything is made new: a name that
is there already, also because the disk knows no case or no composed letters, is an error, so nothing is ever
written through a symlink.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import sys
from contextlib import aclosing, suppress
from functools import partial
from typing import IO, TYPE_CHECKING, Any, Final, Literal

from ipfs_comm._shown import shown
from ipfs_comm.errors import InvalidInputError, InvalidPathError, LimitError, NoSpaceError, NotUnixFSError
from ipfs_comm.unixfs import exporter

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from pathlib import Path

    from ipfs_comm.blockstore._pool import Pool
    from ipfs_comm.ipld import CID
    from ipfs_comm.unixfs.exporter import WalkEntry
    from ipfs_comm.unixfs.options import Load, Read

__all__ = ["MAX_ENTRIES", "Symlinks", "safe_name", "write"]

#: What is done with a symlink that leads out of the tree: refuse the tree, or make it all the same.
Symlinks = Literal["inside", "any"]
#: Most things in one tree: a few blocks can claim any number of directories.
MAX_ENTRIES: Final = 4_000_000
#: Files up to this many bytes are written in one step.
_SMALL: Final = 1 << 20
#: Bytes that may be written between two looks at the room on the disk, and what anything takes beside its bytes.
_GRANT: Final = 16 << 20
_EACH: Final = 4096
_PERMISSIONS: Final = 0o777
_FULL: Final = frozenset({errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)})
# Names that stand for devices on Windows, whatever their case and whatever follows a dot.
_DEVICES: Final = frozenset(
    {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}
)


def safe_name(name: str, where: str, *, windows: bool = sys.platform == "win32") -> str:
    r"""Return a directory entry's name if it can only be a name inside its directory.

    Parameters
    ----------
    name : str
        As the DAG has it.
    where : str
        The path that has it, for the error.
    windows : bool
        Whether Windows' rules hold too: no backslash, no colon, no device.

    Raises
    ------
    InvalidPathError
        Code ``ERR_UNSAFE_NAME``.
    """
    bad = name in ("", ".", "..") or "/" in name or "\0" in name
    if windows:
        bad = bad or not name.isprintable() or any(c in '\\:*?"<>|' for c in name) or name[-1] in ". "
        bad = bad or name.partition(".")[0].rstrip().lower() in _DEVICES
    if bad:
        raise InvalidPathError(
            f"{where} has an entry named {shown(name)}, which cannot be a name on this disk: read it with cat or "
            "dag.get",
            code="ERR_UNSAFE_NAME",
            detail={"name": name, "path": where},
        )
    return name


async def write(
    load: Load,
    cid: CID,
    to: Path,
    *,
    pool: Pool,
    symlinks: Symlinks = "inside",
    max_size: int | None = None,
    read: Read | None = None,
) -> AsyncGenerator[WalkEntry, None]:
    """Write a file, a symlink or a whole tree.

    Modes (without setuid, setgid and sticky) and modification times are those of the DAG where it has them.

    Parameters
    ----------
    load : async callable
    cid : CID
    to : Path
        What it becomes. Nothing must be there; the directory that it will be in must.
    pool : Pool
        Where the disk is waited for.
    symlinks : {"inside", "any"}
        Whether a symlink may be absolute or lead out of the tree.
    max_size : int, optional
        Most bytes of all files together; as many as the disk has room for where not given. A few blocks can claim any
        number of them.
    read : callable, optional
        Gives the bytes of a file; by ``load`` where not given.

    Yields
    ------
    WalkEntry
        When it is written. Only when the iterator has ended is the tree at its place; before that, or after an error or
        ``aclose()``, nothing is.

    Raises
    ------
    InvalidPathError
        There is something at `to` already, or two names of a directory are one on this disk (code
        ``ERR_ALREADY_EXISTS``); a name is unsafe (``ERR_UNSAFE_NAME``); a symlink leads out (``ERR_UNSAFE_SYMLINK``).
    InvalidInputError
        The disk refuses (code ``ERR_DISK``).
    NoSpaceError
        The next file claims more bytes than the disk has free, or it is full.
    LimitError
        The tree has more than `MAX_ENTRIES` entries, or its files more than `max_size` bytes.
    NotUnixFSError
        The tree holds something that is no file.
    """
    if symlinks not in ("inside", "any"):
        raise InvalidInputError(f"symlinks is {shown(symlinks)}: use 'inside' or 'any'")
    writing = _Writing(to, pool, symlinks, max_size, read or (lambda file: exporter.cat(load, file)))
    await pool.run(writing.begin)
    try:
        async with aclosing(exporter.walk(load, cid)) as found:
            async for entry in found:
                await writing.one(entry)
                yield entry
        await pool.run(writing.end)
    finally:
        # Also when cancelled: this is short, and what is left would be in nobody's way but there.
        writing.discard()


class _Writing:
    def __init__(self, to: Path, pool: Pool, symlinks: Symlinks, max_size: int | None, read: Read) -> None:
        self._to = to
        self._temporary = to.with_name(f".{to.name[:100]}.{secrets.token_hex(8)}.part") if to.name else to
        self._pool = pool
        self._read = read
        self._symlinks = symlinks
        self._max_size = max_size
        self._size = 0
        self._granted = 0
        self._count = 0
        self._links: list[Path] = []
        self._finishing: list[tuple[Path, int | None, int | None]] = []

    def begin(self) -> None:
        if not self._to.name or os.path.lexists(self._to):
            raise _exists(self._to)
        if not self._to.parent.is_dir():
            raise InvalidInputError(
                f"there is no directory {self._to.parent} to write {self._to.name} into: make it first",
                code="ERR_DISK",
                detail={"path": str(self._to)},
            )

    async def one(self, entry: WalkEntry) -> None:
        self._count += 1
        if self._count > MAX_ENTRIES:
            raise LimitError(f"the tree has more than {MAX_ENTRIES} entries", detail={"limit": MAX_ENTRIES})
        await self._room(entry.stat.size if entry.stat.type in ("file", "raw") else 0)
        stat, path = entry.stat, self._temporary
        if entry.path:
            safe_name(entry.name, entry.path)
            path = path / entry.path
        if stat.type == "directory":
            await self._pool.run(_made, path, path.mkdir)
        elif stat.type == "symlink":
            await self._pool.run(self._link, path, stat.target or "", _nanoseconds(entry))
            return
        elif stat.type == "object":
            raise NotUnixFSError(
                f"{entry.path} leads to {stat.cid}, a {stat.cid.codec} node, which is no file: read it with dag.get",
                detail={"cid": str(stat.cid), "path": entry.path},
            )
        else:
            await self._file(entry, path)
        mode = None if stat.mode is None else stat.mode & _PERMISSIONS
        time = _nanoseconds(entry)
        if stat.type == "directory":
            # What is still to be written into it needs its own mode, and changes its time.
            if mode is not None or time is not None:
                self._finishing.append((path, mode, time))
        elif mode is not None or time is not None:
            await self._pool.run(_made, path, partial(_dress, path, mode, time))

    async def _file(self, entry: WalkEntry, path: Path) -> None:
        size = entry.stat.size
        async with aclosing(self._read(entry.cid)) as pieces:
            if size <= _SMALL:
                content = [piece async for piece in pieces]
                await self._pool.run(_made, path, partial(_write_small, path, content))
                return
            opened: IO[bytes] = await self._pool.run(_made, path, partial(path.open, "xb", buffering=0))
            try:
                async for piece in pieces:
                    await self._pool.run(_made, path, partial(_write_all, opened, piece))
            finally:
                opened.close()

    async def _room(self, size: int) -> None:
        self._size += size
        if self._max_size is not None and self._size > self._max_size:
            raise LimitError(
                f"the files to be written to {self._to} have more than {self._max_size} bytes together (max_size): "
                "give a larger one, or none",
                detail={"limit": self._max_size},
            )
        if size + _EACH > self._granted:
            free = await self._pool.run(self._free)
            if size > free:
                raise NoSpaceError(
                    f"a file of {size} bytes does not fit the disk of {self._to.parent}, which has {free} left",
                    detail={"size": size, "free": free},
                )
            self._granted = max(size + _EACH, min(free, _GRANT))
        self._granted -= size + _EACH

    def _free(self) -> int:
        return shutil.disk_usage(self._to.parent).free

    def _link(self, path: Path, target: str, time: int | None) -> None:
        if self._symlinks == "inside" and (os.path.isabs(target) or path == self._temporary):  # noqa: PTH117 (text of a DAG, which a Path would rewrite)
            raise self._out(path, target)
        _made(path, partial(os.symlink, target, path))
        self._links.append(path)
        if time is not None and os.utime in os.supports_follow_symlinks:
            _made(path, partial(_date, path, time))

    def _out(self, path: Path, target: str) -> InvalidPathError:
        where = path.relative_to(self._temporary).as_posix()
        return InvalidPathError(
            f"the symlink {shown(self._to.name if where == '.' else where)} leads to {shown(target)}, out of the tree: "
            f"give symlinks='any' to make it all the same",
            code="ERR_UNSAFE_SYMLINK",
            detail={"path": where, "target": target},
        )

    def end(self) -> None:
        """Look at what only the whole tree tells, and put it into its place."""
        if self._symlinks == "inside":
            # Where a symlink leads depends on the others that it leads through.
            root = self._temporary.resolve()
            for path in self._links:
                if not path.resolve().is_relative_to(root):
                    raise self._out(path, os.readlink(path))  # noqa: PTH115 (as above)
        for path, mode, time in reversed(self._finishing):
            _made(path, partial(_dress, path, mode, time))
        _made(self._to, self._into_place)

    def _into_place(self) -> None:
        if self._temporary.is_dir() or self._temporary.is_symlink():
            if os.path.lexists(self._to):
                raise FileExistsError
            self._temporary.rename(self._to)
            return
        try:
            # Unlike renaming, this never replaces a file that has come meanwhile.
            self._to.hardlink_to(self._temporary)
        except FileExistsError:
            raise
        except OSError:
            if os.path.lexists(self._to):
                raise FileExistsError from None
            self._temporary.rename(self._to)

    def discard(self) -> None:
        """Remove what is under the hidden name; nothing where it is at its place."""
        if not self._to.name:
            return
        if self._temporary.is_dir() and not self._temporary.is_symlink():
            for path, _, _ in self._finishing:
                with suppress(OSError):
                    path.chmod(0o700)
            _remove_tree(self._temporary)
        else:
            self._temporary.unlink(missing_ok=True)


def _remove_tree(root: Path) -> None:
    """Remove a directory and what is in it, as far as the disk lets; a tree may be deeper than a stack."""
    found = [root]
    for directory in found:
        with suppress(OSError), os.scandir(directory) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    found.append(directory / entry.name)
                else:
                    with suppress(OSError):
                        (directory / entry.name).unlink()
    for directory in reversed(found):
        with suppress(OSError):
            directory.rmdir()


def _nanoseconds(entry: WalkEntry) -> int | None:
    mtime = entry.stat.mtime
    return None if mtime is None else mtime.secs * 1_000_000_000 + mtime.nsecs


def _dress(path: Path, mode: int | None, time: int | None) -> None:
    if mode is not None:
        path.chmod(mode)
    if time is not None:
        _date(path, time)


def _date(path: Path, time: int) -> None:
    # A time that no clock of this system knows is left as it is.
    with suppress(OverflowError):
        os.utime(path, ns=(time, time), follow_symlinks=os.utime not in os.supports_follow_symlinks)


def _write_small(path: Path, content: list[bytes | memoryview]) -> None:
    with path.open("xb", buffering=0) as opened:
        for piece in content:
            _write_all(opened, piece)


def _write_all(opened: IO[bytes], piece: bytes | memoryview) -> None:
    view = memoryview(piece)
    while view:
        view = view[opened.write(view) :]


def _exists(path: Path) -> InvalidPathError:
    return InvalidPathError(
        f"{path} is there already: choose another name, or remove it first",
        code="ERR_ALREADY_EXISTS",
        detail={"path": str(path)},
    )


def _made(path: Path, work: Callable[[], Any]) -> Any:
    """Return what `work` returns; what the disk says of it is said with the path."""
    try:
        return work()
    except FileExistsError:
        raise InvalidPathError(
            f"{shown(path.name)} is there already in {path.parent}: on this disk two of the tree's names are one, or "
            "somebody else made it",
            code="ERR_ALREADY_EXISTS",
            detail={"path": str(path)},
        ) from None
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno in _FULL:
            raise NoSpaceError(
                f"the disk has no room left for {path}: remove files there, or choose another place",
                detail={"path": str(path)},
            ) from error
        reason = (error.strerror if isinstance(error, OSError) else None) or error
        raise InvalidInputError(
            f"{path} cannot be written: {reason}", code="ERR_DISK", detail={"path": str(path)}
        ) from error
