"""Garbage collection: mark what roots need, remove the rest, give its room back."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Final

from ipfs_comm.errors import NotFoundError
from ipfs_comm.ipld import CID
from ipfs_comm.node.embedded import pinset
from ipfs_comm.node.embedded.reach import reachable

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator, Sequence

    from ipfs_comm.node.embedded.context import Context

#: Where the root of the MFS is in a repository's state: the bytes of its CID.
MFS_SPACE: Final = "mfs"
MFS_ROOT: Final = "root"
#: Roots whose DAGs are walked together, and blocks removed together.
_ROOTS: Final = 1000
_BATCH: Final = 1000
#: What a CIDv1 of a raw block begins with.
_RAW_V1: Final = b"\x01\x55"


class Removed:
    """CIDs that were removed, a few bytes each: there can be millions."""

    def __init__(self) -> None:
        self._packed = bytearray()
        self._count = 0

    def add(self, cid: CID) -> None:
        """Take one more."""
        key = cid.multihash_bytes
        self._packed += len(key).to_bytes(2, "big") + key
        self._count += 1

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[CID]:
        at = 0
        while at < len(self._packed):
            end = at + 2 + int.from_bytes(self._packed[at : at + 2], "big")
            yield CID.decode(_RAW_V1 + self._packed[at + 2 : end])
            at = end


async def collect(context: Context) -> Removed:
    """Remove every block that neither a pin nor the MFS needs, alone over all tasks and processes.

    It can be interrupted at any time: what was removed by then was garbage.

    Raises
    ------
    NotFoundError
        A block that a pin needs is not in the repository; nothing was removed then.
    RepositoryError
        What the repository keeps about its blocks or roots is damaged; nothing was removed then.
    """
    async with context.lock.alone():
        await context.store.verify()
        await context.state.verify()
        keep = await _marked(context)
        removed = Removed()
        batch: list[CID] = []
        async with aclosing(context.store.cids()) as cids:
            async for cid in cids:
                if cid.multihash_bytes in keep:
                    continue
                batch.append(cid)
                removed.add(cid)
                if len(batch) == _BATCH:
                    await context.store.delete_many(batch)
                    batch.clear()
        await context.store.delete_many(batch)
        await context.store.sync()
        await context.store.compact()
    return removed


async def _marked(context: Context) -> set[bytes]:
    """Return the multihashes of all blocks that roots need."""
    keep = set[bytes]()
    seen = set[bytes]()

    async def mark(roots: Sequence[CID], *, complete: bool) -> None:
        async def present(cids: Sequence[CID]) -> None:
            there = await context.store.has_many(cids)
            for cid, here in zip(cids, there, strict=True):
                if not here:
                    raise _incomplete(cid)

        async with aclosing(reachable(context, roots, seen, before=present if complete else None)) as batches:
            async for batch in batches:
                keep.update(cid.multihash_bytes for cid in batch)

    async with aclosing(_recursive(context, keep)) as groups:
        async for roots in groups:
            await mark(roots, complete=True)
    root = await context.state.get(MFS_SPACE, MFS_ROOT)
    if root is not None:
        # Files may be linked into the MFS whose blocks are elsewhere.
        await mark([CID.decode(root)], complete=False)
    return keep


async def _recursive(context: Context, keep: set[bytes]) -> AsyncGenerator[Sequence[CID], None]:
    """Generate the roots of recursive pins, many at a time; those of direct pins go into ``keep``."""
    group: list[CID] = []
    async with aclosing(pinset.pins(context.state)) as pins:
        async for pin in pins:
            if not pin.recursive:
                keep.add(pin.cid.multihash_bytes)
                continue
            group.append(pin.cid)
            if len(group) == _ROOTS:
                yield group
                group = []
    if group:
        yield group


def _incomplete(cid: CID) -> NotFoundError:
    return NotFoundError(
        f"garbage collection has removed nothing: block {cid} is not in this repository, although a pin needs it. Pin "
        "the root above it again while the block can be fetched, or remove that pin",
        detail={"cid": str(cid)},
    )
