from __future__ import annotations

import asyncio
import os
from contextlib import aclosing
from typing import TYPE_CHECKING

import pytest

from ipfs_comm.blockstore import MemoryBlockstore
from ipfs_comm.errors import NotFoundError
from ipfs_comm.ipld import CID, multihash
from ipfs_comm.unixfs import ImportOptions, exporter
from ipfs_comm.unixfs.builder import Builder
from ipfs_comm.unixfs.directory import make_directory
from ipfs_comm.unixfs.hamt import Entry
from ipfs_comm.unixfs.importer import import_file

if TYPE_CHECKING:
    from collections.abc import Sequence


class Loader:
    """Loads blocks one by one or many at once, some of them only one by one."""

    def __init__(self, store: MemoryBlockstore, elsewhere: set[CID] | None = None) -> None:
        self._store = store
        self.elsewhere = elsewhere or set()
        self.alone: list[CID] = []
        self.together: list[Sequence[CID]] = []
        self.under_way = self.most = 0

    async def __call__(self, cid: CID) -> bytes:
        self.alone.append(cid)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await asyncio.sleep(0)
            return await self._store.get(cid)
        finally:
            self.under_way -= 1

    async def many(self, cids: Sequence[CID]) -> list[bytes | None]:
        self.together.append(cids)
        await asyncio.sleep(0)
        found = await self._store.get_many(cids)
        return [None if cid in self.elsewhere else block for cid, block in zip(cids, found, strict=True)]


@pytest.fixture
def store() -> MemoryBlockstore:
    return MemoryBlockstore()


async def file_of(store: MemoryBlockstore, content: bytes, chunk: int) -> CID:
    options = ImportOptions(chunker=f"size-{chunk}", raw_leaves=True)
    return (await import_file(content, put=store.put, options=options)).cid


def leaf(data: bytes) -> CID:
    return CID.create(1, "raw", multihash.digest(data))


async def test_what_is_due_soon_is_asked_for_many_at_once(store: MemoryBlockstore) -> None:
    content = os.urandom(200_000)
    cid = await file_of(store, content, 1000)
    load = Loader(store)
    assert b"".join([piece async for piece in exporter.cat(load, cid)]) == content
    assert sum(map(len, load.together)) == 202
    assert len(load.together) < 30
    assert load.alone == [cid]


async def test_no_more_is_asked_for_than_fits_some_mebibytes(store: MemoryBlockstore) -> None:
    cid = await file_of(store, os.urandom(24 << 20), 512 << 10)
    load, given = Loader(store), 0
    async for _ in exporter.cat(load, cid):
        given += 1
        assert sum(map(len, load.together)) - given <= 18


async def test_blocks_that_are_not_at_hand_are_loaded_beside_each_other(store: MemoryBlockstore) -> None:
    content = os.urandom(100_000)
    cid = await file_of(store, content, 1000)
    load = Loader(store, {leaf(content[at : at + 1000]) for at in range(0, 100_000, 2000)})
    assert b"".join([piece async for piece in exporter.cat(load, cid)]) == content
    assert load.elsewhere < set(load.alone)
    assert load.most > 1


async def test_a_block_that_nobody_has_is_an_error_in_its_place(store: MemoryBlockstore) -> None:
    content = os.urandom(50_000)
    cid = await file_of(store, content, 1000)
    await store.delete(leaf(content[30_000:31_000]))
    got = bytearray()
    stream = exporter.cat(Loader(store), cid)
    while len(got) < 30_000:
        got += await anext(stream)
    with pytest.raises(NotFoundError):
        await anext(stream)
    assert got == content[:30_000]


async def test_leaving_early_ends_what_was_asked_for(store: MemoryBlockstore) -> None:
    content = os.urandom(100_000)
    cid = await file_of(store, content, 1000)
    before = asyncio.all_tasks()
    for elsewhere in (set(), {leaf(content[at : at + 1000]) for at in range(0, 100_000, 1000)}):
        async with aclosing(exporter.cat(Loader(store, elsewhere), cid)) as stream:
            for _ in range(20):
                await anext(stream)
        assert asyncio.all_tasks() == before


async def test_a_range_asks_for_nothing_beside_it(store: MemoryBlockstore) -> None:
    content = os.urandom(100_000)
    cid = await file_of(store, content, 1000)
    load = Loader(store)
    pieces = [piece async for piece in exporter.cat(load, cid, offset=55_500, length=2000)]
    assert b"".join(pieces) == content[55_500:57_500]
    leaves = {leaf(content[at : at + 1000]) for at in (55_000, 56_000, 57_000)}
    assert {one for some in load.together for one in some if one.code == 0x55} == leaves


async def test_the_shards_of_a_directory_come_many_at_once_and_in_order(store: MemoryBlockstore) -> None:
    builder = Builder(store.put, ImportOptions(cid_version=1, shard_split_threshold=0).resolved())
    entries = [Entry(f"file-{number}", leaf(b"%d" % number), number) for number in range(3000)]
    made = await make_directory(builder, entries)
    one_by_one = [entry async for entry in exporter.ls(store.get, made.cid)]
    assert sorted(one_by_one) == sorted(entries)
    load = Loader(store)
    assert [entry async for entry in exporter.ls(load, made.cid)] == one_by_one
    asked = sum(map(len, load.together))
    assert asked == made.blocks - 1
    assert len(load.together) < asked / 4
    some = Loader(store, {one for cids in load.together for one in cids[::2]})
    assert [entry async for entry in exporter.ls(some, made.cid)] == one_by_one
