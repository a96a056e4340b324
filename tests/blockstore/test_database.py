"""How a repository's databases are opened."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from ipfs_comm.blockstore import _database

LOCKS = Path("/proc/locks")


def locks_on(path: Path) -> int:
    """Return how many locks this process has on a file, as SQLite makes them."""
    lines = [line.split() for line in LOCKS.read_text().splitlines()]
    mine = [line for line in lines if len(line) == 8 and line[1] == "POSIX" and line[4] == f"{os.getpid()}"]
    return sum(int(line[5].split(":")[2]) == path.stat().st_ino for line in mine)


@pytest.mark.skipif(not LOCKS.exists(), reason="only Linux lists locks")
def test_a_second_connection_leaves_the_locks_of_the_first_alone(tmp_path: Path) -> None:
    path = tmp_path / "database"
    first = _database.connect(path, patience=1)
    _database.journal(first, network=False)
    first.execute("CREATE TABLE numbers (n)")
    # With it SQLite keeps others from removing the log under it.
    assert locks_on(path) == 1
    second = _database.connect(path, patience=1)
    assert locks_on(path) == 1
    second.close()
    first.close()


@pytest.mark.parametrize("network", [False, True])
def test_a_database_is_its_owners_alone_and_logged_where_that_is_safe(tmp_path: Path, network: bool) -> None:
    path = tmp_path / "database"
    connection = _database.connect(path, patience=1)
    try:
        assert _database.journal(connection, network=network) is not network
        connection.execute("CREATE TABLE numbers (n)")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert path.with_name("database-wal").exists() is not network
    finally:
        connection.close()
