"""``bitswap``: blocks that are wanted from others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ipfs_comm.ipld import CID
    from ipfs_comm.node.api.core import CIDLike


@dataclass(frozen=True, slots=True)
class BitswapStat:
    """Blocks that are wanted, those asked for them, and what was exchanged since the node was opened, in bytes."""

    provide_buf_len: int
    wantlist: tuple[CID, ...]
    peers: tuple[str, ...]
    blocks_received: int
    data_received: int
    blocks_sent: int
    data_sent: int
    dup_blks_received: int
    dup_data_received: int


class BitswapAPI(Protocol):
    """The exchange of blocks."""

    async def wantlist(self, *, timeout: float | None = None) -> list[CID]:
        """Return the blocks that calls of this node wait for now."""

    async def wantlist_for_peer(self, peer_id: str, *, timeout: float | None = None) -> list[CID]:
        """Return the blocks that a peer wants of this node."""

    async def unwant(self, cids: CIDLike | Iterable[CIDLike], *, timeout: float | None = None) -> None:
        """Wait no more for blocks."""

    async def stat(self, *, timeout: float | None = None) -> BitswapStat:
        """Return what is wanted and what was exchanged."""
