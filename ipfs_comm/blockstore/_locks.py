"""Locks between processes, syncing and reading at an offset, on every platform.

POSIX has ``flock`` (it belongs to the open file, so two stores of one process exclude each other too), Windows has
``msvcrt.locking``, and where there is neither there is only this process. A lock ends with its holder, however that
dies.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from ipfs_comm.blockstore import _fork
from ipfs_comm.errors import RepositoryError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from types import ModuleType

_fcntl: ModuleType | None
try:
    import fcntl as _fcntl
except ImportError:
    _fcntl = None
_msvcrt: ModuleType | None
try:
    import msvcrt as _msvcrt
except ImportError:
    _msvcrt = None

#: Windows locks are mandatory for the bytes they cover: lock one that no file reaches.
_WINDOWS_LOCKED_BYTE: Final = 1 << 60
#: Windows has no shared locks here: each sharer locks one byte of this many, and whoever wants all, all of them.
_WINDOWS_SHARES: Final = 1 << 20
_O_BINARY: Final = getattr(os, "O_BINARY", 0)
_O_CLOEXEC: Final = getattr(os, "O_CLOEXEC", 0)

_held_here: set[tuple[int, int]] = set()
_shared_here: dict[tuple[int, int], int] = {}
_shared_bytes: dict[int, int] = {}
_guard = threading.Lock()


def open_file(path: Path, *, create: bool = False, exclusive: bool = False, write: bool = True) -> int:
    """Return a descriptor that no other program inherits and no forked child keeps; new files have mode 0600."""
    flags = (os.O_RDWR if write else os.O_RDONLY) | _O_BINARY | _O_CLOEXEC
    if create:
        flags |= os.O_CREAT | (os.O_EXCL if exclusive else 0)
    return _fork.open_noted(path, flags, 0o600)


def _identity(fd: int) -> tuple[int, int]:
    status = os.fstat(fd)
    return status.st_dev, status.st_ino


def try_lock(fd: int) -> bool:
    """Take the exclusive lock of an open file; False at once where somebody else holds it."""
    if _fcntl is not None:
        try:
            _fcntl.flock(fd, _fcntl.LOCK_EX | _fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            return False
        return True
    if _msvcrt is not None:
        os.lseek(fd, _WINDOWS_LOCKED_BYTE, os.SEEK_SET)
        try:
            _msvcrt.locking(fd, _msvcrt.LK_NBLCK, _WINDOWS_SHARES)
        except OSError:
            return False
        return True
    with _guard:
        key = _identity(fd)
        if key in _held_here or key in _shared_here:
            return False
        _held_here.add(key)
        return True


def unlock(fd: int) -> None:
    """Give a lock back."""
    if _fcntl is not None:
        _fcntl.flock(fd, _fcntl.LOCK_UN)
    elif _msvcrt is not None:
        os.lseek(fd, _WINDOWS_LOCKED_BYTE, os.SEEK_SET)
        _msvcrt.locking(fd, _msvcrt.LK_UNLCK, _WINDOWS_SHARES)
    else:
        with _guard:
            _held_here.discard(_identity(fd))


def try_lock_shared(fd: int) -> bool:
    """Take a lock of an open file that many may have at once; False at once where somebody has the exclusive one."""
    if _fcntl is not None:
        try:
            _fcntl.flock(fd, _fcntl.LOCK_SH | _fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            return False
        return True
    if _msvcrt is not None:
        import random

        # A byte that another sharer has is no sign of an exclusive lock; three of them at once are.
        for place in random.sample(range(_WINDOWS_SHARES), 3):
            os.lseek(fd, _WINDOWS_LOCKED_BYTE + place, os.SEEK_SET)
            try:
                _msvcrt.locking(fd, _msvcrt.LK_NBLCK, 1)
            except OSError:
                continue
            _shared_bytes[fd] = place
            return True
        return False
    with _guard:
        key = _identity(fd)
        if key in _held_here:
            return False
        _shared_here[key] = _shared_here.get(key, 0) + 1
        return True


def unlock_shared(fd: int) -> None:
    """Give a shared lock back."""
    if _fcntl is not None:
        _fcntl.flock(fd, _fcntl.LOCK_UN)
    elif _msvcrt is not None:
        os.lseek(fd, _WINDOWS_LOCKED_BYTE + _shared_bytes.pop(fd), os.SEEK_SET)
        _msvcrt.locking(fd, _msvcrt.LK_UNLCK, 1)
    else:
        with _guard:
            key = _identity(fd)
            _shared_here[key] -= 1
            if not _shared_here[key]:
                del _shared_here[key]


async def acquire(attempt: Callable[[], bool], path: object, *, within: float) -> None:
    """Try until `attempt` succeeds, letting the loop run meanwhile.

    Raises
    ------
    RepositoryError
        It did not within that many seconds.
    """
    deadline = time.monotonic() + within
    pause = 0.0005
    while not attempt():
        if time.monotonic() > deadline:
            raise too_long(path, within)
        await asyncio.sleep(pause)
        pause = min(pause * 2, 0.02)


def too_long(path: object, within: float) -> RepositoryError:
    """Return the error for a lock that was held for longer than one waits."""
    return RepositoryError(
        f"another process or call has held {path} for more than {within:g} s: end it, or use another repository",
        detail={"path": str(path)},
    )


@contextmanager
def locked(fd: int, path: Path, *, within: float) -> Iterator[None]:
    """Hold the lock of `fd` for the block, waiting at most `within` seconds for it.

    Raises
    ------
    RepositoryError
        Another process kept it for that long.
    """
    if not waited(lambda: try_lock(fd), within=within):
        raise too_long(path, within)
    try:
        yield
    finally:
        unlock(fd)


def waited(attempt: Callable[[], bool], *, within: float) -> bool:
    """Try until `attempt` succeeds, on a thread that may block; False where it did not within that many seconds."""
    deadline = time.monotonic() + within
    pause = 0.0005
    while not attempt():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
        pause = min(pause * 2, 0.02)
    return True


def datasync(fd: int) -> None:
    """Wait until the file's bytes, and the size that reaches them, are on the disk."""
    sync = getattr(os, "fdatasync", os.fsync)
    sync(fd)


def sync_directory(path: Path) -> None:
    """Make new names in a directory durable, where the platform can."""
    if os.name == "nt":
        return
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


_seek_guard = threading.Lock()


def read_at(fd: int, size: int, offset: int) -> bytes:
    """Return up to `size` bytes at `offset`, from any thread."""
    pread: Any = getattr(os, "pread", None)
    if pread is not None:
        data: bytes = pread(fd, size, offset)
        return data
    with _seek_guard:
        os.lseek(fd, offset, os.SEEK_SET)
        return os.read(fd, size)


def write_at(fd: int, parts: Sequence[bytes], offset: int) -> None:
    """Write all parts one after another from `offset`; the file's one writer calls this."""
    pwritev: Any = getattr(os, "pwritev", None)
    done = 0
    if pwritev is not None and len(parts) <= 1000:
        done = pwritev(fd, parts, offset)
        if done == sum(map(len, parts)):
            return
    rest = memoryview(b"".join(parts))[done:]
    offset += done
    while rest:
        with _seek_guard:
            os.lseek(fd, offset, os.SEEK_SET)
            done = os.write(fd, rest)
        rest = rest[done:]
        offset += done
