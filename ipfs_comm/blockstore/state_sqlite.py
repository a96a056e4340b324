"""The state of a repository on disk: one SQLite table, shared by processes, opened on first use."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
import zlib
from contextlib import ExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar

from ipfs_comm.blockstore import _database, _faults, _fork, _locks, _repository, _sqlite
from ipfs_comm.blockstore._pool import Pool
from ipfs_comm.blockstore.state import State
from ipfs_comm.errors import RepositoryError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from pathlib import Path

P = ParamSpec("P")
R = TypeVar("R")

#: Seconds to wait for another process's transaction.
_PATIENCE: Final = 30.0
#: Checkpoint when the write-ahead log has grown to this many bytes.
_WAL_LIMIT: Final = 1 << 20
#: What to do about damage.
_REMEDY: Final = (
    "It holds the pins, the MFS's root, the names of keys, IPNS records and the configuration; the blocks are not in "
    "it. Restore it from a copy; or, while no process uses the repository, move state.sqlite, state.sqlite-wal and "
    "state.sqlite-shm out of its folder to begin without all that, and then pin what matters before repo.gc removes it"
)

_TABLES: Final = (
    """CREATE TABLE records (
    space TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (space, key)
) WITHOUT ROWID""",
)


class SqliteState(State):
    """Records in ``state.sqlite`` of a repository's directory.

    Transactions and checkpoints happen under a file lock of our own: SQLite up to 3.51.2 can lose commits when a log
    is reset while another process writes it.

    Parameters
    ----------
    directory : Path
        The repository, which is there already.
    """

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self._directory = directory
        self._pid = os.getpid()
        self._closed = False
        # One worker: the connection has one user at a time.
        self._pool = Pool(1, "ipfs_comm-state")
        self._database: _Database | None = None
        self._inside = threading.Lock()
        _fork.waits_for(self._inside)

    def _usable(self) -> None:
        if os.getpid() != self._pid:
            raise RepositoryError(
                f"the repository {self._directory} was opened by process {self._pid}, and this is a process forked "
                f"from it ({os.getpid()}): open a node of its own here",
                detail={"path": str(self._directory)},
            )
        if self._closed:
            raise RepositoryError(
                f"the repository {self._directory} is closed: open a new node", detail={"path": str(self._directory)}
            )

    async def _run(self, work: Callable[[_Database], R]) -> R:
        """Return what `work` returns; a caller that is cancelled leaves only after work that has begun."""
        self._usable()

        def guarded() -> R:
            try:
                with self._inside:
                    if self._database is None:
                        self._database = _Database(self._directory)
                    return work(self._database)
            except OSError as error:
                _repository.refuse(self._directory, error)
            except _faults.ERRORS as error:
                raise _faults.translated(self._directory / "state.sqlite", error, _REMEDY) from error

        future = self._pool.submit(guarded)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            await asyncio.wait({future})
            if not future.cancelled():
                future.exception()
            raise

    async def verify(self) -> None:
        """Look whether all records are whole."""
        await self._run(lambda database: database.check())

    async def get(self, space: str, key: str) -> bytes | None:
        """Return a record, or None."""
        return await self._run(lambda database: database.get(space, key))

    async def get_many(self, space: str, keys: Sequence[str]) -> list[bytes | None]:
        """Return records of one space."""
        return await self._run(lambda database: [database.get(space, key) for key in keys])

    async def page(self, space: str, prefix: str, after: str | None, limit: int) -> list[tuple[str, bytes]]:
        """Return the next records of a space."""
        rows = await self._run(lambda database: database.page(space, prefix, after, limit))
        return [row for row in rows if row[0].startswith(prefix)]

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        database = await self._run(lambda database: database)
        await _locks.acquire(database.try_lock, database.lock_path, within=_PATIENCE)
        try:
            yield
        finally:
            if os.getpid() == self._pid:
                database.unlock()

    async def _apply(self, changes: Mapping[tuple[str, str], bytes | None]) -> None:
        await self._run(lambda database: database.apply(changes))

    async def close(self) -> None:
        """Close the connection; in a forked child, leave it to the parent."""
        if self._closed or os.getpid() != self._pid:
            return
        async with self._turn:
            self._closed = True
            try:
                if self._database is not None:
                    await self._pool.run(self._end, self._database)
                    self._database = None
            finally:
                self._pool.close()

    def _end(self, database: _Database) -> None:
        with self._inside:
            database.close()


def _sealed(space: str, key: str, value: bytes) -> bytes:
    """Return a value behind a checksum of the record: SQLite does not notice all that happens to its file."""
    return _checksum(space, key, value) + value


def _opened(space: str, key: object, sealed: object) -> tuple[str, bytes]:
    """Return a record's key and value.

    Raises
    ------
    sqlite3.DatabaseError
        It is damaged.
    """
    if not isinstance(key, str) or not isinstance(sealed, bytes) or sealed[:4] != _checksum(space, key, sealed[4:]):
        raise sqlite3.DatabaseError(f"the record {key!r:.80} of {space!r:.40} is not what was written")
    return key, sealed[4:]


def _checksum(space: str, key: str, value: bytes) -> bytes:
    name = f"{space}\0{key}\0".encode("utf-8", "surrogatepass")
    return zlib.crc32(value, zlib.crc32(name)).to_bytes(4, "big")


class _Database:
    """The blocking half: one connection and one lock file."""

    def __init__(self, directory: Path) -> None:
        self.lock_path = directory / "state.lock"
        self._path = directory / "state.sqlite"
        self._wal = directory / "state.sqlite-wal"
        with ExitStack() as opened:
            self._hold = _repository.enter(directory)
            opened.callback(self._hold.leave)
            self._lock = _locks.open_file(self.lock_path, create=True)
            opened.callback(os.close, self._lock)
            self._connection = _database.connect(self._path, patience=_PATIENCE)
            opened.callback(self._connection.close)
            with _locks.locked(self._lock, self.lock_path, within=_PATIENCE):
                logged = _database.journal(self._connection, network=self._hold.network)
                # What these records say cannot be found out again from anywhere else: durable at every commit.
                self._connection.execute(f"PRAGMA synchronous={'FULL' if logged else 'EXTRA'}")
                _sqlite.define(self._connection, _TABLES)
                # In pages that are damaged records are not found, and a pin that is not found is collected.
                _sqlite.check(self._connection)
            opened.pop_all()

    def try_lock(self) -> bool:
        return _locks.try_lock(self._lock)

    def unlock(self) -> None:
        _locks.unlock(self._lock)

    def get(self, space: str, key: str) -> bytes | None:
        row = self._connection.execute("SELECT value FROM records WHERE space = ? AND key = ?", (space, key)).fetchone()
        return _opened(space, key, row[0])[1] if row else None

    def page(self, space: str, prefix: str, after: str | None, limit: int) -> list[tuple[str, bytes]]:
        compared, key = (">=", prefix) if after is None else (">", after)
        rows = self._connection.execute(
            f"SELECT key, value FROM records WHERE space = ? AND key {compared} ? ORDER BY key LIMIT ?",
            (space, key, limit),
        )
        found = [_opened(space, *row) for row in rows]
        if after is not None and found and found[-1][0] <= after:
            raise sqlite3.DatabaseError(f"the records of {space!r:.40} are not in order")
        return found

    def check(self) -> None:
        _sqlite.check(self._connection)
        for space, key, value in self._connection.execute("SELECT space, key, value FROM records"):
            _opened(str(space), key, value)

    def apply(self, changes: Mapping[tuple[str, str], bytes | None]) -> None:
        connection = self._connection
        self._hold.verify()
        with _sqlite.writing(connection):
            connection.executemany(
                "INSERT OR REPLACE INTO records VALUES (?, ?, ?)",
                ((*where, _sealed(*where, value)) for where, value in changes.items() if value is not None),
            )
            connection.executemany(
                "DELETE FROM records WHERE space = ? AND key = ?",
                (where for where, value in changes.items() if value is None),
            )
        _sqlite.checkpoint(connection, self._wal, _WAL_LIMIT)

    def close(self) -> None:
        try:
            with _locks.locked(self._lock, self.lock_path, within=_PATIENCE):
                self._connection.close()
        finally:
            os.close(self._lock)
            self._hold.leave()
