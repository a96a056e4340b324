"""How close does the embedded node come to the machine's hashing and disk?

Each row stands beside what the machine itself does with the same bytes in the same run: SHA-256 by hashlib on one and
two threads, or a plain file. Ours and the reference take turns. See README.md.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
import sys
import tempfile
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from harness.sheet import Row, Sheet, middle

from ipfs_comm import open_node
from ipfs_comm.blockstore._pool import Pool
from ipfs_comm.node.api import File
from ipfs_comm.unixfs import ImportOptions
from ipfs_comm.unixfs.importer import import_file

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

QUESTION = "How close does the embedded node come to the machine's hashing and disk?"
MIB = 1 << 20
#: Bytes of a chunk, and how rows call it.
CHUNKS = {MIB: "1 MiB", 256 * 1024: "256 KiB"}
THREADS = (1, 2)


class Bench:
    """What the scenarios share: unique bytes, a folder on disk, the sheet."""

    def __init__(self, sheet: Sheet, folder: Path, *, size: int, repeat: int, scale: float) -> None:
        self.sheet, self.folder, self.repeat, self.scale = sheet, folder, repeat, scale
        self.content = os.urandom(size)

    def pieces(self, size: int = MIB) -> Iterator[bytes]:
        """Cut the content, as a file read piece by piece comes."""
        for at in range(0, len(self.content), size):
            yield self.content[at : at + size]

    def rate(self, seconds: float) -> float:
        """Return MiB/s."""
        return len(self.content) / MIB / seconds

    def hashed(self, threads: int, chunk: int) -> float:
        """Return MiB/s of SHA-256 over all chunks of the content."""
        view = memoryview(self.content)

        def part(first: int) -> None:
            for at in range(first * chunk, len(view), threads * chunk):
                hashlib.sha256(view[at : at + chunk]).digest()

        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(part, range(threads)))
            began = perf_counter()
            list(pool.map(part, range(threads)))
            return self.rate(perf_counter() - began)

    def written(self) -> float:
        """Return MiB/s of the content into one file, on the disk for good."""
        path = self.folder / "plain"
        began = perf_counter()
        with path.open("wb", buffering=0) as opened:
            for piece in self.pieces():
                opened.write(piece)
            os.fdatasync(opened.fileno())
        taken = perf_counter() - began
        path.unlink()
        return self.rate(taken)

    def add(self, row: str, unit: str, ours: list[float], reference: list[float], name: str, **more: float) -> None:
        """Take a row of medians."""
        better = "higher" if unit == "MiB/s" else "lower"
        samples = {"samples": ours, "reference_samples": reference}
        self.sheet.add(
            Row(row, unit, better, middle(ours), middle(reference), name, samples=samples, **more)  # type: ignore[arg-type]  # more is the target
        )


async def hashing(bench: Bench) -> None:
    """Import and keep nothing, beside SHA-256 alone."""
    pool = Pool(max(THREADS), "bench")

    async def nowhere(_cid: object, _block: bytes) -> None:
        raise AssertionError("nothing is kept")

    try:
        for chunk, called in CHUNKS.items():
            options = ImportOptions.profile("unixfs-v1-2025", chunker=f"size-{chunk}", only_hash=True)
            ours: list[float] = []
            limits: dict[int, list[float]] = {threads: [] for threads in THREADS}
            for _ in range(bench.repeat):
                for threads in THREADS:
                    limits[threads].append(bench.hashed(threads, chunk))
                began = perf_counter()
                await import_file(bench.pieces(chunk), put=nowhere, options=options, pool=pool)
                ours.append(bench.rate(perf_counter() - began))
            for threads in THREADS:
                name = f"SHA-256 on {threads} thread{'s' if threads > 1 else ''}"
                target = 0.9 if threads == max(THREADS) and chunk == MIB else 0.0
                bench.add(f"import without store, {called} chunks", "MiB/s", ours, limits[threads], name, target=target)
    finally:
        pool.close()


async def durable(bench: Bench) -> None:
    """Add to a repository on disk, beside what the slower of hashing and a plain file allows; then cat it."""
    for chunk, called in CHUNKS.items():
        ours, limit, read, plain = [], [], [], []
        path = bench.folder / "content"
        path.write_bytes(bench.content)
        for turn in range(bench.repeat):
            limit.append(min(bench.hashed(max(THREADS), chunk), bench.written()))
            async with open_node(repo=str(bench.folder / f"repo-{chunk}-{turn}")) as node:
                await node.add(b"open")
                began = perf_counter()
                added = await node.add(path, profile="unixfs-v1-2025", chunker=f"size-{chunk}")
                ours.append(bench.rate(perf_counter() - began))
                began = perf_counter()
                async for _ in node.cat(added.cid):
                    pass
                read.append(bench.rate(perf_counter() - began))
            began = perf_counter()
            with path.open("rb", buffering=0) as opened:
                while opened.read(chunk):
                    pass
            plain.append(bench.rate(perf_counter() - began))
        slower = "slower of SHA-256 and write + fdatasync"
        bench.add(f"durable add of a file, {called} chunks", "MiB/s", ours, limit, slower, target=0.6)
        bench.add(f"cat, {called} chunks", "MiB/s", read, plain, "file read from the cache")


async def listing(bench: Bench) -> None:
    """List directories of growing size, so of one node and of shards: what an entry costs must not grow."""
    async with open_node(repo=":memory:") as node:
        costs: dict[int, list[float]] = {}
        for entries in (100, 1000, max(1000, int(10_000 * bench.scale))):
            files = (File(f"d/file-{n:07}", b"%d" % n) for n in range(entries))
            roots = await node.add_all(files, raw_leaves=True)
            costs[entries] = []
            for _ in range(bench.repeat):
                began = perf_counter()
                found = await node.ls(roots[-1].cid)
                costs[entries].append((perf_counter() - began) / entries * 1e6)
                assert len(found) == entries
        smallest = costs[100]
        for entries, cost in costs.items():
            if entries != 100:
                bench.add(f"ls of {entries} entries, each", "µs", cost, smallest, "each of 100")


async def growing(bench: Bench) -> None:
    """Import larger and larger content: what a MiB costs must not grow."""
    options = ImportOptions.profile("unixfs-v1-2025", chunker="size-4096", only_hash=True)

    async def nowhere(_cid: object, _block: bytes) -> None:
        raise AssertionError("nothing is kept")

    costs: dict[int, list[float]] = {}
    whole = bench.content
    for share in (16, 4, 1):
        content = memoryview(whole)[: len(whole) // share]
        costs[share] = []
        for _ in range(bench.repeat):
            began = perf_counter()
            await import_file(content, put=nowhere, options=options)
            costs[share].append((perf_counter() - began) / (len(content) / MIB) * 1000)
    for share in (4, 1):
        size = len(whole) // share // MIB
        bench.add(
            f"import of {size} MiB in 4 KiB chunks, each MiB", "ms", costs[share], costs[16], "a sixteenth of it all"
        )


#: What can be asked for.
SCENARIOS: dict[str, Callable[[Bench], Awaitable[None]]] = {
    "hashing": hashing,
    "durable": durable,
    "listing": listing,
    "growing": growing,
}


def main() -> int:
    """Measure what was asked for, print the table and keep it; return 1 if something could not be measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", nargs="+", choices=SCENARIOS, default=list(SCENARIOS), help="the parts to measure")
    parser.add_argument("--long", action="store_true", help="1 GiB instead of 128 MiB")
    parser.add_argument("--repeat", type=int, default=5, help="repetitions of each measurement (default 5)")
    parser.add_argument(
        "--scale", type=float, default=1.0, help="multiplies sizes, to try it out; at 1 only it is kept"
    )
    parser.add_argument("--dry", action="store_true", help="keep nothing")
    options = parser.parse_args()
    size = max(1, int((1024 if options.long else 128) * options.scale)) * MIB
    sheet = Sheet(QUESTION, "node")
    failed = []
    with tempfile.TemporaryDirectory(prefix="ipfs-comm-bench-") as folder:
        bench = Bench(sheet, Path(folder), size=size, repeat=options.repeat, scale=options.scale)
        for name in options.rows:
            print(f"\n{name}", flush=True)
            try:
                asyncio.run(SCENARIOS[name](bench))
            except Exception:
                # The other rows are still worth having.
                traceback.print_exc()
                failed.append(name)
    if not options.dry and options.scale == 1:
        sheet.save()
    for what in failed:
        print(f"not measured: {what}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
