"""``bitswap``: the blocks that this node waits for, from gateways, since it has no peers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfs_comm.node.api import BitswapStat
from ipfs_comm.node.embedded.peers import no_peers
from ipfs_comm.node.stream import deadline

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ipfs_comm.ipld import CID
    from ipfs_comm.node.api import CIDLike
    from ipfs_comm.node.embedded.context import Context


class Bitswap:
    """What the embedded node fetches."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def wantlist(self, *, timeout: float | None = None) -> list[CID]:
        """Return the blocks that calls of this node wait for now."""
        async with deadline(timeout, "bitswap.wantlist"):
            self._context.check_started()
            return self._context.traffic.wanted

    async def wantlist_for_peer(self, peer_id: str, *, timeout: float | None = None) -> list[CID]:
        """Refuse: nobody is connected with this node."""
        raise no_peers("bitswap.wantlist_for_peer")

    async def unwant(self, cids: CIDLike | Iterable[CIDLike], *, timeout: float | None = None) -> None:
        """Refuse: a block is wanted by a call, and no more when that is cancelled."""
        raise no_peers("bitswap.unwant")

    async def stat(self, *, timeout: float | None = None) -> BitswapStat:
        """Return what is wanted, and what came from gateways since the node was opened; nothing is sent to others."""
        async with deadline(timeout, "bitswap.stat"):
            self._context.check_started()
            traffic = self._context.traffic
            return BitswapStat(
                provide_buf_len=0,
                wantlist=tuple(traffic.wanted),
                peers=(),
                blocks_received=traffic.blocks,
                data_received=traffic.size,
                blocks_sent=0,
                data_sent=0,
                dup_blks_received=0,
                dup_data_received=0,
            )
