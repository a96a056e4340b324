"""``dag``: nodes by their blocks, whole DAGs as the daemon reads and writes them."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from ipfs_comm.node.api import DagStat, DagStatResult
from ipfs_comm.node.embedded import dag as embedded
from ipfs_comm.node.kubo import dag_car
from ipfs_comm.node.kubo.answers import Said
from ipfs_comm.node.kubo.explain import explaining
from ipfs_comm.node.target import target

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Iterable, Sequence

    from ipfs_comm.ipld import CID
    from ipfs_comm.node.api import CarSource, CIDLike, DagImportResult
    from ipfs_comm.node.kubo.context import Context
    from ipfs_comm.node.stream import Stream
    from ipfs_comm.node.target import Target


class Dag(embedded.Dag):
    """Nodes of the IPLD data model in a daemon; see ``ipfs_comm.node.embedded.dag``.

    Values are encoded and decoded here: through JSON, as Kubo's RPC gives them, numbers and bytes would not be exact.
    """

    def __init__(self, context: Context) -> None:
        super().__init__(context.blocks)
        self._kubo = context

    def export(
        self, root: CIDLike, *, max_size: int | None = None, offline: bool = False, timeout: float | None = None
    ) -> Stream[bytes, bytes]:
        """Stream a CAR of a whole DAG; see ``ipfs_comm.node.kubo.dag_car``."""
        return dag_car.export(self._kubo, target(root, offline=offline), max_size=max_size, timeout=timeout)

    def import_(
        self,
        source: CarSource | Iterable[CarSource] | AsyncIterable[CarSource],
        *,
        pin_roots: bool = True,
        stats: bool = False,
        timeout: float | None = None,
    ) -> Stream[DagImportResult, list[DagImportResult]]:
        """Give the daemon the blocks of CARs, and have their roots pinned; see ``ipfs_comm.node.kubo.dag_car``."""
        return dag_car.import_(self._kubo, source, pin_roots=pin_roots, stats=stats, timeout=timeout)

    async def _stat(self, roots: Sequence[tuple[Target, CID]]) -> DagStatResult:
        async def again() -> None:
            await embedded.Dag._stat(self, roots)

        last: Said | None = None
        told = self._kubo.rpc.lines(
            "dag/stat",
            *(f"/ipfs/{root}" for _, root in roots),
            progress=False,
            **self._kubo.offline_if(any(wanted.offline for wanted, _ in roots)),
        )
        async with aclosing(told) as lines, explaining(again):
            async for line in lines:
                last = Said("dag/stat", line)
        stats = {} if last is None else {one.cid("Cid"): one for one in last.each("DagStats")}
        if last is None or not all(root in stats for _, root in roots):
            # A root that is asked for twice is told once.
            return await super()._stat(roots)
        each = tuple(DagStat(root, stats[root].whole("Size"), stats[root].whole("NumBlocks")) for _, root in roots)
        total = last.whole("TotalSize")
        redundant = sum(one.size for one in each)
        ratio = redundant / total if total else 1.0
        return DagStatResult(last.whole("UniqueBlocks"), total, redundant - total, ratio, each)
