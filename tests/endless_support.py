"""A blockstore that makes its blocks when they are asked for: chains of any length, which no disk has to hold."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from ipfs_comm.blockstore import MemoryBlockstore
from ipfs_comm.ipld import CID, Multihash
from ipfs_comm.ipld.codecs import dag_cbor
from ipfs_comm.ipld.codecs.dag_pb import PBLink, PBNode, encode
from ipfs_comm.unixfs import UnixFS

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

_SHA2_256: Final = 0x12
#: What only digests of this store begin with.
_MARK: Final = b"a block of a chain made up"


def place(index: int, codec: str) -> CID:
    """Return the CID of one block of a chain; its digest is made up, for which a store must have been tampered with."""
    return CID.create(1, codec, Multihash.create(_SHA2_256, _MARK.ljust(24, b".")[:24] + index.to_bytes(8, "big")))


def data(following: CID | None) -> bytes:
    """Return a node of data with one link."""
    return dag_cbor.encode([following] if following else [])


def directory(following: CID | None) -> bytes:
    """Return a directory with one directory in it."""
    links = [PBLink(following, "d", 1)] if following else []
    return encode(PBNode(links, UnixFS("directory").encode()))


def file(following: CID | None) -> bytes:
    """Return a file of one byte, in one part."""
    if following is None:
        return encode(PBNode([], UnixFS.file(b"x").encode()))
    return encode(PBNode([PBLink(following, "", 1)], UnixFS.file(blocksizes=(1,)).encode()))


def shard(following: CID | None) -> bytes:
    """Return a shard of a directory with one shard in it."""
    message = UnixFS("hamt-sharded-directory", b"\x01", hash_type=0x22, fanout=256)
    return encode(PBNode([PBLink(following, "00", 1)] if following else [], message.encode()))


class ChainStore(MemoryBlockstore):
    """Chains of `length` blocks, each linking to the next, beside whatever is put.

    Parameters
    ----------
    length : int
    make : callable
        From the CID of the next block, None at the end, to a block.
    codec : str
    """

    def __init__(self, length: int, make: Callable[[CID | None], bytes], codec: str) -> None:
        super().__init__()
        self.length = length
        self.made = 0
        #: Set when some hundreds of blocks were made.
        self.begun = asyncio.Event()
        self._make = make
        self._codec = codec
        self._start = bytes(place(0, codec).multihash)[:-8]

    @property
    def root(self) -> CID:
        """The first block."""
        return place(0, self._codec)

    def _index(self, cid: CID) -> int | None:
        key = cid.multihash_bytes
        return int.from_bytes(key[-8:], "big") if key[:-8] == self._start else None

    async def get(self, cid: CID) -> bytes:
        """Return a block, made now if it is one of the chain."""
        index = self._index(cid)
        if index is None:
            return await super().get(cid)
        self.made += 1
        if self.made == 500:
            self.begun.set()
        return self._make(place(index + 1, self._codec) if index + 1 < self.length else None)

    async def has(self, cid: CID) -> bool:
        """Tell whether the block is here."""
        return self._index(cid) is not None or await super().has(cid)

    async def cids(self) -> AsyncGenerator[CID, None]:
        """Iterate over what was put: the chain has no end worth waiting for."""
        async for cid in super().cids():
            yield cid
