"""The kernel's ``ipfs``: the core API over a node that opens at the first call and runs on another loop.

Two faces of one node, both made from the core API's own declaration, so that names, signatures and documentation are
those of the API: `Proxy` for coroutines on any loop, and `SyncProxy` for code without one (``ipfs.sync``). What a
caller hands in to be read piece by piece (an iterator, an asynchronous iterable, the ``progress`` callback) is run
where the caller is, never on the node's loop.
"""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import queue
import typing
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Generator, Iterator
from typing import Any

from ipfs_comm.facade import Facade

if typing.TYPE_CHECKING:
    from ipfs_comm.kernel.runtime import Runtime

__all__ = ["Proxy", "SyncProxy"]

Open = Callable[[], Awaitable[Any]]
Allow = Callable[[tuple[str, ...]], None]
Jobs = queue.SimpleQueue[Callable[[], None] | None]
#: Starts a call or a stream, on the node's loop.
Start = Callable[[], Coroutine[Any, Any, Any]]

#: Items of a stream that wait for their reader at most; a chunk of a file is at most 1 MiB.
AHEAD = 16
#: Verbs whose arguments may be read piece by piece.
CONTENT_VERBS = frozenset({"add", "add_all", "import_", "rm_all", "write"})
#: Verbs that are given a function which is called after they have returned.
LISTENING = frozenset({("pubsub", "subscribe"), ("pubsub", "unsubscribe")})

_END = object()


class _Reaching(Facade):
    """A facade over a node that opens at the first call.

    Parameters
    ----------
    open_node : coroutine function
        Gives the node, open; called on the runtime's loop at every call.
    runtime : Runtime
        Where the node runs.
    allow : callable
        Raises if the verb at a path (``("dag", "put")``) may not be called.
    """

    def __init__(
        self, open_node: Open, runtime: Runtime, allow: Allow, api: type | None = None, path: tuple[str, ...] = ()
    ) -> None:
        super().__init__(api, path)
        self._open = open_node
        self._runtime = runtime
        self._allow = allow


async def _reach(open_node: Open, path: tuple[str, ...]) -> Any:
    return functools.reduce(getattr, path, await open_node())


class Proxy(_Reaching):
    """The core API for coroutines on any loop of this process."""

    @property
    def sync(self) -> SyncProxy:
        """The same API without ``await``."""
        return SyncProxy(self._open, self._runtime, self._allow, self._api, self._path)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), "sync"})

    def __repr__(self) -> str:
        return f"<{'.'.join(('ipfs', *self._path))}: the IPFS node of this kernel>"

    def _at(self, api: type, path: tuple[str, ...]) -> Proxy:
        return Proxy(self._open, self._runtime, self._allow, api, path)

    def _call(self, path: tuple[str, ...], arguments: tuple[Any, ...], options: dict[str, Any], streams: bool) -> Any:
        self._allow(path)

        def begin() -> Start:
            carried, more = _carry_call(path, arguments, options, _Caller(asyncio.get_running_loop()))

            async def start() -> Any:
                return (await _reach(self._open, path))(*carried, **more)

            return start

        async def call() -> Any:
            start = begin()

            async def whole() -> Any:
                return await (await start())

            return await self._runtime.call(whole)

        return ProxyStream(self._runtime, begin) if streams else call()


class ProxyStream:
    """A stream on the node's loop, read on the caller's: to iterate, or to await whole.

    Parameters
    ----------
    runtime : Runtime
        Where the stream runs.
    begin : callable
        Called on the caller's loop; returns a coroutine function that starts the stream, to be called on the node's.
    """

    def __init__(self, runtime: Runtime, begin: Callable[[], Start]) -> None:
        self._runtime = runtime
        self._begin = begin
        self._iterator: AsyncGenerator[Any, None] | None = None

    def __await__(self) -> Generator[Any, None, Any]:
        return self._whole().__await__()

    async def _whole(self) -> Any:
        start = self._begin()

        async def whole() -> Any:
            return await (await start())

        return _present(await self._runtime.call(whole), self._stream)

    def _stream(self, stream: Any) -> ProxyStream:
        async def start() -> Any:
            return stream

        return ProxyStream(self._runtime, lambda: start)

    def __aiter__(self) -> AsyncGenerator[Any, None]:
        if self._iterator is None:
            self._iterator = self._iterate()
        return self._iterator

    async def __anext__(self) -> Any:
        return await anext(self.__aiter__())

    async def aclose(self) -> None:
        """End the stream and the work behind it."""
        if self._iterator is not None:
            await self._iterator.aclose()

    async def __aenter__(self) -> typing.Self:
        return self

    async def __aexit__(self, *_details: object) -> None:
        await self.aclose()

    async def _iterate(self) -> AsyncGenerator[Any, None]:
        home, away = asyncio.get_running_loop(), self._runtime.loop
        start = self._begin()
        if home is away:
            async for item in await start():
                yield item
            return
        items: deque[Any] = deque()
        ready, room = asyncio.Event(), asyncio.Event()

        async def pump() -> None:
            stream = await start()
            try:
                async for item in stream:
                    items.append(item)
                    home.call_soon_threadsafe(ready.set)
                    while len(items) >= AHEAD:
                        room.clear()
                        if len(items) >= AHEAD:
                            await room.wait()
            finally:
                await stream.aclose()

        pumping = asyncio.run_coroutine_threadsafe(pump(), away)
        # The loop of the caller may be gone by then, and with it everyone who waits.
        pumping.add_done_callback(lambda _future: home.is_closed() or home.call_soon_threadsafe(ready.set))
        try:
            while True:
                while items:
                    item = items.popleft()
                    if len(items) == AHEAD // 2:
                        away.call_soon_threadsafe(room.set)
                    yield _present(item, self._stream)
                if pumping.done() and not items:
                    pumping.result()
                    return
                ready.clear()
                if not items and not pumping.done():
                    await ready.wait()
        finally:
            pumping.cancel()


class SyncProxy(_Reaching):
    """The core API for code that runs on no loop: each call returns its result, a stream the whole of it.

    An interrupt cancels the call.
    """

    def __repr__(self) -> str:
        return f"<{'.'.join(('ipfs.sync', *self._path))}: the IPFS node of this kernel>"

    def _at(self, api: type, path: tuple[str, ...]) -> SyncProxy:
        return SyncProxy(self._open, self._runtime, self._allow, api, path)

    def _call(self, path: tuple[str, ...], arguments: tuple[Any, ...], options: dict[str, Any], streams: bool) -> Any:
        self._allow(path)
        jobs: Jobs = queue.SimpleQueue()
        carried, more = _carry_call(path, arguments, options, _Caller(jobs))

        async def call() -> Any:
            return await (await _reach(self._open, path))(*carried, **more)

        return _present(self._runtime.wait(self._runtime.submit(call()), jobs), self._stream)

    def _stream(self, stream: Any) -> SyncStream:
        return SyncStream(self._runtime, stream)


class SyncStream:
    """A stream read without a loop."""

    def __init__(self, runtime: Runtime, stream: Any) -> None:
        self._runtime = runtime
        self._stream = stream

    def __iter__(self) -> Iterator[Any]:
        iterator = aiter(self._stream)

        async def step() -> Any:
            return await anext(iterator, _END)

        async def finish() -> None:
            await self._stream.aclose()

        try:
            while (item := self._runtime.wait(self._runtime.submit(step()))) is not _END:
                yield item
        finally:
            self._runtime.wait(self._runtime.submit(finish()))

    def read(self) -> Any:
        """Return the whole of it."""

        async def whole() -> Any:
            return await self._stream

        return self._runtime.wait(self._runtime.submit(whole()))


class _Caller:
    """Runs pieces of the caller's own code where the caller is: on its loop, or on its waiting thread."""

    def __init__(self, place: asyncio.AbstractEventLoop | Jobs) -> None:
        self._place = place

    @property
    def lasts(self) -> bool:
        """Whether there is somebody who runs the caller's code after the call has returned: its loop."""
        return isinstance(self._place, asyncio.AbstractEventLoop)

    def later(self, function: Callable[..., object], *arguments: Any) -> None:
        """Call `function` there, soon; in order."""
        if isinstance(self._place, asyncio.AbstractEventLoop):
            self._place.call_soon_threadsafe(function, *arguments)
        else:
            self._place.put(lambda: _drop(function(*arguments)))

    async def pull(self, iterator: Any) -> Any:
        """Take the next item of `iterator`, there; ``_END`` after the last."""
        if isinstance(self._place, asyncio.AbstractEventLoop):
            return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(_step(iterator), self._place))
        if hasattr(iterator, "__anext__"):
            return await _step(iterator)
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Any] = loop.create_future()

        def job() -> None:
            try:
                item = next(iterator, _END)
            except Exception as error:
                loop.call_soon_threadsafe(_settle, answer, None, error)
            else:
                loop.call_soon_threadsafe(_settle, answer, item, None)

        self._place.put(job)
        return await answer

    def finish(self, iterator: Any) -> None:
        """Close a generator that is not read to its end, there."""
        if (
            isinstance(self._place, asyncio.AbstractEventLoop)
            and hasattr(iterator, "aclose")
            and not self._place.is_closed()
        ):
            asyncio.run_coroutine_threadsafe(iterator.aclose(), self._place)
        elif hasattr(iterator, "close"):
            self.later(iterator.close)


@dataclasses.dataclass(frozen=True)
class _Handler:
    """A function that is called on the caller's loop, and is equal where the function is."""

    function: Callable[..., object]
    caller: _Caller = dataclasses.field(compare=False)

    def __call__(self, *arguments: Any) -> None:
        self.caller.later(self.function, *arguments)


def _drop(_result: object) -> None:
    return None


def _settle(answer: asyncio.Future[Any], item: Any, error: Exception | None) -> None:
    if answer.done():
        return
    if error is None:
        answer.set_result(item)
    else:
        answer.set_exception(error)


async def _step(iterator: Any) -> Any:
    if hasattr(iterator, "__anext__"):
        return await anext(iterator, _END)
    return next(iterator, _END)


class _Carried:
    """An iterable of the caller's, read on the node's loop item by item."""

    def __init__(self, source: Any, caller: _Caller) -> None:
        self._source = source
        self._caller = caller

    async def __aiter__(self) -> AsyncGenerator[Any, None]:
        iterator = aiter(self._source) if hasattr(self._source, "__aiter__") else iter(self._source)
        try:
            while (item := await self._caller.pull(iterator)) is not _END:
                yield _carry(item, self._caller)
        finally:
            self._caller.finish(iterator)


def _carry(value: Any, caller: _Caller) -> Any:
    """Return `value` with everything in it that is read piece by piece made to run where the caller is."""
    if isinstance(value, (str, bytes, bytearray, memoryview)) or hasattr(value, "read"):
        return value
    if hasattr(value, "__aiter__") or hasattr(value, "__next__"):
        return _Carried(value, caller)
    if isinstance(value, dict) and "content" in value:
        return {**value, "content": _carry(value["content"], caller)}
    if isinstance(value, (list, tuple)):
        return [_carry(item, caller) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type) and hasattr(value, "content"):
        return dataclasses.replace(value, content=_carry(value.content, caller))
    return value


def _carry_call(
    path: tuple[str, ...], arguments: tuple[Any, ...], options: dict[str, Any], caller: _Caller
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    for name in ("progress", "on_error"):
        if callable(options.get(name)):
            options = {**options, name: functools.partial(caller.later, options[name])}
    if path in LISTENING and caller.lasts:
        arguments = tuple(_Handler(one, caller) if callable(one) else one for one in arguments)
    if path[-1] in CONTENT_VERBS:
        arguments = tuple(_carry(argument, caller) for argument in arguments)
    return arguments, options


def _present(value: Any, wrap: Callable[[Any], Any]) -> Any:
    """Return `value` with the streams in it (the contents that ``get`` gives) made readable where the caller is."""
    if isinstance(value, list):
        return [_present(item, wrap) for item in value]
    content = getattr(value, "content", None)
    if content is not None and dataclasses.is_dataclass(value) and hasattr(content, "__aiter__"):
        return dataclasses.replace(value, content=wrap(content))  # type: ignore[type-var]  # an instance, as is_dataclass on a value with content says
    return value
