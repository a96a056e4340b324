"""``bitswap``: the blocks that the daemon wants from its peers, and gives to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfs_comm.errors import NotSupportedError
from ipfs_comm.ipns import Name
from ipfs_comm.node.api import BitswapStat
from ipfs_comm.node.kubo.answers import Said
from ipfs_comm.node.kubo.peers import online_or
from ipfs_comm.node.stream import deadline

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ipfs_comm.ipld import CID
    from ipfs_comm.node.api import CIDLike
    from ipfs_comm.node.kubo.context import Context


class Bitswap:
    """The exchange of blocks of a daemon; one that is offline has exchanged nothing.

    Parameters
    ----------
    context : Context
    """

    def __init__(self, context: Context) -> None:
        self._context = context

    async def wantlist(self, *, timeout: float | None = None) -> list[CID]:
        """Return the blocks that the daemon waits for now."""
        async with deadline(timeout, "bitswap.wantlist"):
            return Said("bitswap/wantlist", await online_or(self._context, {}, "bitswap/wantlist")).cids("Keys")

    async def wantlist_for_peer(self, peer_id: str, *, timeout: float | None = None) -> list[CID]:
        """Return the blocks that a peer wants of the daemon."""
        peer = Name.parse(peer_id).peer_id
        async with deadline(timeout, f"bitswap.wantlist_for_peer of {peer}"):
            return Said("bitswap/wantlist", await self._context.rpc.call("bitswap/wantlist", peer=peer)).cids("Keys")

    async def unwant(self, cids: CIDLike | Iterable[CIDLike], *, timeout: float | None = None) -> None:
        """Refuse: a block is wanted by a call, and no more when that is cancelled."""
        raise NotSupportedError(
            "bitswap.unwant: Kubo has no such command any more: a block is wanted by a call, and no more when that is "
            "cancelled; no node, neither kind='kubo' nor kind='embedded', can do this",
            detail={"verb": "bitswap.unwant"},
        )

    async def stat(self, *, timeout: float | None = None) -> BitswapStat:
        """Return what is wanted, and what was exchanged since the daemon was started."""
        async with deadline(timeout, "bitswap.stat"):
            said = Said("bitswap/stat", await online_or(self._context, {}, "bitswap/stat"))
        return BitswapStat(
            provide_buf_len=said.whole("ProvideBufLen"),
            wantlist=tuple(said.cids("Wantlist")),
            peers=tuple(said.texts("Peers")),
            blocks_received=said.whole("BlocksReceived"),
            data_received=said.whole("DataReceived"),
            blocks_sent=said.whole("BlocksSent"),
            data_sent=said.whole("DataSent"),
            dup_blks_received=said.whole("DupBlksReceived"),
            dup_data_received=said.whole("DupDataReceived"),
        )
