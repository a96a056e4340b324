"""Segments that are open for reading, and blocks read from them."""

from __future__ import annotations

import os
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from ipfs_comm.blockstore import _locks
from ipfs_comm.blockstore._segment import Location, path_of, read_record, sums_of
from ipfs_comm.errors import HashMismatchError, UnknownHashError
from ipfs_comm.ipld import Multihash, multihash

if TYPE_CHECKING:
    from pathlib import Path

#: Segments that are kept open when nobody reads from them.
_MOST: Final = 64


class Reader:
    """A segment open for reading; its descriptor is closed when nobody uses it."""

    __slots__ = ("_fd", "_path", "_sums", "users")

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd = _locks.open_file(path, write=False)
        try:
            self._sums = sums_of(self._fd)
        except OSError:
            os.close(self._fd)
            raise
        #: How many threads are reading.
        self.users = 0

    def read(self, key: bytes, place: Location) -> bytes:
        """Return a block; raises HashMismatchError where its checksum says that the record is damaged."""
        return read_record(self._fd, self._path, key, place, self._sums)

    def read_hashed(self, key: bytes, place: Location) -> bytes:
        """Return a block that has its hash; where nothing here computes it, the checksum must do.

        Raises
        ------
        HashMismatchError
            The record is damaged, or was wrong from the beginning.
        """
        data = read_record(self._fd, self._path, key, place, ())
        try:
            multihash.verify(Multihash.decode(key), data)
        except UnknownHashError:
            return self.read(key, place)
        except HashMismatchError as error:
            # Says that the record is damaged, if it is.
            self.read(key, place)
            raise HashMismatchError(
                f"{error}; its record in {self._path} is whole, so it was wrong when it was put: remove the block",
                detail={**error.detail, "path": str(self._path)},
            ) from error
        return data

    def close(self) -> None:
        """Close the segment."""
        os.close(self._fd)


class Readers:
    """The readers of a folder of segments; the caller lets one thread at a time in.

    Parameters
    ----------
    folder : Path
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: OrderedDict[int, Reader] = OrderedDict()
        self._most = _MOST

    def open(self, number: int) -> Reader:
        """Return the reader of a segment; raises FileNotFoundError where there is no such segment."""
        reader = self._open.get(number)
        if reader is None:
            path = path_of(self._folder, number)
            reader = self._open[number] = Reader(path)
        self._open.move_to_end(number)
        return reader

    def drop_idle(self) -> None:
        """Close what was used longest ago, where there are many."""
        for number in list(self._open)[: max(0, len(self._open) - self._most)]:
            self.forget(number)

    def forget(self, number: int) -> None:
        """Close a segment, unless somebody is reading from it."""
        reader = self._open.get(number)
        if reader is not None and not reader.users:
            self._open.pop(number).close()

    def close(self) -> None:
        """Close all of them; where a thread is reading, `drop_idle` does so after it."""
        self._most = 0
        self.drop_idle()
