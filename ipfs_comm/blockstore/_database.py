"""How a repository's databases are opened: the journal that their file system bears, and known to forked children."""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from typing import TYPE_CHECKING

from ipfs_comm.blockstore import _fork, _locks

if TYPE_CHECKING:
    from pathlib import Path


def connect(path: Path, *, patience: float) -> _fork.Connection:
    """Open a database, made with mode 0600 if need be, for any one thread at a time.

    Parameters
    ----------
    path : Path
    patience : float
        Seconds that SQLite waits for other processes.

    Raises
    ------
    RepositoryError
        In a forked child that may not use SQLite.
    sqlite3.Error
        It cannot be opened.
    """
    # Never one that is there: closing any descriptor of a file gives up all locks that SQLite has on it here.
    with suppress(FileExistsError):
        os.close(_locks.open_file(path, create=True, exclusive=True))
    with _fork.connecting(path) as factory:
        connection = sqlite3.connect(
            path,
            timeout=patience,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=32,
            factory=factory,
        )
        _fork.keep(connection, path)
    return connection


def journal(connection: sqlite3.Connection, *, network: bool) -> bool:
    """Choose how changes are made safe; return whether by a write-ahead log.

    Such a log needs memory that all processes share, which those of a network file system do not have reliably even on
    one host. There a rollback journal is used; the caller then sets ``synchronous`` to ``EXTRA``, which also makes the
    end of a journal durable. The caller holds the database's file lock.
    """
    if network:
        # One who has the database alone reads a log that local use has left without that memory.
        connection.execute("PRAGMA locking_mode=EXCLUSIVE").fetchone()
        mode = connection.execute("PRAGMA journal_mode=DELETE").fetchone()[0]
        connection.execute("PRAGMA locking_mode=NORMAL").fetchone()
        # The lock is given back with the next reading.
        connection.execute("SELECT name FROM sqlite_master LIMIT 1").fetchone()
    else:
        mode = connection.execute("PRAGMA journal_mode=WAL").fetchone()[0]
    connection.execute("PRAGMA wal_autocheckpoint=0").fetchone()
    return bool(mode == "wal")
