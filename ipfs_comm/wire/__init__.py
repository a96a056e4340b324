"""MessagePorts over anything that moves packets; knows nothing of IPFS. The wire is described in `docs/protocol.md`."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ipfs_comm.wire import clone
    from ipfs_comm.wire.acceptor import Acceptor
    from ipfs_comm.wire.carriers.base import Carrier
    from ipfs_comm.wire.link import Link
    from ipfs_comm.wire.port import Interceptor, MessageChannel, MessageEvent, MessagePort

__all__ = ["Acceptor", "Carrier", "Interceptor", "Link", "MessageChannel", "MessageEvent", "MessagePort", "clone"]

#: Where each name lives; loaded when it is first used, so that a kernel's carriers are there before their links are.
_HOMES = {
    "Acceptor": "acceptor",
    "Carrier": "carriers.base",
    "Interceptor": "port",
    "Link": "link",
    "MessageChannel": "port",
    "MessageEvent": "port",
    "MessagePort": "port",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
