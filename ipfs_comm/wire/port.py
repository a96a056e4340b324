"""MessagePort and MessageChannel of the HTML Standard."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Protocol

from ipfs_comm.errors import DataCloneError, InvalidInputError
from ipfs_comm.wire import clone
from ipfs_comm.wire.entanglement import End, Nowhere, Record, Seat, bury, entangle, forsake, topology

__all__ = ["Interceptor", "MessageChannel", "MessageEvent", "MessagePort", "splice"]

#: Messages handed to listeners in one turn of the loop.
BATCH: Final = 64


class Interceptor(Protocol):
    """What may look at the messages of a port, and change them."""

    def outgoing(self, message: Any, transfer: Sequence[Any]) -> tuple[Any, Sequence[Any]]:
        """Return what is posted instead; called by `post_message`, in its thread."""

    def incoming(self, event: MessageEvent) -> MessageEvent | None:
        """Return the event that listeners get; None if they get none."""


class MessageEvent:
    """What a listener gets.

    Attributes
    ----------
    type : str
        ``"message"`` or ``"close"``.
    data : any
        The message.
    ports : tuple of MessagePort
        The transferred ports, in the order of the transfer list.
    target : MessagePort
        The port it arrived at.
    error : Exception or None
        Of a close event: why the port closed, None if in order.
    """

    __slots__ = ("data", "error", "ports", "target", "type")

    def __init__(
        self,
        type: str,  # noqa: A002  the DOM's name
        *,
        data: Any = None,
        ports: tuple[MessagePort, ...] = (),
        target: MessagePort | None = None,
        error: Exception | None = None,
    ) -> None:
        self.type = type
        self.data = data
        self.ports = ports
        self.target = target
        self.error = error

    def __repr__(self) -> str:
        return f"<MessageEvent {self.type}, {type(self.data).__name__}>"


Listener = Callable[[MessageEvent], object]


class MessagePort(clone.Transferable):
    """One end of a channel of messages.

    Messages arrive in order, each once, when the port has been started: by :meth:`start` or by setting
    :attr:`onmessage`. Listeners are called on the event loop that was running when the port was started.
    :meth:`post_message` and :meth:`close` may be called from any thread.

    A port that nobody refers to any more lives on as long as it can hear something: while it is started and has
    listeners of messages, or has listeners of its close. Without them it is collected, which closes it.

    HTML Standard, Message ports.
    """

    __slots__ = (
        "__weakref__",
        "_detached",
        "_interceptor",
        "_leaving",
        "_listeners",
        "_loop",
        "_onclose",
        "_onmessage",
        "_scheduled",
        "_seat",
        "_started",
        "_told",
    )

    def __init__(self, seat: Seat | None = None) -> None:
        self._seat = Seat() if seat is None else seat
        self._interceptor: Interceptor | None = None
        self._listeners: dict[str, list[Listener]] = {}
        self._onmessage: Listener | None = None
        self._onclose: Listener | None = None
        self._leaving: Callable[[], object] | None = None
        self._started = False
        self._detached = False
        self._scheduled = False
        #: Whether nothing more is to be said: closed by this end, or the close event was fired.
        self._told = False
        self._loop: asyncio.AbstractEventLoop | None = asyncio._get_running_loop()
        self._seat.place(self)

    @classmethod
    def homeless(cls, seat: Seat | None = None) -> MessagePort:
        """Return a port that belongs to no event loop yet, wherever it is made."""
        port = cls(seat)
        port._loop = None
        return port

    def __del__(self, _forsake: Callable[..., None] = forsake) -> None:
        if not self._told and not self._detached and (self._seat.partner is not None or self._seat.queue):
            _forsake(self._seat, self._loop)

    # What it is

    @property
    def seat(self) -> Seat:
        """The end that it sits on."""
        return self._seat

    @property
    def key(self) -> tuple[str, int] | None:
        """What it has in common with its other end over a link; see :class:`ipfs_comm.wire.entanglement.End`."""
        return self._seat.key

    @key.setter
    def key(self, key: tuple[str, int] | None) -> None:
        self._seat.key = key

    @property
    def closed(self) -> bool:
        """Whether the port is closed, by either end."""
        return self._told or (not self._detached and self._seat.ended is not None and not self._seat.queue)

    @property
    def error(self) -> Exception | None:
        """Why it closed; None as long as it is open, and when it was closed in order."""
        ended = None if self._detached else self._seat.ended
        return None if ended is None else ended.error

    @property
    def interceptor(self) -> Interceptor | None:
        """What looks at the messages that pass."""
        return self._interceptor

    @interceptor.setter
    def interceptor(self, interceptor: Interceptor | None) -> None:
        self._interceptor = interceptor
        self._hold()

    # Sending

    def post_message(self, message: Any, transfer: Iterable[Any] = ()) -> None:
        """Send a clone of `message` to the other end.

        Parameters
        ----------
        message : any
            A value that structured clone knows, see `docs/values.md`.
        transfer : iterable of MessagePort, ArrayBuffer or bytes-like
            Ports and ArrayBuffers that move to the other end, and bytes and arrays that the caller gives away: they
            are not copied and must not change any more.

        Raises
        ------
        DataCloneError
            Something cannot be cloned or transferred; nothing has been sent or transferred then.
        """
        items: Sequence[Any] = tuple(transfer)
        if self._interceptor is not None and not self._detached:
            message, items = self._interceptor.outgoing(message, items)
        ports, buffers = self._transferable(items)
        encoded = clone.encode(
            message, ports=ports, owned=[item for item in items if not isinstance(item, MessagePort)]
        )
        with topology:
            # What has been transferred by another thread meanwhile, too.
            for port in ports:
                if port._told or port._detached:
                    raise DataCloneError("a port in the transfer list is closed or was transferred already")
            for buffer in buffers:
                if buffer.detached:
                    raise DataCloneError("an ArrayBuffer in the transfer list was transferred already")
            for buffer in buffers:
                buffer.detach()
            doomed = any(self._is_opposite(port) for port in ports)
            record = Record(encoded, [port._move() for port in ports])
            partner = None if self._detached else self._seat.partner
            if partner is None or doomed:
                record.drop()
            else:
                partner.accept(record)
        bury()

    def _is_opposite(self, port: MessagePort) -> bool:
        """Whether `port` is where this port's messages arrive: one that is sent there would arrive at itself."""
        partner = None if self._detached else self._seat.partner
        if partner is None or port._seat is partner:
            return partner is not None
        opposite = port._seat.partner
        return partner.key is not None and opposite is not None and partner.key == opposite.key

    def _transferable(self, items: Sequence[Any]) -> tuple[list[MessagePort], list[clone.ArrayBuffer]]:
        ports: list[MessagePort] = []
        buffers: list[clone.ArrayBuffer] = []
        if len({id(item) for item in items}) != len(items):
            raise DataCloneError("the transfer list has something twice")
        for number, item in enumerate(items):
            if isinstance(item, MessagePort):
                if item is self:
                    raise DataCloneError("a port cannot be transferred over itself")
                ports.append(item)
            elif isinstance(item, clone.ArrayBuffer):
                if item.detached:
                    raise DataCloneError("an ArrayBuffer in the transfer list was transferred already")
                buffers.append(item)
            elif not clone.is_bytes_like(item):
                raise DataCloneError(
                    f"transfer[{number}]: a {type(item).__qualname__} cannot be transferred; "
                    "a MessagePort, an ArrayBuffer, and bytes or an array of numbers can"
                )
        return ports, buffers

    def _move(self) -> MessagePort:
        """Give the seat to a fresh port and be dead from then on; under `topology`."""
        fresh = MessagePort.homeless(self._seat)
        self._vacate()
        return fresh

    def _vacate(self) -> Seat:
        seat, self._seat = self._seat, Seat()
        self._detached = True
        return seat

    def hand_over(self, end: End) -> None:
        """Let another end take this port's place: it gets what waits here, then the partner."""
        with topology:
            self._vacate().give_way(end)

    # Receiving

    @property
    def onmessage(self) -> Listener | None:
        """Listener of messages; setting it starts the port."""
        return self._onmessage

    @onmessage.setter
    def onmessage(self, listener: Listener | None) -> None:
        self._onmessage = listener
        if listener is not None:
            self.start()
        self._hold()

    @property
    def onclose(self) -> Listener | None:
        """Listener of the news that the other end closed the port or is gone."""
        return self._onclose

    @onclose.setter
    def onclose(self, listener: Listener | None) -> None:
        self._onclose = listener
        self._adopt_loop()
        self._hold()
        self._schedule()

    def add_event_listener(self, type: str, listener: Listener) -> None:  # noqa: A002  the DOM's name
        """Add a listener of ``"message"`` or ``"close"`` events; this does not start the port."""
        listeners = self._listeners.setdefault(type, [])
        if listener not in listeners:
            listeners.append(listener)
        self._hold()
        if type == "close":
            self._adopt_loop()
            self._schedule()

    def remove_event_listener(self, type: str, listener: Listener) -> None:  # noqa: A002  the DOM's name
        """Take a listener away, if it is there."""
        listeners = self._listeners.get(type, [])
        if listener in listeners:
            listeners.remove(listener)
        self._hold()

    def start(self) -> None:
        """Begin to deliver, on the event loop that is running now.

        Raises
        ------
        InvalidInputError
            No event loop is running in this thread.
        """
        if self._started or self._detached:
            return
        loop = asyncio._get_running_loop()
        if loop is None:
            raise InvalidInputError(
                "a port is started on a running event loop; call it from a coroutine or a callback of one"
            )
        self._loop = loop
        self._started = True
        self._hold()
        self._schedule()

    def close(self) -> None:
        """Close the port.

        The other end gets what was sent before, then a close event. Nothing more is delivered here.
        """
        for record in self.abandon():
            record.drop()
        bury()
        leaving, self._leaving = self._leaving, None
        if leaving is not None:
            leaving()

    def when_left(self, leaving: Callable[[], object]) -> None:
        """Have ``leaving`` called when this end closes the port, of which no event tells; the last one given counts."""
        self._leaving = leaving

    def abandon(self) -> list[Record]:
        """Close the port; return the messages that waited here, for the caller to drop."""
        with topology:
            if self._told or self._detached:
                return []
            self._told = True
            return self._seat.leave()

    def _hold(self) -> None:
        """Stay, or do not stay, alive without a reference, as the class says."""
        listeners = self._listeners.get
        hears = self._onclose is not None or bool(listeners("close"))
        if self._started and not hears:
            hears = self._onmessage is not None or self._interceptor is not None or bool(listeners("message"))
        with topology:
            if not self._detached:
                self._seat.held = self if hears and not self._told else None

    def arrived(self) -> None:
        """Learn that something has come to the seat; under `topology`, from any thread."""
        if not self._scheduled:
            self._schedule()

    def _adopt_loop(self) -> None:
        if self._loop is None:
            self._loop = asyncio._get_running_loop()

    def _schedule(self) -> None:
        """See to it that `_dispatch` runs, if it has anything to do and a loop to do it on."""
        with topology:
            loop, seat = self._loop, self._seat
            due = self._started if seat.queue else seat.ended is not None
            if self._scheduled or loop is None or self._told or self._detached or not due:
                return
            self._scheduled = True
        if asyncio._get_running_loop() is loop:
            loop.call_soon(self._dispatch)
            return
        try:
            loop.call_soon_threadsafe(self._dispatch)
        except RuntimeError:
            # The loop was closed: nobody is left to listen.
            self.close()

    def _dispatch(self) -> None:
        bury()
        self._scheduled = False
        for _ in range(BATCH):
            with topology:
                if self._told or not self._started or not self._seat.queue:
                    break
                record = self._seat.queue.popleft()
            self._deliver(record)
        with topology:
            if self._told or self._detached:
                return
            if self._seat.queue:
                self._schedule()
                return
            if self._seat.ended is None:
                return
            self._told = True
            self._seat.held = None
        self._fire(MessageEvent("close", target=self, error=self.error), self._onclose)

    def _deliver(self, record: Record) -> None:
        try:
            data = record.decode()
        except Exception as error:
            record.drop()
            if record.reject is None:
                self._report("a message cannot be decoded", error)
            else:
                record.reject(error)
            return
        event: MessageEvent | None = MessageEvent("message", data=data, ports=tuple(record.ports), target=self)
        if self._interceptor is not None and event is not None:
            try:
                event = self._interceptor.incoming(event)
            except Exception as error:
                record.drop()
                self._report("the interceptor of a port failed", error)
                return
        if event is not None:
            self._fire(event, self._onmessage)

    def _fire(self, event: MessageEvent, handler: Listener | None) -> None:
        listeners = self._listeners.get(event.type)
        for listener in [handler, *listeners] if listeners else [handler]:
            if listener is None:
                continue
            try:
                listener(event)
            except Exception as error:
                self._report(f"a listener of a port's {event.type} events failed", error)

    @staticmethod
    def _report(message: str, error: Exception) -> None:
        asyncio.get_running_loop().call_exception_handler({"message": message, "exception": error})

    def __repr__(self) -> str:
        state = "transferred" if self._detached else "closed" if self.closed else "started" if self._started else "open"
        return f"<MessagePort {state}, {len(self._seat.queue)} waiting>"


class MessageChannel:
    """Two entangled ports in this process; messages between them are cloned, bytes objects are not copied.

    Attributes
    ----------
    port1, port2 : MessagePort
        The two ends.
    """

    __slots__ = ("port1", "port2")

    def __init__(self) -> None:
        self.port1 = MessagePort()
        self.port2 = MessagePort()
        entangle(self.port1, self.port2)


def splice(one: MessagePort, other: MessagePort) -> None:
    """Join what is behind two ports and take the ports out: their partners become each other's, and get what waited."""
    with topology:
        first = one._vacate()
        behind: End = first.partner or Nowhere(first.ended.error if first.ended is not None else None)
        waiting = list(first.queue)
        first.queue.clear()
        first.partner = None
        first.closed = True
        other._vacate().give_way(behind)
        if behind.partner is not None:
            for record in waiting:
                behind.partner.accept(record)
            if isinstance(behind, Nowhere):
                behind.partner.accept_close(behind.error)
        else:
            for record in waiting:
                record.drop()
