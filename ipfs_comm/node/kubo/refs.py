"""``refs`` and ``refs.local``: the links of DAGs; of many blocks as the daemon walks them."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, Final

from ipfs_comm.errors import NotFoundError
from ipfs_comm.node.api import RefEntry
from ipfs_comm.node.embedded import refs as embedded
from ipfs_comm.node.embedded.pin import resolved
from ipfs_comm.node.kubo.answers import Said
from ipfs_comm.node.stream import remaining

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import AsyncGenerator, Sequence

    from ipfs_comm.exchange import FetchContext
    from ipfs_comm.ipld import CID
    from ipfs_comm.node.api import CIDLike
    from ipfs_comm.node.embedded.refs import Link, Plan
    from ipfs_comm.node.kubo.context import Context

#: Roots that one call walks: its arguments are in a URL. Over more of them ``unique`` would not hold.
_MOST: Final = 4096
#: Of the time for an entry, how much a block has to come: that it does not is an entry too.
_SHARE: Final = 0.75


class Refs(embedded.Refs):
    """The links of DAGs in a daemon; see ``ipfs_comm.node.embedded.refs``.

    Walking more than one level, Kubo loads a block before it tells of it, the last ones too, and ends a root's walk
    where one is missing: its error is the last entry then.
    """

    def __init__(self, context: Context) -> None:
        super().__init__(context.blocks)
        self._kubo = context

    async def _links(self, cid: CID, depth: int, wish: FetchContext) -> deque[Link]:
        left = remaining()
        try:
            async with asyncio.timeout(None if left is None else left * _SHARE) as patience:
                return await super()._links(cid, depth, wish)
        except TimeoutError:
            if not patience.expired():
                raise
            raise NotFoundError(
                f"block {cid} is not to be had from the daemon in time", detail={"cid": str(cid)}
            ) from None

    async def _refs(self, paths: Sequence[CIDLike], plan: Plan) -> AsyncGenerator[RefEntry, None]:
        # Kubo knows no names of links but dag-pb's.
        if plan.depth in (0, 1) or "<linkname>" in plan.format or len(paths) > _MOST:
            async with aclosing(super()._refs(paths, plan)) as entries:
                async for entry in entries:
                    yield entry
            return
        roots = []
        for path in paths:
            try:
                roots.append(str(await resolved(self._context, path, offline=plan.offline)))
            except NotFoundError as error:
                yield RefEntry("", str(error))
        if not roots:
            return
        walked = self._kubo.rpc.lines(
            "refs",
            *roots,
            format=plan.format,
            unique=plan.unique,
            recursive=True,
            max_depth=-1 if plan.depth is None else plan.depth,
            **self._kubo.offline_if(plan.offline),
        )
        async with aclosing(walked) as lines:
            async for line in lines:
                said = Said("refs", line)
                yield RefEntry(said.text("Ref", ""), said.text("Err", ""))
