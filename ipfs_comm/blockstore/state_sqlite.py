"""The state of a repository on disk: one SQLite table, shared by processes, opened on first use."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar

from ipfs_comm.blockstore import _locks, _repository, _sqlite
from ipfs_comm.blockstore._pool import Pool
from ipfs_comm.blockstore.state import State
from ipfs_comm.errors import NoSpaceError, RepositoryError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from pathlib import Path

P = ParamSpec("P")
R = TypeVar("R")

#: Seconds to wait for another process's transaction.
_PATIENCE: Final = 30.0
#: Checkpoint when the write-ahead log has grown to this many bytes.
_WAL_LIMIT: Final = 1 << 20

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS records (
    space TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (space, key)
) WITHOUT ROWID;
"""


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
                if self._database is None:
                    self._database = _Database(self._directory)
                return work(self._database)
            except OSError as error:
                _repository.refuse(self._directory, error)
            except sqlite3.DatabaseError as error:
                raise _error(self._directory, error) from error

        future = self._pool.submit(guarded)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            await asyncio.wait({future})
            if not future.cancelled():
                future.exception()
            raise

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
                    await self._pool.run(self._database.close)
                    self._database = None
            finally:
                self._pool.close()


def _error(directory: Path, error: sqlite3.DatabaseError) -> NoSpaceError | RepositoryError:
    detail = {"path": str(directory / "state.sqlite")}
    if getattr(error, "sqlite_errorname", "") == "SQLITE_FULL":
        return NoSpaceError(
            f"no room left on the disk of the repository {directory}: remove files or blocks there", detail=detail
        )
    return RepositoryError(
        f"{directory / 'state.sqlite'}, which holds pins and the MFS's root, cannot be used: {error}. Restore it from "
        "a copy, or move it away to begin without pins",
        detail=detail,
    )


class _Database:
    """The blocking half: one connection and one lock file."""

    def __init__(self, directory: Path) -> None:
        self.lock_path = directory / "state.lock"
        self._path = directory / "state.sqlite"
        self._wal = directory / "state.sqlite-wal"
        self._lock = _locks.open_file(self.lock_path, create=True)
        try:
            os.close(_locks.open_file(self._path, create=True))
            self._connection = sqlite3.connect(
                self._path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False
            )
        except BaseException:
            os.close(self._lock)
            raise
        try:
            with _locks.locked(self._lock, self.lock_path, within=_PATIENCE):
                self._connection.execute("PRAGMA journal_mode=WAL").fetchone()
                # What these records say cannot be found out again from anywhere else: durable at every commit.
                self._connection.execute("PRAGMA synchronous=FULL")
                self._connection.execute("PRAGMA wal_autocheckpoint=0")
                self._connection.executescript(_SCHEMA)
        except BaseException:
            self._connection.close()
            os.close(self._lock)
            raise

    def try_lock(self) -> bool:
        return _locks.try_lock(self._lock)

    def unlock(self) -> None:
        _locks.unlock(self._lock)

    def get(self, space: str, key: str) -> bytes | None:
        row = self._connection.execute("SELECT value FROM records WHERE space = ? AND key = ?", (space, key)).fetchone()
        return row[0] if row else None

    def page(self, space: str, prefix: str, after: str | None, limit: int) -> list[tuple[str, bytes]]:
        compared, key = (">=", prefix) if after is None else (">", after)
        return self._connection.execute(
            f"SELECT key, value FROM records WHERE space = ? AND key {compared} ? ORDER BY key LIMIT ?",
            (space, key, limit),
        ).fetchall()

    def apply(self, changes: Mapping[tuple[str, str], bytes | None]) -> None:
        connection = self._connection
        with _sqlite.writing(connection):
            connection.executemany(
                "INSERT OR REPLACE INTO records VALUES (?, ?, ?)",
                ((*where, value) for where, value in changes.items() if value is not None),
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
