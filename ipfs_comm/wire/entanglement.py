"""Entangled ends, and the messages on their way between them.

Two *ends* are entangled when each is the other's partner. An end takes messages (`accept`) and the news that its
partner is gone (`accept_close`). A port sits on one, its :class:`Seat`; what stands for a port at the other side of a
link (`ends.LinkEnd`) is another. To transfer a port is to let a fresh port have its seat while the message stays in
this process, and to give its partner an end of a link when it leaves. Two ends of links that become partners are a
relay, and nothing else is needed for one.

A message on its way is a :class:`Record`: already serialized, with ports that nobody holds yet. It is decoded when it
is dispatched, so a port can be sent on with what waits in it.

A seat holds its port only as long as something can still be heard there, so a port that nobody has and nobody listens
to is collected, and its seat closed. Collection happens at any moment, on any thread, even in the middle of a change to
who is whose partner: so a forsaken seat waits for the end of that change.
"""

from __future__ import annotations

import contextlib
import threading
import weakref
from collections import deque
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, cast

from ipfs_comm.errors import LinkError
from ipfs_comm.wire import clone

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from ipfs_comm.wire.port import MessagePort

__all__ = ["End", "Ended", "Nowhere", "Record", "Seat", "bury", "close_reason", "entangle", "forsake", "topology"]


#: Guards who is whose partner, and with it the order of messages around a transfer. Never held while user code runs.
#: A plain lock: one written in Python could be left locked by a KeyboardInterrupt that lands in its methods.
topology: Final = threading.RLock()

_forsaken: Final[deque[Seat]] = deque()


def forsake(seat: Seat, loop: asyncio.AbstractEventLoop | None) -> None:
    """Close a seat whose port was collected: now, or when the lock is free, on `loop` or by the next who comes along.

    Whoever collects may be in the middle of a change himself, or hold other locks, so this never waits.
    """
    _forsaken.append(seat)
    owned: bool = topology._is_owned()  # type: ignore[attr-defined]  # what threading.Condition asks a lock as well
    if not owned and topology.acquire(blocking=False):
        try:
            bury()
        finally:
            topology.release()
    elif loop is not None and not loop.is_closed():
        with contextlib.suppress(RuntimeError):
            # It may be closed at this very moment, and the next who comes along does it.
            loop.call_soon_threadsafe(bury)


def bury() -> None:
    """Close the seats that wait for it."""
    while _forsaken:
        try:
            seat = _forsaken.popleft()
        except IndexError:
            return
        seat.close()


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
        """Close the ports and Blobs of a message that nobody will get, and those of the messages that wait there."""
        doomed = [self]
        while doomed:
            record = doomed.pop()
            for port in record.ports:
                doomed += port.abandon()
            if record.reject is not None:
                for source in record.encoded.sources:
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


class Ended(NamedTuple):
    """That a partner is gone, and why; without a reason when in order."""

    error: Exception | None


class Seat:
    """The end that a port sits on: its partner, and the messages that have arrived and not been dispatched."""

    __slots__ = ("__weakref__", "_port", "closed", "ended", "held", "key", "partner", "queue")

    def __init__(self) -> None:
        self.partner: End | None = None
        self.key: tuple[str, int] | None = None
        self.queue: deque[Record] = deque()
        #: Set once the partner is gone.
        self.ended: Ended | None = None
        #: Whether this side has left.
        self.closed = False
        #: The port, as long as it can hear something although nobody has it.
        self.held: MessagePort | None = None
        self._port: weakref.ref[MessagePort] | None = None

    def place(self, port: MessagePort) -> None:
        """Let a port sit here, instead of the one that did."""
        self.held = None
        self._port = weakref.ref(port)

    def accept(self, record: Record) -> None:
        """See :class:`End`."""
        if self.closed:
            record.drop()
            return
        self.queue.append(record)
        self._tell()

    def accept_close(self, error: Exception | None) -> None:
        """See :class:`End`; said to listeners after what came before."""
        self.partner = None
        if self.ended is None and not self.closed:
            self.ended = Ended(error)
            self._tell()

    def _tell(self) -> None:
        port = None if self._port is None else self._port()
        if port is not None:
            port.arrived()

    def close(self) -> None:
        """Leave: the partner learns of it, and what was not dispatched is dropped."""
        for record in self.leave():
            record.drop()

    def leave(self) -> list[Record]:
        """Leave; return what was not dispatched and has to be dropped."""
        with topology:
            if self.closed:
                return []
            self.closed = True
            self.held = None
            partner, self.partner = self.partner, None
            dropped = list(self.queue)
            self.queue.clear()
            if partner is not None:
                partner.partner = None
                partner.accept_close(None)
        return dropped

    def give_way(self, end: End) -> None:
        """Let another end take this place: it gets what waits here, then the partner."""
        with topology:
            self.closed = True
            self.held = None
            partner, self.partner = self.partner, None
            records = list(self.queue)
            self.queue.clear()
            for record in records:
                end.accept(record)
            if partner is not None:
                entangle(end, partner)
            else:
                end.accept_close(self.ended.error if self.ended is not None else None)


class Seated(Protocol):
    """What sits on an end and can stand for it: a port."""

    @property
    def seat(self) -> Seat:
        """The end."""


def entangle(one: End | Seated, other: End | Seated) -> None:
    """Make two ends each other's partners; a port stands for its seat."""
    first, second = _end_of(one), _end_of(other)
    first.partner = second
    second.partner = first


def _end_of(one: End | Seated) -> End:
    seat: End | None = getattr(one, "seat", None)
    return cast("End", one) if seat is None else seat


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
