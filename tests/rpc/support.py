"""What several tests of this room use."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any

from ipfs_comm import MessageChannel, MessagePort

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from ipfs_comm import Server
    from ipfs_comm.testing import LinkedPorts
    from ipfs_comm.wire import MessageEvent


async def nothing_left(before: set[asyncio.Task[Any]]) -> None:
    """Fail unless every task that was not there before ends within two seconds."""
    left = {task for task in asyncio.all_tasks() - before if task is not asyncio.current_task()}
    if left:
        _, left = await asyncio.wait(left, timeout=2)
    assert not left


class Peer:
    """The page's end of a main port."""

    def __init__(self, server: Server) -> None:
        channel = MessageChannel()
        server.connect(channel.port2)
        self.port = channel.port1
        self.results: asyncio.Queue[Any] = asyncio.Queue()
        self.port.onmessage = lambda event: self.results.put_nowait(event.data)

    def query(self, method: str, given: Any, *, ident: str = "q@1", transfer: tuple[MessagePort, ...] = ()) -> None:
        namespace, _, name = method.partition(".")
        message = {"type": "query", "namespace": namespace, "method": name, "id": ident, "input": given}
        self.port.post_message(message, transfer)

    def abort(self, ident: str = "q@1") -> None:
        self.port.post_message({"type": "abort", "id": ident})

    async def result(self) -> Any:
        answer = await asyncio.wait_for(self.results.get(), 5)
        return answer["result"]

    async def alive(self) -> bool:
        """Tell whether the server still answers, after everything posted before."""
        self.query("files.stat", {"path": "/"}, ident="alive")
        answer = await asyncio.wait_for(self.results.get(), 5)
        return bool(answer["id"] == "alive" and answer["result"]["ok"])


class Items:
    """One end of an iterable's port."""

    def __init__(self, port: MessagePort) -> None:
        self.port = port
        self.messages: asyncio.Queue[Any] = asyncio.Queue()
        self.closed = asyncio.Event()
        port.onclose = lambda _: self.closed.set()
        port.onmessage = lambda event: self.messages.put_nowait(event.data)

    async def message(self) -> Any:
        return await asyncio.wait_for(self.messages.get(), 5)

    async def next(self) -> Any:
        self.port.post_message({"method": "next"})
        return await self.message()


class Source:
    """Items from zero, that count how often they are asked for, and whether twice at once."""

    def __init__(
        self, most: int, *, fail_at: int | None = None, wait: Callable[[], Awaitable[Any]] | None = None
    ) -> None:
        self.most = most
        self.fail_at = fail_at
        self.wait = wait
        self.made = 0
        self.closed = asyncio.Event()
        self._making = False

    def __aiter__(self) -> Source:
        return self

    async def __anext__(self) -> int:
        assert not self._making, "two requests for an item at once"
        self._making = True
        try:
            if self.wait is not None:
                await self.wait()
            if self.made == self.fail_at:
                raise ValueError("this item cannot be made")
            if self.made == self.most:
                raise StopAsyncIteration
            self.made += 1
            return self.made - 1
        finally:
            self._making = False

    async def aclose(self) -> None:
        self.closed.set()


#: Round trips that some hundred items may take: the credit doubles from 2, and the line's delay is never the same.
FEW = 20


class Trips:
    """Counts the round trips of requests for items by what waited for what: an interceptor of the consumer's port.

    A request that was posted after an answer had come takes one round trip more than the answer's own request. Ports
    that come over the port are counted too, each by itself.
    """

    def __init__(self) -> None:
        self._longest = 0
        self._most_open = 0
        self._open: deque[int] = deque()
        self._inner: list[Trips] = []

    @classmethod
    def of(cls, port: MessagePort) -> Trips:
        """Count on ``port`` from now on."""
        port.interceptor = trips = cls()
        return trips

    @property
    def longest(self) -> int:
        """The most round trips that one stream took one after another."""
        return max(self._longest, *(trips.longest for trips in self._inner), 0)

    @property
    def most_open(self) -> int:
        """The most requests without an answer that one stream had."""
        return max(self._most_open, *(trips.most_open for trips in self._inner), 0)

    def outgoing(self, message: Any, transfer: Sequence[Any]) -> tuple[Any, Sequence[Any]]:
        if message == {"method": "next"}:
            self._open.append(self._longest + 1)
            self._most_open = max(self._most_open, len(self._open))
        return message, transfer

    def incoming(self, event: MessageEvent) -> MessageEvent | None:
        self._inner += [Trips.of(port) for port in event.ports]
        if self._open:
            self._longest = max(self._longest, self._open.popleft())
        return event


class Packets:
    """Counts what the second end of a link sends."""

    def __init__(self, ports: LinkedPorts) -> None:
        assert ports.link2 is not None
        carrier = ports.link2.carrier
        assert carrier is not None
        self.count = 0
        self.bytes = 0
        self._send = carrier.send
        carrier.send = self._counting  # type: ignore[method-assign]  # to count

    def _counting(self, packet: Sequence[Any]) -> None:
        self.count += 1
        self.bytes += sum(map(len, packet))
        self._send(packet)


async def turns(many: int = 20) -> None:
    """Let everything happen that is about to happen in this process."""
    for _ in range(many):
        await asyncio.sleep(0)


async def read_whole(items: AsyncIterator[Any]) -> Exception | None:
    """Return how a stream ended."""
    try:
        async for _ in items:
            pass
    except Exception as error:
        return error
    return None
