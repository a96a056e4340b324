"""Taking items from a source ahead of their use, as many and as much as is allowed."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from ipfs_comm.node.api import File

#: Bytes of content in memory that may wait.
MAX_BYTES = 16 << 20


async def ahead(source: AsyncGenerator[File, None], most: int) -> AsyncGenerator[File, None]:
    """Generate the items of ``source``, asking for up to ``most`` of them before they are needed.

    An item at the other end of a port takes a round trip; while one is imported, the next ones are on their way.
    An error of the source comes in its place, after the items before it.
    """
    waiting: deque[File] = deque()
    came, taken = asyncio.Event(), asyncio.Event()
    held = 0

    async def fetch() -> None:
        nonlocal held
        try:
            async with aclosing(source):
                async for item in source:
                    waiting.append(item)
                    held += _size(item)
                    came.set()
                    while len(waiting) >= most or held >= MAX_BYTES:
                        taken.clear()
                        await taken.wait()
        finally:
            came.set()

    task = asyncio.create_task(fetch(), name="ipfs_comm add: items ahead")
    try:
        while waiting or not task.done():
            if not waiting:
                came.clear()
                await asyncio.wait(
                    {task, wake := asyncio.ensure_future(came.wait())}, return_when=asyncio.FIRST_COMPLETED
                )
                wake.cancel()
                continue
            item = waiting.popleft()
            held -= _size(item)
            taken.set()
            yield item
        task.result()
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await task


def _size(item: File) -> int:
    return len(item.content) if isinstance(item.content, bytes | bytearray | memoryview) else 0
