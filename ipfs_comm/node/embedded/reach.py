"""What can be reached from roots: every block once, many at a time, from the store and without asking anybody else."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, TypeAlias

from ipfs_comm.errors import CodecError, LimitError, UnknownCodecError
from ipfs_comm.ipld import codecs

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence

    from ipfs_comm.ipld import CID
    from ipfs_comm.node.embedded.context import Context

Before: TypeAlias = "Callable[[Sequence[CID]], Awaitable[None]]"

#: CIDs looked at together, and blocks read and decoded together: each of these is at most 2 MiB.
BATCH: Final = 512
READ: Final = 32
#: Bytes of blocks that are decoded on the spot: to hand them to a thread would take longer.
SMALL: Final = 1 << 14
#: Batches after which other tasks get their turn where nothing else lets them.
TURN: Final = 64
_RAW: Final = 0x55


def identity(cid: CID) -> bytes:
    """Return what tells nodes apart: multihash and codec, whichever the version."""
    return bytes(cid) if cid.version else b"\x01\x70" + bytes(cid)


async def reachable(
    context: Context, roots: Iterable[CID], seen: set[bytes], *, before: Before | None = None
) -> AsyncGenerator[Sequence[CID], None]:
    """Generate the CIDs under roots, these included, in batches.

    The branch of a block that is not in the store ends there; a block of a codec that is not known, or that does not
    decode, has no links, nor has one of more than 128 bytes that is in its CID.

    Parameters
    ----------
    context : Context
    roots : iterable of CID
    seen : set of bytes
        `identity` of those not to be met again; grows.
    before : async callable, optional
        Given every batch before it is read, to fetch what is not there or to refuse to go on.
    """
    waiting: list[CID] = []

    def meet(cids: Iterable[CID]) -> None:
        for cid in cids:
            if (key := identity(cid)) not in seen:
                seen.add(key)
                waiting.append(cid)

    meet(roots)
    batches = 0
    while waiting:
        batches += 1
        if batches % TURN == 0:
            await asyncio.sleep(0)
        batch = waiting[-BATCH:]
        del waiting[-BATCH:]
        if before is not None:
            await before(batch)
        yield batch
        inner = [cid for cid in batch if cid.code != _RAW]
        for start in range(0, len(inner), READ):
            some = inner[start : start + READ]
            blocks = await context.store.get_many(some)
            if sum(len(block) for block in blocks if block is not None) <= SMALL:
                meet(_links(some, blocks))
            else:
                meet(await context.pool.run(_links, some, blocks))


def _links(cids: Sequence[CID], blocks: Sequence[bytes | None]) -> list[CID]:
    found: list[CID] = []
    for cid, block in zip(cids, blocks, strict=True):
        if block is None:
            continue
        try:
            if cid.is_identity:
                block = cid.block_inside()
            found += [link for _, link in codecs.get(cid.code).links(block)]
        except (CodecError, LimitError, UnknownCodecError):
            continue
    return found
