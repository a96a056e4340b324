"""What recursive pins hold beside their roots: found by walking them, linear in what is pinned."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Final

from ipfs_comm.errors import InvalidInputError, IPFSCommError
from ipfs_comm.node.embedded import pinset
from ipfs_comm.node.embedded.reach import identity, reachable

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable

    from ipfs_comm.ipld import CID
    from ipfs_comm.node.embedded.context import Context

#: Roots whose DAGs are walked together.
_ROOTS: Final = 256


async def roots_of(context: Context, cids: Iterable[CID]) -> dict[bytes, CID]:
    """Return for each of the CIDs, by its `identity`, a recursive pin that it is under, if there is one."""
    wanted = {identity(cid) for cid in cids}
    found: dict[bytes, CID] = {}
    seen = set[bytes]()
    async for pin in pinset.pins(context.state):
        if not pin.recursive:
            continue
        own = identity(pin.cid)
        async with aclosing(reachable(context, [pin.cid], seen)) as batches:
            async for batch in batches:
                for cid in batch:
                    if (key := identity(cid)) in wanted and key != own:
                        found.setdefault(key, pin.cid)
        # A root itself may be under another one.
        seen -= wanted - found.keys()
        if len(found) == len(wanted):
            break
    return found


async def pins_of_blocks(context: Context, cids: Iterable[CID]) -> dict[bytes, IPFSCommError]:
    """Return for each block that pins need, by its multihash, the error that says which.

    Blocks of recursive pins are looked for by reading all of them: linear in what is pinned.
    """
    found: dict[bytes, IPFSCommError] = {}
    wanted: dict[bytes, CID] = {}
    for cid in cids:
        pin = await pinset.of_block(context.state, cid)
        if pin is not None:
            found[cid.multihash_bytes] = _needed(cid, f"pinned: {pin.type}")
        else:
            wanted[cid.multihash_bytes] = cid
    if not any(await context.store.has_many(list(wanted.values()))):
        return found
    async with aclosing(under_pins(context)) as under:
        async for cid in under:
            if (asked := wanted.pop(cid.multihash_bytes, None)) is not None:
                found[cid.multihash_bytes] = _needed(asked, "pinned: indirect")
                if not wanted:
                    break
    return found


def _needed(cid: CID, how: str) -> IPFSCommError:
    return InvalidInputError(
        f"block {cid} is {how}: remove the pin before the block", code="ERR_PINNED", detail={"cid": str(cid)}
    )


async def under_pins(context: Context) -> AsyncGenerator[CID, None]:
    """Generate what recursive pins keep, their roots included, each CID once."""
    seen = set[bytes]()
    roots: list[CID] = []

    async def walked() -> AsyncGenerator[CID, None]:
        async with aclosing(reachable(context, roots, seen)) as batches:
            async for batch in batches:
                for cid in batch:
                    yield cid
        roots.clear()

    async for pin in pinset.pins(context.state):
        if pin.recursive:
            roots.append(pin.cid)
        if len(roots) == _ROOTS:
            async with aclosing(walked()) as found:
                async for cid in found:
                    yield cid
    async with aclosing(walked()) as found:
        async for cid in found:
            yield cid
