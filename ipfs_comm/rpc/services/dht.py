"""The namespace ``dht``: the network's hash table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfs_comm.node.api import PeerInfo, RoutingEvent
from ipfs_comm.rpc.kinds import (
    BYTES,
    CID_,
    FLAG,
    LONG_TEXT,
    MULTIADDR,
    NATURAL,
    PEER,
    TEXT,
    TEXT_OR_BYTES,
    list_of,
    optional,
    record,
    some,
)
from ipfs_comm.rpc.method import Answer, Method, Parameter

if TYPE_CHECKING:
    from collections.abc import Mapping

INFO = record(PeerInfo, id=PEER, multiaddrs=list_of(MULTIADDR))
EVENT = record(
    RoutingEvent,
    type=NATURAL,
    name=TEXT,
    from_=optional(PEER, omitted=True),
    peer=optional(INFO, omitted=True),
    closer=list_of(INFO),
    providers=list_of(INFO),
    value=optional(BYTES, omitted=True),
    error=optional(LONG_TEXT, omitted=True),
)
_EVENTS = Answer(EVENT, "stream")
_PEER = (Parameter("peerId", PEER),)
_KEY = Parameter("key", TEXT_OR_BYTES)

METHODS: Mapping[str, Method] = {
    "findPeer": Method(_PEER, {}, _EVENTS),
    "findProvs": Method((Parameter("cid", CID_),), {"numProviders": NATURAL}, _EVENTS),
    "get": Method((_KEY,), {}, _EVENTS),
    "provide": Method((Parameter("cids", some(CID_)),), {"recursive": FLAG}, _EVENTS, admin=True),
    "put": Method((_KEY, Parameter("value", BYTES)), {}, _EVENTS, admin=True),
    "query": Method(_PEER, {}, _EVENTS),
}
