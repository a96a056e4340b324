"""The namespace ``block``: raw blocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ipfs_comm.errors import IPFSCommError
    from ipfs_comm.ipld import CID
    from ipfs_comm.node.api.core import Bytes, CIDLike
    from ipfs_comm.node.stream import Stream


@dataclass(frozen=True, slots=True)
class BlockStat:
    """The size of one block, in bytes."""

    cid: CID
    size: int


@dataclass(frozen=True, slots=True)
class BlockRemoval:
    """One block that was to be removed; ``error`` says why it was not."""

    cid: CID
    error: IPFSCommError | None = None


class BlockAPI(Protocol):
    """Raw blocks."""

    async def put(
        self,
        block: Bytes,
        *,
        format: str | None = None,
        mhtype: str = "sha2-256",
        mhlen: int | None = None,
        version: int | None = None,
        pin: bool = False,
        offline: bool = False,
        timeout: float | None = None,
    ) -> CID:
        """Store the bytes of one block as they are; version 0 and dag-pb unless something else is asked for."""

    async def get(self, cid: CIDLike, *, offline: bool = False, timeout: float | None = None) -> bytes:
        """Return the bytes of a block."""

    def rm(
        self,
        cids: CIDLike | Iterable[CIDLike],
        *,
        force: bool = False,
        quiet: bool = False,
        timeout: float | None = None,
    ) -> Stream[BlockRemoval, list[BlockRemoval]]:
        """Remove blocks; ``force`` passes over those that are not there, ``quiet`` tells of errors only."""

    async def stat(self, cid: CIDLike, *, offline: bool = False, timeout: float | None = None) -> BlockStat:
        """Return the size of a block."""
