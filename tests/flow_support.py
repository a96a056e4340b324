"""A stream that runs in both directions for as long as a test likes, and is compared byte by byte."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

from ipfs_comm.rpc import IPFSClient

if TYPE_CHECKING:
    from types import TracebackType

    from ipfs_comm.wire import Link

#: Seconds that one round may take.
LIMIT = 40.0


class Flow:
    """Reads content from the kernel's node and adds it anew, again and again, for the time of an ``async with``."""

    def __init__(self, link: Link, size: int = 4 * 2**20) -> None:
        self.link = link
        self.content = bytes(range(256)) * (size // 256)
        self._client = IPFSClient.from_port(link.port)
        self._rounds = {"down": 0, "up": 0}
        self._news = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def begin(self) -> None:
        """Set out, and return when it runs."""
        self._added = (await self._client.add(self.content)).cid
        self._tasks = [asyncio.create_task(self._down()), asyncio.create_task(self._up())]
        await self.go_on()

    async def stop(self) -> None:
        """Let it be."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def __aenter__(self) -> Self:
        await self.begin()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                await self.go_on()
        finally:
            await self.stop()

    async def _down(self) -> None:
        while True:
            assert await self._client.cat(self._added) == self.content
            self._done("down")

    async def _up(self) -> None:
        while True:
            assert (await self._client.add(self.content)).cid == self._added
            self._done("up")

    def _done(self, way: str) -> None:
        self._rounds[way] += 1
        self._news.set()

    async def go_on(self) -> None:
        """Wait until as much has gone both ways as belongs to a round that began after this was called."""
        goal = {way: rounds + 2 for way, rounds in self._rounds.items()}
        async with asyncio.timeout(LIMIT):
            while any(self._rounds[way] < goal[way] for way in goal):
                for task in self._tasks:
                    if task.done():
                        task.result()
                self._news.clear()
                news = asyncio.ensure_future(self._news.wait())
                await asyncio.wait([news, *self._tasks], return_when=asyncio.FIRST_COMPLETED)
                news.cancel()
