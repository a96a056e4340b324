"""Entangled ends, and the messages on their way between them.

Two *ends* are entangled when each is the other's partner. An end takes messages (`accept`) and the news that its
partner is gone (`accept_close`). A port is an end; so is what stands for a port at the other side of a link
(`ends.LinkEnd`). Transferring a port means giving its partner a new partner: a fresh port when the message stays in
this process, an end of a link when it leaves. Two ends of links that become partners are a relay, and nothing else is
needed for one.

A message on its way is a :class:`Record`: already serialized, with ports that nobody holds yet. It is decoded when it
is dispatched, so a port can be sent on with what waits in it.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final, Protocol

from ipfs_comm.errors import LinkError
from ipfs_comm.wire import clone

if TYPE_CHECKING:
    from collections.abc import Callable

    from ipfs_comm.wire.port import MessagePort

__all__ = ["End", "Nowhere", "Record", "close_reason", "entangle", "topology"]

#: Guards who is whose partner, and with it the order of messages around a transfer. Never held while user code runs.
topology: Final = threading.RLock()


class Record:
    """A serialized message on its way.

    Parameters
    ----------
    encoded : Encoded
        The value. `sources` has the bytes of its Blobs.
    ports : list of MessagePort
        The transferred ports; nobody holds them yet.
    reject : callable, optional
        Told of a value that cannot be decoded: the link it came by.
    """

    __slots__ = ("encoded", "ports", "reject")

    def __init__(
        self, encoded: clone.Encoded, ports: list[MessagePort], reject: Callable[[Exception], None] | None = None
    ) -> None:
        self.encoded = encoded
        self.ports = ports
        self.reject = reject

    def decode(self) -> Any:
        """Build the value."""
        root, entries, buffers, sources = self.encoded
        return clone.decode(root, entries, buffers, self.ports, sources)

    def drop(self) -> None:
        """Close the ports and Blobs of a message that nobody will get."""
        for port in self.ports:
            port.close()
        if self.reject is not None:
            for source in self.encoded.sources:
                source.close()


class End(Protocol):
    """One of two entangled ends."""

    partner: End | None
    #: What the two ends of one port over a link have in common: the link's name and the port's id. None without a link.
    key: tuple[str, int] | None

    def accept(self, record: Record) -> None:
        """Take a message from the partner; called under `topology`, from any thread."""

    def accept_close(self, error: Exception | None) -> None:
        """Learn that the partner is gone; called under `topology`, from any thread."""


def entangle(one: End, other: End) -> None:
    """Make two ends each other's partners."""
    one.partner = other
    other.partner = one


class Nowhere:
    """The partner of a port whose partner is gone."""

    def __init__(self, error: Exception | None) -> None:
        self.partner: End | None = None
        self.key: tuple[str, int] | None = None
        self.error = error

    def accept(self, record: Record) -> None:
        """See :class:`End`."""
        record.drop()

    def accept_close(self, error: Exception | None) -> None:
        """See :class:`End`."""
        self.partner = None


def close_reason(error: Exception | None) -> Exception | None:
    """Return what a port's `error` shall be when a link ended with `error`: None for an end in order."""
    return None if isinstance(error, LinkError) and error.code == "ERR_CLOSED" else error
