from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ipfs_comm.blockstore import SegmentBlockstore
from ipfs_comm.blockstore._gathered import Gathered
from ipfs_comm.blockstore._pool import Pool
from ipfs_comm.errors import HashMismatchError, NotFoundError, RepositoryError
from ipfs_comm.testing.blockstore import block

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from ipfs_comm.blockstore._gathered import Found

BLOCKS = [block(b"block %d " % number * 30) for number in range(40)]
ABSENT, _ = block(b"nobody put this")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SegmentBlockstore]:
    async with await SegmentBlockstore.open(tmp_path / "repo") as store:
        await store.put_many(BLOCKS)
        await store.sync()
        yield store


async def got(store: SegmentBlockstore, *cids: object) -> list[object]:
    return await asyncio.gather(*(store.get(cid) for cid in cids), return_exceptions=True)  # type: ignore[arg-type]  # errors are results here


async def test_a_missing_block_among_others_fails_alone(store: SegmentBlockstore) -> None:
    (first, one), (last, other) = BLOCKS[0], BLOCKS[-1]
    found = await got(store, first, ABSENT, last)
    assert (found[0], found[2]) == (one, other)
    assert isinstance(found[1], NotFoundError)


async def test_a_damaged_block_among_others_fails_alone(store: SegmentBlockstore, tmp_path: Path) -> None:
    (path,) = (tmp_path / "repo" / "segments").iterdir()
    damaged = path.read_bytes().replace(BLOCKS[7][1], BLOCKS[7][1].replace(b"block 7", b"BLOCK 7", 1))
    path.write_bytes(damaged)
    found = await got(store, *(cid for cid, _ in BLOCKS))
    assert isinstance(found.pop(7), HashMismatchError)
    assert found == [data for at, (_, data) in enumerate(BLOCKS) if at != 7]


async def test_a_damaged_row_of_the_index_fails_alone(store: SegmentBlockstore, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "repo" / "index.sqlite") as index:
        index.execute("UPDATE blocks SET size = -1 WHERE multihash = ?", (BLOCKS[7][0].multihash_bytes,))
    index.close()
    found = await got(store, *(cid for cid, _ in BLOCKS))
    assert isinstance(found.pop(7), RepositoryError)
    assert found == [data for at, (_, data) in enumerate(BLOCKS) if at != 7]


async def test_cancelling_one_leaves_the_others(store: SegmentBlockstore) -> None:
    tasks = [asyncio.ensure_future(store.get(cid)) for cid, _ in BLOCKS]
    await asyncio.sleep(0)
    tasks[3].cancel()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(found.pop(3), asyncio.CancelledError)
    assert found == [data for at, (_, data) in enumerate(BLOCKS) if at != 3]


async def test_one_block_may_be_asked_for_many_times_at_once(store: SegmentBlockstore) -> None:
    cid, data = BLOCKS[0]
    assert await got(store, cid, cid, cid) == [data] * 3
    assert await store.get_many([cid, ABSENT, cid]) == [data, None, data]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="descriptors are counted in /proc")
async def test_closing_while_blocks_are_read_gives_each_its_bytes_or_says_so(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 (counted, not looked at)
    store = await SegmentBlockstore.open(tmp_path / "repo")
    await store.put_many(BLOCKS)
    await store.sync()
    reading = [asyncio.ensure_future(store.get(cid)) for cid, _ in BLOCKS * 10]
    await asyncio.sleep(0)
    await store.close()
    for (_, data), found in zip(BLOCKS * 10, await asyncio.gather(*reading, return_exceptions=True), strict=True):
        assert found == data or isinstance(found, RepositoryError)
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208 (as above)


class Slow:
    """Finds every key as its own data once it is let go, and notes which were asked for together."""

    def __init__(self) -> None:
        self.together: list[Sequence[bytes]] = []
        self.begun = threading.Event()
        self.go = threading.Event()

    def __call__(self, keys: Sequence[bytes]) -> list[Found]:
        self.together.append(keys)
        self.begun.set()
        assert self.go.wait(20)
        return list(keys)


@pytest.fixture
def slow() -> Slow:
    return Slow()


async def test_what_is_asked_for_in_one_turn_is_read_together(slow: Slow) -> None:
    pool = Pool(1)
    gathered = Gathered(pool, slow, lambda: None)
    slow.go.set()
    assert await gathered.read(b"alone") == b"alone"
    keys = [b"%d" % number for number in range(100)]
    assert await asyncio.gather(*map(gathered.read, keys)) == keys
    assert slow.together == [[b"alone"], keys]
    pool.close()


async def test_large_blocks_are_shared_out_to_the_threads(slow: Slow) -> None:
    pool = Pool(1)
    gathered = Gathered(pool, slow, lambda: None)
    slow.go.set()
    keys = [bytes((number,)) * 800_000 for number in range(5)]
    await gathered.read(keys[0])
    assert await asyncio.gather(*map(gathered.read, keys)) == keys
    assert [len(some) for some in slow.together] == [1, 2, 2, 1]
    pool.close()


async def test_what_was_cancelled_before_its_turn_is_not_read(slow: Slow) -> None:
    pool = Pool(1)
    gathered = Gathered(pool, slow, lambda: None)
    slow.go.set()
    await gathered.read(b"alone")
    kept, left = gathered.read(b"kept"), gathered.read(b"left")
    left.cancel()
    assert await kept == b"kept"
    assert slow.together[1:] == [[b"kept"]]
    pool.close()


async def test_reads_that_the_pool_drops_say_why(slow: Slow) -> None:
    closed = False

    def usable() -> None:
        if closed:
            raise RepositoryError("closed")

    pool = Pool(1)
    gathered = Gathered(pool, slow, usable)
    begun = gathered.read(b"begun")
    await asyncio.to_thread(slow.begun.wait, 20)
    waiting = gathered.read(b"waiting")
    await asyncio.sleep(0)
    closed = True
    late = gathered.read(b"late")
    closing = asyncio.ensure_future(asyncio.to_thread(pool.close))
    with pytest.raises(RepositoryError):
        await late
    with pytest.raises(RepositoryError):
        await waiting
    slow.go.set()
    await closing
    assert await begun == b"begun"


async def test_an_error_of_the_work_itself_reaches_all_who_wait() -> None:
    def fail(keys: Sequence[bytes]) -> list[Found]:
        raise ZeroDivisionError(len(keys))

    pool = Pool(1)
    gathered = Gathered(pool, fail, lambda: None)
    found = await asyncio.gather(gathered.read(b"a"), gathered.read(b"b"), return_exceptions=True)
    assert [type(error) for error in found] == [ZeroDivisionError] * 2
    pool.close()
