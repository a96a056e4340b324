"""``pin.update``: a pin moves from one DAG to a later version of it, and only what differs is looked at."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ipfs_comm.errors import CodecError, InvalidInputError, NotFoundError, UnknownCodecError
from ipfs_comm.exchange import FetchContext
from ipfs_comm.ipld import CID, codecs
from ipfs_comm.ipld.codecs import dag_pb
from ipfs_comm.node.embedded import pinset
from ipfs_comm.node.embedded.reach import identity, reachable

if TYPE_CHECKING:
    from collections.abc import Hashable

    from ipfs_comm.node.embedded.context import Context
    from ipfs_comm.node.embedded.pinset import Pin
    from ipfs_comm.node.embedded.reach import Before

_RAW: Final = 0x55


async def update(context: Context, old: CID, new: CID, *, unpin: bool, have: Before) -> None:
    """Pin `new` as `old` is pinned, by a caller that holds ``context.keeping()``.

    Parameters
    ----------
    context : Context
    old, new : CID
    unpin : bool
        Remove the pin of `old`.
    have : async callable
        Given CIDs before they are read: fetches those that are missing, or refuses to go on.

    Raises
    ------
    NotFoundError
        `old` is not pinned recursively, or nobody has a block of `new`; nothing has changed then.
    InvalidInputError
        `new` is pinned recursively already.
    """
    await _checked(context, old, new)
    if identity(old) == identity(new):
        return
    seen = set[bytes]()
    await have([new])
    roots = await _differing(context, old, new, seen, have)
    async with aclosing(reachable(context, roots, seen, before=have)) as batches:
        async for _ in batches:
            pass
    await context.store.sync()
    async with context.state.transaction() as transaction:
        # Others may have changed either pin while blocks were fetched.
        pin = await _checked(context, old, new, transaction)
        await pinset.put(transaction, replace(pin, cid=new))
        if unpin:
            await pinset.forget(transaction, old)


async def _checked(context: Context, old: CID, new: CID, records: pinset.Records | None = None) -> Pin:
    records = context.state if records is None else records
    pin = await pinset.find(records, old)
    if pin is None or not pin.recursive:
        raise NotFoundError(
            f"'from' cid was not recursively pinned already: {old}; pin {new} with pin.add",
            code="ERR_NOT_PINNED",
            detail={"cid": str(old)},
        )
    if identity(old) == identity(new):
        return pin
    there = await pinset.find(records, new)
    if there is not None and there.recursive:
        raise InvalidInputError(
            f"'to' cid was already recursively pinned: {new}; remove the pin of {old} with pin.rm",
            code="ERR_ALREADY_PINNED",
            detail={"cid": str(new)},
        )
    return pin


async def _differing(context: Context, old: CID, new: CID, seen: set[bytes], have: Before) -> list[CID]:
    """Return the roots of what is under `new` and not under `old` at the same place; `seen` gets what was passed."""
    pairs = [(old, new)]
    roots: list[CID] = []
    while pairs:
        before, after = pairs.pop()
        seen.add(identity(after))
        there = await _links(context, before)
        held = {identity(cid) for cid in there.values()}
        for place, cid in (await _links(context, after)).items():
            key = identity(cid)
            if key in seen:
                continue
            if key in held:
                seen.add(key)
            elif (counterpart := there.get(place)) is None:
                roots.append(cid)
            else:
                seen.add(key)
                await have([cid])
                pairs.append((counterpart, cid))
    return roots


async def _links(context: Context, cid: CID) -> dict[Hashable, CID]:
    """Return the links of a block by their places: names, where it has them; none of what cannot be decoded."""
    if cid.code == _RAW:
        return {}
    # What is pinned is here, and so is what `have` was given.
    block = await context.load(cid, FetchContext(offline=True))
    try:
        if cid.code != dag_pb.CODEC.code:
            return dict(codecs.get(cid.code).links(block))
        links = dag_pb.decode(block).links
    except (CodecError, UnknownCodecError):
        return {}
    found: dict[Hashable, CID] = {}
    for index, link in enumerate(links):
        place = link.name or index
        found[index if place in found else place] = link.hash
    return found
