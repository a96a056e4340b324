"""Transactions of a repository's databases."""

from __future__ import annotations

import sqlite3

import pytest

from ipfs_comm.blockstore._sqlite import writing


def numbers() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("CREATE TABLE numbers (n INTEGER PRIMARY KEY)")
    return connection


def test_what_raises_is_undone() -> None:
    connection = numbers()
    with pytest.raises(KeyError), writing(connection):
        connection.execute("INSERT INTO numbers VALUES (1)")
        raise KeyError
    assert connection.execute("SELECT count(*) FROM numbers").fetchone() == (0,)
    connection.close()


def test_an_error_that_has_undone_everything_itself_is_the_one_that_is_seen() -> None:
    connection = numbers()
    with pytest.raises(sqlite3.IntegrityError), writing(connection):
        connection.execute("INSERT INTO numbers VALUES (1)")
        connection.execute("INSERT OR ROLLBACK INTO numbers VALUES (1)")
    assert connection.execute("SELECT count(*) FROM numbers").fetchone() == (0,)
    connection.close()
