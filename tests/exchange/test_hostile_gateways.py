"""Gateways that mean harm: whatever they send costs what a block may cost, and ends in an error that tells it."""

from __future__ import annotations

import asyncio
import gzip
import tracemalloc
import zlib
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from exchange.gateway_support import block, endless, lying, pause, running, saying, silent, status

from ipfs_comm import open_node
from ipfs_comm.errors import DeadlineError, NotFoundError
from ipfs_comm.exchange import FetchContext, Gateways, Pace
from ipfs_comm.ipld import CID
from ipfs_comm.ipld.codecs import dag_cbor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from exchange.gateway_support import Answer, Gateway

CONTENT = b"a block that somebody has"
WANTED, _ = block(CONTENT)
#: No test waits for a gateway longer than it must, nor for the next one at all.
QUICK = Pace(answer=0.5, total=5, hedge=60, rest=0.01, patience=0.5, tries=1)


async def said(address: str) -> str:
    """Return what one gateway said instead of giving the block."""
    exchange = Gateways([address], pace=QUICK)
    try:
        with pytest.raises(NotFoundError) as caught:
            await exchange.fetch(WANTED, context=FetchContext(path=f"/ipfs/{WANTED}/a", segment="a"))
    finally:
        await exchange.close()
    text = str(caught.value)
    assert str(WANTED) in text
    assert "'a'" in text or "/a" in text
    return text


def encoded(name: str, content: bytes) -> Answer:
    async def answer(_gateway: Gateway, _request: web.Request, _cid: CID) -> web.StreamResponse:
        return web.Response(body=content, headers={"Content-Encoding": name})

    return answer


BOMB = bytes(256 << 20)


@pytest.mark.parametrize(
    ("name", "packed"),
    [
        ("gzip", gzip.compress(BOMB, 1)),
        ("deflate", zlib.compress(BOMB, 1)),
        # A metablock of zeros without end, as brotli writes it; nothing here unpacks it either.
        ("br", b"\xcb\xff\xff\x7f\x00" * 1000),
        ("gzip, gzip, gzip", gzip.compress(gzip.compress(gzip.compress(BOMB, 1)))),
        ("nonsense", CONTENT[:-1]),
    ],
    ids=["gzip", "deflate", "br", "thrice", "nonsense"],
)
async def test_what_comes_packed_is_not_unpacked(name: str, packed: bytes) -> None:
    async with running(encoded(name, packed)) as gateway:
        tracemalloc.start()
        try:
            assert "that are not the block" in await said(gateway.url)
            assert tracemalloc.get_traced_memory()[1] < 32 << 20
        finally:
            tracemalloc.stop()


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nX-slow: ",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n",
        b"HTTP/1.1 302 Found\r\nX-slow: ",
    ],
    ids=["header", "body", "chunk", "redirect"],
)
async def test_what_comes_drop_by_drop_is_cut_off(head: bytes) -> None:
    async with saying(head, b"x", every=0.02) as address:
        assert "no whole block within 0.5 s" in await said(address)


@pytest.mark.parametrize(
    "headers",
    [
        b"Content-Length: 5\r\n",
        b"Content-Length: 26\r\n",
        b"Content-Length: -1\r\n",
        b"Content-Length: 99999999999999999999999999\r\n",
        b"Content-Length: 25\r\nContent-Length: 5\r\n",
        b"Content-Length: 25\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: 0x19\r\n",
    ],
    ids=["short", "long", "negative", "huge", "two", "both", "no number"],
)
async def test_a_length_that_lies_brings_no_block(headers: bytes) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n" + headers + b"\r\n" + CONTENT)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        await said(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    finally:
        server.close()
        await server.wait_closed()


async def test_many_hostile_answers_at_once_are_held_by_their_limits() -> None:
    async with AsyncExitStack() as stack:
        bad = [await stack.enter_async_context(running(answer)) for answer in (endless, lying, silent, status(500))]
        pace = Pace(answer=1, total=3, hedge=0.05, rest=0.01, patience=0.1, tries=1, connections=4)
        exchange = Gateways([gateway.url for gateway in bad], pace=pace)
        wanted = [block(b"nobody %d" % number)[0] for number in range(200)]
        tracemalloc.start()
        try:
            fetched = [exchange.fetch(cid, context=FetchContext(timeout=4)) for cid in wanted]
            async with asyncio.timeout(30):
                results = await asyncio.gather(*fetched, return_exceptions=True)
            assert tracemalloc.get_traced_memory()[1] < 96 << 20
        finally:
            tracemalloc.stop()
            await exchange.close()
        for cid, result in zip(wanted, results, strict=True):
            assert isinstance(result, NotFoundError)
            assert str(cid) in str(result)
        assert max(gateway.most_under_way for gateway in bad) <= 4


WITHOUT: dict[str, Callable[..., Awaitable[Any]]] = {
    "block.put": lambda node, root, **o: node.block.put(
        dag_cbor.encode([root]), format="dag-cbor", version=1, pin=True, **o
    ),
    "dag.export": lambda node, root, **o: _whole(node.dag.export(root, **o)),
    "dag.put": lambda node, root, **o: node.dag.put({"a": root}, pin=True, **o),
    "dag.stat": lambda node, root, **o: node.dag.stat(root, **o),
    "dag.tree": lambda node, root, **o: _whole(node.dag.tree(root, recursive=True, **o)),
    "files.cp": lambda node, root, **o: node.files.cp(f"/ipfs/{root}", "/copy", **o),
    "files.ls": lambda node, root, **o: _whole(node.files.ls(f"/ipfs/{root}", **o)),
    "files.read": lambda node, root, **o: _whole(node.files.read(f"/ipfs/{root}", **o)),
    "files.stat": lambda node, root, **o: node.files.stat(f"/ipfs/{root}", **o),
    "name.publish": lambda node, root, **o: node.name.publish(root, **o),
    "object.data": lambda node, root, **o: node.object.data(root, **o),
    "object.get": lambda node, root, **o: node.object.get(root, **o),
    "object.links": lambda node, root, **o: node.object.links(root, **o),
    "object.stat": lambda node, root, **o: node.object.stat(root, **o),
    "object.patch.rm_link": lambda node, root, **o: node.object.patch.rm_link(root, "a", **o),
    "pin.add": lambda node, root, **o: node.pin.add(root, **o),
    "pin.add_all": lambda node, root, **o: _whole(node.pin.add_all([root], **o)),
    "pin.ls": lambda node, root, **o: _whole(node.pin.ls(f"/ipfs/{root}/a", **o)),
    "pin.rm": lambda node, root, **o: node.pin.rm(f"/ipfs/{root}/a", **o),
    "resolve": lambda node, root, **o: node.resolve(f"/ipfs/{root}/a", **o),
}


async def _whole(stream: Awaitable[Any]) -> Any:
    return await stream


@pytest.fixture
async def quiet() -> AsyncIterator[tuple[Any, Gateway]]:
    """Open a node that has one gateway, which never answers."""
    async with running(silent) as gateway, open_node(repo=":memory:", gateways=[gateway.url]) as node:
        yield node, gateway


ROOT = CID.create(1, "dag-pb", WANTED.multihash)


@pytest.mark.parametrize("verb", WITHOUT)
async def test_every_verb_can_leave_others_alone(quiet: tuple[Any, Gateway], verb: str) -> None:
    node, gateway = quiet
    async with asyncio.timeout(10):
        with pytest.raises(NotFoundError, match=r"offline|locally"):
            await WITHOUT[verb](node, ROOT, offline=True)
    assert gateway.asked == []


@pytest.mark.parametrize("verb", WITHOUT)
async def test_every_verb_ends_by_its_deadline_and_leaves_nothing_behind(quiet: tuple[Any, Gateway], verb: str) -> None:
    node, gateway = quiet
    async with asyncio.timeout(10):
        with pytest.raises((DeadlineError, NotFoundError)) as caught:
            await WITHOUT[verb](node, ROOT, timeout=0.3)
    assert gateway.asked == [ROOT] or verb not in ("pin.add", "files.read")
    if isinstance(caught.value, NotFoundError):
        assert gateway.url in str(caught.value)
        assert str(ROOT) in str(caught.value)
    await _settled()


@pytest.mark.parametrize("verb", WITHOUT)
async def test_cancelling_any_verb_ends_its_requests_and_tasks(quiet: tuple[Any, Gateway], verb: str) -> None:
    node, gateway = quiet
    call = asyncio.ensure_future(WITHOUT[verb](node, ROOT))
    async with asyncio.timeout(10):
        await gateway.came.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await gateway.left.wait()
    await _settled()
    # Whatever it held (garbage collection, the state, the MFS) it has given back.
    async with asyncio.timeout(10):
        assert await node.repo.gc() is not None
        await node.files.mkdir("/free")


async def _settled() -> None:
    """Wait until no task of this package is left."""
    async with asyncio.timeout(10):
        while any(task.get_name().startswith("ipfs_comm") for task in asyncio.all_tasks()):
            await pause(0.01)
