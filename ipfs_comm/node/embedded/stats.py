"""``stats``: of the repository, and of what came from others."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ipfs_comm.node.api import BandwidthStat
from ipfs_comm.node.duration import interval_of
from ipfs_comm.node.embedded.peers import no_peers
from ipfs_comm.node.stream import Stream, as_last

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from datetime import timedelta

    from ipfs_comm.node.api import BitswapStat, RepoStat
    from ipfs_comm.node.embedded.bitswap import Bitswap
    from ipfs_comm.node.embedded.context import Context
    from ipfs_comm.node.embedded.repo import Repo


class Stats:
    """Figures of the embedded node.

    Parameters
    ----------
    context : Context
    repo : Repo
    bitswap : Bitswap
    """

    def __init__(self, context: Context, repo: Repo, bitswap: Bitswap) -> None:
        self._context = context
        self._repo = repo
        self._bitswap = bitswap

    async def bitswap(self, *, timeout: float | None = None) -> BitswapStat:
        """Return what ``bitswap.stat`` does."""
        return await self._bitswap.stat(timeout=timeout)

    async def repo(self, *, timeout: float | None = None) -> RepoStat:
        """Return what ``repo.stat`` does."""
        return await self._repo.stat(timeout=timeout)

    def bw(
        self,
        *,
        peer: str | None = None,
        proto: str | None = None,
        poll: bool = False,
        interval: str | float | timedelta = "1s",
        timeout: float | None = None,
    ) -> Stream[BandwidthStat, BandwidthStat]:
        """Stream what came from gateways: the bytes of blocks, without what HTTP adds. Nothing is sent to others.

        Parameters
        ----------
        peer, proto : str, optional
            Only what was exchanged with one peer, or by one protocol; this node has neither.
        poll : bool
            Go on until the stream is closed.
        interval : str, float or timedelta
            Between two figures: seconds, or text such as ``"500ms"``.
        timeout : float, optional
            Seconds until any one figure.

        Raises
        ------
        InvalidInputError
            For an interval that is none.
        NotSupportedError
            For a peer or a protocol.
        """
        if peer is not None or proto is not None:
            raise no_peers("stats.bw of one peer or protocol")
        seconds = interval_of(interval)
        return Stream(lambda: self._bw(poll, seconds), as_last, timeout=timeout, what="stats.bw")

    async def _bw(self, poll: bool, interval: float) -> AsyncGenerator[BandwidthStat, None]:
        yield self._now()
        while poll:
            await asyncio.sleep(interval)
            yield self._now()

    def _now(self) -> BandwidthStat:
        self._context.check_started()
        traffic = self._context.traffic
        return BandwidthStat(traffic.size, 0, traffic.rate(), 0.0)
