"""The blocks of a daemon as a blockstore: what works on blocks alone works on a daemon by this."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final

from ipfs_comm.blockstore import Blockstore
from ipfs_comm.blockstore.base import MAX_BLOCK_SIZE, Usage, check_size, missing
from ipfs_comm.errors import NotFoundError, NotSupportedError
from ipfs_comm.ipld import CID, multihash
from ipfs_comm.node.kubo.answers import Said
from ipfs_comm.node.kubo.multipart import Body

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from ipfs_comm.node.kubo.rpc import Rpc

__all__ = ["KuboBlocks"]

#: Blocks that are asked for at a time.
AT_ONCE: Final = 16


class KuboBlocks(Blockstore):
    """Blocks behind a daemon's RPC, verified as they come.

    Parameters
    ----------
    rpc : Rpc
    offline : bool
        The daemon asks nobody else for blocks that it does not have.
    """

    def __init__(self, rpc: Rpc, *, offline: bool = False) -> None:
        self._rpc = rpc
        self._offline = offline or None
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def get(self, cid: CID) -> bytes:
        """Return a block, from the daemon or from whom it asks.

        Raises
        ------
        NotFoundError
            It is not to be had.
        HashMismatchError
            What comes is another one.
        """
        async with self._slots:
            block = await self._rpc.bytes("block/get", str(cid), offline=self._offline, max_size=MAX_BLOCK_SIZE)
        multihash.verify(cid.multihash, block)
        return block

    async def get_many(self, cids: Sequence[CID]) -> list[bytes | None]:
        """Return blocks, many asked for at a time; None for each that is not to be had."""

        async def one(cid: CID) -> bytes | None:
            try:
                return await self.get(cid)
            except NotFoundError:
                return None

        tasks = [asyncio.ensure_future(one(cid)) for cid in cids]
        try:
            return await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def has(self, cid: CID) -> bool:
        """Tell whether the daemon has a block itself."""
        try:
            await self._rpc.call("block/stat", str(cid), offline=True)
        except NotFoundError:
            return False
        return True

    async def size(self, cid: CID) -> int:
        """Return a block's length."""
        said: Any = await self._rpc.call("block/stat", str(cid), offline=self._offline)
        return Said("block/stat", said).whole("Size")

    async def put(self, cid: CID, data: bytes) -> None:
        """Give a block to the daemon.

        Raises
        ------
        NotSupportedError
            The daemon keeps no blocks of that codec or hash.
        """
        check_size(cid, data)
        said: Any = await self._rpc.call(
            "block/put",
            body=Body.of(data),
            cid_codec=cid.codec,
            mhtype=cid.multihash.name,
            mhlen=len(cid.multihash.digest),
            allow_big_block=True,
            pin=False,
        )
        made = Said("block/put", said).cid("Key")
        if made.multihash != cid.multihash:
            raise NotSupportedError(f"block/put: the daemon made {made} of what is {cid}")

    async def delete(self, cid: CID) -> None:
        """Have the daemon forget a block."""
        async with aclosing(self._rpc.lines("block/rm", str(cid), force=True)) as lines:
            async for said in lines:
                if error := Said("block/rm", said).text("Error", ""):
                    raise missing(cid, f"the daemon at {self._rpc.address}: {error}")

    async def usage(self, *, count: bool = True) -> Usage:
        """Return what the daemon's repository takes."""
        said = Said("repo/stat", await self._rpc.call("repo/stat", size_only=None if count else True))
        return Usage(said.whole("NumObjects") if count else 0, said.whole("RepoSize"))

    async def cids(self) -> AsyncGenerator[CID, None]:
        """Iterate over all blocks that the daemon has itself."""
        async with aclosing(self._rpc.lines("refs/local")) as lines:
            async for said in lines:
                yield CID.create(1, "raw", Said("refs/local", said).cid("Ref").multihash)

    async def sync(self) -> None:
        """Do nothing: what the daemon has answered for is its own to keep."""

    async def close(self) -> None:
        """Do nothing: the connection is the node's."""
