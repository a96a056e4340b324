"""The index of the segments: an SQLite table from multihash to record, shared by processes."""

from __future__ import annotations

import os
import sqlite3
from typing import TYPE_CHECKING, Final

from ipfs_comm.blockstore import _locks, _sqlite
from ipfs_comm.blockstore._segment import Location
from ipfs_comm.errors import RepositoryError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

#: Seconds to wait for another process's commit.
_PATIENCE: Final = 30.0
#: Checkpoint when the write-ahead log has grown to this many bytes.
_WAL_LIMIT: Final = 8 * 1024 * 1024

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS blocks (
    multihash BLOB PRIMARY KEY, segment INTEGER NOT NULL, "offset" INTEGER NOT NULL, size INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS segments (number INTEGER PRIMARY KEY, committed INTEGER NOT NULL);
"""


class Index:
    """One connection; the caller lets one thread at a time in.

    Commits and checkpoints happen under a file lock of our own: SQLite up to 3.51.2 can lose commits when a log is
    reset while another process writes it.

    Parameters
    ----------
    folder : Path
        Where ``index.sqlite`` and ``index.lock`` are.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "index.sqlite"
        self._wal = folder / "index.sqlite-wal"
        self._lock_path = folder / "index.lock"
        self._lock = _locks.open_file(self._lock_path, create=True)
        try:
            os.close(_locks.open_file(self._path, create=True))
            self._connection = sqlite3.connect(
                self._path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False, cached_statements=32
            )
        except BaseException:
            os.close(self._lock)
            raise
        try:
            with self._held():
                mode = self._connection.execute("PRAGMA journal_mode=WAL").fetchone()[0]
                # Without a write-ahead log (some network file systems) only FULL keeps an index whole through a power
                # cut.
                self._synchronous = "NORMAL" if mode == "wal" else "FULL"
                self._connection.execute(f"PRAGMA synchronous={self._synchronous}")
                self._connection.execute("PRAGMA wal_autocheckpoint=0")
                self._connection.execute("PRAGMA cache_size=-8192")
                self._connection.executescript(_SCHEMA)
        except BaseException as error:
            self._connection.close()
            os.close(self._lock)
            if isinstance(error, sqlite3.DatabaseError):
                raise RepositoryError(
                    f"the index {self._path} cannot be used: {error}. It can be made again from the segments: "
                    f"move it away and open the repository once more",
                    detail={"path": str(self._path)},
                ) from error
            raise

    def _held(self) -> AbstractContextManager[None]:
        return _locks.locked(self._lock, self._lock_path, within=_PATIENCE)

    def find(self, multihash: bytes) -> Location | None:
        """Return where a committed block is."""
        row = self._connection.execute(
            'SELECT segment, "offset", size FROM blocks WHERE multihash = ?', (multihash,)
        ).fetchone()
        return Location(*row) if row else None

    def page(self, after: bytes, limit: int) -> list[bytes]:
        """Return the next multihashes in ascending order."""
        rows = self._connection.execute(
            "SELECT multihash FROM blocks WHERE multihash > ? ORDER BY multihash LIMIT ?", (after, limit)
        )
        return [row[0] for row in rows]

    def committed(self) -> dict[int, int]:
        """Return the bytes known to be good, by segment."""
        return dict(self._connection.execute("SELECT number, committed FROM segments"))

    def count(self) -> int:
        """Return how many blocks there are."""
        found: int = self._connection.execute("SELECT COUNT(*) FROM blocks").fetchone()[0]
        return found

    def live(self) -> dict[int, tuple[int, int]]:
        """Return by segment how many blocks it holds, and the bytes of their data and multihashes."""
        rows = self._connection.execute(
            "SELECT segment, COUNT(*), SUM(size + LENGTH(multihash)) FROM blocks GROUP BY segment"
        )
        return {segment: (count, size) for segment, count, size in rows}

    def last_segment(self) -> int:
        """Return the largest segment number that the index has known."""
        found: int | None = self._connection.execute("SELECT MAX(number) FROM segments").fetchone()[0]
        return found or 0

    def commit(
        self,
        added: Iterable[tuple[bytes, Location]],
        removed: Iterable[bytes],
        ends: Mapping[int, int],
        *,
        durable: bool = False,
    ) -> None:
        """Add and remove blocks and move the segments' committed ends, all or nothing.

        What is added is found again from the segments after a power cut. With ``durable`` this commit, and all before
        it, outlive one by themselves: needed before a segment is removed.
        """
        connection = self._connection
        with self._held():
            if durable:
                connection.execute("PRAGMA synchronous=FULL")
            try:
                with _sqlite.writing(connection):
                    connection.executemany(
                        "INSERT OR REPLACE INTO blocks VALUES (?, ?, ?, ?)", ((key, *place) for key, place in added)
                    )
                    connection.executemany("DELETE FROM blocks WHERE multihash = ?", ((key,) for key in removed))
                    connection.executemany("INSERT OR REPLACE INTO segments VALUES (?, ?)", ends.items())
            finally:
                if durable:
                    connection.execute(f"PRAGMA synchronous={self._synchronous}")
            _sqlite.checkpoint(connection, self._wal, _WAL_LIMIT)

    def close(self) -> None:
        """Close the connection; the last of all processes folds the log into the database."""
        try:
            with self._held():
                self._connection.close()
        finally:
            os.close(self._lock)
