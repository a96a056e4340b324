"""Many small changes of a repository's records, as their source gives them: durable together, told one by one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterable, Iterable, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ipfs_comm.errors import IPFSCommError
from ipfs_comm.ipld import CID

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence

T = TypeVar("T")
R = TypeVar("R")

#: Most items that are changed together, and that are taken from a source before they are needed.
MOST: Final = 512
#: Seconds that items may wait for others of their batch.
LINGER: Final = 0.1
#: Seconds for which a source that always has another item is read at once.
READ: Final = 0.02


def arriving(source: Any, read: Callable[[Any], T]) -> AsyncGenerator[list[T], None]:
    """Generate what a source has given meanwhile, without waiting for more; at most `MOST` items at a time.

    An error of the source, or of an item that cannot be read, comes in its place: after the items before it.

    Parameters
    ----------
    source : iterable, async iterable, or one item
        One item is a str, bytes, CID, mapping, or anything else that is not iterable.
    read : callable
        Makes out of an item what is generated.
    """
    if isinstance(source, AsyncIterable):
        return _arriving(source, read)
    alone = isinstance(source, str | bytes | CID | Mapping) or not isinstance(source, Iterable)
    return _taken(iter((source,) if alone else source), read)


async def _taken(source: Iterator[Any], read: Callable[[Any], T]) -> AsyncGenerator[list[T], None]:
    more = True
    while more:
        batch: list[T] = []
        failure: Exception | None = None
        until = time.monotonic() + READ
        try:
            while len(batch) < MOST and time.monotonic() < until:
                batch.append(read(next(source)))
        except StopIteration:
            more = False
        except Exception as error:
            failure = error
        if batch:
            yield batch
        if failure is not None:
            raise failure


async def _arriving(source: AsyncIterable[Any], read: Callable[[Any], T]) -> AsyncGenerator[list[T], None]:
    waiting: list[T] = []
    came, taken = asyncio.Event(), asyncio.Event()

    async def fetch() -> None:
        until = time.monotonic() + READ
        try:
            async for item in source:
                waiting.append(read(item))
                came.set()
                while len(waiting) >= MOST:
                    taken.clear()
                    await taken.wait()
                if time.monotonic() >= until:
                    await asyncio.sleep(0)
                    until = time.monotonic() + READ
        finally:
            came.set()

    task = asyncio.create_task(fetch(), name="ipfs_comm: items ahead")
    try:
        while waiting or not task.done():
            if not waiting:
                came.clear()
                await came.wait()
                continue
            batch = waiting[:]
            waiting.clear()
            taken.set()
            yield batch
        task.result()
    finally:
        task.cancel()
        await asyncio.wait({task})
        if not task.cancelled():
            # Nobody who leaves early is told how the source ended.
            task.exception()


async def together(
    batches: AsyncGenerator[list[T], None],
    many: Callable[[Sequence[T]], Awaitable[Iterable[R]]],
    one: Callable[[T], Awaitable[R]],
) -> AsyncGenerator[R, None]:
    """Change items in batches, and generate the result of each in its order.

    Where a batch is refused, or takes longer than `LINGER`, smaller ones are tried, down to single items: so every
    item before one that fails is done and told, the error comes in the place of its item, and later ones are untouched.

    Parameters
    ----------
    batches : async generator
        See `arriving`; closed at the end.
    many : coroutine function
        Changes several items, all or none: raises IPFSCommError or TimeoutError when nothing was changed.
    one : coroutine function
        Changes one item, however long that takes.
    """
    size = MOST
    async with aclosing(batches):
        async for batch in batches:
            at = 0
            while at < len(batch):
                some = batch[at : at + size]
                began = time.monotonic()
                if len(some) == 1:
                    results: Iterable[R] = (await one(some[0]),)
                else:
                    try:
                        results = await many(some)
                    except (IPFSCommError, TimeoutError):
                        size = max(1, len(some) // 8)
                        continue
                if time.monotonic() - began < LINGER / 2:
                    size = min(MOST, size * 2)
                at += len(some)
                for result in results:
                    yield result
