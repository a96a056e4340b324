"""``dag.export`` and ``dag.import_``: whole DAGs as CAR files."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Iterable
from contextlib import aclosing
from os import PathLike
from typing import TYPE_CHECKING, Any, Final

from ipfs_comm.errors import InvalidInputError, IPFSCommError, UnknownHashError
from ipfs_comm.ipld import CID, car, multihash
from ipfs_comm.node.api import DagImportResult, DagImportRoot, DagImportStats, File
from ipfs_comm.node.embedded.dag_walk import TURN, root_of, walk
from ipfs_comm.node.embedded.pin import pin_root, pin_roots
from ipfs_comm.node.embedded.pinset import Pin
from ipfs_comm.node.embedded.together import arriving, together
from ipfs_comm.node.inputs import entry_of
from ipfs_comm.node.stream import Stream, Whole, as_list

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipfs_comm.node.embedded.context import Context
    from ipfs_comm.node.target import Target

#: Bytes and number of blocks that are handed to the store together.
_BATCH_BYTES: Final = 1 << 20
_BATCH_BLOCKS: Final = 256
_BYTES: Final = (bytes, bytearray, memoryview)


def export(context: Context, wanted: Target, *, max_size: int | None, timeout: float | None) -> Stream[bytes, bytes]:
    """Stream a CARv1 of a whole DAG, byte for byte what Kubo writes: depth first, each block once.

    Parameters
    ----------
    wanted : Target
        The root, or a path to it through files and nodes.
    max_size : int or None
        Most bytes where it is awaited whole; 1 GiB where None.
    timeout : float, optional
        Seconds for any one block.

    Raises
    ------
    NotFoundError
        A block is not to be had; the stream ends there, in the middle.
    CodecError, UnknownCodecError
        A block cannot be decoded, so that nobody knows its links.
    LimitError
        It is awaited whole, and larger than ``max_size``; or no honest tool makes such a DAG.
    """
    return exported(lambda: _export(context, wanted), wanted, max_size=max_size, timeout=timeout)


def exported(
    start: Callable[[], AsyncGenerator[bytes, None]], wanted: Target, *, max_size: int | None, timeout: float | None
) -> Stream[bytes, bytes]:
    """Return the stream of a CAR whose pieces ``start`` generates; other parameters as for `export`."""
    what = f"dag.export of {wanted.text}"
    return Stream(start, Whole(max_size, what).bytes, timeout=timeout, what=what)


async def _export(context: Context, wanted: Target) -> AsyncGenerator[bytes, None]:
    wanted = await context.settle(wanted)
    load = context.loader(wanted)
    root = await root_of(load, wanted)
    async with (
        aclosing(walk(load, root, many=context.store.get_many)) as blocks,
        aclosing(car.write([root], blocks)) as pieces,
    ):
        # The header waits for the root: an error before the first byte is easier to tell than one after it.
        header = await anext(pieces)
        first = await anext(pieces)
        yield header
        yield first
        async for piece in pieces:
            yield piece


def import_(
    context: Context, source: Any, *, pin_roots: bool, stats: bool, timeout: float | None
) -> Stream[DagImportResult, list[DagImportResult]]:
    """Store the blocks of CARs, each verified, and pin the roots that the headers name.

    Parameters
    ----------
    source : bytes-like, path, file object, (async) iterable of bytes, or (async) iterable of these
        One CAR, or several. An iterable is one CAR in pieces if its first item is bytes.
    pin_roots : bool
        Pin recursively, by the blocks that are here: nobody else is asked for those that are missing.
    stats : bool
        Tell the number of blocks and their bytes at the end.
    timeout : float, optional
        Seconds until the first result, and for any one after it.

    Returns
    -------
    Stream of DagImportResult
        One a root, each once, in the order of the headers, after all blocks are durable; then the statistics. A root
        that cannot be pinned is told with the reason, and no error of the call.

    Raises
    ------
    InvalidInputError
        The source is nothing that can be read.
    CodecError
        A CAR is damaged or cut off; blocks that came before stay in the store, unpinned.
    HashMismatchError
        A block does not match its CID.
    UnknownHashError
        The hash function of a CID cannot vouch for a block.
    LimitError
        A block has more than 2 MiB.
    """
    return Stream(lambda: _import(context, source, pin_roots, stats), as_list, timeout=timeout, what="dag.import_")


async def _import(context: Context, source: Any, pin_roots: bool, stats: bool) -> AsyncGenerator[DagImportResult, None]:
    roots: dict[CID, None] = {}
    count = size = 0
    async with context.keeping():
        async with aclosing(cars_in(source)) as cars:
            async for pieces in cars:
                reader = await car.CarReader.open(pieces, run=context.pool.run)
                roots |= dict.fromkeys(reader.roots)
                blocks, bytes_ = await _store(context, reader)
                count += blocks
                size += bytes_
        await context.store.sync()
        pinned = [root async for root in _pinned(context, list(roots))] if pin_roots else []
    # Whoever reads slowly keeps no collector waiting.
    for root in pinned:
        yield DagImportResult(root=root)
    if stats:
        yield DagImportResult(stats=DagImportStats(count, size))


async def blocks_of(reader: car.CarReader) -> AsyncGenerator[tuple[CID, bytes], None]:
    """Generate the blocks of a CAR, each verified by a hash that can vouch for it.

    Raises
    ------
    CodecError, HashMismatchError, LimitError
        As from `ipfs_comm.ipld.car.CarReader`.
    UnknownHashError, InvalidInputError
        The hash function of a CID cannot vouch for a block.
    """
    count = 0
    async with aclosing(reader.blocks()) as blocks:
        async for cid, block in blocks:
            try:
                multihash.check_secure(cid.multihash)
            except (UnknownHashError, InvalidInputError) as error:
                name = str(cid)[:200]
                raise type(error)(f"the CAR has a block {name}: {error}", detail={"cid": name}) from error
            count += 1
            if count % TURN == 0:
                await asyncio.sleep(0)
            yield cid, block


async def _store(context: Context, reader: car.CarReader) -> tuple[int, int]:
    """Store the blocks of one CAR; return their number and bytes."""
    count = size = held = 0
    batch: list[tuple[CID, bytes]] = []
    async with aclosing(blocks_of(reader)) as blocks:
        async for cid, block in blocks:
            count += 1
            size += len(block)
            if cid.is_identity:
                continue
            batch.append((cid, block))
            held += len(block)
            if held >= _BATCH_BYTES or len(batch) >= _BATCH_BLOCKS:
                await context.store.put_many(batch)
                batch, held = [], 0
    await context.store.put_many(batch)
    return count, size


def _pinned(context: Context, roots: Sequence[CID]) -> AsyncGenerator[DagImportRoot, None]:
    """Pin roots, many at a time while nothing is wrong with them."""

    async def many(some: Sequence[CID]) -> list[DagImportRoot]:
        await pin_roots(context, [Pin(root) for root in some], keep_names=True)
        return [DagImportRoot(root, "") for root in some]

    async def one(root: CID) -> DagImportRoot:
        return DagImportRoot(root, await _pin(context, root))

    return together(arriving(roots, CID.of), many, one)


async def _pin(context: Context, root: CID) -> str:
    """Pin a root; return why that cannot be, or nothing."""
    try:
        if not await context.store.has(root):
            # js-ipfs's own words, which programs compare.
            return "blockstore: block not found"
        await pin_root(context, root, offline=True)
    except IPFSCommError as error:
        return str(error)
    return ""


async def cars_in(source: Any) -> AsyncGenerator[Any, None]:
    """Yield the CARs in what was given, each as its bytes or an asynchronous iterable of its pieces."""
    if isinstance(source, (str | PathLike, _BYTES)) or hasattr(source, "read"):
        yield _pieces(source)
        return
    items = _items(source)
    async with aclosing(items):
        first = await anext(items, None)
        if first is None:
            raise InvalidInputError("dag.import_ was given no CAR: the iterable is empty")
        if isinstance(first, _BYTES):
            yield _rest(first, items)
            return
        yield _pieces(first)
        async for item in items:
            yield _pieces(item)


def _pieces(source: Any) -> Any:
    if isinstance(source, str):
        raise InvalidInputError(
            "a str is no CAR: give its bytes, pathlib.Path of its file, or an iterable of its pieces"
        )
    return entry_of(File(content=source)).content


async def _items(source: Any) -> AsyncGenerator[Any, None]:
    if isinstance(source, AsyncIterable):
        async for item in source:
            yield item
    elif isinstance(source, Iterable):
        for item in source:
            yield item
    else:
        raise InvalidInputError(
            f"a {type(source).__name__} is no CAR: give its bytes, a path, a file object, an iterable of its pieces, "
            "or several of these"
        )


async def _rest(first: Any, items: AsyncIterator[Any]) -> AsyncGenerator[Any, None]:
    yield first
    async for item in items:
        if not isinstance(item, _BYTES):
            raise InvalidInputError(f"a {type(item).__name__} among the pieces of a CAR: each is bytes")
        yield item
