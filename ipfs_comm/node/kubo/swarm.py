"""``swarm``: the peers that the daemon is connected with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ipfs_comm.errors import InvalidInputError, InvalidNameError
from ipfs_comm.ipns import Name
from ipfs_comm.node.api import PeerAddresses, SwarmPeer
from ipfs_comm.node.kubo.answers import Said
from ipfs_comm.node.kubo.errors import refusal
from ipfs_comm.node.kubo.peers import online_or
from ipfs_comm.node.multiaddr import peer_address
from ipfs_comm.node.stream import deadline

if TYPE_CHECKING:
    from ipfs_comm.node.kubo.context import Context

_DIRECTIONS: Final = {1: "inbound", 2: "outbound"}


class Swarm:
    """Connections of a daemon; one that is offline has none.

    Parameters
    ----------
    context : Context
    """

    def __init__(self, context: Context) -> None:
        self._context = context

    async def addrs(self, *, timeout: float | None = None) -> list[PeerAddresses]:
        """Return the peers that the daemon knows of, connected or not."""
        async with deadline(timeout, "swarm.addrs"):
            known = Said("swarm/addrs", await online_or(self._context, {}, "swarm/addrs")).inner("Addrs")
        return [PeerAddresses(peer, tuple(known.texts(peer))) for peer in sorted(known.members)]

    async def connect(self, addr: str, *, timeout: float | None = None) -> None:
        """Connect with a peer: a multiaddress that ends with its ID, or the ID alone where its address is known."""
        wanted = _address(addr)
        async with deadline(timeout, f"swarm.connect with {wanted}"):
            await self._context.rpc.call("swarm/connect", wanted)

    async def disconnect(self, addr: str, *, timeout: float | None = None) -> None:
        """End the connection with a peer."""
        wanted = _address(addr)
        async with deadline(timeout, f"swarm.disconnect from {wanted}"):
            said = Said("swarm/disconnect", await self._context.rpc.call("swarm/disconnect", wanted))
        for told in said.texts("Strings"):
            # What goes wrong is told as if it had gone well.
            if " failure" in told:
                raise refusal("swarm/disconnect", 500, told, self._context.rpc.address)

    async def local_addrs(self, *, timeout: float | None = None) -> list[str]:
        """Return the multiaddresses that the daemon listens on."""
        async with deadline(timeout, "swarm.local_addrs"):
            said = await online_or(self._context, {}, "swarm/addrs/local")
        return Said("swarm/addrs/local", said).texts("Strings")

    async def peers(
        self,
        *,
        direction: bool = False,
        streams: bool = False,
        verbose: bool = False,
        latency: bool = False,
        timeout: float | None = None,
    ) -> list[SwarmPeer]:
        """Return the peers that the daemon is connected with; ``verbose`` tells everything of them."""
        async with deadline(timeout, "swarm.peers"):
            said = await online_or(
                self._context,
                {},
                "swarm/peers",
                direction=direction or None,
                streams=streams or None,
                verbose=verbose or None,
                latency=latency or None,
            )
        return [
            SwarmPeer(
                addr=peer.text("Addr"),
                peer=peer.text("Peer"),
                latency=peer.text("Latency", "") or None,
                muxer=peer.text("Muxer", "") or None,
                streams=tuple(one.text("Protocol", "") for one in peer.each("Streams")) if streams or verbose else None,
                direction=_DIRECTIONS.get(peer.whole("Direction")) if direction or verbose else None,
            )
            for peer in Said("swarm/peers", said).each("Peers")
        ]


def _address(addr: str) -> str:
    """Return a peer's address, checked; where it is the ID alone, as Kubo takes that."""
    if isinstance(addr, str) and not addr.startswith("/"):
        try:
            return f"/p2p/{Name.parse(addr).peer_id}"
        except InvalidNameError as error:
            raise InvalidInputError(
                f"{addr!r:.120} is no address of a peer, and no ID", code="ERR_INVALID_MULTIADDR"
            ) from error
    return peer_address(addr)
