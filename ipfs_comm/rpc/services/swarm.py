"""The namespace ``swarm``: connections with peers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfs_comm.node.api import PeerAddresses, SwarmPeer
from ipfs_comm.rpc.kinds import FLAG, MULTIADDR, PEER, TEXT, list_of, optional, record
from ipfs_comm.rpc.method import Answer, Method, Parameter

if TYPE_CHECKING:
    from collections.abc import Mapping

CONNECTED = record(
    SwarmPeer,
    addr=MULTIADDR,
    peer=PEER,
    latency=optional(TEXT, omitted=True),
    muxer=optional(TEXT, omitted=True),
    streams=optional(list_of(TEXT), omitted=True),
    direction=optional(TEXT, omitted=True),
)
KNOWN = record(PeerAddresses, id=PEER, addrs=list_of(MULTIADDR))
_ADDRESS = Parameter("addr", MULTIADDR)

METHODS: Mapping[str, Method] = {
    "addrs": Method((), {}, Answer(list_of(KNOWN)), admin=True),
    "connect": Method((_ADDRESS,), {}, admin=True),
    "disconnect": Method((_ADDRESS,), {}, admin=True),
    "localAddrs": Method((), {}, Answer(list_of(MULTIADDR)), admin=True),
    "peers": Method(
        (),
        {"direction": FLAG, "streams": FLAG, "verbose": FLAG, "latency": FLAG},
        Answer(list_of(CONNECTED)),
        admin=True,
    ),
}
