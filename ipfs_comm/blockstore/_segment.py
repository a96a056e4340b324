"""Segment files: records appended one after another, each with a checksum.

File: 16 bytes of header (magic, format), then records. Record, little-endian: checksum of all that follows (4 bytes),
length of the data (4), length of the multihash (2), a fixed mark (2), the multihash, the data. A record is whole or it
is not there: whatever follows the last whole record is cut off by the next owner.

The checksum is the low half of XXH3-64, many times as fast as what it guards is copied; in format 1 it is CRC-32.
Segments of format 1 are read and recovered, and take no more records.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from ipfs_comm.blockstore import _locks
from ipfs_comm.blockstore.base import MAX_BLOCK_SIZE
from ipfs_comm.errors import HashMismatchError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Makes a record's checksum of what follows it: the rest of its head, and its data.
Sum: TypeAlias = Callable[[bytes, bytes], int]

MAGIC: Final = b"ipfs-seg" + (2).to_bytes(4, "little") + bytes(4)
_MAGIC_1: Final = b"ipfs-seg" + (1).to_bytes(4, "little") + bytes(4)
#: A segment that has reached this many bytes takes no more records.
SEGMENT_LIMIT: Final = 256 * 1024 * 1024
SUFFIX: Final = ".seg"

HEAD: Final = struct.Struct("<IIHH")
_TAIL: Final = struct.Struct("<IHH")
MARK: Final = 0x1BF5


class Location(NamedTuple):
    """Where a block is: segment number, offset of its record, bytes of its data."""

    segment: int
    offset: int
    size: int


def _crc32(tail: bytes, data: bytes) -> int:
    return zlib.crc32(data, zlib.crc32(tail))


def _xxh3(tail: bytes, data: bytes) -> int:
    from xxhash import xxh3_64

    made = xxh3_64(tail)
    made.update(data)
    return made.intdigest() & 0xFFFFFFFF


_SUMS: Final[Mapping[bytes, tuple[Sum, ...]]] = {MAGIC: (_xxh3,), _MAGIC_1: (_crc32,)}
_ANY_SUM: Final = (_xxh3, _crc32)


def sums_of(fd: int) -> tuple[Sum, ...]:
    """Return the checksums that the records of an open segment may have: one, if its header is whole."""
    return _SUMS.get(_locks.read_at(fd, len(MAGIC), 0), _ANY_SUM)


def _is_right(sums: Sequence[Sum], checksum: int, tail: bytes, data: bytes) -> bool:
    return any(make(tail, data) == checksum for make in sums)


def path_of(folder: Path, number: int) -> Path:
    """Return the path of a segment."""
    return folder / f"{number:08d}{SUFFIX}"


def numbers_in(folder: Path) -> list[int]:
    """Return the numbers of the segments in a folder, ascending."""
    return sorted(
        int(entry.name[: -len(SUFFIX)])
        for entry in os.scandir(folder)
        if entry.name.endswith(SUFFIX) and entry.name[: -len(SUFFIX)].isdigit()
    )


def record_size(multihash: bytes, size: int) -> int:
    """Return how many bytes a record takes."""
    return HEAD.size + len(multihash) + size


def record(multihash: bytes, data: bytes) -> tuple[bytes, bytes]:
    """Return a record as two parts, its head and its data."""
    tail = _TAIL.pack(len(data), len(multihash), MARK) + multihash
    return _xxh3(tail, data).to_bytes(4, "little") + tail, data


def read_record(fd: int, path: Path, multihash: bytes, location: Location, sums: Sequence[Sum]) -> bytes:
    """Return a record's data, which has one of the checksums; where there are none, the caller compares the hash.

    Raises
    ------
    HashMismatchError
        The record is damaged or cut off.
    """
    head_size = HEAD.size + len(multihash)
    head = _locks.read_at(fd, head_size, location.offset)
    data = _locks.read_at(fd, location.size, location.offset + head_size)
    expected = _TAIL.pack(location.size, len(multihash), MARK) + multihash
    if (
        head[4:] != expected
        or len(data) != location.size
        or (sums and not _is_right(sums, int.from_bytes(head[:4], "little"), expected, data))
    ):
        raise HashMismatchError(
            f"the record of block {multihash.hex()} (multihash) at byte {location.offset} of {path} is damaged: "
            "add its content again, which writes it anew, and check the disk",
            detail={"path": str(path), "offset": location.offset, "multihash": multihash.hex()},
        )
    return data


def scan(fd: int, start: int, end: int) -> Iterator[tuple[bytes, bytes, int]]:
    """Yield (multihash, data, offset) of the whole records from `start`, up to the first that is not whole."""
    sums = sums_of(fd)
    offset = start
    while offset + HEAD.size <= end:
        head = _locks.read_at(fd, HEAD.size, offset)
        if len(head) < HEAD.size:
            return
        checksum, size, name_size, mark = HEAD.unpack(head)
        whole = HEAD.size + name_size + size
        if mark != MARK or size > MAX_BLOCK_SIZE or offset + whole > end:
            return
        body = _locks.read_at(fd, name_size + size, offset + HEAD.size)
        if len(body) != name_size + size or not _is_right(sums, checksum, head[4:], body):
            return
        yield body[:name_size], body[name_size:], offset
        offset += whole


class OwnedSegment:
    """A segment whose lock this process holds: the only one that appends to it.

    Parameters
    ----------
    number : int
    path : Path
    fd : int
        Open for reading and writing, locked; belongs to this object.
    """

    def __init__(self, number: int, path: Path, fd: int) -> None:
        self.number = number
        self.path = path
        self.fd = fd
        self.end = os.fstat(fd).st_size
        #: Bytes that the index knows to be good.
        self.committed = 0

    @classmethod
    def take(cls, folder: Path, number: int) -> OwnedSegment | None:
        """Return an existing segment, locked; None where another process owns it or it has gone."""
        path = path_of(folder, number)
        try:
            fd = _locks.open_file(path)
        except FileNotFoundError:
            return None
        if not _locks.try_lock(fd):
            os.close(fd)
            return None
        if not os.fstat(fd).st_nlink:
            # Removed by a garbage collection between our opening and our locking it.
            _locks.unlock(fd)
            os.close(fd)
            return None
        return cls(number, path, fd)

    @classmethod
    def create(cls, folder: Path, above: int = 0) -> OwnedSegment:
        """Return a new segment with the next free number, locked.

        Parameters
        ----------
        folder : Path
        above : int
            The largest number that has been in use: others may have a removed segment of that number open still.
        """
        number = max((numbers_in(folder) or [0])[-1], above)
        while True:
            number += 1
            path = path_of(folder, number)
            try:
                fd = _locks.open_file(path, create=True, exclusive=True)
            except FileExistsError:
                continue
            # Another process may look for unlocked segments at this very moment; then it keeps this one.
            if not _locks.try_lock(fd):
                os.close(fd)
                continue
            if not os.fstat(fd).st_nlink:
                _locks.unlock(fd)
                os.close(fd)
                continue
            segment = cls(number, path, fd)
            try:
                segment.cut(0)
                _locks.sync_directory(folder)
            except OSError:
                segment.remove()
                raise
            return segment

    def cut(self, end: int) -> None:
        """Cut everything from `end` on; where no records are left, the header is written anew."""
        if end < self.end:
            os.ftruncate(self.fd, end)
        if end <= len(MAGIC) and not self.takes_more:
            _locks.write_at(self.fd, (MAGIC,), 0)
        self.end = max(end, len(MAGIC))

    @property
    def takes_more(self) -> bool:
        """Whether records may be appended: not to a segment of an older format, nor behind a damaged header."""
        return _locks.read_at(self.fd, len(MAGIC), 0) == MAGIC

    def append(self, blocks: Sequence[tuple[bytes, bytes]]) -> list[tuple[bytes, Location]]:
        """Write records; on an error the segment is as it was before."""
        parts: list[bytes] = []
        places: list[tuple[bytes, Location]] = []
        end = self.end
        for multihash, data in blocks:
            parts += record(multihash, data)
            places.append((multihash, Location(self.number, end, len(data))))
            end += record_size(multihash, len(data))
        try:
            _locks.write_at(self.fd, parts, self.end)
        except OSError:
            os.ftruncate(self.fd, self.end)
            raise
        self.end = end
        return places

    def remove(self) -> bool:
        """Remove the file and give the lock back; False where the platform refuses, as others have it open."""
        try:
            # Before the lock is given back, so that nobody takes it over in between.
            self.path.unlink(missing_ok=True)
        except PermissionError:
            # Windows removes no file that is open, not even for us.
            self.release()
            try:
                self.path.unlink(missing_ok=True)
            except PermissionError:
                return False
            return True
        except BaseException:
            self.release()
            raise
        self.release()
        return True

    def release(self) -> None:
        """Give the lock and the handle back."""
        _locks.unlock(self.fd)
        os.close(self.fd)
