"""The files of the persistent blockstore: segments and their index, for any thread of a pool."""

from __future__ import annotations

import threading
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from ipfs_comm.blockstore import _faults, _fork, _locks, _repository
from ipfs_comm.blockstore._compact import Victim, live_records, victims_of
from ipfs_comm.blockstore._index import REMEDY, ROW, DamagedRowError, Index
from ipfs_comm.blockstore._readers import Reader, Readers
from ipfs_comm.blockstore._segment import (
    MAGIC,
    SEGMENT_LIMIT,
    Location,
    OwnedSegment,
    path_of,
    read_record,
    sums_of,
)
from ipfs_comm.blockstore._take_over import take_over
from ipfs_comm.blockstore.room import Room, size_of
from ipfs_comm.errors import HashMismatchError, NoSpaceError, RepositoryError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from ipfs_comm.blockstore._gathered import Found

R = TypeVar("R")

#: Records that may wait for the index; beyond that a commit happens by itself.
_MAX_PENDING: Final = 16_384
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
    storage_max, storage_reserve : int, optional
        See `Room`.
    hash_on_read : bool
        Verify every block that is read by its hash as well.
    stopped : callable, optional
        See `_repository.enter`.
    create : bool
        Make the repository where there is none.
    """

    def __init__(
        self,
        directory: Path,
        *,
        storage_max: int | None = None,
        storage_reserve: int | None = None,
        hash_on_read: bool = False,
        stopped: Callable[[float], bool] | None = None,
        create: bool = True,
    ) -> None:
        hold = _repository.enter(directory, stopped, create=create)
        self.directory = directory
        self.storage_max = storage_max
        self._room = Room(directory, limit=storage_max, reserve=storage_reserve)
        #: The most bytes that may gather before they are written.
        self.step = self._room.step
        self._folder = directory / "segments"
        self._hash_on_read = hash_on_read
        # Why the disk could not keep what was appended; then nothing more is, since nobody knows what of it is there.
        self._failure: OSError | None = None
        self._hold = hold
        self._lock = threading.Lock()
        _fork.waits_for(self._lock)
        self._commit_lock = threading.Lock()
        self._owned: list[OwnedSegment] = []
        self._readers = Readers(self._folder)
        # What the index does not know yet; None for a block to be removed.
        self._pending: dict[bytes, Location | None] = {}
        with self._lock:
            try:
                self._folder.mkdir(mode=0o700, exist_ok=True)
                self._index = Index(directory, network=hold.network)
            except BaseException as error:
                hold.leave()
                if isinstance(error, OSError):
                    _repository.refuse(directory, error)
                raise
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
        except _faults.ERRORS as error:
            raise _faults.translated(self._index.path, error, REMEDY) from error

    def _take_over(self) -> None:
        segment = take_over(self._folder, self._index)
        if segment is not None:
            self._owned.append(segment)

    def find(self, key: bytes) -> Location | None:
        """Return where a block is, if it is anywhere."""
        with self._lock:
            return self._guarded(lambda: self._find(key))

    def _find(self, key: bytes) -> Location | None:
        if key in self._pending:
            return self._pending[key]
        return self._index.find(key)

    def read(self, keys: Sequence[bytes]) -> list[Found]:
        """Return of each block its data, None if it is nowhere, or what keeps it from being read."""
        found: list[Found] = [None] * len(keys)
        opened: list[tuple[int, Location, Reader]] = []
        try:
            with self._lock:
                known = self._known(keys)
                for at, key in enumerate(keys):
                    try:
                        place = self._guarded(partial(self._open_for, key, known))
                    except Exception as error:
                        found[at] = error
                        continue
                    if place is not None:
                        place[1].users += 1
                        opened.append((at, *place))
            for at, location, reader in opened:
                read = reader.read_hashed if self._hash_on_read else reader.read
                try:
                    found[at] = self._guarded(partial(read, keys[at], location))
                except Exception as error:
                    found[at] = error
        finally:
            with self._lock:
                for _, _, reader in opened:
                    reader.users -= 1
                self._readers.drop_idle()
        return found

    def find_many(self, keys: Sequence[bytes]) -> list[bool]:
        """Tell of blocks whether they are anywhere."""
        with self._lock:
            known = self._guarded(lambda: self._index.find_many(keys))
            return [self._pending.get(key, known.get(key)) is not None for key in keys]

    def _known(self, keys: Sequence[bytes]) -> Mapping[bytes, Location] | None:
        """Return where the index says that blocks are; None where each is better looked up by itself."""
        if len(keys) == 1:
            return None
        try:
            return self._index.find_many(keys)
        except _faults.ERRORS:
            # Met again by those that it is about.
            return None

    def _open_for(self, key: bytes, known: Mapping[bytes, Location] | None = None) -> tuple[Location, Reader] | None:
        """Return where a block is, and its segment open; what is ``known`` is looked up no more, unless it has gone."""
        before: Location | None = None
        for _ in range(_MOVES):
            place = self._find(key) if known is None or key in self._pending else known.get(key)
            known = None
            if place is None:
                return None
            try:
                return place, self._readers.open(place.segment)
            except FileNotFoundError as error:
                # Garbage collection in another process may have moved the block since we looked.
                if place == before:
                    raise self._lost(key, place) from error
                before = place
        raise RepositoryError(
            f"block {key.hex()} (multihash) is moved again and again by garbage collections of {self.directory}: try "
            "once more",
            detail={"path": str(self.directory), "multihash": key.hex()},
        )

    def _lost(self, key: bytes, place: Location) -> HashMismatchError:
        path = path_of(self._folder, place.segment)
        return HashMismatchError(
            f"block {key.hex()} (multihash) was in {path}, and that file is not there: bring it back, or add the "
            "block's content again, which writes it anew",
            detail={"path": str(path), "multihash": key.hex()},
        )

    def whole(self, key: bytes) -> bool:
        """Tell whether a block is somewhere, and its record is whole."""
        with self._lock:
            return self._guarded(lambda: self._pending.get(key) is not None or self._stands(key))

    def room(self, needed: int, waiting: int) -> int:
        """Return how many bytes may be written before this is to be asked again; see `Room.grant`."""
        with self._lock:
            waiting += ROW * len(self._pending)
        return self._guarded(lambda: self._room.grant(needed, waiting, self._tidy))

    def _tidy(self) -> None:
        with self._commit_lock, self._lock:
            self._index.shrink()

    def write(self, blocks: list[tuple[bytes, bytes]]) -> None:
        """Append the blocks that are not there yet, or damaged; the index learns of them at the next commit."""
        with self._lock:
            self._usable()
            self._guarded(lambda: self._write(blocks))
            self._readers.drop_idle()
            full = len(self._pending) >= _MAX_PENDING
        if full:
            self.commit()

    def _write(self, blocks: list[tuple[bytes, bytes]]) -> None:
        there = self._index.having([key for key, _ in blocks])
        new: list[tuple[bytes, bytes]] = []
        for key, data in blocks:
            if key in self._pending:
                if self._pending[key] is not None:
                    continue
                if key in there and self._stands(key):
                    del self._pending[key]
                    continue
            elif key in there and self._stands(key):
                continue
            new.append((key, data))
        if new:
            self._append(new)

    def _stands(self, key: bytes) -> bool:
        """Tell whether the index knows a block whose record is whole."""
        try:
            place = self._index.find(key)
            if place is None:
                return False
            self._readers.open(place.segment).read(key, place)
        except (DamagedRowError, FileNotFoundError, HashMismatchError):
            # Whoever puts the block now has what heals it.
            return False
        return True

    def _append(self, new: Sequence[tuple[bytes, bytes]]) -> None:
        if not self._owned or self._owned[-1].end >= SEGMENT_LIMIT:
            self._owned.append(OwnedSegment.create(self._folder, self._index.last_segment()))
        self._pending.update(self._owned[-1].append(new))

    def forget(self, keys: Sequence[bytes]) -> None:
        """Let the next commit remove blocks."""
        with self._lock:
            rows = self._guarded(lambda: self._index.having(keys))
            for key in keys:
                if key in rows:
                    self._pending[key] = None
                else:
                    self._pending.pop(key, None)
            full = len(self._pending) >= _MAX_PENDING
        if full:
            self.commit()

    def usage(self, fresh: Sequence[bytes] | None) -> tuple[int, int]:
        """Return how many blocks there are, and the bytes of all files.

        Parameters
        ----------
        fresh : sequence of bytes or None
            Multihashes of blocks that are yet to be written, counted if they are not there; None counts nothing.
        """
        with self._lock:
            blocks = 0 if fresh is None else self._guarded(lambda: self._count(fresh))
        return blocks, self._guarded(lambda: size_of(self.directory))

    def _count(self, fresh: Sequence[bytes]) -> int:
        gone = sum(place is None for place in self._pending.values())
        added = [key for key, place in self._pending.items() if place is not None]
        added += [key for key in fresh if key not in self._pending]
        return self._index.count() - gone + len(added) - len(self._index.having(added))

    def uncommitted(self) -> tuple[set[bytes], set[bytes]]:
        """Return the multihashes that the index does not know yet, and those that it is to forget."""
        with self._lock:
            added = {key for key, place in self._pending.items() if place is not None}
            return added, self._pending.keys() - added

    def page(self, after: bytes) -> list[bytes]:
        """Return the next committed multihashes."""
        with self._lock:
            return self._guarded(lambda: self._index.page(after, _PAGE))

    def check(self) -> None:
        """Look whether the index is whole."""
        with self._lock:
            self._guarded(self._index.check)

    def flush(self) -> None:
        """Let the disk have what was appended so far, so that the next commit has less to wait for."""
        with self._commit_lock:
            with self._lock:
                ends = [(segment, segment.end) for segment in self._owned if segment.end > segment.committed]
            self._guarded(lambda: self._sync(ends))

    def _sync(self, ends: Iterable[tuple[OwnedSegment, int]]) -> None:
        try:
            for segment, _ in ends:
                _locks.datasync(segment.fd)
        except OSError as error:
            # A second attempt would succeed, and prove nothing: the system forgets what it could not write.
            self._failure = error
            raise

    def _usable(self) -> None:
        if self._failure is not None:
            raise RepositoryError(
                f"the disk of the repository {self.directory} has failed to keep what was written "
                f"({self._failure.strerror}): check it and open the repository anew; what was acknowledged before is "
                "there",
                detail={"path": str(self.directory)},
            ) from self._failure

    def commit(self, *, durable_index: bool = False) -> None:
        """Make everything written so far durable, then known to the index."""
        with self._commit_lock:
            self._usable()
            with self._lock:
                pending = dict(self._pending)
                ends = [(segment, segment.end) for segment in self._owned if segment.end > segment.committed]
            if not pending and not ends and not durable_index:
                return
            self._hold.verify()
            # Reading and appending go on while the disk works.
            self._guarded(lambda: self._sync(ends))
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
                self._guarded(partial(self._empty, victim))
            except NoSpaceError:
                # There is no room to move the rest; what could be given back without has been.
                break
        # A segment is made before the index knows it, so what it knows and is not there has been removed.
        gone = [number for number in committed if not path_of(self._folder, number).exists()]
        with self._commit_lock, self._lock:
            with suppress(NoSpaceError):
                # A full disk keeps a few rows more until the next time.
                self._guarded(lambda: self._index.forget_segments(gone))
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
                for batch in live_records(old.fd, old.end, partial(self._living, old.number)):
                    if batch:
                        with self._lock:
                            self._append([(key, data) for key, data, _ in batch])
                    moved += len(batch)
            if moved != victim.live:
                moved += self._move_rest(old)
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
            self._readers.forget(old.number)
        old.remove()
        _locks.sync_directory(self._folder)

    def _move_rest(self, old: OwnedSegment) -> int:
        """Move the live blocks behind a damaged record, and return how many there are."""
        with self._lock:
            places = self._index.blocks_in(old.number)
        sums = sums_of(old.fd)
        moved = 0
        for key, place in places:
            if not self._living(old.number, [(key, place.offset)]):
                continue
            try:
                data = read_record(old.fd, old.path, key, place, sums)
            except HashMismatchError:
                # It stays where it is, and so does its segment, until its content is added again.
                continue
            with self._lock:
                self._append([(key, data)])
            moved += 1
        return moved

    def _living(self, number: int, records: Sequence[tuple[bytes, int]]) -> set[int]:
        """Return the offsets of those records of a segment, by multihash and offset, that are where a block is."""
        with self._lock:
            known = self._index.find_many([key for key, _ in records])
            places = [self._pending.get(key, known.get(key)) for key, _ in records]
        at = [None if place is None else (place.segment, place.offset) for place in places]
        return {offset for (_, offset), place in zip(records, at, strict=True) if place == (number, offset)}

    def close(self) -> None:
        """Give back every handle and lock; what was not committed stays for the next owner."""
        with self._commit_lock, self._lock:
            self._release()

    def _release(self) -> None:
        for segment in self._owned:
            segment.release()
        self._owned.clear()
        self._readers.close()
        try:
            self._guarded(self._index.close)
        finally:
            self._hold.leave()


_ABSENT: Final = object()
