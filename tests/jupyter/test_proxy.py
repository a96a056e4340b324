"""``ipfs`` and ``ipfs.sync``: the node's API from other loops and from none."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from ipfs_comm.errors import NotFoundError, NotSupportedError
from ipfs_comm.kernel.proxy import AHEAD, Proxy
from ipfs_comm.kernel.runtime import Runtime
from ipfs_comm.node import open_node

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

MISSING = "bafkreifzjut3te7nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e"


class Opener:
    """Opens a node in memory at the first call, as the extension does."""

    def __init__(self) -> None:
        self.stack = contextlib.AsyncExitStack()
        self.node: Any = None

    async def open(self) -> Any:
        if self.node is None:
            self.node = await self.stack.enter_async_context(open_node(repo=":memory:"))
        return self.node


@pytest.fixture
def ipfs() -> Iterator[Proxy]:
    runtime, opener = Runtime("tested"), Opener()
    yield Proxy(opener.open, runtime, lambda _path: None)
    runtime.close(opener.stack.aclose)


async def test_a_result_comes_to_the_loop_that_awaits_it(ipfs: Proxy) -> None:
    added = await ipfs.add(b"x" * 600_000)
    assert await ipfs.cat(added.cid, offset=599_998) == b"xx"


async def test_a_call_is_a_coroutine_that_a_task_can_run(ipfs: Proxy) -> None:
    task = asyncio.create_task(ipfs.add(b"x"))
    assert (await task).path == str((await task).cid)


async def test_a_stream_is_read_item_by_item(ipfs: Proxy) -> None:
    added = await ipfs.add(bytes(range(256)) * 40_000)
    chunks = [chunk async for chunk in ipfs.cat(added.cid)]
    assert len(chunks) > 2 * AHEAD
    assert b"".join(chunks) == bytes(range(256)) * 40_000


async def test_a_stream_that_is_left_ends_the_work_behind_it(ipfs: Proxy) -> None:
    left = asyncio.Event()

    async def entries() -> AsyncIterator[Any]:
        try:
            for number in range(1_000_000):
                yield {"path": f"{number}", "content": b"x"}
        finally:
            left.set()

    async with contextlib.aclosing(ipfs.add_all(entries())) as added:
        async for _entry in added:
            break
    await asyncio.wait_for(left.wait(), 10)


async def test_an_error_of_the_node_is_raised_where_it_is_awaited(ipfs: Proxy) -> None:
    with pytest.raises(NotFoundError, match=MISSING):
        await ipfs.cat(MISSING)
    with pytest.raises(NotFoundError, match=MISSING):
        async for _chunk in ipfs.cat(MISSING):
            pass
    with pytest.raises(NotFoundError, match=MISSING):
        ipfs.sync.block.get(MISSING)


async def test_an_error_of_the_users_own_iterator_is_raised_where_it_is_awaited(ipfs: Proxy) -> None:
    def broken() -> Iterator[bytes]:
        yield b"x"
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        await ipfs.add(broken())


async def test_files_that_get_gives_can_be_read_on_the_callers_loop(ipfs: Proxy) -> None:
    files = [{"path": "d/one", "content": b"1"}, {"path": "d/two", "content": iter([b"2", b"2"])}]
    root = (await ipfs.add_all(files))[-1]
    read = {entry.name: await entry.content async for entry in ipfs.get(root.cid) if entry.content is not None}
    assert read == {"one": b"1", "two": b"22"}


def test_without_a_loop_calls_return_what_they_find(ipfs: Proxy) -> None:
    root = ipfs.sync.add_all([{"path": "d/one", "content": (chunk for chunk in (b"1", b"2"))}])[-1]
    assert [entry.name for entry in ipfs.sync.ls(root.cid)] == ["one"]
    [content] = [entry.content for entry in ipfs.sync.get(root.cid) if entry.content is not None]
    assert b"".join(content) == b"12"
    assert ipfs.sync.dag.get(ipfs.sync.dag.put({"a": 1})).value == {"a": 1}


def test_the_proxy_has_the_names_and_signatures_of_the_api(ipfs: Proxy) -> None:
    assert {"add", "add_all", "cat", "dag", "block", "sync"} <= set(dir(ipfs))
    assert list(inspect.signature(ipfs.cat).parameters) == [
        "path",
        "offset",
        "length",
        "max_size",
        "offline",
        "timeout",
    ]
    assert ipfs.cat.__doc__
    with pytest.raises(AttributeError, match=r"ipfs\.dag has no 'putt'; it has .*get, .*put, resolve"):
        _ = ipfs.dag.putt
    with pytest.raises(TypeError):
        ipfs.cat()


async def test_what_is_not_allowed_is_refused_before_it_begins() -> None:
    def allow(path: tuple[str, ...]) -> None:
        raise NotSupportedError(".".join(path), code="ERR_DENIED")

    runtime, opener = Runtime("tested"), Opener()
    with pytest.raises(NotSupportedError, match=r"dag\.put"):
        Proxy(opener.open, runtime, allow).dag.put({})
    assert opener.node is None
    runtime.close()


async def test_a_verb_that_is_a_namespace_too_has_both(ipfs: Proxy) -> None:
    added = await ipfs.add(b"x", wrap_with_directory=True)
    child = (await ipfs.refs(added.cid))[0].ref
    assert child != str(added.cid)
    assert len(await ipfs.refs.local()) == 2
    assert await asyncio.to_thread(lambda: len(ipfs.sync.refs.local())) == 2


async def test_what_a_stream_lists_can_be_handed_to_a_verb(ipfs: Proxy) -> None:
    added = await ipfs.add(b"x")
    assert await ipfs.pin.rm_all(ipfs.pin.ls(type="recursive")) == [added.cid]
    assert await ipfs.pin.ls() == []


class Topics:
    """The ``pubsub`` of a node that has some, on its own loop."""

    def __init__(self) -> None:
        self.handlers: list[Any] = []

    async def subscribe(self, topic: str, handler: Any, *, on_error: Any = None, timeout: float | None = None) -> None:
        self.handlers.append(handler)

    async def unsubscribe(self, topic: str, handler: Any = None, *, timeout: float | None = None) -> None:
        self.handlers.remove(handler)


async def test_a_handler_of_messages_runs_on_the_callers_loop_until_it_is_taken_back() -> None:
    runtime, topics = Runtime("tested"), Topics()
    heard: asyncio.Queue[tuple[str, asyncio.AbstractEventLoop]] = asyncio.Queue()

    async def opened() -> Any:
        return SimpleNamespace(pubsub=topics)

    def handler(message: str) -> None:
        heard.put_nowait((message, asyncio.get_running_loop()))

    ipfs = Proxy(opened, runtime, lambda _path: None)
    await ipfs.pubsub.subscribe("news", handler)
    runtime.loop.call_soon_threadsafe(topics.handlers[0], "hello")
    assert await asyncio.wait_for(heard.get(), 5) == ("hello", asyncio.get_running_loop())
    await ipfs.pubsub.unsubscribe("news", handler)
    assert topics.handlers == []
    runtime.close()
