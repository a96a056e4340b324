"""What the databases of a repository do alike; whoever calls holds the database's file lock."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator
    from pathlib import Path


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


def checkpoint(connection: sqlite3.Connection, wal: Path, limit: int) -> None:
    """Fold the write-ahead log into the database if it has grown beyond `limit` bytes."""
    try:
        grown = wal.stat().st_size > limit
    except FileNotFoundError:
        return
    if grown:
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
