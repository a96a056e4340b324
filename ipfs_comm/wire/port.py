"""MessagePort and MessageChannel of the HTML Standard."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar, Final, Protocol

from ipfs_comm.errors import DataCloneError, InvalidInputError
from ipfs_comm.wire import clone
from ipfs_comm.wire.entanglement import End, Nowhere, Record, entangle, topology

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

    HTML Standard, Message ports.
    """

    __slots__ = (
        "__weakref__",
        "_close_error",
        "_detached",
        "_listeners",
        "_loop",
        "_onclose",
        "_onmessage",
        "_queue",
        "_scheduled",
        "_started",
        "_told",
        "closed",
        "error",
        "interceptor",
        "key",
        "partner",
    )

    _NO_CLOSE: ClassVar[object] = object()

    def __init__(self) -> None:
        self.partner: End | None = None
        self.key: tuple[str, int] | None = None
        #: Whether the port is closed, by either end.
        self.closed = False
        #: Why it closed; None as long as it is open, and when it was closed in order.
        self.error: Exception | None = None
        self.interceptor: Interceptor | None = None
        self._queue: deque[Record] = deque()
        self._close_error: object = self._NO_CLOSE
        self._listeners: dict[str, list[Listener]] = {}
        self._onmessage: Listener | None = None
        self._onclose: Listener | None = None
        self._started = False
        self._detached = False
        self._scheduled = False
        #: Whether nothing more is to be said: closed by this end, or the close event was fired.
        self._told = False
        self._loop: asyncio.AbstractEventLoop | None = asyncio._get_running_loop()

    @classmethod
    def homeless(cls) -> MessagePort:
        """Return a port that belongs to no event loop yet, wherever it is made."""
        port = cls()
        port._loop = None
        return port

    # Sending

    def post_message(self, message: Any, transfer: Iterable[Any] = ()) -> None:
        """Send a clone of `message` to the other end.

        Parameters
        ----------
        message : any
            A value that structured clone knows, see :mod:`ipfs_comm.wire.clone`.
        transfer : iterable of MessagePort, ArrayBuffer or bytes-like
            Ports and ArrayBuffers that move to the other end, and bytes that the caller gives away: they are not
            copied and must not change any more.

        Raises
        ------
        DataCloneError
            Something cannot be cloned or transferred.
        """
        items: Sequence[Any] = tuple(transfer)
        if self.interceptor is not None and not self._detached:
            message, items = self.interceptor.outgoing(message, items)
        ports = self._transferable_ports(items)
        encoded = clone.encode(
            message, ports=ports, owned=[item for item in items if not isinstance(item, MessagePort)]
        )
        with topology:
            for port in ports:
                if port._told or port._detached:
                    raise DataCloneError("a port in the transfer list is closed or was transferred already")
            for item in items:
                if isinstance(item, clone.ArrayBuffer):
                    item.detach()
            doomed = any(self._is_opposite(port) for port in ports)
            record = Record(encoded, [port._move() for port in ports])
            if self.partner is None or doomed:
                record.drop()
            else:
                self.partner.accept(record)

    def _is_opposite(self, port: MessagePort) -> bool:
        """Whether `port` is where this port's messages arrive: one that is sent there would arrive at itself."""
        partner = self.partner
        if partner is None or port is partner:
            return port is partner
        return partner.key is not None and port.partner is not None and partner.key == port.partner.key

    def _transferable_ports(self, items: Sequence[Any]) -> list[MessagePort]:
        if not items:
            return []
        if len({id(item) for item in items}) != len(items):
            raise DataCloneError("the transfer list has something twice")
        ports = []
        for item in items:
            if isinstance(item, MessagePort):
                if item is self:
                    raise DataCloneError("a port cannot be transferred over itself")
                ports.append(item)
            elif isinstance(item, clone.ArrayBuffer):
                if item.detached:
                    raise DataCloneError("an ArrayBuffer in the transfer list was transferred already")
            elif not isinstance(item, bytes | bytearray | memoryview):
                raise DataCloneError(
                    f"a {type(item).__qualname__} cannot be transferred; a MessagePort, an ArrayBuffer or bytes can"
                )
        return ports

    def _move(self) -> MessagePort:
        """Give everything to a fresh port and be dead from then on; under `topology`."""
        fresh = MessagePort.homeless()
        fresh._queue = self._queue
        fresh._close_error = self._close_error
        if self.partner is not None:
            entangle(fresh, self.partner)
        self._abandon()
        return fresh

    def _abandon(self) -> None:
        self.partner = None
        self._queue = deque()
        self._close_error = self._NO_CLOSE
        self._detached = True

    def hand_over(self, end: End) -> None:
        """Let another end take this port's place: it gets what waits here, then the partner."""
        with topology:
            queue, close_error, partner = self._queue, self._close_error, self.partner
            self._abandon()
            for record in queue:
                end.accept(record)
            if partner is not None:
                entangle(end, partner)
            elif close_error is self._NO_CLOSE:
                end.accept_close(None)
            else:
                end.accept_close(close_error if isinstance(close_error, Exception) else None)

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

    @property
    def onclose(self) -> Listener | None:
        """Listener of the news that the other end closed the port or is gone."""
        return self._onclose

    @onclose.setter
    def onclose(self, listener: Listener | None) -> None:
        self._onclose = listener
        self._adopt_loop()
        self._schedule()

    def add_event_listener(self, type: str, listener: Listener) -> None:  # noqa: A002  the DOM's name
        """Add a listener of ``"message"`` or ``"close"`` events; this does not start the port."""
        listeners = self._listeners.setdefault(type, [])
        if listener not in listeners:
            listeners.append(listener)
        if type == "close":
            self._adopt_loop()
            self._schedule()

    def remove_event_listener(self, type: str, listener: Listener) -> None:  # noqa: A002  the DOM's name
        """Take a listener away, if it is there."""
        listeners = self._listeners.get(type, [])
        if listener in listeners:
            listeners.remove(listener)

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
        self._schedule()

    def close(self) -> None:
        """Close the port.

        The other end gets what was sent before, then a close event. Nothing more is delivered here.
        """
        with topology:
            if self._told or self._detached:
                return
            self.closed = self._told = True
            partner, self.partner = self.partner, None
            queue, self._queue = self._queue, deque()
            if partner is not None:
                partner.partner = None
                partner.accept_close(None)
        for record in queue:
            record.drop()

    def accept(self, record: Record) -> None:
        """Take a message from the partner."""
        self._queue.append(record)
        if self._started and not self._scheduled:
            self._schedule()

    def accept_close(self, error: Exception | None) -> None:
        """Learn that the partner is gone; said to listeners after what came before."""
        self.partner = None
        if self._told or self._close_error is not self._NO_CLOSE:
            return
        self._close_error = error
        if error is not None:
            self.error = error
        if not self._queue:
            self.closed = True
        self._schedule()

    def _adopt_loop(self) -> None:
        if self._loop is None:
            self._loop = asyncio._get_running_loop()

    def _schedule(self) -> None:
        """See to it that `_dispatch` runs, if it has anything to do and a loop to do it on."""
        with topology:
            loop = self._loop
            due = self._started if self._queue else self._close_error is not self._NO_CLOSE
            if self._scheduled or loop is None or self._told or not due:
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
        self._scheduled = False
        count = BATCH
        while self._started and count and not self._told:
            count -= 1
            with topology:
                if not self._queue:
                    break
                record = self._queue.popleft()
            self._deliver(record)
        with topology:
            if self._told or self._detached:
                return
            if self._queue:
                self._schedule()
                return
            if self._close_error is self._NO_CLOSE:
                return
            self.closed = self._told = True
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
        if self.interceptor is not None and event is not None:
            try:
                event = self.interceptor.incoming(event)
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
        return f"<MessagePort {state}, {len(self._queue)} waiting>"


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
        behind = one.partner
        waiting, one_close = one._queue, one._close_error
        one._abandon()
        if behind is None:
            behind = Nowhere(one_close if isinstance(one_close, Exception) else None)
        other.hand_over(behind)
        if behind.partner is not None:
            for record in waiting:
                behind.partner.accept(record)
            if isinstance(behind, Nowhere):
                behind.partner.accept_close(behind.error)
        else:
            for record in waiting:
                record.drop()
