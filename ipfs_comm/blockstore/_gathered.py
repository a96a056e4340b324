"""Single reads that are asked for in one turn of the loop, done in a few pieces of work."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future as Work

    from ipfs_comm.blockstore._pool import Pool

#: What is known of one block: its data, that it is nowhere, or what keeps it from being read.
Found: TypeAlias = bytes | Exception | None
_Asked: TypeAlias = "tuple[bytes, asyncio.Future[bytes | None]]"

#: Bytes that one piece of work reads, about: handing it over costs little beside that, and threads share the rest.
_WORK_BYTES: Final = 2 * 1024 * 1024
_WORK_BLOCKS: Final = 256


class Gathered:
    """Reads blocks, each for itself as far as who asked can tell.

    Parameters
    ----------
    pool : Pool
    read : callable
        Returns of each key what was found; runs in the pool.
    usable : callable
        Raises what reading comes to where nothing can be read any more.
    """

    def __init__(self, pool: Pool, read: Callable[[Sequence[bytes]], list[Found]], usable: Callable[[], None]) -> None:
        self._pool = pool
        self._read = read
        self._usable = usable
        self._asked: list[_Asked] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        # Bytes of a block, as the last ones were on average.
        self._usual = _WORK_BYTES

    def read(self, key: bytes) -> asyncio.Future[bytes | None]:
        """Return a future of a block's data, None if it is nowhere; cancelling it leaves the others alone."""
        loop = asyncio.get_running_loop()
        asked = (key, loop.create_future())
        if self._loop is not loop:
            self._asked, self._loop = [], loop
        if not self._asked:
            loop.call_soon(self._start, loop)
        self._asked.append(asked)
        return asked[1]

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        asked, self._asked = [one for one in self._asked if not one[1].done()], []
        size = max(1, min(_WORK_BLOCKS, _WORK_BYTES // self._usual))
        for first in range(0, len(asked), size):
            self._work(loop, asked[first : first + size])

    def _work(self, loop: asyncio.AbstractEventLoop, asked: list[_Asked]) -> None:
        def ended(work: Work[list[Found]]) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._ended, asked, work)

        try:
            self._usable()
            work = self._pool.begin(self._read, [key for key, _ in asked])
        except Exception as error:
            _tell(asked, [error] * len(asked))
            return
        work.add_done_callback(ended)

    def _ended(self, asked: list[_Asked], work: Work[list[Found]]) -> None:
        try:
            if work.cancelled():
                # The pool was closed before it came to this.
                self._usable()
            found = work.result()
        except Exception as error:
            _tell(asked, [error] * len(asked))
            return
        sizes = [len(data) for data in found if isinstance(data, bytes)]
        if sizes:
            self._usual = max(1, sum(sizes) // len(sizes))
        _tell(asked, found)


def _tell(asked: Sequence[_Asked], found: Sequence[Found]) -> None:
    for (_, future), data in zip(asked, found, strict=True):
        if future.done():
            continue
        if isinstance(data, Exception):
            future.set_exception(data)
            # Whoever is cancelled at this very moment will not look at it.
            future.exception()
        else:
            future.set_result(data)
