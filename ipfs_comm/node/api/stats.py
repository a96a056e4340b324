"""``stats``: how much there is, and how much came and went."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import timedelta

    from ipfs_comm.node.api.bitswap import BitswapStat
    from ipfs_comm.node.api.repo import RepoStat
    from ipfs_comm.node.stream import Stream


@dataclass(frozen=True, slots=True)
class BandwidthStat:
    """What came from others and went to them: bytes since the node was opened, and bytes a second now."""

    total_in: int
    total_out: int
    rate_in: float
    rate_out: float


class StatsAPI(Protocol):
    """Figures of the node."""

    async def bitswap(self, *, timeout: float | None = None) -> BitswapStat:
        """Return what ``bitswap.stat`` does."""

    async def repo(self, *, timeout: float | None = None) -> RepoStat:
        """Return what ``repo.stat`` does."""

    def bw(
        self,
        *,
        peer: str | None = None,
        proto: str | None = None,
        poll: bool = False,
        interval: str | float | timedelta = "1s",
        timeout: float | None = None,
    ) -> Stream[BandwidthStat, BandwidthStat]:
        """Stream what was exchanged with others: once, or with ``poll`` every ``interval``; await the last."""
