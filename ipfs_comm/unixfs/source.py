"""Content that is taken by the byte: a stream of pieces, read as far as somebody needs it and no further."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from ipfs_comm.unixfs.chunker import Chunk


class Source:
    """A stream of bytes with a beginning that was taken already.

    Parameters
    ----------
    pieces : async generator of bytes-like
        Closed by `aclose`.
    limit : int, optional
        Most bytes that are taken; all where not given.

    Attributes
    ----------
    taken : int
        Bytes so far.
    """

    def __init__(self, pieces: AsyncGenerator[Chunk, None], limit: int | None = None) -> None:
        self._pieces = pieces
        self._left = limit
        self._ahead = memoryview(b"")
        self.taken = 0

    async def done(self) -> bool:
        """Return whether everything was taken."""
        while not self._ahead:
            if self._left == 0:
                return True
            piece = await anext(self._pieces, None)
            if piece is None:
                self._left = 0
                return True
            view = memoryview(piece).cast("B")
            self._ahead = view if self._left is None else view[: self._left]
            if self._left is not None:
                self._left -= len(self._ahead)
        return False

    async def take(self, most: int) -> bytes:
        """Return the next `most` bytes, fewer only at the end."""
        parts: list[memoryview] = []
        while most and not await self.done():
            parts.append(self._ahead[:most])
            self._ahead = self._ahead[most:]
            most -= len(parts[-1])
        found = b"".join(parts)
        self.taken += len(found)
        return found

    async def rest(self) -> AsyncGenerator[Chunk, None]:
        """Yield all that is left, in pieces as they come."""
        while not await self.done():
            piece, self._ahead = self._ahead, memoryview(b"")
            self.taken += len(piece)
            yield piece

    async def aclose(self) -> None:
        """End the stream behind it."""
        async with aclosing(self._pieces):
            self._left = 0
            self._ahead = memoryview(b"")
