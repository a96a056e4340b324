"""Transactions of a repository's databases."""

from __future__ import annotations

import sqlite3

import pytest

from ipfs_comm.blockstore._sqlite import writing


def numbers() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("CREATE TABLE numbers (n INTEGER PRIMARY KEY)")
    return connection


def write_and_fail(connection: sqlite3.Connection) -> None:
    with writing(connection):
        connection.execute("INSERT INTO numbers VALUES (1)")
        raise KeyError


def write_and_roll_back(connection: sqlite3.Connection) -> None:
    with writing(connection):
        connection.execute("INSERT INTO numbers VALUES (1)")
        connection.execute("INSERT OR ROLLBACK INTO numbers VALUES (1)")


def test_what_raises_is_undone() -> None:
    connection = numbers()
    with pytest.raises(KeyError):
        write_and_fail(connection)
    assert connection.execute("SELECT count(*) FROM numbers").fetchone() == (0,)
    connection.close()


def test_an_error_that_has_undone_everything_itself_is_the_one_that_is_seen() -> None:
    connection = numbers()
    with pytest.raises(sqlite3.IntegrityError):
        write_and_roll_back(connection)
    assert connection.execute("SELECT count(*) FROM numbers").fetchone() == (0,)
    connection.close()
