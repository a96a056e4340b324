"""The one object that a streaming verb returns: to iterate with ``async for``, or to await whole."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Generic, Self, TypeVar

from ipfs_comm.errors import DeadlineError, InvalidInputError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator
    from types import TracebackType

T = TypeVar("T")
W = TypeVar("W")
S = TypeVar("S", bound="Stream")  # type: ignore[type-arg]  # a bound cannot be generic itself

#: When the call that runs here ends by its deadline, in the loop's time; work that it starts inherits it.
_end: ContextVar[float | None] = ContextVar("ipfs_comm deadline", default=None)


def seconds(timeout: float | None) -> float | None:
    """Return ``timeout`` checked: None or a number of seconds above zero.

    Raises
    ------
    InvalidInputError
        For anything else.
    """
    if timeout is None:
        return None
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not timeout > 0:
        raise InvalidInputError(f"timeout is {timeout!r}: give seconds above zero, or None to wait without limit")
    return float(timeout)


def remaining() -> float | None:
    """Return the seconds until the deadline of the call that this is a part of; None where it has none.

    Work that outlives the call that started it (reading ahead) has none from then on.
    """
    end = _end.get()
    left = None if end is None else end - asyncio.get_running_loop().time()
    return None if left is None or left <= 0 else left


@asynccontextmanager
async def deadline(timeout: float | None, what: str) -> AsyncIterator[None]:
    """Run the body under a deadline.

    Parameters
    ----------
    timeout : float or None
        Seconds; None is no deadline.
    what : str
        What is being done, for the error.

    Raises
    ------
    DeadlineError
        When the time is over; the body has been cancelled then.
    """
    limit = seconds(timeout)
    scope = asyncio.timeout(limit)
    outer = _end.get()
    if limit is not None:
        within, end = remaining(), asyncio.get_running_loop().time() + limit
        _end.set(end if within is None or outer is None else min(end, outer))
    try:
        async with scope:
            yield
    except TimeoutError as error:
        if scope.expired():
            raise DeadlineError(
                f"request timed out: {what} took longer than {limit:g} s; give a longer timeout"
            ) from error
        raise
    finally:
        # Not by a token: a generator may be left in another context than it was entered in.
        _end.set(outer)


class Stream(Generic[T, W]):
    """Items of type ``T`` that come one by one, and together make a ``W``.

    Nothing happens before the first item is asked for. A stream is used once: iterated, or awaited whole. Cancelling
    the task that waits for it cancels the work
    behind it, and so does ``aclose()`` or leaving ``async with``.

    Parameters
    ----------
    start : callable
        Returns the asynchronous generator of items; called at most once.
    gather : coroutine function
        Makes the whole out of the items.
    timeout : float, optional
        Seconds that any one item may take.
    what : str
        What is being done, for errors.
    """

    def __init__(
        self,
        start: Callable[[], AsyncGenerator[T, None]],
        gather: Callable[[AsyncIterator[T]], Awaitable[W]],
        *,
        timeout: float | None = None,
        what: str = "the stream",
    ) -> None:
        self._start = start
        self._gather = gather
        self._timeout = seconds(timeout)
        self._what = what
        self._source: AsyncGenerator[T, None] | None = None
        self._used = False
        self._closed = False

    def __aiter__(self) -> AsyncIterator[T]:
        return self

    async def __anext__(self) -> T:
        if self._closed:
            raise StopAsyncIteration
        if self._source is None:
            self._used = True
            self._source = self._start()
        try:
            if self._timeout is None:
                return await anext(self._source)
            async with deadline(self._timeout, self._what):
                return await anext(self._source)
        except BaseException:
            self._closed = True
            raise

    def __await__(self) -> Generator[None, None, W]:
        return self._whole().__await__()

    async def _whole(self) -> W:
        if self._used:
            raise InvalidInputError(f"{self._what}: this stream has been used already; call the verb again for another")
        try:
            return await self._gather(self)
        finally:
            await self.aclose()

    async def aclose(self) -> None:
        """End the stream and the work behind it; a second call does nothing."""
        self._closed = True
        self._used = True
        source, self._source = self._source, None
        if source is not None:
            await source.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


async def as_list(items: AsyncIterator[T]) -> list[T]:
    """Gather items into a list."""
    return [item async for item in items]


async def as_bytes(items: AsyncIterator[bytes | memoryview]) -> bytes:
    """Gather chunks into one bytes object."""
    chunks = [chunk async for chunk in items]
    return chunks[0] if len(chunks) == 1 and isinstance(chunks[0], bytes) else b"".join(chunks)
