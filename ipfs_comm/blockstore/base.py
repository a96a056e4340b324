"""What a blockstore is: blocks under their multihash, durable after ``sync``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from ipfs_comm.errors import LimitError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Sequence

    from ipfs_comm.ipld import CID

#: The largest block that any store of this package keeps, in bytes: what Kubo and its Bitswap accept.
MAX_BLOCK_SIZE: Final = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Usage:
    """How many blocks a store holds, and how many bytes they take there."""

    blocks: int
    size: int


class Blockstore(ABC):
    """Blocks by CID. Two CIDs with one multihash name one block, as in Kubo.

    A store trusts what it is given: bytes from outside are verified against their CID at the door where they come in (a
    CAR, a gateway, ``block.put``), not here. Blocks with an identity CID are never stored: they are always there, made
    from the CID. Every method may be called from any task of the loop that opened the store; nothing here blocks that
    loop.

    A store is an async context manager that closes itself.
    """

    #: The most bytes that this store may take; None where there is no limit.
    storage_max: int | None = None

    @abstractmethod
    async def get(self, cid: CID) -> bytes:
        """Return the block's bytes.

        Parameters
        ----------
        cid : CID

        Returns
        -------
        bytes
            Never longer than `MAX_BLOCK_SIZE`.

        Raises
        ------
        NotFoundError
            The block is not in this store.
        HashMismatchError
            The block's record is damaged; the message says where.
        RepositoryError
            The store is closed, or belongs to the process that this one was forked from.
        """

    @abstractmethod
    async def has(self, cid: CID) -> bool:
        """Tell whether `get` would find the block."""

    @abstractmethod
    async def size(self, cid: CID) -> int:
        """Return the block's length in bytes without reading it.

        Raises
        ------
        NotFoundError
            The block is not in this store.
        """

    @abstractmethod
    async def put(self, cid: CID, data: bytes) -> None:
        """Keep a block; at once visible to `get` here, durable and visible to other processes after `sync`.

        Putting a block that is there already does nothing, except that one whose record is damaged is whole again.

        Raises
        ------
        LimitError
            The block is longer than `MAX_BLOCK_SIZE`.
        NoSpaceError
            The store's limit, or what may be used of the disk, would be exceeded: nothing was written then. Or the disk
            is full for real, and the store is as it was before.
        """

    async def put_many(self, blocks: Iterable[tuple[CID, bytes]]) -> None:
        """Keep many blocks, in order; what was put before an error stays."""
        for cid, data in blocks:
            await self.put(cid, data)

    async def get_many(self, cids: Sequence[CID]) -> list[bytes | None]:
        """Return the bytes of blocks, None for those that are not in this store.

        All are in memory together: give few.
        """
        found: list[bytes | None] = []
        for cid in cids:
            try:
                found.append(await self.get(cid))
            except NotFoundError:
                found.append(None)
        return found

    async def has_many(self, cids: Sequence[CID]) -> list[bool]:
        """Tell of each block whether `get` would find it."""
        return [await self.has(cid) for cid in cids]

    @abstractmethod
    async def delete(self, cid: CID) -> None:
        """Forget a block, if it is there; durable and visible to other processes after `sync`."""

    async def delete_many(self, cids: Sequence[CID]) -> None:
        """Forget blocks, as `delete` does."""
        for cid in cids:
            await self.delete(cid)

    @abstractmethod
    async def usage(self, *, count: bool = True) -> Usage:
        """Return how many blocks there are (0 where ``count`` is False), and how much room they take."""

    async def compact(self) -> None:
        """Give the room of deleted blocks back, where that does not happen by itself.

        Only for garbage collection, while nobody adds blocks that matter.
        """
        return

    async def verify(self) -> None:
        """Look whether what the store keeps about its blocks is whole; the blocks themselves are not read.

        Raises
        ------
        RepositoryError
            It is damaged; the message says what to do.
        """
        return

    @abstractmethod
    def cids(self) -> AsyncGenerator[CID, None]:
        """Iterate over all blocks as CIDv1 with codec raw (a store knows multihashes, not codecs), in no order.

        Blocks put or deleted meanwhile may or may not be met. Memory does not grow with the number of blocks.
        """

    @abstractmethod
    async def sync(self) -> None:
        """Make everything that was put or deleted before this call durable.

        The durability point: an API call that acknowledges data awaits this once, at its end.
        """

    @abstractmethod
    async def close(self) -> None:
        """Sync, then give back every handle, lock and thread. Closing twice is allowed."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()


def check_size(cid: CID, data: bytes) -> None:
    """Refuse a block that is longer than `MAX_BLOCK_SIZE`.

    Raises
    ------
    LimitError
    """
    if len(data) > MAX_BLOCK_SIZE:
        raise LimitError(
            f"block {cid} is {len(data)} bytes long; a block is at most {MAX_BLOCK_SIZE} (2 MiB): use a smaller "
            f"chunk size, or split the node",
            detail={"cid": str(cid), "size": len(data), "limit": MAX_BLOCK_SIZE},
        )


def missing(cid: CID, where: str) -> NotFoundError:
    """Return the error for a block that is not in the store described by `where`."""
    return NotFoundError(f"block {cid} is not in {where}", detail={"cid": str(cid)})
