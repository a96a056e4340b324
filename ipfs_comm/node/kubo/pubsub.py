"""``pubsub``: messages to whoever listens to a topic, through the daemon (``Pubsub.Enabled``)."""

from __future__ import annotations

import asyncio
from collections import deque
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, Final

from ipfs_comm._shown import shown
from ipfs_comm.errors import InvalidInputError, LimitError, UnreachableError
from ipfs_comm.ipld import multibase
from ipfs_comm.node.api import PubsubMessage
from ipfs_comm.node.kubo.answers import Said
from ipfs_comm.node.kubo.json_lines import split
from ipfs_comm.node.kubo.multipart import Body
from ipfs_comm.node.stream import deadline

if TYPE_CHECKING:
    from collections.abc import Callable

    from ipfs_comm.node.api import PubsubHandler
    from ipfs_comm.node.kubo.context import Context

#: Messages, and bytes of them, that wait for one handler.
BACKLOG: Final = 1024
BACKLOG_BYTES: Final = 16 * 2**20
#: Subscriptions of one node; each holds a connection.
SUBSCRIPTIONS: Final = 64
_MOST_TOPIC: Final = 4096


class Pubsub:
    """Topics of a daemon.

    What a handler returns is awaited where it can be, before the next message is given to it. Where more than
    `BACKLOG` messages (or `BACKLOG_BYTES`) wait for one, its subscription ends with a LimitError: none is left out
    without a word. (The daemon itself leaves out messages for a subscriber that does not read; this one always does.)

    Parameters
    ----------
    context : Context
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._subscriptions: list[_Subscription] = []

    async def ls(self, *, timeout: float | None = None) -> list[str]:
        """Return the topics that the daemon listens to, for this node or for others."""
        async with deadline(timeout, "pubsub.ls"):
            said = Said("pubsub/ls", await self._context.rpc.call("pubsub/ls"))
        return [_text("pubsub/ls", topic) for topic in said.texts("Strings")]

    async def peers(self, topic: str, *, timeout: float | None = None) -> list[str]:
        """Return the peers known to listen to a topic."""
        wanted = _topic(topic)
        async with deadline(timeout, f"pubsub.peers of {shown(topic)}"):
            return Said("pubsub/peers", await self._context.rpc.call("pubsub/peers", wanted)).texts("Strings")

    async def publish(self, topic: str, data: bytes, *, timeout: float | None = None) -> None:
        """Send a message to all who listen to a topic."""
        wanted = _topic(topic)
        if not isinstance(data, bytes | bytearray | memoryview):
            raise InvalidInputError(f"a message is bytes, not a {type(data).__name__}")
        async with deadline(timeout, f"pubsub.publish to {shown(topic)}"):
            await self._context.rpc.call("pubsub/pub", wanted, body=Body.of(data))

    async def subscribe(
        self,
        topic: str,
        handler: PubsubHandler,
        *,
        on_error: Callable[[Exception], object] | None = None,
        timeout: float | None = None,
    ) -> None:
        """Call ``handler`` with every message of a topic, from now until ``unsubscribe``.

        ``on_error`` is called once if that ends early: the daemon went away, or ``handler`` raised or is too slow.
        """
        _topic(topic)
        if not callable(handler):
            raise InvalidInputError(f"a handler of messages is a function, not a {type(handler).__name__}")
        if any(one.topic == topic and one.handler == handler for one in self._subscriptions):
            raise InvalidInputError(f"already subscribed to {shown(topic)} with this handler")
        if len(self._subscriptions) >= SUBSCRIPTIONS:
            raise LimitError(f"a node has at most {SUBSCRIPTIONS} subscriptions: end some with pubsub.unsubscribe")
        subscription = _Subscription(self._context, topic, handler, on_error, self._over)
        self._subscriptions.append(subscription)
        try:
            async with deadline(timeout, f"pubsub.subscribe to {shown(topic)}"):
                await subscription.begun
        except asyncio.CancelledError:
            await subscription.end()
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            raise UnreachableError(f"pubsub: this node was closed while it subscribed to {shown(topic)}") from None
        except BaseException:
            await subscription.end()
            raise

    def _over(self, subscription: _Subscription) -> None:
        if subscription in self._subscriptions:
            self._subscriptions.remove(subscription)

    async def unsubscribe(
        self, topic: str, handler: PubsubHandler | None = None, *, timeout: float | None = None
    ) -> None:
        """End what ``subscribe`` began, of one handler or of all that were given here for the topic."""
        async with deadline(timeout, f"pubsub.unsubscribe from {shown(topic)}"):
            for one in [*self._subscriptions]:
                if one.topic == topic and handler in (None, one.handler):
                    await one.end()

    async def close(self) -> None:
        """End all subscriptions."""
        for one in [*self._subscriptions]:
            await one.end()


class _Subscription:
    """One handler of one topic: a task that reads messages, and one that hands them over."""

    def __init__(
        self,
        context: Context,
        topic: str,
        handler: PubsubHandler,
        on_error: Callable[[Exception], object] | None,
        over: Callable[[_Subscription], object],
    ) -> None:
        self.topic = topic
        self.handler = handler
        self._context = context
        self._on_error = on_error
        self._over = over
        self._waiting: deque[PubsubMessage] = deque()
        self._size = 0
        self._came = asyncio.Event()
        loop = asyncio.get_running_loop()
        self.begun: asyncio.Future[None] = loop.create_future()
        self._ended = False
        self._reading = loop.create_task(self._read(), name=f"ipfs_comm pubsub {topic:.80}")
        self._handing = loop.create_task(self._hand_over(), name=f"ipfs_comm pubsub {topic:.80}: handler")
        self._task = loop.create_task(self._run(), name=f"ipfs_comm pubsub {topic:.80}: whole")

    async def end(self) -> None:
        """End it, and wait until it has ended; called by its own handler, that is when the handler has returned."""
        self._over(self)
        self._ended = True
        self._reading.cancel()
        if asyncio.current_task() is not self._handing:
            self._handing.cancel()
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        try:
            try:
                await asyncio.wait((self._handing, self._reading), return_when=asyncio.FIRST_COMPLETED)
                if self._ended:
                    await asyncio.wait([self._handing])
            finally:
                for task in (self._reading, self._handing):
                    task.cancel()
                await asyncio.wait((self._reading, self._handing))
            for task in (self._handing, self._reading):
                if not task.cancelled() and (error := task.exception()) is not None:
                    raise error
        except Exception as error:
            self._failed(error)
        finally:
            self._over(self)
            if not self.begun.done():
                self.begun.cancel()

    def _failed(self, error: Exception) -> None:
        if not self.begun.done():
            self.begun.set_exception(error)
        elif self._on_error is not None:
            self._on_error(error)
        else:
            # Nobody asked to be told; the loop tells whoever reads its log.
            asyncio.get_running_loop().call_exception_handler(
                {"message": f"the subscription to {shown(self.topic)} ended", "exception": error, "task": self._task}
            )

    async def _read(self) -> None:
        rpc = self._context.rpc
        async with rpc.answer("pubsub/sub", _topic(self.topic)) as chunks:
            if not self.begun.done():
                self.begun.set_result(None)
            async for line in split("pubsub/sub", chunks, rpc.address):
                self._take(_message(self.topic, Said("pubsub/sub", line)))
        raise UnreachableError(
            f"pubsub: the daemon at {rpc.address} ended the subscription to {shown(self.topic)}",
            detail={"address": str(rpc.address), "command": "pubsub/sub"},
        )

    def _take(self, message: PubsubMessage) -> None:
        self._waiting.append(message)
        self._size += len(message.data)
        if len(self._waiting) > BACKLOG or self._size > BACKLOG_BYTES:
            raise LimitError(
                f"pubsub: {len(self._waiting)} messages of {shown(self.topic)} wait for its handler, which is too slow "
                f"for them: the subscription has ended",
                detail={"topic": self.topic, "waiting": len(self._waiting), "limit": BACKLOG},
            )
        self._came.set()

    async def _hand_over(self) -> None:
        while True:
            await self._came.wait()
            self._came.clear()
            while self._waiting and not self._ended:
                message = self._waiting.popleft()
                self._size -= len(message.data)
                result: Any = self.handler(message)
                if isawaitable(result):
                    await result
            if self._ended:
                return


def _topic(topic: str) -> str:
    if not isinstance(topic, str) or not topic or len(topic) > _MOST_TOPIC:
        raise InvalidInputError(f"a topic is text of at most {_MOST_TOPIC} characters, which {shown(topic)} is not")
    return multibase.encode(topic.encode("utf-8", "surrogatepass"), "base64url")


def _text(command: str, encoded: str) -> str:
    return Said(command, {"topic": encoded}).bytes("topic").decode("utf-8", "replace")


def _message(topic: str, said: Said) -> PubsubMessage:
    number = said.bytes("seqno")
    return PubsubMessage(
        topic=topic,
        data=said.bytes("data"),
        from_=said.text("from"),
        sequence_number=int.from_bytes(number[:64], "big") if number else None,
        type="signed" if number else "unsigned",
    )
