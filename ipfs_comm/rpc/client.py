"""A client of the message-port protocol with the node's own API."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Any, Self, TypeVar

from ipfs_comm.errors import ProtocolError
from ipfs_comm.node.inputs import entries_of, entry_of
from ipfs_comm.node.stream import Stream, as_bytes, as_list
from ipfs_comm.rpc import names
from ipfs_comm.rpc.consumer import Consumer
from ipfs_comm.rpc.streams import iterable_of, offer
from ipfs_comm.rpc.transport import Transport
from ipfs_comm.wire import MessageChannel, MessageEvent, MessagePort, clone

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable

    from ipfs_comm.node.api import AddInput, AddResult, CIDLike, File, LsEntry, Progress
    from ipfs_comm.rpc.producer import Producer

T = TypeVar("T")
W = TypeVar("W")

#: Seconds that a call waits for the rest of its progress after its result.
PROGRESS_GRACE = 1.0


class _Call:
    """What one call holds open: producers of its input, and its progress."""

    def __init__(self) -> None:
        self.transfer: list[MessagePort] = []
        self._producers: set[Producer] = set()
        self._progress: MessagePort | None = None
        self._progress_over = asyncio.Event()

    def offer(self, source: AsyncIterator[Any], encode: Callable[[Any, list[MessagePort]], Any]) -> dict[str, Any]:
        travelling, producer = offer(source, self.transfer, encode=encode, over=self._producers.discard)
        self._producers.add(producer)
        return travelling

    def progress(self, report: Progress | None) -> Any:
        if report is None:
            return clone.undefined

        def receive(event: MessageEvent) -> None:
            if isinstance(event.data, list):
                report(*event.data[:2])

        channel = MessageChannel()
        self._progress = channel.port1
        channel.port1.onclose = lambda _: self._progress_over.set()
        channel.port1.onmessage = receive
        self.transfer.append(channel.port2)
        return {"type": "RemoteCallback", "port": channel.port2}

    async def settle(self) -> None:
        """Wait a little for progress that was posted before the result; our server closes the callback's port then."""
        if self._progress is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._progress_over.wait(), PROGRESS_GRACE)

    def content(self, content: Any, _: object = None) -> Any:
        """Return content in its travelling form."""
        if content is None or isinstance(content, str | bytes | bytearray | memoryview):
            return clone.undefined if content is None else content
        return self.offer(aiter(content), lambda chunk, transfer: chunk)

    def entry(self, entry: File, transfer: list[MessagePort] | None = None) -> Any:
        """Return one file in its travelling form."""
        content = self.content(entry.content) if transfer is None else self._nested(entry.content, transfer)
        if not entry.path and entry.mode is None and entry.mtime is None and entry.content is not None:
            return content
        mtime = entry.mtime
        return {
            "path": entry.path,
            "content": content,
            "mode": clone.undefined if entry.mode is None else entry.mode,
            "mtime": clone.undefined if mtime is None else {"secs": mtime.secs, "nsecs": mtime.nsecs},  # type: ignore[union-attr]  # entry_of made it an Mtime
        }

    def _nested(self, content: Any, transfer: list[MessagePort]) -> Any:
        outer, self.transfer = self.transfer, transfer
        try:
            return self.content(content)
        finally:
            self.transfer = outer

    def close(self) -> None:
        """Let go of everything."""
        for producer in list(self._producers):
            producer.close()
        if self._progress is not None:
            self._progress.close()
            self._progress_over.set()


class IPFSClient:
    """The core API of a node at the other end of a port.

    Verbs, options and results are those of ``ipfs_comm.node.api``; options that are not named in a signature travel
    under their js-ipfs names. Use it on the loop that
    runs when a port is attached.
    """

    def __init__(self) -> None:
        self._transport = Transport()
        self.dag = names.Dag(self._transport)
        self.block = names.Block(self._transport)
        self.files = names.Files(self._transport)

    @classmethod
    def from_port(cls, port: MessagePort) -> Self:
        """Return a client that talks over ``port``."""
        client = cls()
        client.attach(port)
        return client

    @classmethod
    def detached(cls) -> Self:
        """Return a client whose calls wait until a port is attached."""
        return cls()

    def attach(self, port: MessagePort) -> None:
        """Talk over ``port`` from now on.

        Raises
        ------
        InvalidInputError
            When there is a port already.
        """
        self._transport.attach(port)

    def disconnect(self) -> None:
        """Abort all calls and close the port; later calls raise a LinkError at once."""
        self._transport.close()

    async def add(
        self, entry: AddInput, *, progress: Progress | None = None, timeout: float | None = None, **options: Any
    ) -> AddResult:
        """Add one file or directory; see ``Node.add_all`` for the options."""
        self._transport.check()
        call = _Call()
        try:
            given = {
                **names.js(options),
                "input": call.entry(entry_of(entry)),
                "progressCallback": call.progress(progress),
            }
            value = await self._transport.call("core", "add", given, call.transfer, timeout)
            await call.settle()
        finally:
            call.close()
        return names.added(names.member(value, "data"))

    def add_all(
        self,
        source: Iterable[AddInput] | AsyncIterable[AddInput],
        *,
        progress: Progress | None = None,
        timeout: float | None = None,
        **options: Any,
    ) -> Stream[AddResult, list[AddResult]]:
        """Add many files and directories while they arrive; see ``Node.add_all`` for the options."""

        def given(call: _Call) -> dict[str, Any]:
            return {
                **names.js(options),
                "input": call.offer(entries_of(source), call.entry),
                "progressCallback": call.progress(progress),
            }

        return self._stream("addAll", given, names.added, as_list, timeout)

    def cat(
        self, path: CIDLike, *, offset: int = 0, length: int | None = None, timeout: float | None = None
    ) -> Stream[bytes, bytes]:
        """Stream the bytes of a file."""
        given = {"path": names.path(path), "offset": offset, "length": clone.undefined if length is None else length}
        return self._stream("cat", lambda _: given, names.chunk, as_bytes, timeout)

    def ls(self, path: CIDLike, *, timeout: float | None = None) -> Stream[LsEntry, list[LsEntry]]:
        """List a directory, or the one file that ``path`` names."""
        given = {"path": names.path(path)}
        return self._stream("ls", lambda _: given, names.listed, as_list, timeout)

    def _stream(
        self,
        method: str,
        given: Callable[[_Call], dict[str, Any]],
        decode: Callable[[Any], T],
        gather: Callable[[AsyncIterator[T]], Awaitable[W]],
        timeout: float | None,
    ) -> Stream[T, W]:
        self._transport.check()

        async def items() -> AsyncGenerator[T, None]:
            call = _Call()
            try:
                value = await self._transport.call("core", method, given(call), call.transfer, timeout)
                remote = iterable_of(names.member(value, "data"))
                if remote is None:
                    raise ProtocolError(f"core.{method} was answered without an iterable")
                async with aclosing(Consumer(remote.port, ahead=remote.ahead, decode=decode).items()) as pulled:
                    async for item in pulled:
                        yield item
                await call.settle()
            finally:
                call.close()

        return Stream(items, gather, timeout=timeout, what=f"core.{method}")
