"""``stats``: of the daemon's repository, and of what came and went."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, Final

from ipfs_comm.errors import DaemonError, InvalidInputError, NotSupportedError
from ipfs_comm.ipns import Name
from ipfs_comm.node.api import BandwidthStat
from ipfs_comm.node.duration import interval_of
from ipfs_comm.node.kubo.answers import Said
from ipfs_comm.node.kubo.peers import OFFLINE
from ipfs_comm.node.stream import Stream, as_last

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from datetime import timedelta

    from ipfs_comm.node.api import BitswapStat, RepoStat
    from ipfs_comm.node.kubo.bitswap import Bitswap
    from ipfs_comm.node.kubo.context import Context
    from ipfs_comm.node.kubo.repo import Repo

_NOTHING: Final = BandwidthStat(0, 0, 0.0, 0.0)


class Stats:
    """Figures of a daemon.

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
        """Stream what was exchanged with peers: once, or with ``poll`` every ``interval``; await the last.

        A daemon that is offline has exchanged nothing.
        """
        if peer is not None and proto is not None:
            raise InvalidInputError("stats.bw: give a peer or a protocol, not both")
        with_peer = None if peer is None else Name.parse(peer).peer_id
        seconds = interval_of(interval)
        return Stream(lambda: self._bw(with_peer, proto, poll, seconds), as_last, timeout=timeout, what="stats.bw")

    async def _bw(
        self, peer: str | None, proto: str | None, poll: bool, seconds: float
    ) -> AsyncGenerator[BandwidthStat, None]:
        lines = self._context.rpc.lines(
            "stats/bw", peer=peer, proto=proto, poll=poll or None, interval=f"{round(seconds * 1e6)}us"
        )
        figures = False
        try:
            async with aclosing(lines) as told:
                async for line in told:
                    figures = True
                    said = Said("stats/bw", line)
                    yield BandwidthStat(
                        said.whole("TotalIn"), said.whole("TotalOut"), said.number("RateIn"), said.number("RateOut")
                    )
            if not figures:
                raise DaemonError("stats/bw: the daemon tells no figures")
            return
        except NotSupportedError as error:
            if OFFLINE not in str(error) or peer is not None or proto is not None:
                raise
        yield _NOTHING
        while poll:
            await asyncio.sleep(seconds)
            yield _NOTHING
