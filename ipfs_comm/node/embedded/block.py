"""``block``: put, get, rm, stat."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfs_comm.blockstore.base import MAX_BLOCK_SIZE
from ipfs_comm.errors import InvalidInputError, IPFSCommError, LimitError, NotFoundError
from ipfs_comm.exchange import FetchContext
from ipfs_comm.ipld import CID, multihash
from ipfs_comm.node.api import BlockRemoval, BlockStat, Bytes, CIDLike
from ipfs_comm.node.embedded.context import Context, one_cid
from ipfs_comm.node.stream import Stream, as_list, deadline

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable


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
        version: int | None = None,
        pin: bool = False,
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
        version : int, optional
            0 unless the format or hash function needs 1.
        pin : bool
            Accepted; this node never collects garbage.
        timeout : float, optional
            Seconds.

        Returns
        -------
        CID

        Raises
        ------
        InvalidInputError
            For no bytes, and for a version 0 CID that is not dag-pb and sha2-256.
        LimitError
            For a block of more than 2 MiB.
        """
        if not isinstance(block, bytes | bytearray | memoryview):
            raise InvalidInputError(f"block.put takes bytes, not a {type(block).__name__}")
        data = bytes(block)
        if len(data) > MAX_BLOCK_SIZE:
            raise LimitError(
                f"a block of {len(data)} bytes: at most {MAX_BLOCK_SIZE} (2 MiB) are accepted; "
                "use add, which splits content into blocks"
            )
        if version is None:
            version = 0 if format in (None, "dag-pb") and mhtype == "sha2-256" else 1
        cid = CID.create(version, format or ("dag-pb" if version == 0 else "raw"), multihash.digest(data, mhtype))
        async with deadline(timeout, f"block.put of {cid}"):
            if not cid.is_identity:
                await self._context.store.put(cid, data)
                await self._context.store.sync()
        return cid

    async def get(self, cid: CIDLike, *, timeout: float | None = None) -> bytes:
        """Return the bytes of a block.

        Raises
        ------
        NotFoundError
            When nobody has it.
        """
        wanted = one_cid(cid)
        async with deadline(timeout, f"block.get of {wanted}"):
            return await self._context.load(wanted, FetchContext(timeout=timeout))

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
            In the order given; one that could not be removed has an ``error`` with code ``ERR_NOT_FOUND``.
        """
        wanted = [one_cid(cid) for cid in (cids if isinstance(cids, list | tuple | set | frozenset) else [cids])]
        return Stream(lambda: self._rm(wanted, force, quiet), as_list, timeout=timeout, what="block.rm")

    async def _rm(self, cids: list[CID], force: bool, quiet: bool) -> AsyncGenerator[BlockRemoval, None]:
        store = self._context.store
        for cid in cids:
            error: IPFSCommError | None = None
            if await store.has(cid):
                await store.delete(cid)
                await store.sync()
            elif not force:
                error = NotFoundError(
                    f"block not found: {cid} is not in this repository, so there is nothing to remove",
                    detail={"cid": str(cid)},
                )
            if error is not None or not quiet:
                yield BlockRemoval(cid, error)

    async def stat(self, cid: CIDLike, *, timeout: float | None = None) -> BlockStat:
        """Return the size of a block.

        Raises
        ------
        NotFoundError
            When nobody has it.
        """
        wanted = one_cid(cid)
        async with deadline(timeout, f"block.stat of {wanted}"):
            return BlockStat(wanted, len(await self._context.load(wanted, FetchContext(timeout=timeout))))
