"""The index of the segments: an SQLite table from multihash to record, shared by processes."""

from __future__ import annotations

import os
import sqlite3
from typing import TYPE_CHECKING, Any, Final, TypeGuard

from ipfs_comm.blockstore import _database, _faults, _locks, _sqlite
from ipfs_comm.blockstore._segment import Location
from ipfs_comm.blockstore.base import MAX_BLOCK_SIZE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

#: Seconds to wait for another process's commit.
_PATIENCE: Final = 30.0
#: Checkpoint when the write-ahead log has grown to this many bytes.
_WAL_LIMIT: Final = 8 * 1024 * 1024

#: Multihashes that are looked up by one statement.
_TOGETHER: Final = 500
#: Larger segment numbers and offsets are damage.
_MOST: Final = 2**53
#: Bytes that a block takes in the index, about.
ROW: Final = 64
#: What to do about a damaged index.
REMEDY: Final = (
    "It can be made again from the segments: while no process uses the repository, move index.sqlite, index.sqlite-wal "
    "and index.sqlite-shm out of its folder, and open it once more"
)

_TABLES: Final = (
    """CREATE TABLE blocks (
    multihash BLOB PRIMARY KEY, segment INTEGER NOT NULL, "offset" INTEGER NOT NULL, size INTEGER NOT NULL
) WITHOUT ROWID""",
    "CREATE TABLE segments (number INTEGER PRIMARY KEY, committed INTEGER NOT NULL)",
)


class DamagedRowError(sqlite3.DatabaseError):
    """A row of the index that cannot be: SQLite does not notice all that happens to its file."""


class Index:
    """One connection; the caller lets one thread at a time in.

    Commits and checkpoints happen under a file lock of our own: SQLite up to 3.51.2 can lose commits when a log is
    reset while another process writes it.

    Parameters
    ----------
    folder : Path
        Where ``index.sqlite`` and ``index.lock`` are.
    network : bool
        Whether that is on a network file system.
    """

    def __init__(self, folder: Path, *, network: bool = False) -> None:
        self._path = folder / "index.sqlite"
        self._wal = folder / "index.sqlite-wal"
        self._lock_path = folder / "index.lock"
        self._lock = _locks.open_file(self._lock_path, create=True)
        try:
            self._connection = _database.connect(self._path, patience=_PATIENCE)
        except BaseException:
            os.close(self._lock)
            raise
        try:
            with self._held():
                # Without a write-ahead log nothing less keeps an index whole through a power cut.
                self._synchronous = "NORMAL" if _database.journal(self._connection, network=network) else "EXTRA"
                self._connection.execute(f"PRAGMA synchronous={self._synchronous}")
                self._connection.execute("PRAGMA cache_size=-8192")
                _sqlite.define(self._connection, _TABLES)
        except BaseException as error:
            self._connection.close()
            os.close(self._lock)
            if isinstance(error, _faults.ERRORS):
                raise _faults.translated(self._path, error, REMEDY) from error
            raise

    def _held(self) -> AbstractContextManager[None]:
        return _locks.locked(self._lock, self._lock_path, within=_PATIENCE)

    @property
    def path(self) -> Path:
        """The database's file."""
        return self._path

    def find(self, multihash: bytes) -> Location | None:
        """Return where a committed block is.

        Raises
        ------
        DamagedRowError
            The index says something that cannot be.
        """
        row = self._connection.execute(
            'SELECT segment, "offset", size FROM blocks WHERE multihash = ?', (multihash,)
        ).fetchone()
        return None if row is None else _location(multihash, *row)

    def find_many(self, multihashes: Sequence[bytes]) -> dict[bytes, Location]:
        """Return where those blocks are that are committed; three times as fast as one by one.

        Raises
        ------
        DamagedRowError
            The index says something that cannot be.
        """
        rows = self._among('multihash, segment, "offset", size', multihashes)
        return {key: _location(key, *place) for key, *place in rows}

    def having(self, multihashes: Sequence[bytes]) -> set[bytes]:
        """Return those multihashes that there is a row of, damaged or not."""
        return {key for (key,) in self._among("multihash", multihashes)}

    def _among(self, columns: str, multihashes: Sequence[bytes]) -> Iterator[Any]:
        for start in range(0, len(multihashes), _TOGETHER):
            some = multihashes[start : start + _TOGETHER]
            marks = ",".join("?" * len(some))
            yield from self._connection.execute(f"SELECT {columns} FROM blocks WHERE multihash IN ({marks})", some)

    def page(self, after: bytes, limit: int) -> list[bytes]:
        """Return the next multihashes in ascending order."""
        rows = self._connection.execute(
            "SELECT multihash FROM blocks WHERE multihash > ? ORDER BY multihash LIMIT ?", (after, limit)
        )
        found = [row[0] for row in rows]
        if not all(isinstance(key, bytes) for key in found) or (found and found[-1] <= after):
            raise DamagedRowError("its multihashes are not in order")
        return found

    def committed(self) -> dict[int, int]:
        """Return the bytes known to be good, by segment."""
        found = dict(self._connection.execute("SELECT number, committed FROM segments"))
        if not all(_is_count(number) and _is_count(end) for number, end in found.items()):
            raise DamagedRowError("its list of segments cannot be")
        return found

    def count(self) -> int:
        """Return how many blocks there are."""
        found: int = self._connection.execute("SELECT COUNT(*) FROM blocks").fetchone()[0]
        return found

    def live(self) -> dict[int, tuple[int, int]]:
        """Return by segment how many blocks it holds, and the bytes of their data and multihashes."""
        rows = self._connection.execute(
            "SELECT segment, COUNT(*), SUM(size + LENGTH(multihash)) FROM blocks GROUP BY segment"
        ).fetchall()
        if not all(_is_count(value) for row in rows for value in row):
            raise DamagedRowError("where it says that blocks are cannot be")
        return {segment: (count, size) for segment, count, size in rows}

    def blocks_in(self, segment: int) -> list[tuple[bytes, Location]]:
        """Return the committed blocks of one segment in the order of their records; reads the whole index."""
        rows = self._connection.execute(
            'SELECT multihash, segment, "offset", size FROM blocks WHERE segment = ? ORDER BY "offset"', (segment,)
        )
        return [
            (key, Location(*place)) for key, *place in rows if isinstance(key, bytes) and all(map(_is_count, place))
        ]

    def last_segment(self) -> int:
        """Return the largest segment number that the index has known."""
        return max(self.committed(), default=0)

    def forget_segments(self, numbers: Sequence[int]) -> None:
        """Forget segments that were removed, but for the last one: no number is given twice, see `last_segment`."""
        if not numbers:
            return
        with self._held(), _sqlite.writing(self._connection):
            self._connection.executemany(
                "DELETE FROM segments WHERE number = ? AND number < (SELECT MAX(number) FROM segments)",
                ((number,) for number in numbers),
            )

    def check(self) -> None:
        """Look whether the database is whole, as far as SQLite can tell.

        Raises
        ------
        sqlite3.DatabaseError
            It is not.
        """
        _sqlite.check(self._connection)

    def shrink(self) -> None:
        """Fold the write-ahead log into the database, and give the room of both back that is not needed."""
        with self._held():
            _sqlite.fold(self._connection)

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
            if durable and self._synchronous == "NORMAL":
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


def _location(multihash: bytes, segment: object, offset: object, size: object) -> Location:
    if not (_is_count(segment) and _is_count(offset) and _is_count(size) and size <= MAX_BLOCK_SIZE):
        raise DamagedRowError(f"its row of block {multihash.hex()} (multihash) cannot be")
    return Location(segment, offset, size)


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and 0 <= value <= _MOST
