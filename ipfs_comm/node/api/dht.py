"""``dht``: who has what, asked of the network's hash table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ipfs_comm.node.api.core import CIDLike
    from ipfs_comm.node.stream import Stream


@dataclass(frozen=True, slots=True)
class PeerInfo:
    """A peer, and where it may be reached."""

    id: str
    multiaddrs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RoutingEvent:
    """One step of a search: whom it concerns, and the peers, providers or value that it brought."""

    type: int
    name: Literal[
        "SENDING_QUERY",
        "PEER_RESPONSE",
        "FINAL_PEER",
        "QUERY_ERROR",
        "PROVIDER",
        "VALUE",
        "ADDING_PEER",
        "DIALING_PEER",
    ]
    from_: str | None = None
    peer: PeerInfo | None = None
    closer: tuple[PeerInfo, ...] = ()
    providers: tuple[PeerInfo, ...] = ()
    value: bytes | None = None
    error: str | None = None


class DhtAPI(Protocol):
    """The network's hash table."""

    def find_peer(self, peer_id: str, *, timeout: float | None = None) -> Stream[RoutingEvent, list[RoutingEvent]]:
        """Stream the search for a peer's addresses."""

    def find_provs(
        self, cid: CIDLike, *, num_providers: int = 20, timeout: float | None = None
    ) -> Stream[RoutingEvent, list[RoutingEvent]]:
        """Stream the search for peers that have a block."""

    def get(self, key: str | bytes, *, timeout: float | None = None) -> Stream[RoutingEvent, list[RoutingEvent]]:
        """Stream the search for the value of a key."""

    def provide(
        self, cids: CIDLike | Iterable[CIDLike], *, recursive: bool = False, timeout: float | None = None
    ) -> Stream[RoutingEvent, list[RoutingEvent]]:
        """Tell the network that blocks are here, with ``recursive`` whole DAGs."""

    def put(
        self, key: str | bytes, value: bytes, *, timeout: float | None = None
    ) -> Stream[RoutingEvent, list[RoutingEvent]]:
        """Keep a value under a key in the network."""

    def query(self, peer_id: str, *, timeout: float | None = None) -> Stream[RoutingEvent, list[RoutingEvent]]:
        """Stream the search for the peers that are closest to one."""
