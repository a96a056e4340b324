"""``dag.export`` and ``dag.import_``: whole DAGs as CAR files, from a daemon and to it."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ipfs_comm.blockstore.base import check_size
from ipfs_comm.errors import CodecError, DaemonError, LimitError, UnknownCodecError
from ipfs_comm.ipld import car
from ipfs_comm.node.api import DagImportResult, DagImportRoot, DagImportStats
from ipfs_comm.node.embedded import dag_car as embedded
from ipfs_comm.node.embedded.dag_walk import MAX_PENDING, links_of, root_of
from ipfs_comm.node.kubo.answers import Said
from ipfs_comm.node.kubo.explain import explaining
from ipfs_comm.node.kubo.giving import check_taken
from ipfs_comm.node.kubo.multipart import Body, Part
from ipfs_comm.node.stream import Stream, as_list

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from ipfs_comm.ipld import CID
    from ipfs_comm.node.kubo.context import Context
    from ipfs_comm.node.target import Target


def export(context: Context, wanted: Target, *, max_size: int | None, timeout: float | None) -> Stream[bytes, bytes]:
    """Stream a CARv1 of a whole DAG; parameters and errors as for ``ipfs_comm.node.embedded.dag_car.export``.

    Every block is verified on its way, and none may be missing at the end: what breaks off looks like a whole DAG where
    something between drops what the daemon says behind it.
    """
    return embedded.exported(lambda: _export(context, wanted), wanted, max_size=max_size, timeout=timeout)


async def _export(context: Context, wanted: Target) -> AsyncGenerator[bytes, None]:
    wanted = await context.blocks.settle(wanted)
    root = await root_of(context.blocks.loader(wanted), wanted)

    async def again() -> None:
        await context.blocks.loader(replace(wanted, offline=True))(root)

    asked = context.rpc.stream("dag/export", f"/ipfs/{root}", progress=False, **context.offline_if(wanted.offline))
    async with aclosing(asked):
        # The header waits for the root: an error before the first byte is easier to tell than one after it.
        async with explaining(again):
            reader = await car.CarReader.open(asked, run=context.blocks.pool.run)
            blocks = reader.blocks()
            block = await anext(blocks, None)
        async with aclosing(blocks):
            if reader.roots != (root,) or block is None or block[0] != root:
                raise CodecError(f"dag/export: what the daemon gives is no CAR of {root}", detail={"cid": str(root)})
            walked = _Walked(root)
            yield car.header([root])
            while block is not None:
                walked.take(*block)
                yield car.section(*block)
                block = await anext(blocks, None)
            walked.end()


class _Walked:
    """Which blocks of a DAG have come, and which are still to come; memory grows with their number."""

    def __init__(self, root: CID) -> None:
        self._root = root
        self._seen: set[CID] = set()
        self._due = {root}
        self._knows = True

    def take(self, cid: CID, block: bytes) -> None:
        """Take note of a block.

        Raises
        ------
        CodecError
            It cannot be decoded.
        LimitError
            More links wait than an honest tool makes.
        """
        self._seen.add(cid)
        self._due.discard(cid)
        try:
            links = links_of(cid, block)
        except UnknownCodecError:
            # A daemon may know more codecs: which blocks are under this one, it alone knows.
            self._knows = False
            return
        self._due.update(link for link in links if not link.is_identity and link not in self._seen)
        if len(self._due) > MAX_PENDING:
            raise LimitError(
                f"the DAG under {self._root} has more than {MAX_PENDING} links waiting on the way to {cid}",
                detail={"cid": str(cid), "root": str(self._root), "limit": MAX_PENDING},
            )

    def end(self) -> None:
        """Check that nothing is still to come.

        Raises
        ------
        DaemonError
            Something is.
        """
        if self._knows and self._due:
            missing = next(iter(self._due))
            raise DaemonError(
                f"dag/export: what the daemon gives of {self._root} ends without {len(self._due)} of its blocks, "
                f"{missing} among them: something between drops what it says at the end, or it does not have them",
                detail={"cid": str(missing), "root": str(self._root)},
            )


def import_(
    context: Context, source: Any, *, pin_roots: bool, stats: bool, timeout: float | None
) -> Stream[DagImportResult, list[DagImportResult]]:
    """Give the daemon the blocks of CARs, and have the roots pinned that their headers name.

    Every block is verified on its way, and CARs of version 2 go as version 1: so the errors are the embedded node's,
    where Kubo takes some that are cut off for whole ones. What follows a damaged part never reaches the daemon.

    Parameters
    ----------
    context : Context
    source, pin_roots, stats, timeout
        As for ``ipfs_comm.node.embedded.dag_car.import_``; so are results and errors, but that Kubo refuses blocks that
        it cannot decode.
    """
    return Stream(
        lambda: _import(context, _Cars(context, source), pin_roots, stats), as_list, timeout=timeout, what="dag.import_"
    )


class _Cars:
    """CARs on their way to the daemon, and what was in them."""

    def __init__(self, context: Context, source: Any) -> None:
        self._context = context
        self._source = source
        self.roots: dict[CID, None] = {}
        self.count = self.size = self.sent = 0

    async def parts(self) -> AsyncGenerator[Part, None]:
        """Generate the CARs as files."""
        number = 0
        async with aclosing(embedded.cars_in(self._source)) as cars:
            async for pieces in cars:
                reader = await car.CarReader.open(pieces, run=self._context.blocks.pool.run)
                self.roots |= dict.fromkeys(reader.roots)
                yield Part(f"{number}.car", car.write(reader.roots, self._blocks(reader)))
                number += 1

    async def _blocks(self, reader: car.CarReader) -> AsyncGenerator[tuple[CID, bytes], None]:
        async with aclosing(embedded.blocks_of(reader)) as blocks:
            async for cid, block in blocks:
                self.count += 1
                self.size += len(block)
                if not cid.is_identity:
                    check_size(cid, block)
                    self.sent += 1
                    yield cid, block


async def _import(context: Context, cars: _Cars, pin_roots: bool, stats: bool) -> AsyncGenerator[DagImportResult, None]:
    context.writing("dag.import_")
    pinned: dict[CID, str] = {}
    body = Body(cars.parts())
    taken: int | None = None
    async with aclosing(context.rpc.lines("dag/import", body=body, pin_roots=pin_roots, stats=True)) as lines:
        async for line in lines:
            said = Said("dag/import", line)
            if "Stats" in said:
                taken = said.inner("Stats").whole("BlockCount")
            if "Root" in said:
                root = said.inner("Root")
                pinned[root.cid("Cid")] = root.text("PinErrorMsg", "")
    check_taken(taken, cars.sent)
    if pin_roots:
        # Kubo tells them in no order.
        for root_cid in cars.roots:
            why = pinned.get(root_cid, "the daemon does not tell whether it was pinned")
            yield DagImportResult(root=DagImportRoot(root_cid, _why(root_cid, why)))
    if stats:
        yield DagImportResult(stats=DagImportStats(cars.count, cars.size))


def _why(root: CID, said: str) -> str:
    """Return why a root was not pinned, in js-ipfs's own words, which programs compare, where it is not there."""
    return "blockstore: block not found" if said.endswith(f"could not find {root}") else said
