"""The persistent blockstore: append-only segments with an SQLite index, one directory for many processes.

Each process appends to a segment of its own, whose lock it holds. ``sync`` makes its records durable with one fdatasync
and then commits the index, which is when other processes see them. Records beyond what the index knows are left over
from a process that died: whoever opens the repository next takes such a segment over, keeps its whole records and cuts
off the rest.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self, TypeVar

from ipfs_comm.blockstore import _locks, _repository
from ipfs_comm.blockstore._index import Index
from ipfs_comm.blockstore._pool import Pool
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
from ipfs_comm.blockstore.base import Blockstore, check_size, missing
from ipfs_comm.errors import (
    HashMismatchError,
    InvalidInputError,
    NoSpaceError,
    NotFoundError,
    RepositoryError,
    UnknownHashError,
)
from ipfs_comm.ipld import CID, Multihash, multihash

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

R = TypeVar("R")

_RAW: Final = 0x55
#: Blocks are gathered until there are this many bytes or this many of them, then written at once.
_BATCH_BYTES: Final = 1024 * 1024
_BATCH_BLOCKS: Final = 256
#: Records that may wait for the index; beyond that a commit happens by itself.
_MAX_PENDING: Final = 16_384
#: Segments of other processes kept open for reading.
_MAX_READERS: Final = 64
#: CIDs fetched from the index at once.
_PAGE: Final = 1000


class SegmentBlockstore(Blockstore):
    """Blocks in a directory; made by `open`."""

    def __init__(self, files: _Files, pool: Pool) -> None:
        self._files = files
        self._pool = pool
        self._pid = os.getpid()
        self._closed = False
        # Blocks that were put and not yet written; only the loop touches these.
        self._fresh: dict[bytes, bytes] = {}
        self._fresh_bytes = 0
        self._writing: dict[bytes, bytes] = {}
        self._turn = asyncio.Lock()

    @classmethod
    async def open(cls, directory: str | os.PathLike[str]) -> Self:
        """Open a repository's blocks, making the directory (mode 0700) if need be.

        Parameters
        ----------
        directory : path
            Shared by all processes of one user.

        Raises
        ------
        RepositoryError
            The directory belongs to somebody else, can be written by others, is read-only, or has a newer format;
            nothing was written then.
        NoSpaceError
            The disk is full.
        """
        pool = Pool(2, "ipfs_comm-blocks")
        try:
            files = await pool.run(_Files, Path(directory))
        except BaseException:
            pool.close()
            raise
        return cls(files, pool)

    @property
    def directory(self) -> Path:
        """Where the blocks are."""
        return self._files.directory

    def _usable(self) -> None:
        if os.getpid() != self._pid:
            raise RepositoryError(
                f"the repository {self.directory} was opened by process {self._pid}, and this is a process "
                f"forked from it ({os.getpid()}): open a node of its own here",
                detail={"path": str(self.directory)},
            )
        if self._closed:
            raise RepositoryError(
                f"the repository {self.directory} is closed: open a new node", detail={"path": str(self.directory)}
            )

    def _near(self, key: bytes) -> bytes | None:
        data = self._fresh.get(key)
        return self._writing.get(key) if data is None else data

    async def get(self, cid: CID) -> bytes:
        """Return the block's bytes."""
        self._usable()
        if cid.is_identity:
            return cid.multihash.digest
        key = cid.multihash_bytes
        data = self._near(key)
        if data is None:
            data = await self._pool.run(self._files.read, key)
        if data is None:
            raise missing(cid, f"the repository {self.directory}")
        return data

    async def size(self, cid: CID) -> int:
        """Return the block's length in bytes."""
        self._usable()
        if cid.is_identity:
            return len(cid.multihash.digest)
        key = cid.multihash_bytes
        data = self._near(key)
        if data is not None:
            return len(data)
        place = await self._pool.run(self._files.find, key)
        if place is None:
            raise missing(cid, f"the repository {self.directory}")
        return place.size

    async def has(self, cid: CID) -> bool:
        """Tell whether the block is here."""
        try:
            await self.size(cid)
        except NotFoundError:
            return False
        return True

    async def put(self, cid: CID, data: bytes) -> None:
        """Keep a block."""
        self._usable()
        check_size(cid, data)
        if cid.is_identity:
            return
        key = cid.multihash_bytes
        if self._near(key) is not None:
            return
        self._fresh[key] = bytes(data)
        self._fresh_bytes += len(data)
        if self._fresh_bytes >= _BATCH_BYTES or len(self._fresh) >= _BATCH_BLOCKS:
            try:
                await self._write_fresh()
            except NoSpaceError:
                # Earlier blocks wait for the next attempt; this one was refused.
                if self._fresh.pop(key, None) is not None:
                    self._fresh_bytes -= len(data)
                raise

    async def _write_fresh(self) -> None:
        async with self._turn:
            if not self._fresh:
                return
            self._writing, self._fresh, self._fresh_bytes = self._fresh, {}, 0
            try:
                await self._pool.run(self._files.write, list(self._writing.items()))
            except BaseException:
                self._fresh = self._writing | self._fresh
                self._fresh_bytes = sum(map(len, self._fresh.values()))
                raise
            finally:
                self._writing = {}

    async def delete(self, cid: CID) -> None:
        """Forget a block."""
        self._usable()
        await self._write_fresh()
        await self._pool.run(self._files.forget, cid.multihash_bytes)

    async def cids(self) -> AsyncIterator[CID]:
        """Iterate over all blocks as raw CIDv1."""
        self._usable()
        await self._write_fresh()
        pending, gone = await self._pool.run(self._files.uncommitted)
        for key in pending:
            yield CID.create(1, _RAW, key)
        after = b""
        while page := await self._pool.run(self._files.page, after):
            after = page[-1]
            for key in page:
                if key not in pending and key not in gone:
                    yield CID.create(1, _RAW, key)
            self._usable()

    async def sync(self) -> None:
        """Make everything put or deleted before this call durable."""
        self._usable()
        await self._write_fresh()
        await self._pool.run(self._files.commit)

    async def close(self) -> None:
        """Sync, then give back every handle, lock and thread; in a forked child, leave them to the parent."""
        if self._closed or os.getpid() != self._pid:
            return
        try:
            await self.sync()
        finally:
            self._closed = True
            try:
                await self._pool.run(self._files.close)
            finally:
                self._pool.close()


class _Files:
    """The blocking half: every method may be called from any thread of the pool."""

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
            size = path_of(self._folder, number).stat().st_size
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
            place = self._guarded(lambda: self._find(key))
            if place is None:
                return None
            reader = self._guarded(lambda: self._reader(place.segment))
            reader.users += 1
        try:
            return self._guarded(lambda: read_record(reader.fd, reader.path, key, place))
        finally:
            with self._lock:
                reader.users -= 1
                self._drop_idle_readers()

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
        if not new:
            return
        if not self._owned or self._owned[-1].end >= SEGMENT_LIMIT:
            self._owned.append(OwnedSegment.create(self._folder))
        self._pending.update(self._owned[-1].append(new))

    def forget(self, key: bytes) -> None:
        """Let the next commit remove a block."""
        with self._lock:
            if self._guarded(lambda: self._index.find(key)) is not None:
                self._pending[key] = None
            else:
                self._pending.pop(key, None)

    def uncommitted(self) -> tuple[set[bytes], set[bytes]]:
        """Return the multihashes that the index does not know yet, and those that it is to forget."""
        with self._lock:
            added = {key for key, place in self._pending.items() if place is not None}
            return added, self._pending.keys() - added

    def page(self, after: bytes) -> list[bytes]:
        """Return the next committed multihashes."""
        with self._lock:
            return self._guarded(lambda: self._index.page(after, _PAGE))

    def commit(self) -> None:
        """Make everything written so far durable, then known to the index."""
        with self._commit_lock:
            with self._lock:
                pending = dict(self._pending)
                ends = [(segment, segment.end) for segment in self._owned if segment.end > segment.committed]
            if not pending and not ends:
                return
            # Reading and appending go on while the disk works.
            self._guarded(lambda: _sync_all(ends))
            with self._lock:
                self._guarded(lambda: self._commit(pending, ends))

    def _commit(self, pending: dict[bytes, Location | None], ends: list[tuple[OwnedSegment, int]]) -> None:
        added = ((key, place) for key, place in pending.items() if place is not None)
        removed = [key for key, place in pending.items() if place is None]
        self._index.commit(added, removed, {segment.number: end for segment, end in ends})
        for key, place in pending.items():
            if self._pending.get(key, _ABSENT) == place:
                del self._pending[key]
        for segment, end in ends:
            segment.committed = end
        for segment in self._owned[:-1]:
            if segment.committed == segment.end:
                self._owned.remove(segment)
                segment.release()

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


def _matches(key: bytes, data: bytes) -> bool:
    try:
        multihash.verify(Multihash.decode(key), data)
    except UnknownHashError:
        # Nothing here can compute it; the record's checksum has vouched for it.
        return True
    except (HashMismatchError, InvalidInputError):
        return False
    return True
