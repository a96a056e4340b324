"""The files of the persistent blockstore: segments and their index, for any thread of a pool."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Final, TypeVar

from ipfs_comm.blockstore import _locks, _repository
from ipfs_comm.blockstore._compact import Victim, live_records, victims_of
from ipfs_comm.blockstore._index import Index
from ipfs_comm.blockstore._segment import (
    MAGIC,
    SEGMENT_LIMIT,
    Location,
    OwnedSegment,
    numbers_in,
    path_of,
    read_record,
    record_size,
    scan,
)
from ipfs_comm.errors import HashMismatchError, InvalidInputError, NoSpaceError, RepositoryError, UnknownHashError
from ipfs_comm.ipld import Multihash, multihash

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

R = TypeVar("R")

#: Records that may wait for the index; beyond that a commit happens by itself.
_MAX_PENDING: Final = 16_384
#: Segments of other processes kept open for reading.
_MAX_READERS: Final = 64
#: Multihashes fetched from the index at once.
_PAGE: Final = 1000
#: Times that a block is looked up whose segment has just been removed: each time it was moved elsewhere.
_MOVES: Final = 5


class Files:
    """The blocking half of the store: every method may be called from any thread of the pool.

    Parameters
    ----------
    directory : Path
        The repository; made if need be.
    """

    def __init__(self, directory: Path) -> None:
        _repository.prepare(directory)
        self.directory = directory
        self._folder = directory / "segments"
        self._lock = threading.Lock()
        self._commit_lock = threading.Lock()
        self._owned: list[OwnedSegment] = []
        self._readers: OrderedDict[int, _Reader] = OrderedDict()
        # What the index does not know yet; None for a block to be removed.
        self._pending: dict[bytes, Location | None] = {}
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            self._index = Index(directory)
        except OSError as error:
            _repository.refuse(directory, error)
        try:
            self._guarded(self._take_over)
        except BaseException:
            self._release()
            raise

    def _guarded(self, work: Callable[[], R]) -> R:
        """Return what `work` returns, the operating system's and SQLite's errors turned into ours."""
        try:
            return work()
        except OSError as error:
            _repository.refuse(self.directory, error)
        except sqlite3.DatabaseError as error:
            detail = {"path": str(self.directory)}
            if error.sqlite_errorname == "SQLITE_FULL":
                raise NoSpaceError(
                    f"no room left on the disk of the repository {self.directory}: remove files or blocks there",
                    detail=detail,
                ) from error
            raise RepositoryError(
                f"the index of the repository {self.directory} cannot be used: {error}. It can be made again "
                "from the segments: "
                "move index.sqlite away while no process uses it, and open the repository once more",
                detail=detail,
            ) from error

    def _take_over(self) -> None:
        """Recover what dead processes left; keep one segment with room, if there is one, as ours."""
        committed = self._index.committed()
        for number in numbers_in(self._folder):
            try:
                size = path_of(self._folder, number).stat().st_size
            except FileNotFoundError:
                continue
            known = committed.get(number, 0)
            if size <= known and (self._owned or size < known or size >= SEGMENT_LIMIT):
                continue
            segment = OwnedSegment.take(self._folder, number)
            if segment is None:
                continue
            try:
                # Its owner may have committed between our look at the index and its end.
                segment.committed = self._index.committed().get(number, 0)
                self._recover(segment)
            except BaseException:
                segment.release()
                raise
            if self._owned or segment.end >= SEGMENT_LIMIT or segment.end < segment.committed:
                segment.release()
            else:
                self._owned.append(segment)

    def _recover(self, segment: OwnedSegment) -> None:
        if segment.end <= segment.committed:
            return
        start = max(segment.committed, len(MAGIC))
        end = start
        found: list[tuple[bytes, Location]] = []
        for key, data, offset in scan(segment.fd, start, segment.end):
            if not _matches(key, data):
                break
            found.append((key, Location(segment.number, offset, len(data))))
            end = offset + record_size(key, len(data))
            if len(found) >= _MAX_PENDING:
                self._index.commit(found, (), {segment.number: end})
                found = []
        segment.cut(end)
        _locks.datasync(segment.fd)
        segment.committed = segment.end
        self._index.commit(found, (), {segment.number: segment.end})

    def find(self, key: bytes) -> Location | None:
        """Return where a block is, if it is anywhere."""
        with self._lock:
            return self._guarded(lambda: self._find(key))

    def _find(self, key: bytes) -> Location | None:
        if key in self._pending:
            return self._pending[key]
        return self._index.find(key)

    def read(self, key: bytes) -> bytes | None:
        """Return a block's data, if it is anywhere."""
        with self._lock:
            found = self._guarded(lambda: self._open_for(key))
            if found is None:
                return None
            place, reader = found
            reader.users += 1
        try:
            return self._guarded(lambda: read_record(reader.fd, reader.path, key, place))
        finally:
            with self._lock:
                reader.users -= 1
                self._drop_idle_readers()

    def read_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """Return the data of blocks, None for those that are not anywhere."""
        return [self.read(key) for key in keys]

    def find_many(self, keys: Sequence[bytes]) -> list[bool]:
        """Tell of blocks whether they are anywhere."""
        with self._lock:
            return [self._guarded(lambda key=key: self._find(key)) is not None for key in keys]  # type: ignore[misc]  # mypy infers no lambda with a default

    def _open_for(self, key: bytes) -> tuple[Location, _Reader] | None:
        """Return where a block is, and its segment open."""
        for attempt in range(_MOVES):
            place = self._find(key)
            if place is None:
                return None
            try:
                return place, self._reader(place.segment)
            except FileNotFoundError:
                # Garbage collection in another process has moved the block since we looked.
                if attempt == _MOVES - 1:
                    raise
        return None

    def _reader(self, number: int) -> _Reader:
        reader = self._readers.get(number)
        if reader is None:
            path = path_of(self._folder, number)
            reader = self._readers[number] = _Reader(path, _locks.open_file(path, write=False))
        self._readers.move_to_end(number)
        return reader

    def _drop_idle_readers(self) -> None:
        for number in list(self._readers)[: max(0, len(self._readers) - _MAX_READERS)]:
            if self._readers[number].users == 0:
                os.close(self._readers.pop(number).fd)

    def write(self, blocks: list[tuple[bytes, bytes]]) -> None:
        """Append the blocks that are not there yet; the index learns of them at the next commit."""
        with self._lock:
            self._guarded(lambda: self._write(blocks))
            full = len(self._pending) >= _MAX_PENDING
        if full:
            self.commit()

    def _write(self, blocks: list[tuple[bytes, bytes]]) -> None:
        new: list[tuple[bytes, bytes]] = []
        for key, data in blocks:
            if key in self._pending:
                if self._pending[key] is not None:
                    continue
                if self._index.find(key) is not None:
                    del self._pending[key]
                    continue
            elif self._index.find(key) is not None:
                continue
            new.append((key, data))
        if new:
            self._append(new)

    def _append(self, new: Sequence[tuple[bytes, bytes]]) -> None:
        if not self._owned or self._owned[-1].end >= SEGMENT_LIMIT:
            self._owned.append(OwnedSegment.create(self._folder, self._index.last_segment()))
        self._pending.update(self._owned[-1].append(new))

    def forget(self, keys: Iterable[bytes]) -> None:
        """Let the next commit remove blocks."""
        with self._lock:
            for key in keys:
                if self._guarded(lambda key=key: self._index.find(key)) is not None:  # type: ignore[misc]  # mypy infers no lambda with a default
                    self._pending[key] = None
                else:
                    self._pending.pop(key, None)
            full = len(self._pending) >= _MAX_PENDING
        if full:
            self.commit()

    def usage(self, count: bool) -> tuple[int, int]:
        """Return how many committed blocks there are, and the bytes of all files."""
        with self._lock:
            blocks = self._guarded(self._index.count) if count else 0
        return blocks, self._guarded(lambda: _size_of(self.directory))

    def uncommitted(self) -> tuple[set[bytes], set[bytes]]:
        """Return the multihashes that the index does not know yet, and those that it is to forget."""
        with self._lock:
            added = {key for key, place in self._pending.items() if place is not None}
            return added, self._pending.keys() - added

    def page(self, after: bytes) -> list[bytes]:
        """Return the next committed multihashes."""
        with self._lock:
            return self._guarded(lambda: self._index.page(after, _PAGE))

    def commit(self, *, durable_index: bool = False) -> None:
        """Make everything written so far durable, then known to the index."""
        with self._commit_lock:
            with self._lock:
                pending = dict(self._pending)
                ends = [(segment, segment.end) for segment in self._owned if segment.end > segment.committed]
            if not pending and not ends and not durable_index:
                return
            # Reading and appending go on while the disk works.
            self._guarded(lambda: _sync_all(ends))
            with self._lock:
                self._guarded(lambda: self._commit(pending, ends, durable_index))

    def _commit(
        self, pending: dict[bytes, Location | None], ends: list[tuple[OwnedSegment, int]], durable: bool
    ) -> None:
        added = ((key, place) for key, place in pending.items() if place is not None)
        removed = [key for key, place in pending.items() if place is None]
        known = {segment.number: end for segment, end in ends}
        if durable and not known:
            # There must be something to write for a commit to reach the disk.
            known = {
                number: end for number, end in self._index.committed().items() if number == self._index.last_segment()
            }
        self._index.commit(added, removed, known, durable=durable)
        for key, place in pending.items():
            if self._pending.get(key, _ABSENT) == place:
                del self._pending[key]
        for segment, end in ends:
            segment.committed = end
        for segment in self._owned[:-1]:
            if segment.committed == segment.end:
                self._owned.remove(segment)
                segment.release()

    def compact(self) -> None:
        """Remove segments in which nothing is alive, and move what is alive out of those that are mostly dead.

        Only segments that no other process appends to. Crash-safe at every step: what is moved is durable in its new
        place, and the index durably says so, before the old one is removed.
        """
        self.commit()
        with self._commit_lock, self._lock:
            for segment in [segment for segment in self._owned if segment.committed == segment.end]:
                self._owned.remove(segment)
                segment.release()
            mine = {segment.number for segment in self._owned}
            live, committed = self._guarded(self._index.live), self._guarded(self._index.committed)
        victims = self._guarded(lambda: victims_of(self._folder, live, committed, mine))
        for victim in victims:
            try:
                self._guarded(lambda victim=victim: self._empty(victim))  # type: ignore[misc]  # mypy infers no lambda with a default
            except NoSpaceError:
                # There is no room to move the rest; what could be given back without has been.
                break
        with self._commit_lock, self._lock:
            if not self._owned:
                self._guarded(self._take_over)

    def _empty(self, victim: Victim) -> None:
        """Move what is alive out of a segment and remove it, unless somebody needs it meanwhile."""
        old = OwnedSegment.take(self._folder, victim.number)
        if old is None:
            return
        keep = True
        try:
            with self._lock:
                known = self._index.committed().get(victim.number, 0)
            # Committed to since it was chosen, or left by a process that died: the next opener recovers it.
            if known != victim.committed or old.end > max(known, len(MAGIC)):
                return
            moved = 0
            if victim.live:
                for batch in live_records(old.fd, old.end, lambda key, place: self._is_at(key, old.number, place)):
                    with self._lock:
                        self._append([(key, data) for key, data, _ in batch])
                    moved += len(batch)
            if moved != victim.live:
                return
            keep = False
        finally:
            if keep:
                old.release()
        try:
            self.commit(durable_index=True)
        except BaseException:
            old.release()
            raise
        with self._lock:
            reader = self._readers.get(old.number)
            if reader is not None and not reader.users:
                os.close(self._readers.pop(old.number).fd)
        old.remove()
        _locks.sync_directory(self._folder)

    def _is_at(self, key: bytes, number: int, offset: int) -> bool:
        with self._lock:
            place = self._find(key)
        return place is not None and (place.segment, place.offset) == (number, offset)

    def close(self) -> None:
        """Give back every handle and lock; what was not committed stays for the next owner."""
        with self._commit_lock, self._lock:
            self._release()

    def _release(self) -> None:
        for segment in self._owned:
            segment.release()
        self._owned.clear()
        for reader in self._readers.values():
            os.close(reader.fd)
        self._readers.clear()
        self._guarded(self._index.close)


class _Reader:
    """A segment open for reading."""

    __slots__ = ("fd", "path", "users")

    def __init__(self, path: Path, fd: int) -> None:
        self.path = path
        self.fd = fd
        self.users = 0


_ABSENT: Final = object()


def _sync_all(ends: Iterable[tuple[OwnedSegment, int]]) -> None:
    for segment, _ in ends:
        _locks.datasync(segment.fd)


def _size_of(directory: Path) -> int:
    total = 0
    for entry in directory.rglob("*"):
        try:
            total += entry.lstat().st_size
        except FileNotFoundError:
            continue
    return total


def _matches(key: bytes, data: bytes) -> bool:
    try:
        multihash.verify(Multihash.decode(key), data)
    except UnknownHashError:
        # Nothing here can compute it; the record's checksum has vouched for it.
        return True
    except (HashMismatchError, InvalidInputError):
        return False
    return True
