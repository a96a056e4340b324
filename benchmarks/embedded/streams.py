"""One large file: imported, kept and read."""

from __future__ import annotations

from contextlib import aclosing
from time import perf_counter
from typing import TYPE_CHECKING

from embedded.bench import CHUNKS, MIB, THREADS, Kubo
from ipfs_comm import open_node
from ipfs_comm.blockstore._pool import Pool
from ipfs_comm.unixfs import ImportOptions
from ipfs_comm.unixfs.importer import import_file

if TYPE_CHECKING:
    from embedded.bench import Bench

PROFILE = "unixfs-v1-2025"


def _as_kubo(chunk: int) -> list[str]:
    return ["add", "-Q", "--cid-version=1", "--raw-leaves", "--max-file-links=1024", f"--chunker=size-{chunk}"]


async def _nowhere(_cid: object, _block: bytes) -> None:
    raise AssertionError("nothing is kept")


async def hashing(bench: Bench) -> None:
    """Import and keep nothing, beside SHA-256 alone, and beside Kubo which does the same from a file."""
    pool = Pool(max(THREADS), "bench")
    try:
        for chunk, called in CHUNKS.items():
            options = ImportOptions.profile(PROFILE, chunker=f"size-{chunk}", only_hash=True)
            ours: list[float] = []
            limits: dict[int, list[float]] = {threads: [] for threads in THREADS}
            for _ in range(bench.repeat):
                for threads in THREADS:
                    limits[threads].append(bench.rate(bench.hashed(threads, chunk)))
                began = perf_counter()
                await import_file(bench.content, put=_nowhere, options=options, pool=pool)
                ours.append(bench.rate(perf_counter() - began))
            for threads in THREADS:
                name = f"SHA-256 on {threads} thread{'s' if threads > 1 else ''}"
                target = 0.9 if threads == max(THREADS) and chunk == MIB else 0.0
                bench.add(f"import without store, {called} chunks", "MiB/s", ours, limits[threads], name, target=target)
    finally:
        pool.close()
    for chunk, called in CHUNKS.items():
        await _beside_only_hash(bench, chunk, called)


async def _beside_only_hash(bench: Bench, chunk: int, called: str) -> None:
    path = bench.file()
    ours, theirs = [], []
    with Kubo(bench.place("kubo")) as kubo:
        async with open_node(repo=":memory:") as node:
            for _ in range(bench.repeat):
                theirs.append(bench.rate(kubo.net(*_as_kubo(chunk), "--only-hash", path)))
                began = perf_counter()
                await node.add(path, profile=PROFILE, chunker=f"size-{chunk}", only_hash=True)
                ours.append(bench.rate(perf_counter() - began))
    bench.add(f"only_hash of a file, {called} chunks", "MiB/s", ours, theirs, "Kubo add --only-hash", target=1.5)


async def durable(bench: Bench) -> None:
    """Add a file to a new repository on disk, beside what hashing and a plain file allow and beside Kubo's stores."""
    path = bench.file()
    for chunk, called in CHUNKS.items():
        ours, limit = [], []
        kubos: dict[str, list[float]] = {"flatfs": [], "badgerds": []}
        for _ in range(bench.repeat):
            limit.append(bench.rate(max(bench.hashed(max(THREADS), chunk), bench.written())))
            async with open_node(repo=str(bench.place("repo"))) as node:
                await node.add(b"open")
                began = perf_counter()
                await node.add(path, profile=PROFILE, chunker=f"size-{chunk}")
                ours.append(bench.rate(perf_counter() - began))
            for store, taken in kubos.items():
                with Kubo(bench.place("kubo"), store) as kubo:
                    taken.append(bench.rate(kubo.net(*_as_kubo(chunk), path)))
        row = f"durable add of a file, {called} chunks"
        bench.add(row, "MiB/s", ours, limit, "slower of SHA-256 and write + fdatasync", target=0.6)
        bench.add(f"{row}: beside flatfs", "MiB/s", ours, kubos["flatfs"], "Kubo add into flatfs", target=2)
        bench.add(f"{row}: beside badger", "MiB/s", ours, kubos["badgerds"], "Kubo add into badger", target=1)


async def reading(bench: Bench) -> None:
    """Cat a file of a repository on disk, with checksums and verified by hash, beside Kubo's two ways."""
    path = bench.file()
    for chunk, called in CHUNKS.items():
        for verified, asked in ((False, 1.0), (True, 1.5)):
            ours, theirs = [], []
            place = str(bench.place("repo"))
            with Kubo(bench.place("kubo"), settings={"Datastore.HashOnRead": verified}) as kubo:
                kubo.seconds(*_as_kubo(chunk), path)
                async with open_node(repo=place, hash_on_read=verified) as node:
                    cid = (await node.add(path, profile=PROFILE, chunker=f"size-{chunk}")).cid
                    for _ in range(bench.repeat):
                        theirs.append(bench.rate(kubo.net("cat", str(cid))))
                        began = perf_counter()
                        async with aclosing(aiter(node.cat(cid))) as pieces:
                            got = 0
                            async for piece in pieces:
                                got += len(piece)
                        ours.append(bench.rate(perf_counter() - began))
                        assert got == len(bench.content), "all of it"
            how = "verified by hash" if verified else "checksums on"
            name = "Kubo cat, HashOnRead" if verified else "Kubo cat"
            bench.add(f"cat, {called} chunks, {how}", "MiB/s", ours, theirs, name, target=asked)
