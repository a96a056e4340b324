"""What the databases of a repository do alike; whoever calls holds the database's file lock."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from ipfs_comm.blockstore._faults import is_full

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

#: Milliseconds that folding waits for readers; what cannot be folded now is folded another time.
_FOLDING: Final = 200
#: Faults of a damaged database that are looked for.
_TOLD: Final = 5


@contextmanager
def writing(connection: sqlite3.Connection) -> Iterator[None]:
    """Commit what is done within, or undo it where that raises."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # A full disk has undone it already, and undoing it again would be another error in place of that one.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def define(connection: sqlite3.Connection, tables: Sequence[str]) -> None:
    """Make the tables of an empty database; of any other, look that they are there.

    Parameters
    ----------
    connection : sqlite3.Connection
    tables : sequence of str
        A ``CREATE TABLE name (...)`` each, as it was when the database was made.

    Raises
    ------
    sqlite3.DatabaseError
        The database is damaged: SQLite takes one for empty whose first page has lost its content.
    """
    there = [row[0] for row in connection.execute("SELECT sql FROM sqlite_master")]
    # The journal's mode makes a page of its own before there is any table.
    if not there and connection.execute("PRAGMA page_count").fetchone()[0] <= 1:
        with writing(connection):
            for table in tables:
                connection.execute(table)
    elif not set(tables) <= set(there):
        raise sqlite3.DatabaseError("its tables are not what they were")


def checkpoint(connection: sqlite3.Connection, wal: Path, limit: int) -> None:
    """Fold the write-ahead log into the database if it has grown beyond `limit` bytes."""
    try:
        grown = wal.stat().st_size > limit
    except FileNotFoundError:
        return
    if not grown:
        return
    try:
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    except sqlite3.OperationalError as error:
        # The log has it all: with a full disk it goes on from there until there is room.
        if not is_full(error):
            raise


def fold(connection: sqlite3.Connection) -> None:
    """Fold the write-ahead log into the database and cut it, as far as readers let that happen at once."""
    patience = connection.execute("PRAGMA busy_timeout").fetchone()[0]
    connection.execute(f"PRAGMA busy_timeout={_FOLDING}")
    try:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.OperationalError as error:
        if not is_full(error):
            raise
    finally:
        connection.execute(f"PRAGMA busy_timeout={patience}")


def check(connection: sqlite3.Connection) -> None:
    """Look whether a database is whole, as far as SQLite can tell.

    Raises
    ------
    sqlite3.DatabaseError
        It is not.
    """
    found = [row[0] for row in connection.execute(f"PRAGMA quick_check({_TOLD})")]
    if found != ["ok"]:
        raise sqlite3.DatabaseError("; ".join(map(str, found))[:500])
