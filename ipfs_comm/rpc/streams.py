"""Iterables and callbacks that cross as ports: ``RemoteIterable`` both ways, ``RemoteCallback`` towards the caller.

A consumer posts ``{method: "next"}`` and gets ``{type: "next", done: false, value}``, at the end ``{type: "next",
done: true}`` or ``{type: "throw", error}``; it posts
``{method: "return"}`` to stop early. Both ends close the port when it is over.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from typing import Any, TypeAlias

from ipfs_comm.errors import InvalidInputError, IPFSCommError, LinkError, ProtocolError
from ipfs_comm.rpc.errors import decode_error, encode_error
from ipfs_comm.wire import MessageChannel, MessageEvent, MessagePort, clone

logger = logging.getLogger(__name__)

#: How many ``next`` may wait unanswered on one port. Clients send one; read-ahead sends some.
MAX_PENDING = 1024


#: Turns an item into its travelling form, adding to the list the ports that go along.
Transferring: TypeAlias = Callable[[Any, list[MessagePort]], Any]


def plain(item: Any, transfer: list[MessagePort]) -> Any:
    """Send an item as it is."""
    return item


class Producer:
    """Serves one asynchronous iterator on a port, item by item as they are asked for.

    It has a task only from the first ``next`` on, and none when it is over.

    Parameters
    ----------
    source : asynchronous iterator
        Closed (``aclose``, where it has one) when the consumer stops, goes away, or ``close`` is called.
    port : MessagePort
        This end of the channel.
    encode : callable
        Makes the travelling form of an item.
    where : str
        ``namespace.method``, for the stacks of errors.
    over : callable
        Called once with this producer when it is over.
    """

    def __init__(
        self,
        source: AsyncIterator[Any],
        port: MessagePort,
        *,
        encode: Transferring = plain,
        where: str = "",
        over: Callable[[Producer], None] | None = None,
    ) -> None:
        self._source = source
        self._port = port
        self._encode = encode
        self._where = where
        self._over = over
        self._asked = 0
        self._wake = asyncio.Event()
        self.task: asyncio.Task[None] | None = None
        self._ended = False
        port.onclose = self._closed
        port.onmessage = self._receive

    def _receive(self, event: MessageEvent) -> None:
        data = event.data
        method = data.get("method") if isinstance(data, Mapping) else None
        if method == "return":
            self.close()
        elif method == "next" and self._asked < MAX_PENDING:
            self._asked += 1
            self._wake.set()
            if self.task is None and not self._ended:
                self.task = asyncio.get_running_loop().create_task(self._run(), name=f"ipfs_comm {self._where} items")
        elif method == "next":
            logger.warning(
                "%s: more than %d unanswered requests on one iterable, which is closed", self._where, MAX_PENDING
            )
            self.close()
        else:
            logger.debug("%s: a message on an iterable's port that means nothing", self._where)

    def _closed(self, *_: object) -> None:
        self.close()

    async def _run(self) -> None:
        try:
            while True:
                while not self._asked:
                    self._wake.clear()
                    await self._wake.wait()
                self._asked -= 1
                transfer: list[MessagePort] = []
                try:
                    message = {
                        "type": "next",
                        "done": False,
                        "value": self._encode(await anext(self._source), transfer),
                    }
                except StopAsyncIteration:
                    self._port.post_message({"type": "next", "done": True})
                    return
                self._port.post_message(message, transfer)
        except Exception as error:
            if not isinstance(error, IPFSCommError):
                logger.exception("%s: an item could not be made", self._where)
            if not self._port.closed:
                self._port.post_message({"type": "throw", "error": encode_error(error, self._where)})
        finally:
            try:
                await _aclose(self._source)
            finally:
                self.close()
                self.task = None

    def close(self) -> None:
        """Stop the work behind the items and close the port; a second call does nothing."""
        if self._ended:
            return
        self._ended = True
        self._port.close()
        if self.task is not None and self.task is not asyncio.current_task():
            self.task.cancel()
        if self._over is not None:
            self._over(self)


async def _aclose(source: AsyncIterator[Any]) -> None:
    close = getattr(source, "aclose", None)
    if close is not None:
        await close()


class Consumer:
    """Pulls the items of a ``RemoteIterable`` through its port, one request at a time.

    Parameters
    ----------
    port : MessagePort
        The port that came with the RemoteIterable.
    decode : callable
        Makes an item of the node's API out of a travelling one.
    over : callable
        Called once with this consumer when it is over.
    """

    def __init__(
        self,
        port: MessagePort,
        *,
        decode: Callable[[Any], Any] = lambda item: item,
        over: Callable[[Consumer], None] | None = None,
    ) -> None:
        self._port = port
        self._decode = decode
        self._over = over
        self._answers: deque[Any] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._asked = False
        self._ended = False
        self._gone: LinkError | None = None
        port.onclose = self._closed
        port.onmessage = self._receive

    def _receive(self, event: MessageEvent) -> None:
        if not self._asked:
            logger.debug("an item that was not asked for is dropped")
            for port in event.ports:
                port.close()
            return
        self._asked = False
        self._answers.append(event.data)
        self._notify()

    def _closed(self, *_: object) -> None:
        self._gone = LinkError(
            f"the other end closed an iterable before its end{f': {self._port.error}' if self._port.error else ''}",
            code="ERR_CLOSED",
        )
        self._notify()

    def _notify(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _answer(self) -> Any:
        if self._gone is None:
            self._asked = True
            self._port.post_message({"method": "next"})
        while not self._answers:
            if self._gone is not None:
                raise self._gone
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        return self._answers.popleft()

    async def items(self) -> AsyncGenerator[Any, None]:
        """Generate the items.

        Raises
        ------
        RemoteError
            The producer's error, in its place.
        LinkError
            When the port closed before the end.
        """
        try:
            while not self._ended:
                answer = await self._answer()
                if not isinstance(answer, Mapping):
                    raise ProtocolError(
                        f"an iterable answered with a {type(answer).__name__}, not with {{done, value}}"
                    )
                if answer.get("type") == "throw":
                    self._over_and_out(early=False)
                    raise decode_error(answer.get("error"))
                done = answer.get("done") is True
                value = answer.get("value", clone.undefined)
                if done:
                    self._over_and_out(early=False)
                if not done or value is not clone.undefined:
                    yield self._decode(value)
        finally:
            self._over_and_out(early=True)

    def _over_and_out(self, *, early: bool) -> None:
        if self._ended:
            return
        self._ended = True
        if early and self._gone is None and not self._port.closed:
            self._port.post_message({"method": "return"})
        self._port.close()
        if self._over is not None:
            self._over(self)

    def close(self) -> None:
        """Tell the producer to stop and close the port; whoever waits for an item gets an error."""
        if self._gone is None:
            self._over_and_out(early=True)
            self._gone = LinkError("the iterable was closed at this end", code="ERR_CLOSED")
            self._notify()


class Callback:
    """Calls a function at the other end of a port with positional arguments; nobody answers."""

    def __init__(self, port: MessagePort) -> None:
        self._port = port

    def __call__(self, *arguments: Any) -> None:
        """Call the function; whatever it does or returns stays at the other end."""
        if not self._port.closed:
            self._port.post_message(list(arguments))

    def close(self) -> None:
        """Close the port; a second call does nothing."""
        self._port.close()


def port_of(travelling: object, kind: str) -> MessagePort | None:
    """Return the port of a ``{type: kind, port}``, or None when ``travelling`` is something else.

    Raises
    ------
    InvalidInputError
        When it says that it is one and has no port.
    """
    if not isinstance(travelling, Mapping) or travelling.get("type") != kind:
        return None
    port = travelling.get("port")
    if not isinstance(port, MessagePort):
        raise InvalidInputError(f"a {kind} came without its port")
    return port


def offer(
    source: AsyncIterator[Any],
    transfer: list[MessagePort],
    *,
    encode: Transferring = plain,
    where: str = "",
    over: Callable[[Producer], None] | None = None,
) -> tuple[dict[str, Any], Producer]:
    """Return a ``RemoteIterable`` over ``source`` and its producer; the port is added to ``transfer``."""
    channel = MessageChannel()
    producer = Producer(source, channel.port1, encode=encode, where=where, over=over)
    transfer.append(channel.port2)
    return {"type": "RemoteIterable", "port": channel.port2}, producer
