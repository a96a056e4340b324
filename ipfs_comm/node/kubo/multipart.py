"""Content for a daemon as ``multipart/form-data``, made while it is sent."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import quote_plus, urlencode

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Iterable

    from ipfs_comm.node.api import Mtime

__all__ = ["Body", "Part"]

logger = logging.getLogger(__name__)

T = TypeVar("T")

#: Pieces that go out together, and bytes that a piece has at most: what is given may be one buffer of any size.
_PIECE: Final = 2**20
#: Seconds that a source of content may take to end when it is cancelled.
PATIENCE: Final = 10.0

Content = bytes | bytearray | memoryview | AsyncIterable[bytes | bytearray | memoryview]


@dataclass(frozen=True, slots=True)
class Part:
    """A file, a symlink to ``target``, or with neither content nor target a directory.

    Attributes
    ----------
    path : str
        Its place in what is sent, with slashes.
    content : bytes-like or asynchronous iterable of them, optional
    target : str, optional
    mode : int, optional
        Permission bits; Kubo takes them with ``preserve-mode``.
    mtime : Mtime, optional
        Kubo takes it with ``preserve-mtime``.
    """

    path: str
    content: Content | None = None
    target: str | None = None
    mode: int | None = None
    mtime: Mtime | None = None


class Body:
    """The body of one request.

    Parameters
    ----------
    parts : (asynchronous) iterable of Part
        A directory comes before what it holds, and what it holds together.

    Attributes
    ----------
    error : BaseException or None
        What ended the parts: the request has failed by it, whatever its connection says.
    """

    def __init__(self, parts: Iterable[Part] | AsyncIterable[Part]) -> None:
        self._parts = parts
        self._boundary = secrets.token_hex(16)
        self._sending: AsyncGenerator[bytes | memoryview, None] | None = None
        self._ended = asyncio.Event()
        self.error: BaseException | None = None

    @classmethod
    def of(cls, *contents: Content) -> Body:
        """Return a body of files without names."""
        return cls([Part(f"{index}" if index else "file", content) for index, content in enumerate(contents)])

    @property
    def content_type(self) -> str:
        """The value of the Content-Type header."""
        return f"multipart/form-data; boundary={self._boundary}"

    def chunks(self) -> AsyncGenerator[bytes | memoryview, None]:
        """Return a generator of the body, of which not more than one is used."""
        self._sending = self._chunks()
        return self._sending

    async def close(self) -> None:
        """End the body where it is, and with it what its content comes from; nobody sends it any more."""
        sending, self._sending = self._sending, None
        if sending is None:
            return
        if not sending.ag_running:  # type: ignore[attr-defined]  # the type of generators has it, the protocol has not
            await sending.aclose()
            return
        # Whoever sent it has been cancelled while it waited for content, and ends it in the next turns.
        try:
            async with asyncio.timeout(PATIENCE):
                await self._ended.wait()
        except TimeoutError:
            logger.warning("what gives the content of an upload goes on for %g s after its end", PATIENCE)

    async def _chunks(self) -> AsyncGenerator[bytes | memoryview, None]:
        boundary = f"--{self._boundary}".encode("ascii")
        begun = False
        try:
            async with aclosing(_each(self._parts)) as parts:
                async for part in parts:
                    yield self._head(part) if begun else boundary + b"\r\n" + self._head(part)
                    begun = True
                    async with aclosing(_content(part)) as pieces:
                        async for piece in pieces:
                            yield piece
                    # At once: a daemon knows by it that this part is whole, while the next one may take its time.
                    yield b"\r\n" + boundary + b"\r\n"
            # Behind a boundary is a part; one without headers is no file to Kubo, and the last.
            yield (b"\r\n\r\n" if begun else b"") + boundary + b"--\r\n"
        except GeneratorExit:
            raise
        except BaseException as error:
            self.error = error
            raise
        finally:
            self._ended.set()

    def _head(self, part: Part) -> bytes:
        about: dict[str, str] = {}
        if part.mode is not None:
            about["mode"] = f"0{part.mode:o}"
        if part.mtime is not None:
            about["mtime"] = str(part.mtime.secs)
            if part.mtime.nsecs:
                about["mtime-nsecs"] = str(part.mtime.nsecs)
        kind = "application/octet-stream"
        if part.target is not None:
            kind = "application/symlink"
        elif part.content is None:
            kind = "application/x-directory"
        name = f"file?{urlencode(about)}" if about else "file"
        path = quote_plus(part.path.encode("utf-8", "surrogateescape"))
        return (
            f'Content-Disposition: form-data; name="{name}"; filename="{path}"\r\nContent-Type: {kind}\r\n\r\n'
        ).encode("ascii")


async def _each(parts: Any) -> AsyncGenerator[Part, None]:
    if isinstance(parts, AsyncIterable):
        async with _ended(parts) as each:
            async for part in each:
                yield part
    else:
        for part in parts:
            yield part


@asynccontextmanager
async def _ended(source: AsyncIterable[T]) -> AsyncIterator[AsyncIterator[T]]:
    """Iterate over what somebody else has made, and end it where it is left."""
    iterator = aiter(source)
    try:
        yield iterator
    finally:
        if (close := getattr(iterator, "aclose", None)) is not None:
            await close()


async def _content(part: Part) -> AsyncGenerator[bytes | memoryview, None]:
    if part.target is not None:
        yield part.target.encode("utf-8", "surrogateescape")
    elif isinstance(part.content, AsyncIterable):
        async with _ended(part.content) as each:
            async for given in each:
                for piece in _cut(given):
                    yield piece
    elif part.content is not None:
        for piece in _cut(part.content):
            yield piece


def _cut(given: bytes | bytearray | memoryview) -> Iterable[memoryview]:
    view = memoryview(given).cast("B")
    for start in range(0, len(view), _PIECE):
        yield view[start : start + _PIECE]
