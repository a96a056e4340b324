"""What needs peers, which the embedded node has none of: ``swarm``, ``pubsub``, ``dht``, ``ping`` and the like.

What can be said truthfully without peers is said; everything else is refused, with the node that can do it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ipfs_comm.errors import NotSupportedError
from ipfs_comm.node.api import NamePubsubState
from ipfs_comm.node.stream import Stream, as_list, deadline

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable

    from ipfs_comm.node.api import (
        CIDLike,
        NamePubsubCancelResult,
        PeerAddresses,
        PingResult,
        PubsubHandler,
        RoutingEvent,
        SwarmPeer,
    )
    from ipfs_comm.node.embedded.context import Context

__all__ = ["UNSUPPORTED", "Dht", "NamePubsub", "Pubsub", "Swarm", "no_peers", "ping"]

#: The verbs that an embedded node cannot do, whatever they are given.
UNSUPPORTED: Final = (
    "bitswap.unwant",
    "bitswap.wantlist_for_peer",
    "dht.find_peer",
    "dht.find_provs",
    "dht.get",
    "dht.provide",
    "dht.put",
    "dht.query",
    "name.pubsub.cancel",
    "name.pubsub.subs",
    "ping",
    "pubsub.ls",
    "pubsub.peers",
    "pubsub.publish",
    "pubsub.subscribe",
    "swarm.connect",
    "swarm.disconnect",
)


def no_peers(what: str) -> NotSupportedError:
    """Return the error of a verb that needs peers."""
    return NotSupportedError(
        f"{what} needs a node with peers, and an embedded node has none: use one of kind='kubo'",
        detail={"verb": what, "kind": "kubo"},
    )


def _refused(what: str) -> Stream[Any, Any]:
    async def items() -> AsyncGenerator[Any, None]:
        raise no_peers(what)
        yield

    return Stream(items, as_list, timeout=None, what=what)


class Swarm:
    """Connections of the embedded node: none."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def addrs(self, *, timeout: float | None = None) -> list[PeerAddresses]:
        """Return no peers, for this node knows none."""
        async with deadline(timeout, "swarm.addrs"):
            self._context.check_started()
            return []

    async def connect(self, addr: str, *, timeout: float | None = None) -> None:
        """Refuse to connect."""
        raise no_peers("swarm.connect")

    async def disconnect(self, addr: str, *, timeout: float | None = None) -> None:
        """Refuse: there is no connection to end."""
        raise no_peers("swarm.disconnect")

    async def local_addrs(self, *, timeout: float | None = None) -> list[str]:
        """Return no addresses, for this node listens on none."""
        async with deadline(timeout, "swarm.local_addrs"):
            self._context.check_started()
            return []

    async def peers(
        self,
        *,
        direction: bool = False,
        streams: bool = False,
        verbose: bool = False,
        latency: bool = False,
        timeout: float | None = None,
    ) -> list[SwarmPeer]:
        """Return no peers, for this node is connected with none."""
        async with deadline(timeout, "swarm.peers"):
            self._context.check_started()
            return []


class Pubsub:
    """Topics, which an embedded node can neither listen to nor send to."""

    async def ls(self, *, timeout: float | None = None) -> list[str]:
        """Refuse to tell topics."""
        raise no_peers("pubsub.ls")

    async def peers(self, topic: str, *, timeout: float | None = None) -> list[str]:
        """Refuse to tell peers."""
        raise no_peers("pubsub.peers")

    async def publish(self, topic: str, data: bytes, *, timeout: float | None = None) -> None:
        """Refuse to send."""
        raise no_peers("pubsub.publish")

    async def subscribe(
        self,
        topic: str,
        handler: PubsubHandler,
        *,
        on_error: Callable[[Exception], object] | None = None,
        timeout: float | None = None,
    ) -> None:
        """Refuse to listen."""
        raise no_peers("pubsub.subscribe")

    async def unsubscribe(
        self, topic: str, handler: PubsubHandler | None = None, *, timeout: float | None = None
    ) -> None:
        """Do nothing, for nobody can have listened."""
        async with deadline(timeout, "pubsub.unsubscribe"):
            pass


class NamePubsub:
    """Names that are followed by pubsub: none."""

    async def cancel(self, name: str, *, timeout: float | None = None) -> NamePubsubCancelResult:
        """Refuse: no name is followed."""
        raise no_peers("name.pubsub.cancel")

    async def state(self, *, timeout: float | None = None) -> NamePubsubState:
        """Return that names are not followed."""
        async with deadline(timeout, "name.pubsub.state"):
            return NamePubsubState(enabled=False)

    async def subs(self, *, timeout: float | None = None) -> list[str]:
        """Refuse: no name is followed."""
        raise no_peers("name.pubsub.subs")


class Dht:
    """The network's hash table, which an embedded node cannot ask."""

    def find_peer(self, peer_id: str, *, timeout: float | None = None) -> Stream[RoutingEvent, list[RoutingEvent]]:
        """Refuse to search."""
        return _refused("dht.find_peer")

    def find_provs(
        self, cid: CIDLike, *, num_providers: int = 20, timeout: float | None = None
    ) -> Stream[RoutingEvent, list[RoutingEvent]]:
        """Refuse to search."""
        return _refused("dht.find_provs")

    def get(self, key: str | bytes, *, timeout: float | None = None) -> Stream[RoutingEvent, list[RoutingEvent]]:
        """Refuse to search."""
        return _refused("dht.get")

    def provide(
        self, cids: CIDLike | Iterable[CIDLike], *, recursive: bool = False, timeout: float | None = None
    ) -> Stream[RoutingEvent, list[RoutingEvent]]:
        """Refuse to tell anybody."""
        return _refused("dht.provide")

    def put(
        self, key: str | bytes, value: bytes, *, timeout: float | None = None
    ) -> Stream[RoutingEvent, list[RoutingEvent]]:
        """Refuse to keep a value."""
        return _refused("dht.put")

    def query(self, peer_id: str, *, timeout: float | None = None) -> Stream[RoutingEvent, list[RoutingEvent]]:
        """Refuse to search."""
        return _refused("dht.query")


def ping(peer_id: str, *, count: int = 10, timeout: float | None = None) -> Stream[PingResult, list[PingResult]]:
    """Refuse: there is nobody to ask."""
    return _refused("ping")
