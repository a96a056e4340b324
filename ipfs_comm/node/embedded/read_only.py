"""A repository that is read and never written: what comes from elsewhere is held in memory, up to a limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfs_comm.blockstore import Blockstore, State
from ipfs_comm.errors import NotSupportedError
from ipfs_comm.node.embedded.held import MAX_HELD, Held

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

    from ipfs_comm.blockstore.base import Usage
    from ipfs_comm.ipld import CID

__all__ = ["ReadOnlyBlockstore", "ReadOnlyState"]


def _denied(what: str) -> NotSupportedError:
    return NotSupportedError(
        f"{what} would write to the repository, and this node was opened read-only: open it with read_only=False",
        code="ERR_DENIED",
    )


class ReadOnlyBlockstore(Blockstore):
    """Another blockstore, of which nothing changes.

    Parameters
    ----------
    store : Blockstore
        Closed with this one.
    max_held : int
        Bytes of blocks to `remember`.
    """

    def __init__(self, store: Blockstore, *, max_held: int = MAX_HELD) -> None:
        self._store = store
        self._held = Held(max_held)
        self.storage_max = store.storage_max

    async def remember(self, cid: CID, data: bytes) -> None:
        """Hold a verified block from elsewhere for as long as there is room."""
        self._held.put(cid, data)

    async def get(self, cid: CID) -> bytes:
        """Return a block's bytes."""
        held = self._held.get(cid)
        return await self._store.get(cid) if held is None else held

    async def get_many(self, cids: Sequence[CID]) -> list[bytes | None]:
        """Return the bytes of blocks, None for those that are not here."""
        found = await self._store.get_many(cids)
        return [self._held.get(cid) if block is None else block for cid, block in zip(cids, found, strict=True)]

    async def has(self, cid: CID) -> bool:
        """Tell whether the block is here."""
        return cid in self._held or await self._store.has(cid)

    async def has_many(self, cids: Sequence[CID]) -> list[bool]:
        """Tell of each block whether it is here."""
        there = await self._store.has_many(cids)
        return [here or cid in self._held for cid, here in zip(cids, there, strict=True)]

    async def size(self, cid: CID) -> int:
        """Return the block's length in bytes."""
        held = self._held.get(cid)
        return await self._store.size(cid) if held is None else len(held)

    async def put(self, cid: CID, data: bytes) -> None:
        """Refuse to keep a block."""
        raise _denied(f"block {cid}, of {len(data)} bytes,")

    async def put_many(self, blocks: Iterable[tuple[CID, bytes]]) -> None:
        """Refuse to keep blocks."""
        for cid, data in blocks:
            await self.put(cid, data)

    async def delete(self, cid: CID) -> None:
        """Refuse to forget a block."""
        raise _denied(f"removing block {cid}")

    async def delete_many(self, cids: Sequence[CID]) -> None:
        """Refuse to forget blocks."""
        for cid in cids:
            await self.delete(cid)

    async def usage(self, *, count: bool = True) -> Usage:
        """Return the number of blocks and their bytes, without those that are only held."""
        return await self._store.usage(count=count)

    async def verify(self) -> None:
        """Look whether what the store keeps about its blocks is whole."""
        await self._store.verify()

    async def cids(self) -> AsyncGenerator[CID, None]:
        """Iterate over the blocks of the repository."""
        async for cid in self._store.cids():
            yield cid

    async def sync(self) -> None:
        """Nothing was written, so there is nothing to do."""

    async def close(self) -> None:
        """Close the store, and forget what was held."""
        self._held.clear()
        await self._store.close()


class ReadOnlyState(State):
    """Other records, of which nothing changes; closed with these."""

    def __init__(self, state: State) -> None:
        super().__init__()
        self._state = state

    def _usable(self) -> None:
        """Leave it to the records themselves: nothing is done here without them."""

    async def get(self, space: str, key: str) -> bytes | None:
        """Return a record, or None."""
        return await self._state.get(space, key)

    async def get_many(self, space: str, keys: Sequence[str]) -> list[bytes | None]:
        """Return records of one space, None for each that there is not."""
        return await self._state.get_many(space, keys)

    async def page(self, space: str, prefix: str, after: str | None, limit: int) -> list[tuple[str, bytes]]:
        """Return the next records of a space whose keys have a prefix, in the order of their keys."""
        return await self._state.page(space, prefix, after, limit)

    async def verify(self) -> None:
        """Look whether all records are whole."""
        await self._state.verify()

    def _alone(self) -> AbstractAsyncContextManager[None]:
        raise _denied("this call")

    async def _apply(self, changes: Mapping[tuple[str, str], bytes | None]) -> None:
        raise _denied(f"a change of {len(changes)} records")

    async def close(self) -> None:
        """Close the records."""
        await self._state.close()
