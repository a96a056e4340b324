"""MessagePorts over anything that moves packets; knows nothing of IPFS. The wire is described in `docs/protocol.md`."""

from __future__ import annotations

from ipfs_comm.wire import clone
from ipfs_comm.wire.acceptor import Acceptor
from ipfs_comm.wire.carriers.base import Carrier
from ipfs_comm.wire.link import Link
from ipfs_comm.wire.port import Interceptor, MessageChannel, MessageEvent, MessagePort

__all__ = ["Acceptor", "Carrier", "Interceptor", "Link", "MessageChannel", "MessageEvent", "MessagePort", "clone"]
