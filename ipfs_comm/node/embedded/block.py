"""``block``: put, get, rm, stat."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfs_comm.errors import InvalidInputError, IPFSCommError, NotFoundError
from ipfs_comm.exchange import FetchContext
from ipfs_comm.node.api import BlockRemoval, BlockStat, Bytes, CIDLike
from ipfs_comm.node.embedded.pin_under import pins_of_blocks
from ipfs_comm.node.embedded.put import cid_of, each
from ipfs_comm.node.stream import Stream, as_list, deadline
from ipfs_comm.node.target import one_cid

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable

    from ipfs_comm.ipld import CID
    from ipfs_comm.node.embedded.context import Context

#: Blocks that are removed together, before the first of them is told to be gone.
_BATCH = 256


class Block:
    """Raw blocks of the embedded node."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def put(
        self,
        block: Bytes,
        *,
        format: str | None = None,
        mhtype: str = "sha2-256",
        mhlen: int | None = None,
        version: int | None = None,
        pin: bool = False,
        offline: bool = False,
        timeout: float | None = None,
    ) -> CID:
        """Store the bytes of one block as they are.

        Parameters
        ----------
        block : bytes-like
            At most 2 MiB.
        format : str, optional
            Codec; dag-pb for version 0, raw for version 1 where not given.
        mhtype : str
            Hash function.
        mhlen : int, optional
            Bytes of the digest; the hash function's own where not given, or -1.
        version : int, optional
            0 unless the format, the hash function or the digest's length needs 1.
        pin : bool
            Pin it recursively; what it links to must be to be had then.
        offline : bool
            With ``pin``: ask nobody else for blocks that are not here.
        timeout : float, optional
            Seconds.

        Returns
        -------
        CID

        Raises
        ------
        InvalidInputError
            For no bytes, for a version 0 CID that is not dag-pb and sha2-256, and for a digest of less than 20 bytes.
        UnknownHashError
            For a hash function that is not there or is no cryptographic one.
        LimitError
            For a block of more than 2 MiB.
        """
        if not isinstance(block, bytes | bytearray | memoryview):
            raise InvalidInputError(f"block.put takes bytes, not a {type(block).__name__}")
        data = bytes(block)
        size = None if mhlen == -1 else mhlen
        if version is None:
            version = 0 if format in (None, "dag-pb") and mhtype == "sha2-256" and size in (None, 32) else 1
        codec = format or ("dag-pb" if version == 0 else "raw")
        async with deadline(timeout, "block.put"):
            cid = await cid_of(self._context, data, codec, hash_alg=mhtype, version=version, size=size)
            await self._context.keep(cid, data, pinned=pin, offline=offline)
        return cid

    async def get(self, cid: CIDLike, *, offline: bool = False, timeout: float | None = None) -> bytes:
        """Return the bytes of a block; with ``offline`` only if it is here.

        Raises
        ------
        NotFoundError
            When nobody has it.
        """
        wanted = one_cid(cid)
        async with deadline(timeout, f"block.get of {wanted}"):
            return await self._context.load(wanted, FetchContext(timeout=timeout, offline=offline), reading=True)

    def rm(
        self,
        cids: CIDLike | Iterable[CIDLike],
        *,
        force: bool = False,
        quiet: bool = False,
        timeout: float | None = None,
    ) -> Stream[BlockRemoval, list[BlockRemoval]]:
        """Remove blocks.

        Parameters
        ----------
        cids : CID, its text or bytes, or several of these
        force : bool
            Blocks that are not there are no errors.
        quiet : bool
            Tell only of errors.
        timeout : float, optional
            Seconds for any one of them.

        Returns
        -------
        Stream of BlockRemoval
            In the order given; one that could not be removed has an ``error``: with code ``ERR_NOT_FOUND`` where it is
            not here, ``ERR_PINNED`` where a pin needs it.
        """
        wanted = [one_cid(cid) for cid in each(cids)]
        return Stream(lambda: self._rm(wanted, force, quiet), as_list, timeout=timeout, what="block.rm")

    async def _rm(self, cids: list[CID], force: bool, quiet: bool) -> AsyncGenerator[BlockRemoval, None]:
        for start in range(0, len(cids), _BATCH):
            batch = cids[start : start + _BATCH]
            # Alone: a call that finds a block here and pins it must not lose it in between.
            async with self._context.lock.alone():
                pinned = await pins_of_blocks(self._context, batch)
                removals = [
                    BlockRemoval(cid, pinned.get(cid.multihash_bytes) or await self._remove(cid, force))
                    for cid in batch
                ]
                await self._context.store.sync()
            for removal in removals:
                if removal.error is not None or not quiet:
                    yield removal

    async def _remove(self, cid: CID, force: bool) -> IPFSCommError | None:
        """Remove a block; return why it was not removed."""
        store = self._context.store
        if await store.has(cid):
            await store.delete(cid)
            return None
        if force:
            return None
        return NotFoundError(
            f"block not found: {cid} is not in this repository, so there is nothing to remove",
            detail={"cid": str(cid)},
        )

    async def stat(self, cid: CIDLike, *, offline: bool = False, timeout: float | None = None) -> BlockStat:
        """Return the size of a block; with ``offline`` only if it is here.

        Raises
        ------
        NotFoundError
            When nobody has it.
        """
        wanted = one_cid(cid)
        async with deadline(timeout, f"block.stat of {wanted}"):
            if wanted.is_identity:
                return BlockStat(wanted, wanted.multihash.size)
            try:
                return BlockStat(wanted, await self._context.store.size(wanted))
            except NotFoundError:
                wish = FetchContext(timeout=timeout, offline=offline)
                return BlockStat(wanted, len(await self._context.load(wanted, wish, reading=True)))
