"""What the index remembers of segments that were removed: nothing but the number that no new one may have."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from ipfs_comm.blockstore import SegmentBlockstore, _files
from ipfs_comm.testing.blockstore import block

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place for a repository of one segment a kilobyte."""
    monkeypatch.setattr(_files, "SEGMENT_LIMIT", 1000)
    return tmp_path / "repo"


def rows(repo: Path) -> list[int]:
    with closing(sqlite3.connect(repo / "index.sqlite")) as connection:
        return [number for (number,) in connection.execute("SELECT number FROM segments ORDER BY number")]


def numbers(repo: Path) -> list[int]:
    return sorted(int(path.stem) for path in (repo / "segments").iterdir())


def content(number: int) -> bytes:
    return b"%d" % number * 1000


async def put(store: SegmentBlockstore, *contents: int) -> None:
    for number in contents:
        await store.put(*block(content(number)))
        await store.sync()


async def forget(store: SegmentBlockstore, *contents: int) -> None:
    await store.delete_many([block(content(number))[0] for number in contents])
    await store.compact()


async def test_a_segment_that_is_removed_leaves_no_row(repo: Path) -> None:
    async with await SegmentBlockstore.open(repo) as store:
        await put(store, 1, 2, 3, 4)
        assert rows(repo) == numbers(repo) == [1, 2, 3, 4]
        await forget(store, 1, 3)
        assert rows(repo) == numbers(repo) == [2, 4]
        assert await store.get(block(content(2))[0]) == content(2)


async def test_the_last_number_is_remembered_and_never_given_again(repo: Path) -> None:
    async with await SegmentBlockstore.open(repo) as store:
        await put(store, 1, 2, 3)
        await forget(store, 1, 2, 3)
        assert (rows(repo), numbers(repo)) == ([3], [])
    async with await SegmentBlockstore.open(repo) as store:
        await put(store, 4)
        assert numbers(repo) == [4]
        await forget(store, 99)
        assert rows(repo) == [4]


async def test_rows_that_a_crash_or_an_older_version_left_go_with_the_next_collection(repo: Path) -> None:
    async with await SegmentBlockstore.open(repo) as store:
        await put(store, 1)
        with closing(sqlite3.connect(repo / "index.sqlite")) as connection, connection:
            connection.executemany("INSERT INTO segments VALUES (?, 16)", [(5,), (6,), (7,)])
        await put(store, 2)
        assert numbers(repo) == [1, 8]
        await forget(store, 99)
        assert rows(repo) == [1, 8]


async def test_another_process_that_has_a_removed_segment_open_reads_on_and_gives_no_number_twice(repo: Path) -> None:
    async with await SegmentBlockstore.open(repo) as reader, await SegmentBlockstore.open(repo) as writer:
        await put(writer, *range(5))
        for number in range(5):
            assert await reader.get(block(content(number))[0]) == content(number)
        gone = set(numbers(repo))
        await forget(writer, 0, 1, 2, 3)
        gone -= set(numbers(repo))
        assert len(gone) == 4
        await put(reader, *range(10, 13))
        await put(writer, *range(20, 23))
        assert not gone & set(numbers(repo))
        assert rows(repo) == numbers(repo)
        for store in (reader, writer):
            for number in (4, *range(10, 13), *range(20, 23)):
                assert await store.get(block(content(number))[0]) == content(number)
            assert not any(await store.has_many([block(content(number))[0] for number in range(4)]))
    async with await SegmentBlockstore.open(repo) as store:
        assert not any(await store.has_many([block(content(number))[0] for number in range(4)]))
