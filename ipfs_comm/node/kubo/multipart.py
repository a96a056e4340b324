"""Content for a daemon as ``multipart/form-data``, made while it is sent."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote_plus, urlencode

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable

    from ipfs_comm.node.api import Mtime

__all__ = ["Body", "Part"]

#: Pieces that go out together, and bytes that a piece has at most: what is given may be one buffer of any size.
_PIECE: Final = 2**20

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
        self.error: BaseException | None = None

    @classmethod
    def of(cls, *contents: Content) -> Body:
        """Return a body of files without names."""
        return cls([Part(f"{index}" if index else "file", content) for index, content in enumerate(contents)])

    @property
    def content_type(self) -> str:
        """The value of the Content-Type header."""
        return f"multipart/form-data; boundary={self._boundary}"

    async def chunks(self) -> AsyncGenerator[bytes | memoryview, None]:
        """Generate the body; what ends it before its end is in ``error`` too."""
        try:
            async for part in _each(self._parts):
                yield self._head(part)
                async for piece in _content(part):
                    yield piece
                yield b"\r\n"
            yield f"--{self._boundary}--\r\n".encode("ascii")
        except GeneratorExit:
            raise
        except BaseException as error:
            self.error = error
            raise

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
            f'--{self._boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{path}"\r\n'
            f"Content-Type: {kind}\r\n\r\n"
        ).encode("ascii")


async def _each(parts: Any) -> AsyncGenerator[Part, None]:
    if isinstance(parts, AsyncIterable):
        async for part in parts:
            yield part
    else:
        for part in parts:
            yield part


async def _content(part: Part) -> AsyncGenerator[bytes | memoryview, None]:
    if part.target is not None:
        yield part.target.encode("utf-8", "surrogateescape")
    elif isinstance(part.content, AsyncIterable):
        async for given in part.content:
            for piece in _cut(given):
                yield piece
    elif part.content is not None:
        for piece in _cut(part.content):
            yield piece


def _cut(given: bytes | bytearray | memoryview) -> Iterable[memoryview]:
    view = memoryview(given).cast("B")
    for start in range(0, len(view), _PIECE):
        yield view[start : start + _PIECE]
