"""The embedded node's context over a daemon's blocks: what is made of blocks alone runs on it unchanged."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from ipfs_comm.errors import DaemonError, NotFoundError
from ipfs_comm.exchange import FetchContext
from ipfs_comm.exchange.missing import not_found
from ipfs_comm.node.embedded import context as embedded
from ipfs_comm.node.kubo.blocks import KuboBlocks
from ipfs_comm.node.kubo.errors import read_only
from ipfs_comm.node.kubo.names import DaemonNames
from ipfs_comm.unixfs import exporter

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from ipfs_comm.ipld import CID
    from ipfs_comm.node.embedded.context import Load
    from ipfs_comm.node.kubo.rpc import Rpc
    from ipfs_comm.node.target import Target

__all__ = ["OverBlocks"]


class _NobodyElse:
    """Where a daemon has no block, nobody else has: it has asked whom it knows."""

    def __init__(self, rpc: Rpc) -> None:
        self._where = f"the Kubo daemon at {rpc.address}"

    async def fetch(self, cid: CID, *, context: FetchContext | None = None) -> bytes:
        raise not_found(
            cid,
            context,
            store=self._where,
            answers={},
            advice="Nobody else was asked: whom a daemon asks depends on its peers, and on whether it or this call is "
            "offline. Add the content first, or connect it with a peer that has it (ipfs.swarm.connect).",
        )

    async def close(self) -> None:
        """Nothing to give back."""


class OverBlocks(embedded.Context):
    """One daemon's blocks, names and pins, where the verbs of the embedded node look for its own.

    Parameters
    ----------
    rpc : Rpc
    offline : bool
        Have the daemon ask nobody else, in every call.
    read_only : bool
        Refuse whatever would write.
    """

    def __init__(self, rpc: Rpc, *, offline: bool = False, read_only: bool = False) -> None:
        self._rpc = rpc
        self._asking = KuboBlocks(rpc, offline=offline)
        self._alone = KuboBlocks(rpc, offline=True)
        super().__init__(self._asking, _NobodyElse(rpc), read_only=read_only, offline=offline)
        self.names = DaemonNames(rpc, offline=offline)

    def blocks(self, offline: bool) -> KuboBlocks:
        """Return the daemon's blocks: those that it has itself, or those that it can have."""
        return self._alone if offline else self._asking

    async def load(self, cid: CID, context: FetchContext | None = None, *, reading: bool = False) -> bytes:
        """Return a block, verified; parameters as for the embedded node's."""
        if cid.is_identity:
            return cid.block_inside()
        why = context or FetchContext()
        try:
            return await self.blocks(why.offline).get(cid)
        except NotFoundError:
            return await self.exchange.fetch(cid, context=why)

    async def keep(self, cid: CID, data: bytes, *, pinned: bool = False, offline: bool = False) -> None:
        """Give the daemon a block, and have it pinned where that is asked for; parameters as for the embedded node's.

        Raises
        ------
        NotFoundError
            With ``pinned``: a block of the DAG is not to be had.
        NotSupportedError
            The node is read-only, or the daemon keeps no blocks of that codec or hash.
        """
        if self.read_only:
            raise read_only("keeping a block")
        if not cid.is_identity:
            await self.blocks(offline).put(cid, data)
        if pinned:
            # Kubo's own block/put pins without a look at what is under a block.
            await self._rpc.call("pin/add", str(cid), progress=False, offline=offline or self.offline or None)

    async def read(
        self, load: Load, cid: CID, *, offset: int = 0, length: int | None = None
    ) -> AsyncGenerator[bytes | memoryview, None]:
        """Generate bytes of a file: of one block as it is, verified, of more as the daemon streams them.

        Raises
        ------
        DaemonError
            The daemon gives more or fewer bytes than the file has.
        """
        found = await exporter.stat(load, cid)
        if found.type != "file" or not found.blocks:
            async with aclosing(exporter.cat(load, cid, offset=offset, length=length)) as pieces:
                async for piece in pieces:
                    yield piece
            return
        left = max(0, found.size - offset)
        left = left if length is None else min(left, length)
        if not left:
            return
        alone = self.offline or (isinstance(load, _Loader) and load.offline)
        asked = self._rpc.stream("cat", f"/ipfs/{cid}", offset=offset or None, length=length, offline=alone or None)
        async with aclosing(asked) as chunks:
            async for chunk in chunks:
                left -= len(chunk)
                if left < 0:
                    break
                yield chunk
        if left:
            raise DaemonError(
                f"cat: the daemon gives {'fewer' if left > 0 else 'more'} bytes of {cid} than its {found.size}",
                detail={"cid": str(cid)},
            )

    def loader(self, wanted: Target) -> Load:
        """Return a function that loads blocks of ``wanted`` to be read; its errors say of what a block is a part."""
        wanted.check_settled()
        return _Loader(self, FetchContext(path=wanted.text if wanted.segments else "", offline=wanted.offline))


class _Loader:
    """Loads blocks to be read, for one reason."""

    def __init__(self, context: OverBlocks, why: FetchContext) -> None:
        self._context = context
        self._why = why
        self._last: tuple[CID, bytes] | None = None
        self.offline = why.offline

    async def __call__(self, cid: CID) -> bytes:
        # What a root is is asked before it is read, and each asking costs a call.
        if self._last is None or self._last[0] != cid:
            self._last = cid, await self._context.load(cid, self._why, reading=True)
        return self._last[1]

    async def many(self, cids: Sequence[CID]) -> Sequence[bytes | None]:
        """Return those blocks that are to be had, several asked for at a time."""
        return await self._context.blocks(self.offline).get_many(cids)
