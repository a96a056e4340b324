"""DAGs that go on and on: walked in memory that is known, or refused at a depth that is known."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import tracemalloc
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import endless_support as endless
import pytest

from ipfs_comm import CID
from ipfs_comm.errors import InvalidInputError, IPFSCommError, LimitError, NoLinkError, NotUnixFSError
from ipfs_comm.exchange import Offline
from ipfs_comm.ipld import multihash
from ipfs_comm.ipld.codecs import dag_cbor
from ipfs_comm.node.embedded import EmbeddedNode
from ipfs_comm.unixfs import exporter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

#: Levels of a chain in the usual run; what takes minutes has those of the environment.
LEVELS = 4_000
HEAVY_LEVELS = int(os.environ.get("IPFS_COMM_LEVELS", "10000000"))
#: Bytes that a level may take in memory: a place in the set of blocks that were visited, while that set grows.
A_LEVEL = 400


@asynccontextmanager
async def deep(
    make: Callable[[CID | None], bytes], codec: str, levels: int = LEVELS
) -> AsyncIterator[tuple[Any, endless.ChainStore]]:
    store = endless.ChainStore(levels, make, codec)
    node = EmbeddedNode(store, Offline("a store of chains"), repo="a store of chains")
    try:
        yield node, store
    finally:
        await node.close()


async def count(items: Any) -> int:
    found = 0
    async with aclosing(items):
        async for _ in items:
            found += 1
    return found


async def collected(node: Any, root: CID) -> int:
    await node.pin.add(root)
    kept = await node.block.put(b"nobody keeps me", format="raw", version=1)
    return int([result.cid for result in await node.repo.gc()] == [kept])


async def updated(node: Any, root: CID) -> bool:
    old = await node.dag.put(["old"], pin=True)
    return bool(await node.pin.update(old, root) == root)


async def counted(node: Any, root: CID) -> int:
    stat = await node.dag.stat(root)
    return int(stat.unique_blocks)


#: What each verb that visits every block says of a chain of so many levels.
WALKS: dict[str, tuple[Callable[[Any, CID], Any], Callable[[int, CID], Any]]] = {
    "refs": (lambda node, root: count(node.refs(root, recursive=True)), lambda levels, _: levels - 1),
    "refs, unique": (
        lambda node, root: count(node.refs(root, recursive=True, unique=True)),
        lambda levels, _: levels - 1,
    ),
    "dag.export": (lambda node, root: count(node.dag.export(root)), lambda levels, _: levels + 1),
    "dag.stat": (counted, lambda levels, _: levels),
    "pin.add": (lambda node, root: node.pin.add(root), lambda _, root: root),
    "pin.update": (updated, lambda *_: True),
    "repo.gc": (collected, lambda *_: 1),
}


async def walk(verb: str, levels: int) -> None:
    async with deep(endless.data, "dag-cbor", levels) as (node, store):
        call, expected = WALKS[verb]
        assert await call(node, store.root) == expected(levels, store.root)
        assert store.made >= levels


@pytest.mark.parametrize("verb", WALKS)
async def test_a_chain_is_walked_without_a_stack_in_little_memory(verb: str) -> None:
    tracemalloc.start()
    try:
        await walk(verb, LEVELS)
        assert tracemalloc.get_traced_memory()[1] < LEVELS * A_LEVEL + (4 << 20)
    finally:
        tracemalloc.stop()


CHILD = """
import asyncio, resource, sys
sys.path[:0] = {paths!r}
import test_deep_dags as tests
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
asyncio.run(tests.walk({verb!r}, {levels}))
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)
"""


@pytest.mark.heavy
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("verb", ["refs", "dag.stat", "pin.add"])
def test_ten_million_levels_are_walked_in_memory_that_is_known(verb: str) -> None:
    here = Path(__file__).parent
    code = CHILD.format(paths=[str(here), str(here.parent)], verb=verb, levels=HEAVY_LEVELS)
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=7000, check=False)
    assert ended.returncode == 0, ended.stderr
    each = 0 if verb == "refs" else A_LEVEL
    assert int(ended.stdout) < HEAVY_LEVELS * each + (64 << 20)


async def test_the_paths_of_a_chain_end_with_the_longest_that_is_told() -> None:
    async with deep(endless.data, "dag-cbor", 10**7) as (node, store):
        with pytest.raises(LimitError, match="characters"):
            await count(node.dag.tree(store.root, recursive=True))
        assert store.made < 40_000


@pytest.mark.parametrize("verb", ["cat", "files.read", "get", "archive"])
async def test_a_file_of_ten_million_levels_is_refused_at_a_depth_that_is_known(
    verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporter, "MAX_FILE_DEPTH", 3000)
    async with deep(endless.file, "dag-pb", 10**7) as (node, store):
        start: dict[str, Callable[[], Any]] = {
            "cat": lambda: node.cat(store.root),
            "files.read": lambda: node.files.read(f"/ipfs/{store.root}"),
            "archive": lambda: node.get(store.root, archive=True),
        }
        with pytest.raises(LimitError, match="3000 levels"):
            await (await node.get(store.root))[0].content if verb == "get" else await start[verb]()
        assert store.made < 4000


@pytest.mark.heavy
async def test_the_deepest_file_that_is_read_is_refused_in_seconds() -> None:
    began = time.process_time()
    async with deep(endless.file, "dag-pb", 10**7) as (node, store):
        with pytest.raises(LimitError, match=f"{exporter.MAX_FILE_DEPTH} levels"):
            await node.cat(store.root)
        assert store.made < exporter.MAX_FILE_DEPTH + 100
    assert time.process_time() - began < 60


@pytest.mark.parametrize("verb", ["ls", "get", "archive", "to"])
async def test_directories_of_ten_million_levels_are_refused_at_a_depth_that_is_known(
    verb: str, tmp_path: Path
) -> None:
    async with deep(endless.directory, "dag-pb", 10**7) as (node, store):
        start: dict[str, Callable[[], Any]] = {
            "ls": lambda: node.ls(store.root, recursive=True),
            "get": lambda: node.get(store.root),
            "archive": lambda: node.get(store.root, archive=True),
            "to": lambda: node.get(store.root, to=tmp_path / "tree"),
        }
        with pytest.raises(IPFSCommError) as caught:
            await start[verb]()
        # Disks have a longest path of their own.
        assert caught.value.code in ("ERR_LIMIT", "ERR_DISK" if verb == "to" else "ERR_LIMIT")
        assert store.made < 2 * exporter.MAX_TREE_DEPTH + 100
    assert not tuple(os.scandir(tmp_path))


async def test_one_level_of_a_chain_costs_one_level() -> None:
    async with deep(endless.directory, "dag-pb", 10**7) as (node, store):
        assert [entry.name for entry in await node.ls(store.root)] == ["d"]
        assert (await node.files.stat(f"/ipfs/{store.root}")).type == "directory"
        assert (await node.dag.resolve(f"{store.root}/d/d/d")).cid == endless.place(3, "dag-pb")
        await node.files.cp(f"/ipfs/{store.root}", "/deep")
        await node.files.write("/deep/d/d/file", b"x", create=True)
        assert await node.files.read("/deep/d/d/file") == b"x"
        assert await node.refs(store.root, recursive=True, max_depth=10)
        assert store.made < 200


@pytest.mark.parametrize("verb", ["ls", "get", "cat", "files.ls", "files.write"])
async def test_shards_inside_of_shards_end_with_the_bits_of_the_hash(verb: str) -> None:
    async with deep(endless.shard, "dag-pb", 10**7) as (node, store):
        await node.files.cp(f"/ipfs/{store.root}", "/shard")

        def name(of: int) -> str:
            return next(
                text for text in map(str, range(100_000)) if multihash.digest(text.encode(), 0x22).digest[0] == of
            )

        start: dict[str, Callable[[], Any]] = {
            "ls": lambda: node.ls(store.root),
            "get": lambda: node.get(store.root),
            "cat": lambda: node.cat(f"{store.root}/{name(0)}"),
            "files.ls": lambda: node.files.ls("/shard"),
            "files.write": lambda: node.files.write(f"/shard/{name(0)}", b"x", create=True),
        }
        if verb == "files.write":
            # The bits of the name lead down only as far as they are those of the shards.
            await start[verb]()
        else:
            with pytest.raises(IPFSCommError) as caught:
                await start[verb]()
            assert isinstance(caught.value, NoLinkError if verb == "cat" else NotUnixFSError)
        assert store.made < 100


async def test_cids_inside_of_cids_are_read_as_far_as_kubo_reads_them() -> None:
    cid = CID.create(1, "dag-cbor", multihash.digest(dag_cbor.encode("inside"), "identity"))
    while True:
        inner, cid = cid, CID.create(1, "dag-cbor", multihash.digest(dag_cbor.encode([cid]), "identity"))
        if cid.multihash.size > multihash.MAX_IDENTITY:
            break
    async with deep(endless.data, "dag-cbor", 1) as (node, _):
        assert (await node.dag.get(inner, local_resolve=True)).value
        root = await node.dag.put({"inner": inner, "large": cid})
        for call in (
            lambda: node.dag.get(cid),
            lambda: node.dag.get(root, path="large/0"),
            lambda: node.dag.stat(root),
        ):
            with pytest.raises(LimitError, match="digest too large"):
                await call()
        assert await node.dag.stat(inner)
        with pytest.raises((LimitError, InvalidInputError)):
            await node.block.put(bytes(129), mhtype="identity", version=1, format="raw")
