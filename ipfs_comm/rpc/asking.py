"""One call of a client: its arguments in their travelling forms, and everything that it holds open."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ipfs_comm.errors import ProtocolError
from ipfs_comm.rpc.consumer import Consumer
from ipfs_comm.rpc.streams import iterable_of, offer
from ipfs_comm.wire import MessageChannel, MessageEvent, MessagePort, clone

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable

    from ipfs_comm.rpc.kinds import Kind
    from ipfs_comm.rpc.producer import Producer

#: Seconds that a call waits for the rest of its progress after its result.
PROGRESS_GRACE = 1.0


class Asking:
    """What one call sends and holds open: producers of its input, and its progress.

    Parameters
    ----------
    where : str
        ``namespace.method``.
    """

    def __init__(self, where: str) -> None:
        self.where = where
        #: Ports that go along with the query.
        self.transfer: list[MessagePort] = []
        self._producers: set[Producer] = set()
        self._callbacks: list[tuple[MessagePort, asyncio.Event]] = []

    def iterate(self, travelling: object, decode: Callable[[Any], Any]) -> AsyncGenerator[Any, None]:
        """Return the items of the RemoteIterable that came as a result.

        Raises
        ------
        ProtocolError
            When it is none.
        """
        remote = iterable_of(travelling)
        if remote is None:
            raise ProtocolError(f"{self.where} was answered without an iterable")
        return Consumer(remote.port, ahead=remote.ahead, decode=decode).items()

    def offer_items(self, source: AsyncIterator[Any], kind: Kind) -> dict[str, Any]:
        """Return a RemoteIterable over items of a kind."""

        def encode(item: Any, transfer: list[MessagePort]) -> Any:
            # An item may hold iterables of its own; their ports travel with the item.
            mine, self.transfer = self.transfer, transfer
            try:
                return kind.dump(self, item)
            finally:
                self.transfer = mine

        travelling, producer = offer(
            source, self.transfer, encode=encode, where=self.where, over=self._producers.discard
        )
        self._producers.add(producer)
        return travelling

    def offer_callback(self, function: Callable[..., Any]) -> dict[str, Any]:
        """Return a RemoteCallback that calls a function."""

        def receive(event: MessageEvent) -> None:
            if isinstance(event.data, list):
                function(*event.data[:2])

        channel, over = MessageChannel(), asyncio.Event()
        channel.port1.onclose = lambda _: over.set()
        channel.port1.onmessage = receive
        self._callbacks.append((channel.port1, over))
        self.transfer.append(channel.port2)
        return {"type": "RemoteCallback", "port": channel.port2}

    def callback(self, travelling: object) -> Callable[..., Any] | None:
        """Return None: no result is a function."""
        return None

    async def blob(self, blob: clone.Blob) -> AsyncGenerator[bytes, None]:
        """Generate the bytes of a Blob."""
        try:
            yield await blob.read(0, blob.size)
        finally:
            blob.close()

    def when_over(self, ended: Callable[[], None]) -> None:
        """Call ``ended`` when the other end has closed the first of the callbacks, which the call is about."""
        port, over = self._callbacks[0]

        def closed(_event: object) -> None:
            over.set()
            ended()

        port.onclose = closed

    async def settle(self) -> None:
        """Wait a little for progress that was posted before the result; our server closes the callback's port then."""
        for _, over in self._callbacks:
            with suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), PROGRESS_GRACE)

    def close(self) -> None:
        """Let go of everything."""
        for producer in list(self._producers):
            producer.close()
        for port, over in self._callbacks:
            port.close()
            over.set()


class Lasting:
    """Calls of one client whose callbacks are called after the result too: what it listens to."""

    def __init__(self) -> None:
        self._calls: dict[str, list[tuple[Any, Asking]]] = {}

    def add(self, topic: str, handler: Any, call: Asking) -> None:
        """Keep a call until `end`, or until the other end lets go of it."""
        self._calls.setdefault(topic, []).append((handler, call))
        call.when_over(lambda: self._forget(topic, call))

    def _forget(self, topic: str, call: Asking) -> None:
        left = [kept for kept in self._calls.get(topic, []) if kept[1] is not call]
        if left:
            self._calls[topic] = left
        else:
            self._calls.pop(topic, None)

    def end(self, topic: str, handler: Any = None) -> None:
        """End the calls of a topic, or those of one handler."""
        for kept, call in self._calls.get(topic, [])[:]:
            if handler is None or kept == handler:
                self._forget(topic, call)
                call.close()

    def close(self) -> None:
        """End all."""
        for topic in list(self._calls):
            self.end(topic)
