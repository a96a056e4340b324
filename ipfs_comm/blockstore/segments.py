"""The persistent blockstore: append-only segments with an SQLite index, one directory for many processes.

Each process appends to a segment of its own, whose lock it holds. ``sync`` makes its records durable with one fdatasync
and then commits the index, which is when other processes see them. Records beyond what the index knows are left over
from a process that died: whoever opens the repository next takes such a segment over, keeps its whole records and cuts
off the rest.
"""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from ipfs_comm.blockstore._files import Files
from ipfs_comm.blockstore._gathered import Gathered
from ipfs_comm.blockstore._index import REMEDY, ROW
from ipfs_comm.blockstore._pool import Pool
from ipfs_comm.blockstore._segment import record_size
from ipfs_comm.blockstore.base import Blockstore, Usage, check_size, missing
from ipfs_comm.blockstore.room import parse_size
from ipfs_comm.errors import InvalidCIDError, NoSpaceError, NotFoundError, RepositoryError
from ipfs_comm.ipld import CID

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

#: What a CIDv1 of a raw block begins with.
_RAW_V1: Final = b"\x01\x55"
#: Blocks are gathered until there are this many bytes or this many of them, then written at once.
_BATCH_BYTES: Final = 2 * 1024 * 1024
_BATCH_BLOCKS: Final = 256
#: Bytes after which the disk is given what was written while more comes, so that the call has less to wait for; a slow
#: disk is given more at once, all that came while it was busy.
_FLUSH_BYTES: Final = 8 * 1024 * 1024


class SegmentBlockstore(Blockstore):
    """Blocks in a directory; made by `open`."""

    def __init__(self, files: Files, pool: Pool) -> None:
        self._files = files
        self._pool = pool
        self._reads = Gathered(pool, files.read, self._usable)
        self._pid = os.getpid()
        self._closed = False
        # Blocks that were put and not yet written; only the loop touches these.
        self._fresh: dict[bytes, bytes] = {}
        self._fresh_bytes = 0
        self._writing: dict[bytes, bytes] = {}
        # Bytes that may be put before we look again how much room there is.
        self._granted = 0
        self.storage_max = files.storage_max
        self._batch_bytes = min(_BATCH_BYTES, files.step)
        self._turn = asyncio.Lock()
        self._unflushed = 0
        self._flushing: asyncio.Future[None] | None = None

    @classmethod
    async def open(
        cls,
        directory: str | os.PathLike[str],
        *,
        storage_max: int | str | None = None,
        storage_reserve: int | str | None = None,
        hash_on_read: bool = False,
        create: bool = True,
    ) -> Self:
        """Open a repository's blocks, making the directory (mode 0700) if need be.

        Parameters
        ----------
        directory : path
            Shared by all processes of one user.
        storage_max : int or str, optional
            The most bytes that all files there may take together, also as text such as ``"10GB"``; no limit where not
            given. What other processes write at the moment can exceed it: see ``ipfs_comm.blockstore.room``.
        storage_reserve : int or str, optional
            Free bytes of the volume that blocks leave alone; 256 MiB where not given, or 5 % of a small volume.
        hash_on_read : bool
            Verify blocks by their hash whenever they are read, beside their records' checksum.
        create : bool
            Make a repository where there is none.

        Raises
        ------
        InvalidInputError
            For a limit that is no size.
        RepositoryError
            There is none, and none is to be made (code ``ERR_NO_REPO``); the directory belongs to somebody else, can be
            written by others, is read-only, has a newer format, or is on a network file system and in use by another
            host; nothing was written then.
        NoSpaceError
            The disk is full.
        """
        most = None if storage_max is None else parse_size(storage_max, least=1)
        reserve = None if storage_reserve is None else parse_size(storage_reserve)
        # One may write, and one wait for the disk, while a third reads.
        pool = Pool(3, "ipfs_comm-blocks")
        given_up = threading.Event()
        try:
            files = await pool.run(
                Files,
                Path(directory),
                storage_max=most,
                storage_reserve=reserve,
                hash_on_read=hash_on_read,
                stopped=given_up.wait,
                create=create,
            )
        except BaseException:
            given_up.set()
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
            data = await self._reads.read(key)
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
        needed = record_size(key, len(data)) + ROW
        if needed > self._granted and not await self._room_for(key, needed):
            return
        if self._near(key) is not None:
            # Somebody else has put it while we looked for room.
            return
        self._granted -= needed
        self._fresh[key] = bytes(data)
        self._fresh_bytes += len(data)
        if self._fresh_bytes >= self._batch_bytes or len(self._fresh) >= _BATCH_BLOCKS:
            try:
                await self._write_fresh()
            except NoSpaceError:
                # Earlier blocks wait for the next attempt; this one was refused.
                if self._fresh.pop(key, None) is not None:
                    self._fresh_bytes -= len(data)
                raise

    async def _room_for(self, key: bytes, needed: int) -> bool:
        """Look for room; False where none is needed, as the block is there.

        Raises
        ------
        NoSpaceError
            There is none.
        """
        async with self._turn:
            if self._granted >= needed:
                return True
            try:
                self._granted = await self._pool.run(self._files.room, needed, self._waiting())
            except NoSpaceError:
                if await self._pool.run(self._files.whole, key):
                    return False
                raise
        return True

    def _waiting(self) -> int:
        """Return the bytes that blocks take which are yet to be written."""
        return self._fresh_bytes + sum(record_size(key, 0) + ROW for key in self._fresh)

    async def _write_fresh(self) -> None:
        async with self._turn:
            if not self._fresh:
                return
            self._unflushed += self._fresh_bytes
            self._writing, self._fresh, self._fresh_bytes = self._fresh, {}, 0
            try:
                await self._pool.run(self._files.write, list(self._writing.items()))
            except BaseException:
                self._fresh = self._writing | self._fresh
                self._fresh_bytes = sum(map(len, self._fresh.values()))
                self._granted = 0
                raise
            finally:
                self._writing = {}
        if self._unflushed >= _FLUSH_BYTES and (self._flushing is None or self._flushing.done()):
            await self._flushed()
            self._unflushed = 0
            self._flushing = self._pool.submit(self._files.flush)

    async def _flushed(self) -> None:
        """Wait for a flush that is under way, and raise its error."""
        flushing, self._flushing = self._flushing, None
        if flushing is not None:
            await flushing

    async def get_many(self, cids: Sequence[CID]) -> list[bytes | None]:
        """Return the bytes of blocks, None for those that are not here."""
        self._usable()
        found: dict[bytes, bytes | None] = {}
        for cid in cids:
            found[cid.multihash_bytes] = cid.multihash.digest if cid.is_identity else self._near(cid.multihash_bytes)
        reads = {key: self._reads.read(key) for key, data in found.items() if data is None}
        try:
            for key, read in reads.items():
                found[key] = await read
        finally:
            for read in reads.values():
                read.cancel()
        return [found[cid.multihash_bytes] for cid in cids]

    async def has_many(self, cids: Sequence[CID]) -> list[bool]:
        """Tell of each block whether it is here."""
        self._usable()
        there = {cid.multihash_bytes: cid.is_identity or self._near(cid.multihash_bytes) is not None for cid in cids}
        elsewhere = [key for key, here in there.items() if not here]
        there.update(zip(elsewhere, await self._pool.run(self._files.find_many, elsewhere), strict=True))
        return [there[cid.multihash_bytes] for cid in cids]

    async def delete(self, cid: CID) -> None:
        """Forget a block."""
        await self.delete_many((cid,))

    async def delete_many(self, cids: Sequence[CID]) -> None:
        """Forget blocks."""
        self._usable()
        keys = [cid.multihash_bytes for cid in cids]
        async with self._turn:
            for key in keys:
                data = self._fresh.pop(key, None)
                self._fresh_bytes -= 0 if data is None else len(data)
            await self._pool.run(self._files.forget, keys)

    async def usage(self, *, count: bool = True) -> Usage:
        """Return the number of blocks, and the bytes of all files of the repository."""
        self._usable()
        async with self._turn:
            blocks, size = await self._pool.run(self._files.usage, list(self._fresh) if count else None)
            return Usage(blocks, size + self._waiting())

    async def verify(self) -> None:
        """Look whether the index is whole."""
        self._usable()
        await self._pool.run(self._files.check)

    async def compact(self) -> None:
        """Give the room of deleted blocks back."""
        await self.sync()
        await self._pool.run(self._files.compact)

    async def cids(self) -> AsyncGenerator[CID, None]:
        """Iterate over all blocks as raw CIDv1."""
        self._usable()
        async with self._turn:
            pending, gone = await self._pool.run(self._files.uncommitted)
            pending |= self._fresh.keys()
        for key in pending:
            yield self._cid(key)
        after = b""
        while page := await self._pool.run(self._files.page, after):
            after = page[-1]
            for key in page:
                if key not in pending and key not in gone:
                    yield self._cid(key)
            self._usable()

    def _cid(self, key: bytes) -> CID:
        try:
            return CID.decode(_RAW_V1 + key)
        except InvalidCIDError as error:
            path = self.directory / "index.sqlite"
            raise RepositoryError(
                f"{path} is damaged: {key.hex()[:80]} is no multihash. {REMEDY}", detail={"path": str(path)}
            ) from error

    async def sync(self) -> None:
        """Make everything put or deleted before this call durable."""
        self._usable()
        await self._write_fresh()
        await self._flushed()
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
