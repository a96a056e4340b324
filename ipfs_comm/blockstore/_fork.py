"""What a forked child does with the handles that it inherits: it closes its copies, and unlocks nothing.

A lock made by ``flock`` belongs to the open file, which a fork makes parent and child share. A child that unlocks takes
the lock from its living parent, and a child that merely lives keeps the lock of a dead one. Closing the child's copy of
the descriptor does neither: the lock ends with the last copy.

SQLite must not be used, nor closed, in a child: it would fold or remove a log that others use. And what it remembers of
the locks of a file (by its inode, for all connections of the process) is true of the parent alone, but taken for true
by a connection that the child opens later. So its descriptors are first put upon an empty read-only file: nothing
reaches the database through it, and it can take no lock for writing, without which SQLite folds and removes nothing.
Then the connections are closed, and with them goes what SQLite remembers. That is safe as long as no thread was inside
SQLite when the process was forked: forks wait for those who are. Where one took too long, or descriptors cannot be
listed, the connections are kept for ever instead, and the child is refused one of its own.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
import weakref
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final, TypeAlias

from ipfs_comm.errors import RepositoryError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    Identity: TypeAlias = tuple[int, int]

#: Seconds that a fork waits for threads that are inside SQLite.
PATIENCE: Final = 5.0
#: Where a process finds its own descriptors.
_LISTS: Final = ("/proc/self/fd", "/dev/fd")
#: What belongs to a database beside its own file.
_PARTS: Final = ("-wal", "-shm", "-journal")


class Connection(sqlite3.Connection):
    """A connection that a forked child can find, with its file and what that was when it was opened."""

    database: Path
    identity: Identity

    def close(self) -> None:
        """Close it; one that is closed concerns no child, whoever still holds it."""
        super().close()
        _connections.discard(self)


# A number may have been closed since, and be another file's now: what the file is tells.
_files: dict[int, Identity] = {}
_connections: weakref.WeakSet[Connection] = weakref.WeakSet()
_busy: weakref.WeakSet[threading.Lock] = weakref.WeakSet()
# A lock that its holder may take again: a signal's handler may fork.
_opening = threading.RLock()
_forking = threading.RLock()
_held: list[threading.Lock] = []
_abandoned: list[Connection] = []
#: Whether no thread was inside SQLite at the last fork.
_quiet = True
#: Whether this process has connections of its parent that could not be closed.
_stained = False


def open_noted(path: str | os.PathLike[str], flags: int, mode: int = 0o777) -> int:
    """Open a file whose descriptor a forked child closes."""
    with _opening:
        fd = os.open(path, flags, mode)
        status = os.fstat(fd)
        _files[fd] = status.st_dev, status.st_ino
    return fd


def waits_for(lock: threading.Lock) -> None:
    """Let forks wait for a lock that is held whenever a thread is inside SQLite."""
    _busy.add(lock)


@contextmanager
def connecting(database: Path) -> Iterator[type[Connection]]:
    """Give the class of a new connection; forks wait until the ``with`` is left.

    Raises
    ------
    RepositoryError
        In a child that was forked while a thread was inside SQLite.
    """
    if _stained:
        raise RepositoryError(
            f"{database} cannot be opened in this process, which was forked from one that was writing a repository at "
            'that moment: begin it by multiprocessing\'s method "spawn" or "forkserver"',
            detail={"path": str(database)},
        )
    with _opening:
        yield Connection


def keep(connection: Connection, database: Path) -> None:
    """Remember an open connection until it is gone."""
    status = database.stat()
    connection.database, connection.identity = database.absolute(), (status.st_dev, status.st_ino)
    _connections.add(connection)


def _before() -> None:
    global _quiet
    _forking.acquire()
    deadline = time.monotonic() + PATIENCE
    _quiet = True
    for lock in list(_busy):
        if lock.acquire(timeout=max(0.0, deadline - time.monotonic())):
            _held.append(lock)
        else:
            _quiet = False
    # Last: whoever holds one of those may be about to open a file.
    _opening.acquire()


def _after() -> None:
    _opening.release()
    for lock in _held:
        lock.release()
    _held.clear()
    _forking.release()


def _after_in_child() -> None:
    _after()
    _leave_sqlite()
    for fd, identity in _files.items():
        # Long closed, most of them.
        with suppress(OSError):
            if _identity(fd) == identity:
                os.close(fd)
    _files.clear()


def _leave_sqlite() -> None:
    global _stained
    connections = list(_connections)
    _connections.clear()
    if not connections:
        return
    # Whatever happens, nothing of them may be closed by mere forgetting.
    _abandoned.extend(connections)
    severed = _sever(connections)
    if not (_quiet and severed) or any(connection.in_transaction for connection in connections):
        _stained = True
        return
    for connection in connections:
        # SQLite finds that it cannot reach its file, which is what was wanted.
        with suppress(sqlite3.Error):
            connection.close()
    _abandoned.clear()


def _sever(connections: Iterable[Connection]) -> bool:
    """Put all descriptors of these connections upon an empty file; False where they cannot be found."""
    inodes = {connection.identity for connection in connections}
    for database in {connection.database for connection in connections}:
        for part in _PARTS:
            # There may be no journal.
            with suppress(OSError):
                status = database.with_name(database.name + part).stat()
                inodes.add((status.st_dev, status.st_ino))
    for place in _LISTS:
        try:
            numbers = [int(name) for name in os.listdir(place)]  # noqa: PTH208 (numbers, and no time for more)
            nothing = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            for fd in numbers:
                # The one that the listing itself was read from is gone.
                with suppress(OSError):
                    if _identity(fd) in inodes:
                        os.dup2(nothing, fd, inheritable=False)
        finally:
            os.close(nothing)
        return True
    return False


def _identity(fd: int) -> Identity:
    status = os.fstat(fd)
    return status.st_dev, status.st_ino


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_after, after_in_child=_after_in_child)
