"""``dag.export`` and ``dag.import_``: whole DAGs as CAR files, from a daemon and to it."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from ipfs_comm.blockstore.base import check_size
from ipfs_comm.errors import CodecError
from ipfs_comm.ipld import car
from ipfs_comm.ipld.car.sections import MAX_HEADER, MAX_SECTION
from ipfs_comm.node.api import DagImportResult, DagImportRoot, DagImportStats
from ipfs_comm.node.embedded import dag_car as over_blocks
from ipfs_comm.node.embedded.dag_walk import root_of
from ipfs_comm.node.kubo.answers import Said
from ipfs_comm.node.kubo.explain import explaining
from ipfs_comm.node.kubo.multipart import Body, Part
from ipfs_comm.node.stream import Stream, as_list

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from ipfs_comm.ipld import CID
    from ipfs_comm.node.embedded.context import Target
    from ipfs_comm.node.kubo.context import Context

_MOST_VARINT: Final = 9


def export(context: Context, wanted: Target, *, max_size: int | None, timeout: float | None) -> Stream[bytes, bytes]:
    """Stream a CARv1 of a whole DAG; parameters and errors as for ``ipfs_comm.node.embedded.dag_car.export``."""
    return over_blocks.exported(lambda: _export(context, wanted), wanted, max_size=max_size, timeout=timeout)


async def _export(context: Context, wanted: Target) -> AsyncGenerator[bytes, None]:
    wanted = await context.blocks.settle(wanted)
    root = await root_of(context.blocks.loader(wanted), wanted)

    async def again() -> None:
        await context.blocks.loader(replace(wanted, offline=True))(root)

    asked = context.rpc.stream("dag/export", f"/ipfs/{root}", progress=False, **context.offline_if(wanted.offline))
    async with aclosing(asked) as pieces:
        # The header waits for the root: an error before the first byte is easier to tell than one after it.
        begun = bytearray()
        async with explaining(again):
            header = await _framed(begun, pieces, MAX_HEADER)
            first = await _framed(begun, pieces, MAX_SECTION)
        if header != car.header([root]):
            raise CodecError(f"dag/export: what the daemon gives is no CAR of {root}", detail={"cid": str(root)})
        yield header
        yield first
        if begun:
            yield bytes(begun)
        async for piece in pieces:
            yield piece


async def _framed(begun: bytearray, pieces: AsyncIterator[bytes], most: int) -> bytes:
    """Take a length and so many bytes from what has come and from what comes."""
    value = at = 0
    while True:
        if at == len(begun):
            piece = await anext(pieces, None)
            if piece is None or at > _MOST_VARINT:
                raise CodecError("dag/export: what the daemon gives is no CAR, or ends in the middle of one")
            begun += piece
            continue
        value |= (begun[at] & 0x7F) << 7 * at
        at += 1
        if begun[at - 1] < 0x80:
            break
    if value > most:
        raise CodecError(f"dag/export: what the daemon gives has a section of {value} bytes: at most {most} are read")
    while len(begun) < at + value:
        piece = await anext(pieces, None)
        if piece is None:
            raise CodecError("dag/export: what the daemon gives ends in the middle of a CAR")
        begun += piece
    taken = bytes(begun[: at + value])
    del begun[: at + value]
    return taken


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
        self.count = self.size = 0

    async def parts(self) -> AsyncGenerator[Part, None]:
        """Generate the CARs as files."""
        number = 0
        async with aclosing(over_blocks.cars_in(self._source)) as cars:
            async for pieces in cars:
                reader = await car.CarReader.open(pieces, run=self._context.blocks.pool.run)
                self.roots |= dict.fromkeys(reader.roots)
                yield Part(f"{number}.car", car.write(reader.roots, self._blocks(reader)))
                number += 1

    async def _blocks(self, reader: car.CarReader) -> AsyncGenerator[tuple[CID, bytes], None]:
        async with aclosing(over_blocks.blocks_of(reader)) as blocks:
            async for cid, block in blocks:
                self.count += 1
                self.size += len(block)
                if not cid.is_identity:
                    check_size(cid, block)
                    yield cid, block


async def _import(context: Context, cars: _Cars, pin_roots: bool, stats: bool) -> AsyncGenerator[DagImportResult, None]:
    context.writing("dag.import_")
    pinned: dict[CID, str] = {}
    body = Body(cars.parts())
    async with aclosing(context.rpc.lines("dag/import", body=body, pin_roots=pin_roots)) as lines:
        async for line in lines:
            said = Said("dag/import", line)
            if "Root" in said:
                root = said.inner("Root")
                pinned[root.cid("Cid")] = root.text("PinErrorMsg", "")
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
