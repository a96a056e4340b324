from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ipfs_comm.blockstore import Blockstore, MemoryBlockstore
from ipfs_comm.errors import NoSpaceError
from ipfs_comm.testing.blockstore import BlockstoreContract, block

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class TestMemoryBlockstore(BlockstoreContract):
    @pytest.fixture
    async def store(self) -> AsyncIterator[Blockstore]:
        async with MemoryBlockstore() as store:
            yield store


async def test_a_limit_refuses_what_does_not_fit_and_keeps_the_rest() -> None:
    async with MemoryBlockstore(storage_max=10) as store:
        kept = block(b"12345678")
        await store.put(*kept)
        refused = block(b"abc")
        with pytest.raises(NoSpaceError):
            await store.put(*refused)
        assert await store.get(kept[0]) == kept[1]
        assert not await store.has(refused[0])


async def test_deleting_makes_room_below_the_limit() -> None:
    async with MemoryBlockstore(storage_max=10) as store:
        first = block(b"12345678")
        await store.put(*first)
        await store.delete(first[0])
        second = block(b"abc45678")
        await store.put(*second)
        assert await store.has(second[0])
