"""The whole records of a segment, also those behind a damaged one.

A record names its own length, so damage there hides where the next one begins. It is found by the mark that every
record has, and believed when its checksum and its hash are right: content of a block can look like a record too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ipfs_comm.blockstore import _locks
from ipfs_comm.blockstore._segment import HEAD, MARK, record_size, scan
from ipfs_comm.blockstore.base import MAX_BLOCK_SIZE
from ipfs_comm.errors import HashMismatchError, InvalidInputError, UnknownHashError
from ipfs_comm.ipld import Multihash, multihash

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Bytes of a segment looked through at once.
_WINDOW: Final = 1 << 20
#: Longest multihash that a record behind a damaged one is expected to have.
_MAX_NAME: Final = 130
#: Bytes of what only looks like a record that are read for one window; then the next one is looked through. What is
#: stored may have been made to look like many records.
_EFFORT: Final = 8 << 20


def matches(key: bytes, data: bytes, *, unknown: bool = True) -> bool:
    """Tell whether data has the multihash; ``unknown`` is the answer where nothing here can compute it."""
    try:
        multihash.verify(Multihash.decode(key), data)
    except UnknownHashError:
        return unknown
    except (HashMismatchError, InvalidInputError):
        return False
    return True


def whole_records(fd: int, start: int, end: int) -> Iterator[tuple[bytes, bytes, int]]:
    """Yield (multihash, data, offset) of the whole records from `start` to `end`, passing over damaged ones.

    Linear in the bytes between, whatever they are.
    """
    at: int | None = start
    while at is not None:
        for key, data, offset in scan(fd, at, end):
            at = offset + record_size(key, len(data))
            if matches(key, data):
                yield key, data, offset
        at = _next(fd, at + 1, end)


def _next(fd: int, start: int, end: int) -> int | None:
    """Return where the next whole record begins; None where there is none."""
    mark = MARK.to_bytes(2, "little")
    # The mark is the last field of the head.
    before = HEAD.size - len(mark)
    window = start
    while window + HEAD.size < end:
        content = _locks.read_at(fd, min(_WINDOW, end - window), window)
        effort = _EFFORT
        found = content.find(mark, before)
        while found != -1 and effort > 0:
            offset = window + found - before
            _, size, name_size, _ = HEAD.unpack_from(content, found - before)
            whole = HEAD.size + name_size + size
            if size <= MAX_BLOCK_SIZE and 2 <= name_size <= _MAX_NAME and offset + whole <= end:
                effort -= whole
                if _is_record(fd, offset, offset + whole):
                    return offset
            found = content.find(mark, found + 1)
        if len(content) < _WINDOW:
            return None
        window += len(content) - HEAD.size + 1
    return None


def _is_record(fd: int, start: int, end: int) -> bool:
    first = next(scan(fd, start, end), None)
    return first is not None and matches(first[0], first[1], unknown=False)
