"""The contract that every blockstore must pass.

Use it from pytest (with pytest-asyncio)::

    class TestMyStore(BlockstoreContract):
        @pytest.fixture
        async def store(self):
            async with MyStore() as store:
                yield store
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from ipfs_comm.blockstore import MAX_BLOCK_SIZE
from ipfs_comm.errors import LimitError, NotFoundError, RepositoryError
from ipfs_comm.ipld import CID, multihash

if TYPE_CHECKING:
    from ipfs_comm.blockstore import Blockstore


def block(data: bytes, codec: str = "raw", function: str = "sha2-256") -> tuple[CID, bytes]:
    """Return a block with its CID (version 1)."""
    return CID.create(1, codec, multihash.digest(data, function)), data


class BlockstoreContract:
    """Tests of `ipfs_comm.blockstore.Blockstore`; a subclass gives the fixture ``store``, an empty open store."""

    async def test_a_block_that_was_put_is_there(self, store: Blockstore) -> None:
        cid, data = block(b"hello")
        await store.put(cid, data)
        assert await store.get(cid) == data
        assert await store.has(cid)
        assert await store.size(cid) == 5

    async def test_a_block_is_there_after_sync(self, store: Blockstore) -> None:
        cid, data = block(b"hello")
        await store.put(cid, data)
        await store.sync()
        assert await store.get(cid) == data
        assert await store.size(cid) == 5

    async def test_many_blocks_are_read_at_once(self, store: Blockstore) -> None:
        (one, first), (two, second) = block(b"one"), block(b"two")
        inline, _ = block(b"inline", function="identity")
        await store.put(one, first)
        await store.sync()
        await store.put(two, second)
        absent, _ = block(b"absent")
        asked = [two, absent, inline, one, two]
        assert await store.get_many(asked) == [second, None, b"inline", first, second]
        assert await store.has_many(asked) == [True, False, True, True, True]

    async def test_many_blocks_are_deleted_at_once(self, store: Blockstore) -> None:
        blocks = [block(bytes([number])) for number in range(5)]
        await store.put_many(blocks)
        await store.sync()
        cids = [cid for cid, _ in blocks]
        await store.delete_many(cids[:4])
        await store.compact()
        assert await store.has_many(cids) == [False] * 4 + [True]
        assert [cid async for cid in store.cids()] == cids[4:]

    async def test_the_number_of_blocks_and_their_room_are_told(self, store: Blockstore) -> None:
        await store.put_many([block(bytes(1000)), block(b"x" * 1000)])
        usage = await store.usage()
        assert usage.blocks == 2
        assert usage.size >= 2000
        assert (await store.usage(count=False)).blocks == 0

    async def test_get_returns_bytes(self, store: Blockstore) -> None:
        cid, data = block(b"hello")
        await store.put(cid, bytearray(data))  # type: ignore[arg-type]  # callers do that
        assert type(await store.get(cid)) is bytes

    async def test_a_block_is_not_changed_through_the_buffer_it_was_put_from(self, store: Blockstore) -> None:
        cid, data = block(b"hello")
        buffer = bytearray(data)
        await store.put(cid, memoryview(buffer))  # type: ignore[arg-type]  # callers do that
        buffer[:] = b"other"
        assert await store.get(cid) == data

    async def test_a_missing_block_is_not_found(self, store: Blockstore) -> None:
        cid, _ = block(b"missing")
        assert not await store.has(cid)
        with pytest.raises(NotFoundError, match=str(cid)):
            await store.get(cid)
        with pytest.raises(NotFoundError, match=str(cid)):
            await store.size(cid)

    async def test_an_empty_block_is_a_block(self, store: Blockstore) -> None:
        cid, data = block(b"")
        await store.put(cid, data)
        await store.sync()
        assert await store.get(cid) == b""

    async def test_cids_with_one_multihash_name_one_block(self, store: Blockstore) -> None:
        cid, data = block(b"same", "dag-pb")
        await store.put(cid, data)
        assert await store.get(cid.to_v0()) == data
        assert await store.get(CID.create(1, "dag-cbor", cid.multihash)) == data

    async def test_other_hash_functions_are_kept_apart(self, store: Blockstore) -> None:
        cid, data = block(b"data", "raw", "blake2b-256")
        await store.put(cid, data)
        assert await store.get(cid) == data
        assert not await store.has(block(b"data")[0])

    async def test_an_identity_block_is_always_there_and_never_stored(self, store: Blockstore) -> None:
        cid, data = block(b"inline", "raw", "identity")
        assert await store.has(cid)
        assert await store.get(cid) == data
        assert await store.size(cid) == 6
        await store.put(cid, data)
        await store.sync()
        assert [found async for found in store.cids()] == []

    async def test_the_largest_block_is_kept(self, store: Blockstore) -> None:
        cid, data = block(bytes(MAX_BLOCK_SIZE))
        await store.put(cid, data)
        assert await store.get(cid) == data

    async def test_a_larger_block_is_refused(self, store: Blockstore) -> None:
        cid, data = block(bytes(MAX_BLOCK_SIZE + 1))
        with pytest.raises(LimitError, match=str(cid)):
            await store.put(cid, data)
        assert not await store.has(cid)

    async def test_putting_twice_keeps_one(self, store: Blockstore) -> None:
        cid, data = block(b"twice")
        await store.put(cid, data)
        await store.put(cid, data)
        await store.sync()
        await store.put(cid, data)
        await store.sync()
        assert [found async for found in store.cids()] == [cid]

    async def test_a_deleted_block_is_gone(self, store: Blockstore) -> None:
        cid, data = block(b"doomed")
        await store.put(cid, data)
        await store.sync()
        await store.delete(cid)
        assert not await store.has(cid)
        await store.sync()
        assert not await store.has(cid)
        assert [found async for found in store.cids()] == []

    async def test_a_block_deleted_before_sync_is_gone(self, store: Blockstore) -> None:
        cid, data = block(b"doomed")
        await store.put(cid, data)
        await store.delete(cid)
        await store.sync()
        assert not await store.has(cid)

    async def test_a_block_comes_back_after_delete(self, store: Blockstore) -> None:
        cid, data = block(b"phoenix")
        await store.put(cid, data)
        await store.sync()
        await store.delete(cid)
        await store.put(cid, data)
        await store.sync()
        assert await store.get(cid) == data

    async def test_deleting_what_is_not_there_does_nothing(self, store: Blockstore) -> None:
        cid, data = block(b"stays")
        await store.put(cid, data)
        await store.delete(block(b"never there")[0])
        await store.sync()
        assert await store.get(cid) == data

    async def test_cids_names_every_block_as_raw_cidv1(self, store: Blockstore) -> None:
        blocks = dict(block(str(number).encode(), "dag-cbor") for number in range(2500))
        await store.put_many(blocks.items())
        await store.sync()
        extra = block(b"not yet synced")
        await store.put(*extra)
        expected = {CID.create(1, "raw", cid.multihash) for cid in (*blocks, extra[0])}
        found = [cid async for cid in store.cids()]
        assert len(found) == len(expected)
        assert set(found) == expected

    async def test_many_blocks_of_many_sizes_come_back(self, store: Blockstore) -> None:
        blocks = dict(block(os.urandom(size)) for size in (1, 100, 4095, 65_536, 262_144, 1_048_576) for _ in range(5))
        await store.put_many(blocks.items())
        for cid, data in blocks.items():
            assert await store.get(cid) == data
        await store.sync()
        for cid, data in blocks.items():
            assert await store.get(cid) == data

    async def test_sync_without_anything_new_is_allowed(self, store: Blockstore) -> None:
        await store.sync()
        await store.sync()
        assert [cid async for cid in store.cids()] == []

    async def test_a_closed_store_says_so(self, store: Blockstore) -> None:
        await store.close()
        await store.close()
        with pytest.raises(RepositoryError, match="closed"):
            await store.get(block(b"hello")[0])
        with pytest.raises(RepositoryError, match="closed"):
            await store.put(*block(b"hello"))
