"""Blob and File: bytes that are not here but can be read, piece by piece, over a port."""

from __future__ import annotations

import asyncio
import weakref
from collections import deque
from typing import TYPE_CHECKING, Any, Final, Protocol

from ipfs_comm.errors import DataCloneError, InvalidInputError, LinkError, RemoteError

if TYPE_CHECKING:
    from ipfs_comm.wire.port import MessageEvent, MessagePort

__all__ = ["Blob", "BlobSource", "File", "MemorySource", "PortSource", "serve"]

#: Bytes that are asked for in one go, and how many such requests wait at once.
PIECE: Final = 1 << 20
PIECES_AHEAD: Final = 8
#: Requests that a reader may have waiting before the served port is closed.
MAX_REQUESTS: Final = 64
#: Bytes that one request may ask for.
MAX_RANGE: Final = 16 << 20


class BlobSource(Protocol):
    """Where a Blob's bytes come from."""

    async def read(self, start: int, end: int) -> bytes | bytearray | memoryview:
        """Return the bytes from `start` to before `end`."""

    def close(self) -> None:
        """Let go of what stands behind."""


class MemorySource:
    """Bytes in memory."""

    __slots__ = ("data",)

    def __init__(self, data: bytes | bytearray | memoryview) -> None:
        self.data = memoryview(data if isinstance(data, bytes) else bytes(data))

    async def read(self, start: int, end: int) -> memoryview:
        """Return the bytes from `start` to before `end`, not copied."""
        return self.data[start:end]

    def close(self) -> None:
        """Nothing stands behind; others may share the bytes."""


class PortSource:
    """A Blob at the other end of a port, which closes when nobody holds the source any more.

    Parameters
    ----------
    port : MessagePort
        Is started on the loop that reads first.
    """

    __slots__ = ("__weakref__", "_asked", "_waiting", "port")

    def __init__(self, port: MessagePort) -> None:
        self.port = port
        #: Answers to come, in the order of the questions, and questions that wait for their turn.
        self._asked: deque[asyncio.Future[Any]] = deque()
        self._waiting: deque[tuple[int, int, asyncio.Future[Any]]] = deque()

    async def read(self, start: int, end: int) -> bytes | bytearray | memoryview:
        """Return the bytes from `start` to before `end`.

        Raises
        ------
        InvalidInputError
            More than 16 MiB.
        LinkError
            The port was closed.
        RemoteError
            The other end could not read.
        """
        if self.port.closed:
            raise self._gone()
        if self.port.onmessage is None:
            self._listen()
        if end - start > MAX_RANGE:
            raise InvalidInputError(f"a Blob gives at most {MAX_RANGE} bytes at once; {start} to {end} are more")
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append((start, end, answer))
        self._ask()
        data = await answer
        if isinstance(data, dict) and isinstance(error := data.get("error"), BaseException):
            raise error
        if not isinstance(data, memoryview) or data.format != "B" or len(data) > end - start:
            raise RemoteError(f"a Blob was asked for bytes {start} to {end} and gave others, or none")
        return data

    def _ask(self) -> None:
        while self._waiting and len(self._asked) < PIECES_AHEAD:
            start, end, answer = self._waiting.popleft()
            if not answer.done():
                self._asked.append(answer)
                self.port.post_message([start, end])

    def _listen(self) -> None:
        # The port is held by its link; holding the source through its listeners would keep both for ever.
        myself = weakref.ref(self)

        def answered(event: MessageEvent) -> None:
            if (source := myself()) is not None:
                source._answered(event)

        def closed(_event: MessageEvent) -> None:
            if (source := myself()) is not None:
                source._fail()

        self.port.onclose = closed
        self.port.onmessage = answered

    def __del__(self) -> None:
        self.port.close()

    def close(self) -> None:
        """Close the port, which lets go of the Blob at the other end."""
        self.port.close()
        self._fail()

    def _gone(self) -> LinkError:
        if isinstance(self.port.error, LinkError):
            return self.port.error
        return LinkError("the Blob was let go of: its port is closed", code="ERR_CLOSED")

    def _answered(self, event: MessageEvent) -> None:
        if self._asked:
            answer = self._asked.popleft()
            if not answer.done():
                answer.set_result(event.data)
            self._ask()

    def _fail(self) -> None:
        answers = [*self._asked, *(answer for _, _, answer in self._waiting)]
        self._asked.clear()
        self._waiting.clear()
        for answer in answers:
            if not answer.done():
                answer.set_exception(self._gone())


class Blob:
    """A Blob: an immutable piece of bytes with a media type.

    Parameters
    ----------
    data : bytes-like or BlobSource
        The bytes, or where they come from.
    type : str
        Media type, may be empty.
    size : int, optional
        Bytes; needed with a source.
    """

    __slots__ = ("__weakref__", "size", "source", "type")

    def __init__(
        self,
        data: bytes | bytearray | memoryview | BlobSource = b"",
        *,
        type: str = "",  # noqa: A002  the DOM's name
        size: int | None = None,
    ) -> None:
        if isinstance(data, bytes | bytearray | memoryview):
            memory = MemorySource(data)
            self.source: BlobSource = memory
            self.size = len(memory.data)
        elif size is None:
            raise InvalidInputError("a Blob over a source needs its size in bytes")
        else:
            self.source = data
            self.size = size
        self.type = type

    async def read(self, start: int = 0, end: int | None = None) -> bytes:
        """Return the bytes from `start` to before `end` (the end by default), asking for 1 MiB at a time, 8 at once."""
        end = self.size if end is None else min(end, self.size)
        parts: list[bytes | bytearray | memoryview] = []
        ahead: deque[asyncio.Task[bytes | bytearray | memoryview]] = deque()
        try:
            for position in range(start, end, PIECE):
                ahead.append(asyncio.ensure_future(self.source.read(position, min(position + PIECE, end))))
                if len(ahead) == PIECES_AHEAD:
                    parts.append(await ahead.popleft())
            while ahead:
                parts.append(await ahead.popleft())
        finally:
            for task in ahead:
                task.cancel()
        data = b"".join(parts)
        if len(data) != max(0, end - start):
            raise RemoteError(f"a Blob of {self.size} bytes gave {len(data)} of the bytes {start} to {end}")
        return data

    def close(self) -> None:
        """Let go of the Blob; it cannot be read any more."""
        self.source.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.size} bytes, {self.type or 'no type'}>"


class File(Blob):
    """A Blob with a name.

    Parameters
    ----------
    data, type, size
        As for :class:`Blob`.
    name : str
        The file's name.
    last_modified : int or float
        Milliseconds since the epoch.
    """

    __slots__ = ("last_modified", "name")

    def __init__(
        self,
        data: bytes | bytearray | memoryview | BlobSource,
        name: str,
        *,
        type: str = "",  # noqa: A002  the DOM's name
        size: int | None = None,
        last_modified: float = 0,
    ) -> None:
        super().__init__(data, type=type, size=size)
        self.name = name
        self.last_modified = last_modified


def _tell(port: MessagePort, error: Exception) -> None:
    """Answer with an error; with its text alone when what it refers to cannot be cloned."""
    # The clone knows Blobs, and is not here yet when this module is read.
    from ipfs_comm.wire.clone import text_of

    try:
        port.post_message({"error": error})
    except DataCloneError:
        port.post_message({"error": RemoteError(text_of(error))})


def serve(source: BlobSource, port: MessagePort) -> None:
    """Answer the reads that arrive on `port`, in order, until it closes.

    The source is let go of then, not closed: others may hold it, and read from it.

    `docs/protocol.md`, section 4, Blobs. Call it on the loop that shall serve.
    """
    waiting: deque[tuple[int, int]] = deque()
    worker: asyncio.Task[None] | None = None
    held: BlobSource | None = source
    del source

    async def answer() -> None:
        while waiting and held is not None:
            start, end = waiting.popleft()
            try:
                data = await held.read(start, end)
                port.post_message(data if isinstance(data, memoryview | bytes) else bytes(data))
            except Exception as error:
                _tell(port, error)

    def asked(event: MessageEvent) -> None:
        nonlocal worker
        match event.data:
            case [int(start), int(end)] if 0 <= start <= end <= start + MAX_RANGE and len(waiting) < MAX_REQUESTS:
                waiting.append((start, end))
            case _:
                port.close()
                closed(event)
                return
        if worker is None or worker.done():
            worker = asyncio.ensure_future(answer())

    def closed(_event: MessageEvent) -> None:
        nonlocal held
        waiting.clear()
        held = None
        if worker is not None:
            worker.cancel()

    port.onclose = closed
    port.onmessage = asked
