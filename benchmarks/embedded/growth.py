"""What things cost as there are more of them: the slope of processor time against size, as logarithms; 1 is linear."""

from __future__ import annotations

from math import log
from time import perf_counter, process_time
from typing import TYPE_CHECKING, NamedTuple

from embedded.bench import MIB
from embedded.entries import directory_of, raw_blocks
from ipfs_comm import open_node
from ipfs_comm.ipld import car
from ipfs_comm.node.api import File
from ipfs_comm.unixfs import ImportOptions
from ipfs_comm.unixfs.importer import import_file

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from embedded.bench import Bench
    from ipfs_comm.ipld import CID

#: Of the largest size.
SHARES = (64, 16, 4, 1)
#: What noise may add to a slope of 1.
BOUND = 1.15


class Cost(NamedTuple):
    """Seconds of the processor, of all threads, and seconds on the clock."""

    processor: float
    clock: float


class Watch:
    """Begins when it is made."""

    def __init__(self) -> None:
        self._began = Cost(process_time(), perf_counter())

    def taken(self) -> Cost:
        """Return what was taken since."""
        return Cost(process_time() - self._began.processor, perf_counter() - self._began.clock)


async def growth(bench: Bench) -> None:
    """Do each thing at four sizes, each four times the one before; the smaller, the more noise, the oftener."""
    for what, unit, largest, once in _THINGS:
        size = bench.many(largest) if unit != "MiB" else max(SHARES[0], len(bench.content) // MIB)
        sizes = [size // share for share in SHARES]
        costs = [
            [await once(bench, number) for _ in range(min(3, bench.repeat, max(1, share // 4)))]
            for number, share in zip(sizes, SHARES, strict=True)
        ]
        least = {how: [min(getattr(cost, how) for cost in some) for some in costs] for how in ("processor", "clock")}
        tables = {
            how: ", ".join(f"{number:g}: {each / number * 1e6:.3g}" for number, each in zip(sizes, taken, strict=True))
            for how, taken in least.items()
        }
        # The clock would tell of whatever else the machine and its disk do.
        bench.bound(
            f"{what}: slope of processor time against {unit}",
            "log/log",
            [slope(list(zip(sizes, least["processor"], strict=True)))],
            BOUND,
            note=f"[µs each of the processor: {tables['processor']}; on the clock: {tables['clock']}]",
        )


def slope(points: list[tuple[int, float]]) -> float:
    """Return that of the straight line which fits the logarithms best."""
    logs = [(log(number), log(seconds)) for number, seconds in points]
    x = sum(number for number, _ in logs) / len(logs)
    y = sum(seconds for _, seconds in logs) / len(logs)
    return sum((a - x) * (b - y) for a, b in logs) / sum((a - x) ** 2 for a, _ in logs)


async def _import(bench: Bench, mebibytes: int) -> Cost:
    options = ImportOptions.profile("unixfs-v1-2025", chunker="size-4096", only_hash=True)

    async def nowhere(_cid: object, _block: bytes) -> None:
        raise AssertionError("nothing is kept")

    content = memoryview(bench.content)[: mebibytes * MIB]
    watch = Watch()
    await import_file(content, put=nowhere, options=options)
    return watch.taken()


async def _add(bench: Bench, number: int) -> Cost:
    async with open_node(repo=str(bench.place("repo"))) as node:
        entries = (File(f"d/file-{at:07}", b"%d" % at) for at in range(number))
        watch = Watch()
        async for _ in node.add_all(entries, raw_leaves=True):
            pass
        return watch.taken()


async def _ls(_bench: Bench, number: int) -> Cost:
    blocks: dict[CID, bytes] = {}
    # Small ones would be a single node, which is another thing.
    root = await directory_of(number, blocks, shard_split_threshold=0)
    async with open_node(repo=":memory:") as node:
        for cid, block in blocks.items():
            await node.block.put(block, format=cid.codec)
        watch = Watch()
        async for _ in node.ls(root):
            pass
        return watch.taken()


async def _pins(bench: Bench, number: int) -> Cost:
    blocks = raw_blocks(number, b"pinned")
    async with open_node(repo=str(bench.place("repo"))) as node:
        async for _ in node.dag.import_(car.write((), blocks.items())):
            pass
        watch = Watch()
        async for _ in node.pin.add_all(list(blocks)):
            pass
        found = [entry.cid async for entry in node.pin.ls(type="recursive")]
        assert len(found) == number, "all are pinned"
        async for _ in node.pin.rm_all(found):
            pass
        return watch.taken()


async def _written(bench: Bench, number: int) -> Cost:
    return await _files(bench, number, "/d")


async def _spread(bench: Bench, number: int) -> Cost:
    # A hundred files a directory, a hundred directories in one.
    return await _files(bench, number, "/{0}/{1}")


async def _files(bench: Bench, number: int, folder: str) -> Cost:
    async with open_node(repo=str(bench.place("repo"))) as node:
        watch = Watch()
        for at in range(number):
            place = folder.format(at // 10_000, at // 100 % 100)
            await node.files.write(f"{place}/{at:07}", b"%d" % at, create=True, parents=True)
        return watch.taken()


async def _copied(bench: Bench, number: int) -> Cost:
    async with open_node(repo=str(bench.place("repo"))) as node:
        await node.files.mkdir("/d")
        source = f"/ipfs/{(await node.add(b'the same in every file')).cid}"
        watch = Watch()
        for at in range(number):
            await node.files.cp(source, f"/d/{at:07}")
        return watch.taken()


async def _collected(bench: Bench, number: int) -> Cost:
    doomed = raw_blocks(number, b"doomed")
    kept: dict[CID, bytes] = {}
    root = await directory_of(number, kept)
    async with open_node(repo=str(bench.place("repo"))) as node:
        for roots, blocks in (((), doomed), ((root,), kept)):
            async for _ in node.dag.import_(car.write(roots, blocks.items())):
                pass
        watch = Watch()
        removed = await node.repo.gc()
        taken = watch.taken()
        assert len(removed) == number, "all that nothing holds"
        return taken


_THINGS: tuple[tuple[str, str, int, Callable[[Bench, int], Awaitable[Cost]]], ...] = (
    ("import in 4 KiB chunks", "MiB", 0, _import),
    ("add_all into one directory", "files", 100_000, _add),
    ("ls of a sharded directory", "entries", 1_000_000, _ls),
    ("pin.add_all, pin.ls and pin.rm_all", "pins", 100_000, _pins),
    ("files.write of new files in one directory", "files", 20_000, _written),
    ("files.write of new files in a tree", "files", 20_000, _spread),
    ("files.cp into one directory", "files", 20_000, _copied),
    ("repo.gc beside a directory of as many names", "blocks", 300_000, _collected),
)
