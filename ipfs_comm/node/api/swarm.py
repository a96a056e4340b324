"""``swarm``: the peers that a node is connected with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class SwarmPeer:
    """A peer that the node is connected with, by the address that the connection has; the rest if it was asked for."""

    addr: str
    peer: str
    latency: str | None = None
    muxer: str | None = None
    streams: tuple[str, ...] | None = None
    direction: str | None = None


@dataclass(frozen=True, slots=True)
class PeerAddresses:
    """A peer that the node knows of, and where it may be reached."""

    id: str
    addrs: tuple[str, ...]


class SwarmAPI(Protocol):
    """Connections with peers."""

    async def addrs(self, *, timeout: float | None = None) -> list[PeerAddresses]:
        """Return the peers that the node knows of, connected or not."""

    async def connect(self, addr: str, *, timeout: float | None = None) -> None:
        """Connect with a peer: a multiaddress that ends with its ID, or the ID alone where its address is known."""

    async def disconnect(self, addr: str, *, timeout: float | None = None) -> None:
        """End the connection with a peer."""

    async def local_addrs(self, *, timeout: float | None = None) -> list[str]:
        """Return the multiaddresses that the node listens on."""

    async def peers(
        self,
        *,
        direction: bool = False,
        streams: bool = False,
        verbose: bool = False,
        latency: bool = False,
        timeout: float | None = None,
    ) -> list[SwarmPeer]:
        """Return the peers that the node is connected with; ``verbose`` tells everything of them."""
