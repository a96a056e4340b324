"""The end of a ``RemoteIterable`` where the items are made."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Final, TypeAlias

from ipfs_comm.errors import IPFSCommError, LimitError
from ipfs_comm.rpc.errors import encode_error
from ipfs_comm.wire import MessageEvent, MessagePort

logger = logging.getLogger(__name__)

#: How many ``next`` may wait unanswered on one port. Unmodified clients send one; read-ahead sends some.
MAX_PENDING: Final = 4_096
#: Seconds for which items that are ready go out one after another before others have their turn on the loop.
SLICE: Final = 0.004

#: Turns an item into its travelling form, adding to the list the ports that go along.
Transferring: TypeAlias = Callable[[Any, list[MessagePort]], Any]


def plain(item: Any, transfer: list[MessagePort]) -> Any:
    """Send an item as it is."""
    return item


class Producer:
    """Serves one asynchronous iterator on a port, item by item as they are asked for.

    The iterator is asked for an item only when a ``next`` waits for its answer, and never twice at once. Items that are
    ready go out together. A producer has a task from the first ``next`` on, and none when it is over.

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
        Called once with this producer when it is over; its ``task`` may still be stopping.
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
        for port in event.ports:
            port.close()
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
            flood = LimitError(
                f"{self._where}: more than {MAX_PENDING} requests for items are unanswered: wait for answers"
            )
            logger.warning("%s", flood)
            self._throw(flood)
            self.close()
        else:
            logger.debug("%s: a message on an iterable's port that means nothing", self._where)

    def _closed(self, *_: object) -> None:
        self.close()

    def _throw(self, error: Exception) -> None:
        if not self._port.closed:
            self._port.post_message({"type": "throw", "error": encode_error(error, self._where)})

    async def _run(self) -> None:
        try:
            await self._serve()
        except Exception as error:
            if not isinstance(error, IPFSCommError):
                logger.exception("%s: an item could not be made", self._where)
            self._throw(error)
        finally:
            try:
                await self._release()
            finally:
                self.close()
                self.task = None

    async def _serve(self) -> None:
        clock = asyncio.get_running_loop().time
        rest_at = clock() + SLICE
        while True:
            if not self._asked:
                self._wake.clear()
                await self._wake.wait()
                rest_at = clock() + SLICE
            elif clock() > rest_at:
                await asyncio.sleep(0)
                rest_at = clock() + SLICE
            self._asked -= 1
            try:
                item = await anext(self._source)
            except StopAsyncIteration:
                self._port.post_message({"type": "next", "done": True})
                return
            transfer: list[MessagePort] = []
            self._port.post_message(
                {"type": "next", "done": False, "value": self._encode(item, transfer)},
                transfer,
            )

    async def _release(self) -> None:
        close = getattr(self._source, "aclose", None)
        if close is not None:
            await close()

    def close(self) -> None:
        """Stop the work behind the items and close the port; a second call does nothing."""
        if self._ended:
            return
        self._ended = True
        self._port.close()
        if self.task is None:
            # The source may hold something although nobody has ever asked for an item.
            self.task = asyncio.get_running_loop().create_task(self._let_go(), name=f"ipfs_comm {self._where} items")
        elif self.task is not asyncio.current_task():
            self.task.cancel()
        if self._over is not None:
            self._over(self)

    async def _let_go(self) -> None:
        try:
            await self._release()
        except Exception:
            logger.exception("%s: the source of an iterable that nobody read failed to close", self._where)
        finally:
            self.task = None
