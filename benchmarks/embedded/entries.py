"""Many small things: files, entries of directories, blocks, pins."""

from __future__ import annotations

import os
from time import perf_counter
from typing import TYPE_CHECKING, Any

import httpx
from kubo_support import running

from embedded.bench import Kubo
from ipfs_comm import open_node
from ipfs_comm.ipld import CID, car, multihash
from ipfs_comm.unixfs import ImportOptions
from ipfs_comm.unixfs.builder import Builder
from ipfs_comm.unixfs.directory import make_directory
from ipfs_comm.unixfs.hamt import Entry

if TYPE_CHECKING:
    from pathlib import Path

    from embedded.bench import Bench

_RAW = 0x55


async def files(bench: Bench) -> None:
    """Add a folder of small files, each file alone on disk, beside Kubo."""
    number = bench.many(100_000)
    folder = bench.place("files")
    for at in range(number):
        inside = folder / f"{at // 1000:03}"
        if not at % 1000:
            inside.mkdir(parents=True)
        (inside / f"{at:06}").write_bytes(b"file %d " % at + os.urandom(50))
    ours, theirs = [], []
    for _ in range(min(3, bench.repeat)):
        with Kubo(bench.place("kubo")) as kubo:
            theirs.append(number / kubo.net("add", "-r", "-Q", "--cid-version=1", folder))
        async with open_node(repo=str(bench.place("repo"))) as node:
            await node.add(b"open")
            began = perf_counter()
            await node.add(folder, cid_version=1)
            ours.append(number / (perf_counter() - began))
    bench.add(f"add of a folder of {number} small files", "files/s", ours, theirs, "Kubo add -r into flatfs")


async def directory_of(entries: int, blocks: dict[CID, bytes], **options: Any) -> CID:
    """Put into `blocks` a directory in which all names lead to one raw block; return its CID.

    ``options`` are those of `ImportOptions`.
    """

    async def put(cid: CID, block: bytes) -> None:
        blocks[cid] = block

    content = b"the same in every file"
    leaf = CID.create(1, _RAW, multihash.digest(content, "sha2-256"))
    blocks[leaf] = content
    builder = Builder(put, ImportOptions(cid_version=1, **options).resolved())
    made = await make_directory(builder, [Entry(f"file-{at:07}", leaf, len(content)) for at in range(entries)])
    return made.cid


async def write_car(path: Path, root: CID, blocks: dict[CID, bytes]) -> None:
    """Write a CAR to disk."""
    with path.open("wb") as opened:
        async for piece in car.write((root,), blocks.items()):
            opened.write(piece)


async def listing(bench: Bench) -> None:
    """List sharded directories in repositories on disk, beside Kubo's ls of the same."""
    for entries in (max(10_000, bench.many(10_000)), bench.many(1_000_000)):
        blocks: dict[CID, bytes] = {}
        root = await directory_of(entries, blocks)
        path = bench.place("directory.car")
        await write_car(path, root, blocks)
        del blocks
        ours, theirs = [], []
        with Kubo(bench.place("kubo")) as kubo:
            kubo.seconds("dag", "import", path)
            async with open_node(repo=str(bench.place("repo"))) as node:
                with path.open("rb") as opened:
                    await node.dag.import_(opened)
                for _ in range(min(3, bench.repeat)):
                    theirs.append(entries / kubo.net("ls", str(root)))
                    began = perf_counter()
                    found = 0
                    async for _entry in node.ls(root):
                        found += 1
                    ours.append(entries / (perf_counter() - began))
                    assert found == entries, "all of it"
        path.unlink()
        bench.add(f"ls of {entries} entries", "entries/s", ours, theirs, "Kubo ls")


async def blocks(bench: Bench) -> None:
    """Put blocks one by one, each durable before the next, and get them; beside Kubo's RPC from the same process."""
    number = bench.many(5_000)
    content = [b"block %d " % at + os.urandom(1000) for at in range(number)]
    with Kubo(bench.place("kubo")) as kubo, running(kubo.repository) as daemon, httpx.Client(trust_env=False) as client:
        async with open_node(repo=str(bench.place("repo"))) as node:
            ours: dict[str, list[float]] = {"put": [], "get": []}
            theirs: dict[str, list[float]] = {"put": [], "get": []}
            turns = min(3, bench.repeat)
            for turn in range(turns):
                mine = content[turn::turns]
                began = perf_counter()
                cids = [await node.block.put(block, format="raw") for block in mine]
                ours["put"].append(len(mine) / (perf_counter() - began))
                began = perf_counter()
                for cid in cids:
                    await node.block.get(cid)
                ours["get"].append(len(mine) / (perf_counter() - began))
                theirs["put"].append(len(mine) / _put(client, daemon.api, mine))
                theirs["get"].append(len(mine) / _get(client, daemon.api, cids))
    for verb in ("put", "get"):
        bench.add(f"block.{verb}, one after another", "blocks/s", ours[verb], theirs[verb], "Kubo's RPC over HTTP")


def _put(client: httpx.Client, api: str, blocks: list[bytes]) -> float:
    began = perf_counter()
    for block in blocks:
        client.post(f"{api}/api/v0/block/put?cid-codec=raw", files={"file": block}).raise_for_status()
    return perf_counter() - began


def _get(client: httpx.Client, api: str, cids: list[CID]) -> float:
    began = perf_counter()
    for cid in cids:
        client.post(f"{api}/api/v0/block/get?arg={cid}").raise_for_status()
    return perf_counter() - began


async def collecting(bench: Bench) -> None:
    """Collect blocks that nothing holds, beside as many pinned ones that stay."""
    number = bench.many(300_000)
    doomed = raw_blocks(number, b"doomed")
    kept: dict[CID, bytes] = {}
    root = await directory_of(bench.many(100_000), kept)
    ours, theirs = [], []
    for _ in range(min(3, bench.repeat)):
        paths = bench.place("doomed.car"), bench.place("kept.car")
        await write_car(paths[0], next(iter(doomed)), doomed)
        await write_car(paths[1], root, kept)
        with Kubo(bench.place("kubo")) as kubo:
            kubo.seconds("dag", "import", "--pin-roots=false", paths[0])
            kubo.seconds("dag", "import", paths[1])
            theirs.append(number / kubo.net("repo", "gc", "--quiet"))
        async with open_node(repo=str(bench.place("repo"))) as node:
            for path, pin in zip(paths, (False, True), strict=True):
                with path.open("rb") as opened:
                    await node.dag.import_(opened, pin_roots=pin)
            began = perf_counter()
            removed = await node.repo.gc()
            ours.append(number / (perf_counter() - began))
            assert len(removed) == number, "all that nothing holds"
        for path in paths:
            path.unlink()
    bench.add(f"repo.gc of {number} blocks", "blocks/s", ours, theirs, "Kubo repo gc of flatfs")


def raw_blocks(number: int, what: bytes) -> dict[CID, bytes]:
    content = (b"%s %d " % (what, at) + os.urandom(100) for at in range(number))
    return {CID.create(1, _RAW, multihash.digest(block, "sha2-256")): block for block in content}
