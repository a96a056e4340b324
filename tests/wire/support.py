"""What the tests of links and ports share."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from ipfs_comm.wire import clone

if TYPE_CHECKING:
    from collections.abc import Callable

    from ipfs_comm.wire import MessageEvent, MessagePort


class Inbox:
    """Collects what arrives at a port; waits for how much of it."""

    def __init__(self, port: MessagePort) -> None:
        self.events: list[MessageEvent] = []
        self.closed: MessageEvent | None = None
        self.on_message: Callable[[], None] = lambda: None
        self._wanted: tuple[Callable[[], bool], asyncio.Future[None]] | None = None
        port.onclose = self._close
        port.onmessage = self._message

    def _message(self, event: MessageEvent) -> None:
        self.events.append(event)
        self.on_message()
        self._look()

    def _close(self, event: MessageEvent) -> None:
        self.closed = event
        self._look()

    def _look(self) -> None:
        if self._wanted is not None and self._wanted[0]() and not self._wanted[1].done():
            self._wanted[1].set_result(None)

    async def _until(self, condition: Callable[[], bool], within: float) -> None:
        if not condition():
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._wanted = condition, future
            async with asyncio.timeout(within):
                await future

    async def take(self, count: int = 1, within: float = 20) -> list[Any]:
        """Return the data of the first `count` messages, waiting for them."""
        await self._until(lambda: len(self.events) >= count, within)
        return [event.data for event in self.events[:count]]

    async def event(self, number: int = 0) -> MessageEvent:
        await self.take(number + 1)
        return self.events[number]

    async def end(self, within: float = 20) -> MessageEvent:
        """Return the close event, waiting for it."""
        await self._until(lambda: self.closed is not None, within)
        assert self.closed is not None
        return self.closed


async def until(condition: Callable[[], bool], within: float = 20) -> None:
    """Let the loop go on until a condition holds that nothing tells of."""
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110  nothing tells of it
            await asyncio.sleep(0)


def nothing_runs() -> bool:
    """Whether no task but the test's own is left."""
    return asyncio.all_tasks() == {asyncio.current_task()}


def timers() -> list[asyncio.TimerHandle]:
    """Return the timers of this loop that have not been cancelled and are not the test's own timeouts."""
    scheduled: list[asyncio.TimerHandle] = asyncio.get_running_loop()._scheduled  # type: ignore[attr-defined]  # no public way to see them
    return [timer for timer in scheduled if not timer.cancelled()]


def through(value: Any) -> Any:
    """Return what arrives of a value, by way of the JSON that crosses."""
    encoded = clone.encode(value)
    meta = clone.parse_meta(clone.dump_meta(encoded, []))
    return clone.decode(meta.root, meta.entries, encoded.buffers, (), encoded.sources)
