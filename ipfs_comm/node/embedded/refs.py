"""``refs`` and ``refs.local``: the links of DAGs."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ipfs_comm._shown import shown
from ipfs_comm.errors import CodecError, InvalidInputError, LimitError, NotFoundError, UnknownCodecError
from ipfs_comm.exchange import FetchContext
from ipfs_comm.ipld import codecs
from ipfs_comm.ipld.codecs import dag_pb
from ipfs_comm.node.api import CIDLike, RefEntry
from ipfs_comm.node.embedded.dag_walk import MAX_PENDING, TURN
from ipfs_comm.node.embedded.pin import resolved
from ipfs_comm.node.embedded.reach import identity
from ipfs_comm.node.stream import Stream, Whole, as_list

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Sequence

    from ipfs_comm.ipld import CID
    from ipfs_comm.node.embedded.context import Context

DST: Final = "<dst>"
EDGES: Final = "<src> -> <dst>"
_RAW: Final = 0x55


@dataclass(frozen=True, slots=True)
class Plan:
    """How links are told, and how far they are followed."""

    format: str
    unique: bool
    #: Levels of links to follow; None for all.
    depth: int | None
    offline: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """One link of a node, and how many levels it is below the root."""

    source: CID
    cid: CID
    name: str
    depth: int


class Refs:
    """The links of DAGs: call it for those of some, or `local` for the blocks of the repository."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def __call__(
        self,
        paths: CIDLike | Iterable[CIDLike],
        *,
        format: str | None = None,
        edges: bool = False,
        unique: bool = False,
        recursive: bool = False,
        max_depth: int | None = None,
        max_size: int | None = None,
        offline: bool = False,
        timeout: float | None = None,
    ) -> Stream[RefEntry, list[RefEntry]]:
        """List the links of what paths name, a link before those under it.

        Parameters
        ----------
        paths : CID or path, or several of these
        format : str, optional
            Text of an entry, with ``<src>``, ``<dst>`` and ``<linkname>`` replaced; ``<dst>`` where not given.
        edges : bool
            The same as the format ``<src> -> <dst>``.
        unique : bool
            Each ``<dst>`` once. Without it, what is linked several times is listed, and followed, several times.
        recursive : bool
            List the links of everything under it too.
        max_depth : int, optional
            How many levels, with ``recursive``; all where not given.
        max_size : int, optional
            Most bytes of all entries where they are awaited whole; 1 GiB where not given.
        offline : bool
            Ask nobody else for blocks that are not here.
        timeout : float, optional
            Seconds for any one entry.

        Returns
        -------
        Stream of RefEntry
            A block that cannot be had is an entry without ``ref`` whose ``err`` says why.

        Raises
        ------
        InvalidInputError
            For ``format`` together with ``edges``, and for a depth that is no whole number from zero.
        LimitError
            It is awaited whole, and larger than ``max_size``; or more than `MAX_PENDING` links wait to be followed.
        """
        if edges and format not in (None, DST):
            raise InvalidInputError("refs cannot take both edges and format: edges is the format '<src> -> <dst>'")
        if max_depth is not None and (isinstance(max_depth, bool) or not isinstance(max_depth, int)):
            raise InvalidInputError(f"refs: max_depth is {shown(max_depth)}: a whole number is needed")
        depth = (None if max_depth is None or max_depth < 0 else max_depth) if recursive else 1
        plan = Plan(EDGES if edges else format or DST, unique, depth, offline)
        wanted = list(paths) if isinstance(paths, list | tuple | set | frozenset) else [paths]
        gather = Whole(max_size, "refs").list(_weight)
        return Stream(lambda: self._refs(wanted, plan), gather, timeout=timeout, what="refs")

    async def _refs(self, paths: Sequence[CIDLike], plan: Plan) -> AsyncGenerator[RefEntry, None]:
        # The depth at which each was met: met again nearer to the root, more of what is under it is within reach.
        seen: dict[bytes, int] = {}
        for path in paths:
            try:
                root = await resolved(self._context, path, offline=plan.offline)
            except NotFoundError as error:
                yield RefEntry("", str(error))
                continue
            async with aclosing(self._walk(root, plan, seen)) as found:
                async for entry in found:
                    yield entry

    async def _walk(self, root: CID, plan: Plan, seen: dict[bytes, int]) -> AsyncGenerator[RefEntry, None]:
        levels: list[deque[Link]] = []
        waiting = 0
        wish = FetchContext(offline=plan.offline)

        async def descend(cid: CID, depth: int) -> str:
            nonlocal waiting
            try:
                links = await self._links(cid, depth, wish)
            except (NotFoundError, CodecError, UnknownCodecError) as error:
                return str(error)
            if links:
                levels.append(links)
                waiting += len(links)
            if waiting > MAX_PENDING:
                raise LimitError(
                    f"the DAG under {root} has more than {MAX_PENDING} links waiting on the way to {cid}: that is no "
                    "DAG that an honest tool makes",
                    detail={"cid": str(cid), "root": str(root), "limit": MAX_PENDING},
                )
            return ""

        if plan.depth == 0:
            return
        if error := await descend(root, 1):
            yield RefEntry("", error)
        followed = 0
        while levels:
            followed += 1
            if followed % TURN == 0:
                await asyncio.sleep(0)
            link = levels[-1].popleft()
            waiting -= 1
            if not levels[-1]:
                # Before going down: a chain then takes no more room the longer it is.
                levels.pop()
            if plan.unique:
                key = identity(link.cid)
                before = seen.get(key)
                if before is not None and (plan.depth is None or before <= link.depth):
                    continue
                seen[key] = link.depth
                if before is None:
                    yield RefEntry(_text(plan.format, link))
            else:
                yield RefEntry(_text(plan.format, link))
            deeper = (plan.depth is None or link.depth < plan.depth) and link.cid.code != _RAW
            if deeper and (error := await descend(link.cid, link.depth + 1)):
                yield RefEntry("", error)

    async def _links(self, cid: CID, depth: int, wish: FetchContext) -> deque[Link]:
        block = await self._context.load(cid, wish, reading=True)
        if cid.code == dag_pb.CODEC.code:
            return deque(Link(cid, link.hash, link.name or "", depth) for link in dag_pb.decode(block).links)
        links = codecs.get(cid.code).links(block)
        return deque(Link(cid, link, "/".join(map(str, path)), depth) for path, link in links)

    def local(self, *, timeout: float | None = None) -> Stream[RefEntry, list[RefEntry]]:
        """List every block of the repository, by multihash: version 1, codec raw.

        Parameters
        ----------
        timeout : float, optional
            Seconds for any one entry.
        """
        return Stream(self._local, as_list, timeout=timeout, what="refs.local")

    async def _local(self) -> AsyncGenerator[RefEntry, None]:
        async with aclosing(self._context.store.cids()) as cids:
            async for cid in cids:
                yield RefEntry(str(cid))


def _text(form: str, link: Link) -> str:
    return form.replace("<src>", str(link.source)).replace("<dst>", str(link.cid)).replace("<linkname>", link.name)


def _weight(entry: RefEntry) -> int:
    return len(entry.ref) + len(entry.err)
