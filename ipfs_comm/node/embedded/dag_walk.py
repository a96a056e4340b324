"""The blocks of a DAG: depth first, each once, in memory that grows with the number of blocks only."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

from ipfs_comm._shown import shown
from ipfs_comm.errors import CodecError, InvalidPathError, LimitError
from ipfs_comm.ipld import CID, codecs
from ipfs_comm.unixfs import exporter

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from ipfs_comm.node.embedded.context import Load
    from ipfs_comm.node.target import Target

#: Links that wait to be followed, over all levels.
MAX_PENDING: Final = 1 << 20
#: Blocks after which other tasks get their turn: a store in memory never waits, and deadlines come from the loop.
TURN: Final = 64
#: Blocks read from the store at once; each has at most 2 MiB.
AHEAD: Final = 16

#: From CIDs to the bytes of those blocks that are at hand, None for any other.
GetMany: TypeAlias = Callable[[Sequence[CID]], Awaitable[list[bytes | None]]]


class _Ahead:
    """Blocks read from the store before they are needed: the more, the oftener that was right."""

    def __init__(self, load: Load, many: GetMany) -> None:
        self._load = load
        self._many = many
        self._held: dict[CID, bytes] = {}
        self._window = 1

    async def get(self, cid: CID, following: Sequence[CID]) -> bytes:
        """Return a block; `following` are those that may be next, the nearest last."""
        block = self._held.pop(cid, None)
        if block is not None:
            return block
        self._window = max(1, self._window // 2) if self._held else min(AHEAD, self._window * 2)
        nearest = following[max(0, len(following) - self._window + 1) :]
        wanted = [one for one in (*nearest, cid) if not one.is_identity]
        self._held = {
            one: found for one, found in zip(wanted, await self._many(wanted), strict=True) if found is not None
        }
        block = self._held.pop(cid, None)
        return await self._load(cid) if block is None else block


async def walk(load: Load, root: CID, *, many: GetMany | None = None) -> AsyncGenerator[tuple[CID, bytes], None]:
    """Yield every block of a DAG, a parent before its children, these in the order of their links.

    Parameters
    ----------
    load : async callable
        From a CID to the block's bytes.
    root : CID
    many : async callable, optional
        From CIDs to the bytes of those that are at hand; asked first, for several blocks at once.

    Yields
    ------
    (CID, bytes)
        Each CID once, where the walk first meets it.

    Raises
    ------
    NotFoundError
        A block is not to be had.
    CodecError, UnknownCodecError
        A block cannot be decoded, so that nobody knows its links.
    LimitError
        More than `MAX_PENDING` links wait.
    """
    seen = set[CID]()
    pending = [root]
    ahead = None if many is None else _Ahead(load, many)
    while pending:
        cid = pending.pop()
        if cid in seen:
            continue
        seen.add(cid)
        block = await (load(cid) if ahead is None else ahead.get(cid, pending))
        if len(seen) % TURN == 0:
            await asyncio.sleep(0)
        links = [link for link in links_of(cid, block) if link not in seen]
        links.reverse()
        pending += links
        if len(pending) > MAX_PENDING:
            raise LimitError(
                f"the DAG under {root} has more than {MAX_PENDING} links waiting on the way to {cid}: that is "
                "no DAG that an honest tool makes",
                detail={"cid": str(cid), "root": str(root), "limit": MAX_PENDING},
            )
        yield cid, block


def links_of(cid: CID, block: bytes) -> list[CID]:
    """Return the links of a block, each once, in its order.

    Raises
    ------
    CodecError, UnknownCodecError
        It cannot be decoded; the message names the block.
    """
    try:
        return list(dict.fromkeys(link for _, link in codecs.get(cid.code).links(block)))
    except CodecError as error:
        raise type(error)(f"{error} (in block {cid})", detail={**error.detail, "cid": str(cid)}) from error


async def root_of(load: Load, wanted: Target) -> CID:
    """Return the block that a path leads to, through directories, shards and the links of nodes.

    Raises
    ------
    NoLinkError, NotFoundError
        The path leads nowhere; a block on the way is not to be had.
    InvalidPathError
        The path ends inside a block, not at one.
    """
    if not wanted.segments:
        return wanted.root
    found = await exporter.resolve(load, wanted.root, wanted.segments)
    if found.remainder:
        raise InvalidPathError(
            f"{wanted.text} leads to a value inside block {found.cid}, and a whole DAG begins at a block: leave out "
            f"{shown('/'.join(found.remainder))}",
            detail={"path": wanted.text, "cid": str(found.cid)},
        )
    return found.cid
