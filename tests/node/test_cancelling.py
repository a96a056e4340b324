"""A call that is cancelled in the middle of its work leaves tasks, threads and handles as they were."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import endless_support as endless
import pytest

from ipfs_comm.errors import DeadlineError
from ipfs_comm.exchange import Offline
from ipfs_comm.node.embedded import EmbeddedNode
from ipfs_comm.node.open import open_node

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
    from pathlib import Path

    Begun = asyncio.Event
    Call = Callable[[Any, Any], Any]


async def pieces(begun: Begun, first: bytes = b"") -> AsyncGenerator[bytes, None]:
    """Generate content without end."""
    if first:
        yield first
    count = 0
    while True:
        yield bytes(1 << 16)
        count += 1
        if count == 40:
            begun.set()
        await asyncio.sleep(0)


async def entries(begun: Begun) -> AsyncGenerator[Any, None]:
    """Generate files without end."""
    count = 0
    while True:
        yield {"path": f"d/{count}", "content": b"%d" % count}
        count += 1
        if count == 200:
            begun.set()
        await asyncio.sleep(0)


async def sections(begun: Begun) -> AsyncGenerator[bytes, None]:
    """Generate a CAR without end."""
    async with open_node(repo=":memory:") as other:
        header, *blocks = [piece async for piece in other.dag.export(await other.dag.put({"a": 1}))]
    yield header
    count = 0
    while True:
        for block in blocks:
            yield block
        count += 1
        if count == 200:
            begun.set()
        await asyncio.sleep(0)


async def roots(begun: Begun, cid: Any) -> AsyncGenerator[Any, None]:
    """Generate roots without end."""
    while True:
        yield cid
        begun.set()
        await asyncio.sleep(0)


async def _whole(stream: Any) -> Any:
    return await stream


WRITING: dict[str, Call] = {
    "add": lambda node, begun: node.add(pieces(begun)),
    "add_all": lambda node, begun: _whole(node.add_all(entries(begun))),
    "dag.import_": lambda node, begun: _whole(node.dag.import_(sections(begun))),
    "files.write": lambda node, begun: node.files.write("/file", pieces(begun), create=True),
}


def handles() -> int:
    return len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0  # noqa: PTH208 (of /proc, which has no Path)


async def cancelled(node: Any, call: Call, begun: Begun) -> None:
    task = asyncio.ensure_future(call(node, begun))
    async with asyncio.timeout(30):
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


@pytest.mark.parametrize("verb", WRITING)
async def test_writing_leaves_nothing_open(tmp_path: Path, verb: str) -> None:
    outside = threading.active_count()
    async with open_node(repo=tmp_path / "repo") as node:
        # What is opened once for all calls is open from here on.
        await cancelled(node, WRITING[verb], asyncio.Event())
        await node.repo.gc()
        tasks, files = asyncio.all_tasks(), handles()
        for _ in range(3):
            await cancelled(node, WRITING[verb], asyncio.Event())
            await node.repo.gc()
        assert asyncio.all_tasks() == tasks
        assert handles() <= files + 1
        assert await node.cat((await node.add(b"hello")).cid) == b"hello"
    assert threading.active_count() == outside


def nothing() -> Iterator[bytes]:
    """Generate pieces without end, and without content."""
    while True:
        yield b""


async def nothing_later() -> AsyncGenerator[bytes, None]:
    for piece in nothing():
        yield piece


@pytest.mark.parametrize("source", [nothing, nothing_later])
@pytest.mark.parametrize("verb", ["add", "dag.import_", "files.write"])
async def test_pieces_without_end_and_content_let_others_have_their_turn(verb: str, source: Callable[[], Any]) -> None:
    async with open_node(repo=":memory:") as node:
        start = {
            "add": lambda: node.add(source(), timeout=0.2),
            "dag.import_": lambda: node.dag.import_(source(), timeout=0.2),
            "files.write": lambda: node.files.write("/a", source(), create=True, timeout=0.2),
        }[verb]
        with pytest.raises(DeadlineError):
            await start()


@pytest.fixture
async def deep() -> AsyncIterator[tuple[Any, endless.ChainStore]]:
    """Open a node with a DAG that no walk comes to the end of."""
    store = endless.ChainStore(10**9, endless.data, "dag-cbor")
    node = EmbeddedNode(store, Offline("a store of chains"), repo="a store of chains")
    yield node, store
    await node.close()


async def _each(stream: Any) -> None:
    async with aclosing(stream) as items:
        async for _ in items:
            pass


WALKING: dict[str, Call] = {
    "dag.export": lambda node, root: _each(node.dag.export(root)),
    "dag.stat": lambda node, root: node.dag.stat(root),
    "pin.add": lambda node, root: node.pin.add(root),
    "refs": lambda node, root: _each(node.refs(root, recursive=True)),
}


@pytest.mark.parametrize("verb", WALKING)
async def test_a_walk_without_end_is_left_at_once(deep: tuple[Any, endless.ChainStore], verb: str) -> None:
    node, store = deep
    before = asyncio.all_tasks()
    walk = asyncio.ensure_future(WALKING[verb](node, store.root))
    async with asyncio.timeout(20):
        await store.begun.wait()
        walk.cancel()
        with pytest.raises(asyncio.CancelledError):
            await walk
        assert asyncio.all_tasks() == before
        made = store.made
        # Nothing holds what was held: a collector comes in, and the walk does not go on.
        await node.repo.gc()
        assert store.made == made


@pytest.mark.parametrize("verb", WALKING)
async def test_a_walk_without_end_ends_by_its_deadline(deep: tuple[Any, endless.ChainStore], verb: str) -> None:
    node, store = deep
    begun = asyncio.get_running_loop().time()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await WALKING[verb](node, store.root)
    assert asyncio.get_running_loop().time() - begun < 5
