"""What a daemon says behind the end of an answer: aiohttp reads trailers and shows them to nobody.

Kubo begins an answer before its work is done, and tells in the trailer ``X-Stream-Error`` when the work fails after
that: without it a truncated answer looks whole. A response of `TrailingResponse` sees the bytes of its connection as
they come and remembers the last of them, where the trailers are.
"""

from __future__ import annotations

import re
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from aiohttp import ClientResponse

if TYPE_CHECKING:
    from asyncio import Transport

    from aiohttp.connector import Connection

__all__ = ["TrailingResponse"]

#: Bytes at an answer's end in which its trailers are looked for; aiohttp refuses longer ones.
_MOST: Final = 64 * 1024
#: The line before trailers: a chunk of no bytes. What a header says has no line ends.
_LAST_CHUNK: Final = b"\r\n0\r\n"
_TRAILER: Final = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*", re.DOTALL)


class Tail:
    """The last bytes that came over a connection, in the pieces that they came in: nothing is copied."""

    __slots__ = ("_pieces", "_size")

    def __init__(self) -> None:
        self._pieces: deque[bytes] = deque()
        self._size = 0

    def add(self, data: bytes) -> None:
        """Take note of what came."""
        self._pieces.append(data)
        self._size += len(data)
        while self._size - len(self._pieces[0]) >= _MOST:
            self._size -= len(self._pieces.popleft())

    def trailers(self) -> dict[str, str]:
        """Return the trailers of an answer that has ended, by their names in lower case."""
        tail = b"".join(self._pieces)[-_MOST:]
        # The last such line: what comes before it may be anybody's content, and trailers cannot hold one.
        begin = tail.rfind(_LAST_CHUNK)
        if begin < 0 or not tail.endswith(b"\r\n\r\n"):
            return {}
        found: dict[str, str] = {}
        for line in tail[begin + len(_LAST_CHUNK) :].split(b"\r\n"):
            if parts := _TRAILER.fullmatch(line):
                found[parts[1].decode("ascii").lower()] = parts[2].decode("utf-8", "replace")
        return found


class TrailingResponse(ClientResponse):
    """A response whose trailers can be read once its body has been."""

    _seen: Tail | None = None
    _transport: Transport | None = None

    def close(self) -> None:
        """End the answer where it is, and the upload that it answers."""
        super().close()
        # Closed it would still send what it was given before, and stay open for as long as nobody takes that.
        if self._transport is not None and self._transport.is_closing():
            self._transport.abort()

    async def start(self, connection: Connection) -> ClientResponse:
        """Read the head of the answer; from here on the connection's bytes are seen."""
        protocol: Any = connection.protocol
        self._transport = connection.transport
        if protocol is not None:
            self._seen = seen = Tail()
            take = type(protocol).data_received

            def data_received(data: bytes) -> None:
                seen.add(data)
                take(protocol, data)

            # On the instance, and so for the time of this answer: the next one sets its own.
            protocol.data_received = data_received
        return await super().start(connection)

    @property
    def trailers(self) -> dict[str, str]:
        """The trailers, by their names in lower case; none before the body has been read to its end."""
        # Only an answer in chunks has any: at the end of another the same bytes are anybody's content.
        chunked = self.headers.get("Transfer-Encoding", "").lower().endswith("chunked")
        if self._seen is None or not chunked or not self.content.is_eof():
            return {}
        return self._seen.trailers()
