"""The namespace ``bootstrap``: the peers that a node begins with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfs_comm.node.api import BootstrapResult
from ipfs_comm.rpc.kinds import MULTIADDR, list_of, pascal, record
from ipfs_comm.rpc.method import Answer, Method, Parameter

if TYPE_CHECKING:
    from collections.abc import Mapping

PEERS = record(BootstrapResult, pascal, peers=list_of(MULTIADDR))
_ADDRESS = Parameter("addr", MULTIADDR)

METHODS: Mapping[str, Method] = {
    "add": Method((_ADDRESS,), {}, Answer(PEERS), writes=True, admin=True),
    "list": Method((), {}, Answer(PEERS)),
    "rm": Method((_ADDRESS,), {}, Answer(PEERS), writes=True, admin=True),
    "reset": Method((), {}, Answer(PEERS), writes=True, admin=True),
    "clear": Method((), {}, Answer(PEERS), writes=True, admin=True),
}
