"""The blockstore that keeps nothing: a dictionary."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfs_comm.blockstore.base import Blockstore, Usage, check_size, missing
from ipfs_comm.blockstore.room import parse_size
from ipfs_comm.errors import NoSpaceError, RepositoryError
from ipfs_comm.ipld import CID

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

_RAW = 0x55


class MemoryBlockstore(Blockstore):
    """Blocks in this process's memory, gone when the store is closed.

    Parameters
    ----------
    storage_max : int or str, optional
        The most bytes of blocks to hold, also as text such as ``"100MB"``; no limit where not given.
    """

    def __init__(self, *, storage_max: int | str | None = None) -> None:
        self._blocks: dict[bytes, bytes] = {}
        self.storage_max = None if storage_max is None else parse_size(storage_max, least=1)
        self._held = 0
        self._closed = False

    def _usable(self) -> None:
        if self._closed:
            raise RepositoryError("this in-memory blockstore is closed: open a new node")

    async def get(self, cid: CID) -> bytes:
        """Return the block's bytes."""
        self._usable()
        if cid.is_identity:
            return cid.multihash.digest
        try:
            return self._blocks[cid.multihash_bytes]
        except KeyError:
            raise missing(cid, "the in-memory blockstore") from None

    async def has(self, cid: CID) -> bool:
        """Tell whether the block is here."""
        self._usable()
        return cid.is_identity or cid.multihash_bytes in self._blocks

    async def size(self, cid: CID) -> int:
        """Return the block's length in bytes."""
        return len(await self.get(cid))

    async def put(self, cid: CID, data: bytes) -> None:
        """Keep a block."""
        self._usable()
        check_size(cid, data)
        key = cid.multihash_bytes
        if cid.is_identity or key in self._blocks:
            return
        if self.storage_max is not None and self._held + len(data) > self.storage_max:
            raise NoSpaceError(
                f"no room for block {cid} ({len(data)} bytes) in memory: the blocks there take {self._held} of at most "
                f"{self.storage_max} bytes (storage_max). Unpin what is not needed and run repo.gc, give a larger "
                "storage_max, or use a repository on disk",
                detail={"cid": str(cid), "needed": len(data), "used": self._held, "limit": self.storage_max},
            )
        # A caller may pass a view of a buffer that it goes on using.
        self._blocks[key] = bytes(data)
        self._held += len(data)

    async def delete(self, cid: CID) -> None:
        """Forget a block."""
        self._usable()
        gone = self._blocks.pop(cid.multihash_bytes, None)
        if gone is not None:
            self._held -= len(gone)

    async def usage(self, *, count: bool = True) -> Usage:
        """Return the number of blocks and their bytes."""
        self._usable()
        return Usage(len(self._blocks) if count else 0, self._held)

    async def cids(self) -> AsyncGenerator[CID, None]:
        """Iterate over all blocks as raw CIDv1."""
        self._usable()
        for key in tuple(self._blocks):
            yield CID.create(1, _RAW, key)

    async def sync(self) -> None:
        """Nothing here outlives the process, so there is nothing to do."""
        self._usable()

    async def close(self) -> None:
        """Forget all blocks."""
        self._closed = True
        self._blocks.clear()
        self._held = 0
