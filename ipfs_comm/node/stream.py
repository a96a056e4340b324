"""The one object that a streaming verb returns: to iterate with ``async for``, or to await whole, up to a limit."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final, Generic, Self, TypeVar

from ipfs_comm._shown import shown
from ipfs_comm.errors import DeadlineError, InvalidInputError, LimitError, NotFoundError

if TYPE_CHECKING:
    import builtins
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator
    from types import TracebackType

T = TypeVar("T")
W = TypeVar("W")
S = TypeVar("S", bound="Stream")  # type: ignore[type-arg]  # a bound cannot be generic itself

#: Most bytes of a result that is awaited whole, where a call does not give ``max_size``. A small DAG can expand to any
#: number of them; iterating over a result has no limit.
MAX_WHOLE: Final = 1 << 30
#: What an entry of a list counts beside its text, about what it takes.
ENTRY: Final = 256
#: Items after which other tasks get their turn.
TURN: Final = 64
#: Chunks of fewer bytes are gathered in buffers of about so many.
SMALL: Final = 4096
BUFFER: Final = 1 << 20

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
        raise InvalidInputError(f"timeout is {shown(timeout)}: give seconds above zero, or None to wait without limit")
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
        self._given = 0

    def __aiter__(self) -> AsyncIterator[T]:
        return self

    async def __anext__(self) -> T:
        if self._closed:
            raise StopAsyncIteration
        self._given += 1
        if self._given % TURN == 0:
            # Where nothing is waited for, for all blocks are in memory, cancelling and deadlines need a turn too.
            await asyncio.sleep(0)
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


async def as_last(items: AsyncIterator[T]) -> T:
    """Return the last of the items.

    Raises
    ------
    NotFoundError
        None came.
    """
    found: list[T] = []
    async for item in items:
        found[:] = [item]
    if not found:
        raise NotFoundError("there is no last item: none came")
    return found[0]


async def as_bytes(items: AsyncIterator[bytes | memoryview]) -> bytes:
    """Gather chunks into one bytes object; many small ones take no more room than their bytes."""
    chunks: list[bytes | memoryview | bytearray] = []
    async for chunk in items:
        last = chunks[-1] if chunks else None
        if len(chunk) < SMALL and isinstance(last, bytearray) and len(last) < BUFFER:
            last += chunk
        else:
            chunks.append(bytearray(chunk) if len(chunk) < SMALL and chunks else chunk)
    return chunks[0] if len(chunks) == 1 and isinstance(chunks[0], bytes) else b"".join(chunks)


class Whole:
    """How much a result may come to where it is awaited whole.

    Its methods gather the items of a `Stream`; where a stream is iterated, nothing is limited.

    Parameters
    ----------
    max_size : int or None
        Bytes; `MAX_WHOLE` where None. The entries of a list count with their text and `ENTRY` each.
    what : str
        What is being done, for errors.

    Raises
    ------
    InvalidInputError
        It is no whole number from zero.
    """

    def __init__(self, max_size: int | None, what: str) -> None:
        if max_size is not None and (isinstance(max_size, bool) or not isinstance(max_size, int) or max_size < 0):
            raise InvalidInputError(
                f"{what}: max_size is {shown(max_size)}: a whole number of bytes from zero is needed"
            )
        self._limit = MAX_WHOLE if max_size is None else max_size
        self._what = what
        self._awaited = False

    def expect(self, size: int) -> None:
        """Refuse, before any of it is there, a result that will be too large.

        Raises
        ------
        LimitError
            It is to be awaited whole, and ``size`` bytes are too many.
        """
        if self._awaited and size > self._limit:
            raise LimitError(
                f"{self._what}: the whole has {size} bytes, and at most {self._limit} are gathered when it is awaited: "
                "iterate over it with async for, or give a larger max_size",
                detail={"size": size, "limit": self._limit},
            )

    def _too_large(self, count: int) -> LimitError:
        return LimitError(
            f"{self._what}: the whole has more than {self._limit} bytes, after {count} pieces of it, and no more are "
            "gathered when it is awaited: iterate over it with async for, or give a larger max_size",
            detail={"limit": self._limit},
        )

    async def bytes(self, items: AsyncIterator[builtins.bytes | memoryview]) -> builtins.bytes:
        """Gather chunks into one bytes object.

        Raises
        ------
        LimitError
            They have too many bytes together.
        """
        self._awaited = True
        size = count = 0

        async def counted() -> AsyncIterator[builtins.bytes | memoryview]:
            nonlocal size, count
            async for item in items:
                size += len(item)
                if size > self._limit:
                    raise self._too_large(count)
                count += 1
                yield item

        return await as_bytes(counted())

    def list(self, weigh: Callable[[T], int]) -> Callable[[AsyncIterator[T]], Awaitable[builtins.list[T]]]:
        """Return what gathers items into a list; ``weigh`` tells how many characters of text one has.

        The coroutine function raises LimitError where they are too many together.
        """

        async def gather(items: AsyncIterator[T]) -> builtins.list[T]:
            self._awaited = True
            found: builtins.list[T] = []
            size = 0
            async for item in items:
                size += ENTRY + weigh(item)
                if size > self._limit:
                    raise self._too_large(len(found))
                found.append(item)
            return found

        return gather
