"""How much a repository may hold, and what happens when that is reached."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from ipfs_comm.blockstore import SegmentBlockstore
from ipfs_comm.blockstore.room import parse_size, readable, size_of
from ipfs_comm.errors import InvalidInputError, NoSpaceError
from ipfs_comm.node.open import open_node
from ipfs_comm.testing.blockstore import block

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

MIB = 1 << 20


class Volume(NamedTuple):
    total: int
    used: int
    free: int


@pytest.fixture(params=["memory", "disk"])
async def node(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    repo = ":memory:" if request.param == "memory" else tmp_path / "r"
    async with open_node(repo=repo, offline=True, storage_max="4MiB", storage_reserve=0) as opened:
        yield opened


def volume(monkeypatch: pytest.MonkeyPatch, *, total: int, free: int) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: Volume(total, total - free, free))


async def until_full(store: SegmentBlockstore, size: int) -> NoSpaceError:
    with pytest.raises(NoSpaceError) as caught:
        await store.put_many(block(os.urandom(size)) for _ in range(10_000))
    await store.sync()
    return caught.value


@pytest.mark.parametrize(
    ("text", "size"),
    [
        (5, 5),
        ("5", 5),
        ("0", 0),
        ("7b", 7),
        ("1.5k", 1500),
        ("2MB", 2 * 10**6),
        ("10GB", 10**10),
        ("10 GiB", 10 << 30),
        ("3tib", 3 << 40),
        (2**53 - 1, 2**53 - 1),
    ],
)
def test_a_size_is_a_number_or_text(text: int | str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text", ["", "GB", "-1", -1, 1.5, True, None, "1e9", "10 apples", "5ib", "1" * 30, 2**53, "9PiB" * 2, "9999PB"]
)
def test_what_is_no_size_is_refused(text: object) -> None:
    with pytest.raises(InvalidInputError, match="is no size"):
        parse_size(text)


def test_sizes_are_told_for_people() -> None:
    assert [readable(size) for size in (0, 1023, 1536, 10 << 30)] == ["0 bytes", "1023 bytes", "1.5 KiB", "10 GiB"]


async def test_no_limit_of_nothing(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="from 1 on"):
        await SegmentBlockstore.open(tmp_path / "r", storage_max=0)
    assert not (tmp_path / "r").exists()


async def test_the_limit_is_told(node: Any) -> None:
    assert (await node.repo.stat()).storage_max == 4 * MIB


async def test_where_there_is_no_limit_the_largest_number_of_javascript_is_told(tmp_path: Path) -> None:
    async with open_node(repo=tmp_path / "r", offline=True) as node:
        assert (await node.repo.stat()).storage_max == 2**53 - 1


async def test_what_would_exceed_the_limit_is_refused_before_it_is_written(tmp_path: Path) -> None:
    async with await SegmentBlockstore.open(tmp_path / "r", storage_max=3 * MIB, storage_reserve=0) as store:
        error = await until_full(store, 100_000)
        assert size_of(tmp_path / "r") <= 3 * MIB
        assert size_of(tmp_path / "r") >= 2 * MIB
        assert str(tmp_path / "r") in str(error)
        assert "repo.gc" in str(error)
        assert error.detail["limit"] == 3 * MIB
        assert error.detail["used"] + error.detail["needed"] > 3 * MIB


async def test_many_small_blocks_are_counted_with_their_index(tmp_path: Path) -> None:
    async with await SegmentBlockstore.open(tmp_path / "r", storage_max=MIB, storage_reserve=0) as store:
        await until_full(store, 40)
        # The write-ahead log of the last commit comes on top, and is folded when room is looked for.
        assert (await store.usage()).blocks > 3000
        assert size_of(tmp_path / "r") <= 2 * MIB


async def test_what_is_there_already_needs_no_room(tmp_path: Path) -> None:
    first = block(os.urandom(1000))
    async with await SegmentBlockstore.open(tmp_path / "r", storage_max=MIB, storage_reserve=0) as store:
        await store.put(*first)
        await until_full(store, 50_000)
        await until_full(store, 1000)
        await store.put(*first)
        await store.sync()
        assert await store.get(first[0]) == first[1]


async def test_the_reserve_of_the_volume_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with await SegmentBlockstore.open(tmp_path / "r", storage_reserve="1MiB") as store:
        volume(monkeypatch, total=100 * MIB, free=MIB + 10_000)
        await store.put(*block(os.urandom(5000)))
        with pytest.raises(NoSpaceError, match="storage_reserve") as caught:
            await store.put(*block(os.urandom(50_000)))
        assert caught.value.detail["free"] == MIB + 10_000
        assert caught.value.detail["reserve"] == MIB


@pytest.mark.parametrize(("total", "reserve"), [(100 << 30, 256 * MIB), (1 << 30, (1 << 30) // 20)])
async def test_the_reserve_by_default_is_small_beside_the_volume(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, total: int, reserve: int
) -> None:
    async with await SegmentBlockstore.open(tmp_path / "r") as store:
        volume(monkeypatch, total=total, free=reserve + 100)
        with pytest.raises(NoSpaceError) as caught:
            await store.put(*block(os.urandom(200)))
        assert caught.value.detail["reserve"] == reserve
        volume(monkeypatch, total=total, free=reserve + 1000)
        await store.put(*block(os.urandom(200)))


async def test_a_volume_that_does_not_know_its_size_has_no_reserve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    volume(monkeypatch, total=0, free=0)
    async with await SegmentBlockstore.open(tmp_path / "r") as store:
        await store.put(*block(b"x"))


async def test_an_add_that_is_refused_leaves_nothing_pinned_and_all_of_it_collectable(node: Any) -> None:
    kept = (await node.add(b"kept" * 1000)).cid
    before = (await node.repo.stat()).num_objects
    content = os.urandom(8 * MIB)
    with pytest.raises(NoSpaceError, match="storage_max"):
        await node.add(content)
    assert [entry.cid async for entry in node.pin.ls()] == [kept]
    assert await node.repo.verify() == []
    await node.repo.gc()
    assert (await node.repo.stat()).num_objects == before
    assert await node.cat(kept) == b"kept" * 1000


async def test_when_it_is_full_what_makes_room_still_works(node: Any) -> None:
    large = (await node.add(os.urandom(3 * MIB))).cid
    await node.files.write("/a", b"a" * 100_000, create=True)
    with pytest.raises(NoSpaceError):
        await node.add(os.urandom(3 * MIB))
    assert (await node.repo.stat()).repo_size <= 4 * MIB
    await node.pin.rm(large)
    await node.files.rm("/a")
    await node.repo.gc()
    assert (await node.repo.stat()).repo_size < 2 * MIB
    again = (await node.add(b"again" * 100_000)).cid
    assert await node.cat(again) == b"again" * 100_000


async def test_what_garbage_collection_moves_may_exceed_the_limit(tmp_path: Path) -> None:
    async with open_node(repo=tmp_path / "r", offline=True, storage_reserve=0) as node:
        kept = (await node.add(os.urandom(MIB), raw_leaves=True)).cid
        await node.add(os.urandom(2 * MIB), pin=False)
    async with open_node(repo=tmp_path / "r", offline=True, storage_max=3 * MIB, storage_reserve=0) as node:
        await node.repo.gc()
        assert (await node.repo.stat()).repo_size < 2 * MIB
        assert len(await node.cat(kept)) == MIB


async def test_a_put_that_waits_for_room_and_a_put_of_the_same_block_keep_one(tmp_path: Path) -> None:
    async with await SegmentBlockstore.open(tmp_path / "r", storage_max=10 * MIB) as store:
        one = block(os.urandom(1000))
        await asyncio.gather(*(store.put(*one) for _ in range(10)))
        assert (await store.usage()).blocks == 1


async def test_many_processes_exceed_the_limit_by_no_more_than_one_look_and_one_batch_each(tmp_path: Path) -> None:
    limit, writers = 12 * MIB, 3
    code = f"""
import asyncio, os
from ipfs_comm.blockstore import SegmentBlockstore
from ipfs_comm.errors import NoSpaceError
from ipfs_comm.testing.blockstore import block
async def main():
    async with await SegmentBlockstore.open({str(tmp_path / "r")!r}, storage_max={limit}, storage_reserve=0) as store:
        try:
            while True:
                await store.put(*block(os.urandom(50_000)))
        except NoSpaceError as error:
            assert "storage_max" in str(error)
        await store.sync()
asyncio.run(main())
"""
    children = [await asyncio.create_subprocess_exec(sys.executable, "-c", code) for _ in range(writers)]
    assert [await child.wait() for child in children] == [0] * writers
    total, taken = size_of(tmp_path / "r"), limit + (writers - 1) * (1 + 1) * MIB
    assert limit - 2 * MIB < total <= taken + 8 * MIB
    # What exceeds it further is the index's log, which grows with the last commits.
    assert size_of(tmp_path / "r" / "segments") <= taken


async def test_the_configuration_holds_no_second_limit(node: Any) -> None:
    with pytest.raises(InvalidInputError, match="open_node"):
        await node.config.set("Datastore.StorageMax", "10GB")
    with pytest.raises(InvalidInputError, match="open_node"):
        await node.config.replace({"Datastore": {"StorageMax": "10GB"}})
