"""What a thing costs as there are more of them: the slope of cost against size, both as logarithms; 1 is linear."""

from __future__ import annotations

from math import log
from time import perf_counter
from typing import TYPE_CHECKING

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


async def growth(bench: Bench) -> None:
    """Do each thing at four sizes, each four times the one before."""
    for what, unit, largest, once in _THINGS:
        size = bench.many(largest) if unit != "MiB" else max(SHARES[0], len(bench.content) // MIB)
        points: list[tuple[float, float]] = []
        for share in SHARES:
            number = size // share
            taken = [await once(bench, number) for _ in range(min(3, bench.repeat))]
            points.append((number, min(taken)))
        table = ", ".join(f"{number:g}: {seconds / number * 1e6:.3g}" for number, seconds in points)
        bench.bound(f"{what}: slope of cost against {unit}", "log/log", [slope(points)], BOUND)
        print(f"    µs each, by number of {unit}: {table}", flush=True)


def slope(points: list[tuple[float, float]]) -> float:
    """Return that of the straight line which fits the logarithms best."""
    logs = [(log(number), log(seconds)) for number, seconds in points]
    x = sum(number for number, _ in logs) / len(logs)
    y = sum(seconds for _, seconds in logs) / len(logs)
    return sum((a - x) * (b - y) for a, b in logs) / sum((a - x) ** 2 for a, _ in logs)


async def _import(bench: Bench, mebibytes: int) -> float:
    options = ImportOptions.profile("unixfs-v1-2025", chunker="size-4096", only_hash=True)

    async def nowhere(_cid: object, _block: bytes) -> None:
        raise AssertionError("nothing is kept")

    content = memoryview(bench.content)[: mebibytes * MIB]
    began = perf_counter()
    await import_file(content, put=nowhere, options=options)
    return perf_counter() - began


async def _add(bench: Bench, number: int) -> float:
    async with open_node(repo=str(bench.place("repo"))) as node:
        entries = (File(f"d/file-{at:07}", b"%d" % at) for at in range(number))
        began = perf_counter()
        async for _ in node.add_all(entries, raw_leaves=True):
            pass
        return perf_counter() - began


async def _ls(_bench: Bench, number: int) -> float:
    blocks: dict[CID, bytes] = {}
    root = await directory_of(number, blocks)
    async with open_node(repo=":memory:") as node:
        for cid, block in blocks.items():
            await node.block.put(block, format=cid.codec)
        began = perf_counter()
        async for _ in node.ls(root):
            pass
        return perf_counter() - began


async def _pins(bench: Bench, number: int) -> float:
    blocks = raw_blocks(number, b"pinned")
    async with open_node(repo=str(bench.place("repo"))) as node:
        async for _ in node.dag.import_(car.write((), blocks.items())):
            pass
        began = perf_counter()
        async for _ in node.pin.add_all(list(blocks)):
            pass
        found = 0
        async for _ in node.pin.ls(type="recursive"):
            found += 1
        assert found == number, "all are pinned"
        return perf_counter() - began


async def _mfs(bench: Bench, number: int) -> float:
    async with open_node(repo=":memory:") as node:
        await node.files.mkdir("/d")
        began = perf_counter()
        for at in range(number):
            await node.files.write(f"/d/{at}", b"%d" % at, create=True)
        return perf_counter() - began


_THINGS: tuple[tuple[str, str, int, Callable[[Bench, int], Awaitable[float]]], ...] = (
    ("import in 4 KiB chunks", "MiB", 0, _import),
    ("add_all into one directory", "files", 100_000, _add),
    ("ls", "entries", 1_000_000, _ls),
    ("pin.add_all and pin.ls", "pins", 100_000, _pins),
    ("files.write of new files in one directory", "files", 20_000, _mfs),
)
