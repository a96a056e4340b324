"""Where a stream of bytes is cut into chunks: the chunkers' names, and chunks of a fixed size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from ipfs_comm._shown import shown
from ipfs_comm.errors import InvalidInputError, LimitError
from ipfs_comm.unixfs.rolling import Buzhash, Rabin

if TYPE_CHECKING:
    from collections.abc import Iterator

Chunk = bytes | memoryview

#: What is left of a block of 2 MiB for content, in bytes, as in Kubo.
MAX_CHUNK: Final = 2 * 1024 * 1024 - 256
DEFAULT_SIZE: Final = 262_144
_RABIN_LEAST_MIN: Final = 16


class Chunker(Protocol):
    """Cuts one stream."""

    #: Whether finding the cuts costs so much that it should not be done on the loop.
    slow: bool
    #: Bytes of the pieces that it would rather be given.
    wished: int

    def feed(self, piece: Chunk) -> Iterator[Chunk]:
        """Take the next bytes, which must not change afterwards; yield the chunks that are complete."""
        ...

    def finish(self) -> Iterator[Chunk]:
        """Yield what is left."""
        ...


def parse(text: str) -> Chunker:
    """Return a new chunker.

    Parameters
    ----------
    text : str
        As Kubo's ``--chunker``: ``size-N``, ``rabin``, ``rabin-AVG``, ``rabin-MIN-AVG-MAX`` or ``buzhash``; empty or
        ``default`` for chunks of 256 KiB.

    Raises
    ------
    InvalidInputError
        The text cannot be meant.
    LimitError
        Chunks could be larger than `MAX_CHUNK`.
    """
    if not isinstance(text, str):
        raise InvalidInputError(f"chunker is {shown(text)}: use a text such as 'size-262144' or 'rabin-MIN-AVG-MAX'")
    if text in ("", "default"):
        return FixedSize(DEFAULT_SIZE)
    name, *parts = text.split("-")
    if name == "size" and len(parts) == 1:
        return FixedSize(_number(text, "size", parts[0]))
    if name == "rabin":
        return _parse_rabin(text, parts)
    if text == "buzhash":
        return Buzhash()
    raise InvalidInputError(
        f"there is no chunker {shown(text)}: use 'size-N', 'rabin', 'rabin-AVG', 'rabin-MIN-AVG-MAX' or 'buzhash'"
    )


def _number(text: str, label: str, part: str) -> int:
    if not (part.isascii() and part.isdigit() and len(part) < 20):
        raise InvalidInputError(
            f"chunker {shown(text)}: Chunker parameter {label} must be an integer, not {shown(part)}"
        )
    value = int(part)
    if value == 0:
        raise InvalidInputError(f"chunker {shown(text)}: sizes must be greater than 0")
    if value > MAX_CHUNK:
        raise LimitError(
            f"chunker {shown(text)}: {value} exceeds the maximum chunk size of {MAX_CHUNK} bytes",
            detail={"limit": MAX_CHUNK},
        )
    return value


def _parse_rabin(text: str, parts: list[str]) -> Chunker:
    if not parts:
        return Rabin(DEFAULT_SIZE // 3, DEFAULT_SIZE, DEFAULT_SIZE + DEFAULT_SIZE // 2)
    if len(parts) == 1:
        average = _number(text, "avg", parts[0])
        largest = average + average // 2
        if largest > MAX_CHUNK:
            raise LimitError(
                f"chunker {shown(text)}: chunks of up to {largest} bytes exceed the maximum of {MAX_CHUNK}",
                detail={"limit": MAX_CHUNK},
            )
        return Rabin(average // 3, average, largest)
    if len(parts) != 3:
        raise InvalidInputError(f"chunker {shown(text)}: use 'rabin', 'rabin-AVG' or 'rabin-MIN-AVG-MAX'")
    sizes = []
    for label, part in zip(("min", "avg", "max"), parts, strict=True):
        given, colon, number = part.rpartition(":")
        if colon and given != label:
            raise InvalidInputError(f"chunker {shown(text)}: the label of {number} must be {label}, not {given}")
        sizes.append(_number(text, label, number))
    least, average, largest = sizes
    if least < _RABIN_LEAST_MIN:
        raise InvalidInputError(
            f"chunker {shown(text)}: rabin min must be greater than {_RABIN_LEAST_MIN}, not {least}"
        )
    if least >= average:
        raise InvalidInputError(f"chunker {shown(text)}: rabin-min must be smaller than rabin-avg")
    if average >= largest:
        raise InvalidInputError(f"chunker {shown(text)}: rabin-avg must be smaller than rabin-max")
    return Rabin(least, average, largest)


class FixedSize:
    """Chunks of `size` bytes, the last one shorter; chunks inside one piece are views of it, not copies."""

    slow = False

    def __init__(self, size: int) -> None:
        self._size = self.wished = size
        self._parts: list[memoryview] = []
        self._held = 0

    def feed(self, piece: Chunk) -> Iterator[Chunk]:
        """Take the next bytes; yield the chunks that are complete."""
        size = self._size
        if type(piece) is bytes and len(piece) == size and not self._held:
            yield piece
            return
        view = memoryview(piece)
        at = 0
        if self._held:
            at = min(size - self._held, len(view))
            self._parts.append(view[:at])
            self._held += at
            if self._held < size:
                self._compact()
                return
            yield b"".join(self._parts)
            self._parts, self._held = [], 0
        while len(view) - at >= size:
            yield view[at : at + size]
            at += size
        if at < len(view):
            self._parts = [view[at:]]
            self._held = len(view) - at

    def _compact(self) -> None:
        # A chunk gathered from very small pieces would hold an object for each of them.
        if len(self._parts) >= 1024:
            self._parts = [memoryview(b"".join(self._parts))]

    def finish(self) -> Iterator[Chunk]:
        """Yield the last, shorter chunk, if there is one."""
        if self._held:
            yield self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        self._parts, self._held = [], 0
