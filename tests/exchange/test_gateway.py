"""The source of blocks that asks trustless gateways, against real ones on this machine, good and bad."""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

import pytest
from exchange.gateway_support import (
    block,
    endless,
    honest,
    in_turn,
    lying,
    packed,
    pause,
    redirecting,
    running,
    saying,
    silent,
    status,
    trickling,
)

from ipfs_comm import open_node
from ipfs_comm.blockstore.base import MAX_BLOCK_SIZE
from ipfs_comm.errors import InvalidInputError, NotFoundError, RepositoryError
from ipfs_comm.exchange import Exchange, FetchContext, Gateways, Pace
from ipfs_comm.ipld import CID, multihash

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from aiohttp import web
    from exchange.gateway_support import Answer, Gateway

    from ipfs_comm.node.api import Node

CONTENT = b"a block that somebody has"
WANTED, _ = block(CONTENT)
MISSING, _ = block(b"a block that nobody has")
#: No test waits for a gateway longer than it must, nor for the next one at all.
QUICK = Pace(answer=5, total=10, hedge=60, rest=0.01, patience=0.5)


class World:
    """Gateways and exchanges that end with the test."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack

    async def gateway(self, answer: Answer = honest, *, has: bytes | None = CONTENT) -> Gateway:
        gateway = await self._stack.enter_async_context(running(answer))
        if has is not None:
            gateway.put(has)
        return gateway

    def asking(self, *gateways: Gateway | str, pace: Pace = QUICK) -> Gateways:
        addresses = [one if isinstance(one, str) else one.url for one in gateways]
        exchange = Gateways(addresses, store="the repository", pace=pace)
        self._stack.push_async_callback(exchange.close)
        return exchange


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        yield World(stack)


async def said(exchange: Gateways, gateway: Gateway | str, cid: CID = WANTED) -> str:
    """Return what an error says that a gateway said."""
    with pytest.raises(NotFoundError) as caught:
        await exchange.fetch(cid)
    answer = caught.value.detail["answers"][gateway if isinstance(gateway, str) else gateway.url]
    assert answer in str(caught.value)
    return str(answer)


def test_it_is_an_exchange() -> None:
    assert isinstance(Gateways([]), Exchange)


async def test_a_block_is_asked_for_as_the_specification_says(world: World) -> None:
    gateway = await world.gateway()
    assert await world.asking(gateway).fetch(WANTED) == CONTENT
    (request,) = gateway.requests
    assert request.path_qs == f"/ipfs/{WANTED}?format=raw"
    assert request.headers["Accept"] == "application/vnd.ipld.raw"
    assert request.headers["Accept-Encoding"] == "identity"
    assert "Cookie" not in request.headers


@pytest.mark.parametrize("content", [b"", bytes(MAX_BLOCK_SIZE)], ids=["empty", "2 MiB"])
async def test_the_smallest_and_the_largest_block_come_through(world: World, content: bytes) -> None:
    gateway = await world.gateway(has=content)
    assert await world.asking(gateway).fetch(block(content)[0]) == content


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (lying, "that are not the block"),
        (packed, "that are not the block"),
        (endless, "sent more than 2097152 bytes"),
        (status(404), "HTTP 404 Not Found"),
        (status(410), "HTTP 410 Gone"),
        (status(429), "HTTP 429 Too Many Requests"),
        (status(500), "HTTP 500"),
        (status(206), "HTTP 206"),
        (redirecting(lambda cid: f"/ipfs/{cid}"), "redirected more than 3 times"),
        (redirecting(lambda _: "file:///etc/passwd"), "redirected"),
        (redirecting(lambda _: "ftp://127.0.0.1/x"), "redirected from http to ftp"),
        (redirecting(lambda _: "http://localhost:1/x"), "redirected into a private network"),
        (redirecting(lambda _: "http://10.0.0.1/x"), "redirected into a private network"),
        (redirecting(lambda _: "http://127.1/x"), "redirected into a private network"),
        (redirecting(lambda _: "http://[::1/x"), "redirected to what is no address"),
        (redirecting(lambda _: "http://user:word@127.0.0.1/x"), "redirected to what is no address"),
        (redirecting(lambda _: "http://127.0.0.1:notaport/x"), "broke HTTP"),
        (redirecting(lambda _: "http://a..b/x"), "broke HTTP"),
        (redirecting(lambda _: "http://x.%6cocalhost/x"), "redirected to what is no address"),
        (redirecting(lambda _: "http://x.\u24dbocalhost/x"), "redirected to what is no address"),
        (status(302), "redirected to what is no address"),
        (status(503, Retry_After="Mon, 99999999999999999999 Jan 2020 00:00:00 GMT"), "HTTP 503"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_gateway_without_the_right_bytes_makes_way_for_the_next(world: World, bad: Answer, words: str) -> None:
    first, second = await world.gateway(bad), await world.gateway()
    assert await world.asking(first, second).fetch(WANTED) == CONTENT
    assert words in await said(world.asking(first, pace=replace(QUICK, tries=1)), first)


async def test_a_body_that_claims_to_be_too_large_is_not_read(world: World) -> None:
    gateway = await world.gateway(has=bytes(MAX_BLOCK_SIZE + 1))
    assert "sent more than" in await said(world.asking(gateway), gateway, *gateway.blocks.keys() - {WANTED})


async def test_a_body_that_ends_early_is_no_block(world: World) -> None:
    async def short(_gateway: Gateway, request: web.Request, _cid: CID) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 25\r\n\r\na block")
        request.transport.close()
        raise ConnectionError

    gateway = await world.gateway(short)
    assert "broke HTTP" in await said(world.asking(gateway), gateway)


@pytest.mark.parametrize(
    ("first", "then", "words"),
    [
        (b"\0\xff" * 100, b"", "broke HTTP"),
        (b"", b"", "hung up"),
        (b"HTTP/1.1 200 OK\r\n", b"X-a: b\r\n" * 1000, "broke HTTP"),
        (b"HTTP/1.1 200 OK\r\nX-a: ", b"b" * 65536, "broke HTTP"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100, "no whole block"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1;" + b"e" * 1000 + b"\r\nx\r\n", "sent"),
    ],
    ids=["noise", "nothing", "endless headers", "an endless header", "endless promises", "tiny chunks"],
)
async def test_what_is_no_http_is_an_answer_like_any_other(world: World, first: bytes, then: bytes, words: str) -> None:
    async with saying(first, then) as address:
        exchange = world.asking(address, pace=replace(QUICK, answer=0.5, tries=1))
        assert words in await said(exchange, address)


async def test_a_redirect_on_the_same_gateway_is_followed(world: World) -> None:
    good = await world.gateway()
    gateway = await world.gateway(redirecting(lambda cid: f"{good.url}/ipfs/{cid}?format=raw", 307))
    assert await world.asking(gateway).fetch(WANTED) == CONTENT
    assert good.asked == [WANTED]


async def test_silence_is_cut_off_and_the_next_is_asked(world: World) -> None:
    first, second = await world.gateway(silent), await world.gateway()
    exchange = world.asking(first, second, pace=replace(QUICK, answer=0.1))
    assert await exchange.fetch(WANTED) == CONTENT
    await asyncio.wait_for(first.left.wait(), 5)
    alone = world.asking(first, pace=replace(QUICK, answer=0.1))
    assert await said(alone, first) == "sent no whole block within 0.1 s"


async def test_a_trickle_is_cut_off(world: World) -> None:
    content = bytes(1000)
    gateway = await world.gateway(trickling, has=content)
    exchange = world.asking(gateway, pace=replace(QUICK, answer=0.2))
    assert "no whole block within 0.2 s" in await said(exchange, gateway, block(content)[0])
    await asyncio.wait_for(gateway.left.wait(), 5)


async def test_a_host_that_is_not_there_makes_way_for_the_next(world: World) -> None:
    good = await world.gateway()
    async with running(honest) as gone:
        nowhere = gone.url
    assert await world.asking(nowhere, good).fetch(WANTED) == CONTENT
    assert "cannot be reached" in await said(world.asking(nowhere), nowhere)


async def test_where_there_is_no_network_the_next_call_fails_at_once(world: World) -> None:
    async with running(honest) as gone:
        nowhere = gone.url
    exchange = world.asking(nowhere, pace=replace(QUICK, rest=60, absent=30, patience=90))
    assert "cannot be reached" in await said(exchange, nowhere)
    assert (await said(exchange, nowhere)).startswith(("not asked for another 29.", "not asked for another 30."))


async def test_the_next_is_asked_early_where_one_is_slow_and_the_slow_request_ends(world: World) -> None:
    slow, good = await world.gateway(silent), await world.gateway()
    exchange = world.asking(slow, good, pace=replace(QUICK, hedge=0.05, answer=60, total=60))
    assert await exchange.fetch(WANTED) == CONTENT
    await asyncio.wait_for(slow.left.wait(), 5)


async def test_who_had_a_block_is_asked_first_for_the_next_one(world: World) -> None:
    first, second = await world.gateway(has=None), await world.gateway()
    other = second.put(b"another block")
    exchange = world.asking(first, second)
    await exchange.fetch(WANTED)
    await exchange.fetch(other)
    assert (first.asked, second.asked) == ([WANTED], [WANTED, other])


async def test_a_busy_gateway_is_asked_again_when_it_said(world: World) -> None:
    gateway = await world.gateway(in_turn(status(503, Retry_After="0"), honest))
    assert await world.asking(gateway).fetch(WANTED) == CONTENT
    assert gateway.asked == [WANTED, WANTED]


async def test_a_gateway_that_is_always_busy_is_asked_so_often_and_no_more(world: World) -> None:
    gateway = await world.gateway(status(429))
    assert "HTTP 429" in await said(world.asking(gateway, pace=replace(QUICK, tries=3)), gateway)
    assert gateway.asked == [WANTED] * 3


async def test_a_gateway_that_wants_to_be_left_alone_is(world: World) -> None:
    busy, good = await world.gateway(status(429, Retry_After="120")), await world.gateway()
    other = good.put(b"another block")
    exchange = world.asking(busy, good)
    await exchange.fetch(WANTED)
    await exchange.fetch(other)
    assert busy.asked == [WANTED]
    answer = await said(exchange, busy, MISSING)
    assert answer.startswith(("not asked for another 119.", "not asked for another 120."))
    assert answer.endswith("since it failed: HTTP 429 Too Many Requests")


@pytest.mark.parametrize("text", ["", "soon", "Fri, 32 Foo 2020 99:99:99 GMT", "-5", "1e9", "٣"])
async def test_a_wish_that_cannot_be_read_is_none(world: World, text: str) -> None:
    gateway = await world.gateway(in_turn(status(503, Retry_After=text), honest))
    assert await world.asking(gateway).fetch(WANTED) == CONTENT


async def test_a_gateway_may_name_the_hour_until_which_it_is_left_alone(world: World) -> None:
    hour = format_datetime(datetime.now(UTC) + timedelta(seconds=200), usegmt=True)
    gateway = await world.gateway(status(503, Retry_After=hour))
    exchange = world.asking(gateway)
    with pytest.raises(NotFoundError):
        await exchange.fetch(WANTED)
    assert (await said(exchange, gateway)).startswith(("not asked for another 19", "not asked for another 20"))
    assert gateway.asked == [WANTED]


async def test_a_gateway_that_lied_is_left_alone_for_a_minute(world: World) -> None:
    liar = await world.gateway(lying)
    exchange = world.asking(liar)
    assert "not the block" in await said(exchange, liar)
    assert (await said(exchange, liar)).startswith("not asked for another ")
    assert liar.asked == [WANTED]


async def test_rests_grow_with_each_failure_and_end_with_a_success(world: World) -> None:
    pace = replace(QUICK, rest=0.2, patience=0.3, tries=1)
    gateway = await world.gateway(in_turn(status(500), status(500), honest))
    exchange = world.asking(gateway, pace=pace)
    assert "HTTP 500" in await said(exchange, gateway)
    assert "HTTP 500" in await said(exchange, gateway)
    assert "not asked" in await said(exchange, gateway)


async def test_requests_that_fail_together_are_one_failure(world: World) -> None:
    gateway = await world.gateway(in_turn(*[status(500)] * 6, honest))
    cids = [gateway.put(bytes([n])) for n in range(6)]
    exchange = world.asking(gateway, pace=replace(QUICK, rest=0.2, patience=0.3, tries=1))
    await asyncio.gather(*(exchange.fetch(cid) for cid in cids), return_exceptions=True)
    assert await exchange.fetch(WANTED) == CONTENT


async def test_a_missing_block_is_no_fault_of_a_gateway(world: World) -> None:
    gateway = await world.gateway()
    exchange = world.asking(gateway)
    for _ in range(3):
        assert await said(exchange, gateway, MISSING) == "HTTP 404 Not Found"
    assert await exchange.fetch(WANTED) == CONTENT


async def test_a_block_that_nobody_has_is_an_error_that_says_all_there_is_to_say(world: World) -> None:
    first, second = await world.gateway(), await world.gateway(status(451))
    with pytest.raises(NotFoundError) as caught:
        await world.asking(first, second).fetch(MISSING, context=FetchContext(path="/ipfs/bafy/a/b", segment="b"))
    error = caught.value
    assert error.code == "ERR_NOT_FOUND"
    assert error.detail == {
        "cid": str(MISSING),
        "asked": ["the repository", first.url, second.url],
        "answers": {first.url: "HTTP 404 Not Found", second.url: "HTTP 451 Unavailable For Legal Reasons"},
        "segment": "b",
        "path": "/ipfs/bafy/a/b",
    }
    for part in (str(MISSING), "'b'", "/ipfs/bafy/a/b", first.url, "HTTP 404", second.url, "HTTP 451"):
        assert part in str(error)


async def test_the_error_comes_before_the_callers_time_is_over(world: World) -> None:
    quiet, never = await world.gateway(silent), await world.gateway()
    with pytest.raises(NotFoundError) as caught:
        async with asyncio.timeout(0.5):
            await world.asking(quiet, never).fetch(MISSING, context=FetchContext(timeout=0.5))
    answers = caught.value.detail["answers"]
    assert answers[quiet.url].startswith("has not answered within 0.")
    assert answers[never.url] == "was not asked, the time was over first"


async def test_a_search_has_an_end_of_its_own(world: World) -> None:
    quiet = await world.gateway(silent)
    exchange = world.asking(quiet, pace=replace(QUICK, answer=60, total=0.2))
    assert (await said(exchange, quiet)).startswith("has not answered within 0.")


async def test_a_hash_that_proves_nothing_is_asked_for_nowhere(world: World) -> None:
    gateway = await world.gateway()
    weak = CID.create(1, "raw", multihash.digest(CONTENT, "murmur3-x64-64"))
    short = CID.create(1, "raw", multihash.digest(CONTENT, "sha2-256", size=4))
    for cid in (weak, short):
        with pytest.raises(NotFoundError, match="No gateway was asked"):
            await world.asking(gateway).fetch(cid)
    assert gateway.asked == []


async def test_calls_for_one_block_share_a_request(world: World) -> None:
    gateway = await world.gateway()
    exchange = world.asking(gateway)
    assert await asyncio.gather(*(exchange.fetch(WANTED) for _ in range(20))) == [CONTENT] * 20
    assert gateway.asked == [WANTED]


async def test_who_goes_away_does_not_end_it_for_the_others(world: World) -> None:
    let = asyncio.Event()

    async def when_let(gateway: Gateway, request: web.Request, cid: CID) -> web.StreamResponse:
        await let.wait()
        return await honest(gateway, request, cid)

    gateway = await world.gateway(when_let)
    exchange = world.asking(gateway)
    first, second = (asyncio.create_task(exchange.fetch(WANTED)) for _ in range(2))
    await asyncio.wait_for(gateway.came.wait(), 5)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    let.set()
    assert await second == CONTENT
    assert gateway.asked == [WANTED]


async def test_the_last_to_go_away_ends_the_request_and_leaves_no_task(world: World) -> None:
    gateway = await world.gateway(silent)
    exchange = world.asking(gateway)
    calls = [asyncio.create_task(exchange.fetch(WANTED)) for _ in range(2)]
    await asyncio.wait_for(gateway.came.wait(), 5)
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("ipfs_comm gateways")]
    await asyncio.wait_for(gateway.left.wait(), 5)


async def test_only_so_many_requests_go_to_one_gateway_at_a_time(world: World) -> None:
    gateway = await world.gateway()
    cids = [gateway.put(bytes([n])) for n in range(40)]
    exchange = world.asking(gateway, pace=replace(QUICK, connections=3))
    assert await asyncio.gather(*(exchange.fetch(cid) for cid in cids)) == [bytes([n]) for n in range(40)]
    assert gateway.most_under_way <= 3


async def test_who_waits_for_a_turn_spends_no_time_of_the_search(world: World) -> None:
    async def slow(gateway: Gateway, request: web.Request, cid: CID) -> web.StreamResponse:
        await pause(0.02)
        return await honest(gateway, request, cid)

    gateway = await world.gateway(slow)
    cids = [gateway.put(bytes([n])) for n in range(50)]
    exchange = world.asking(gateway, pace=replace(QUICK, connections=1, total=0.8))
    assert await asyncio.gather(*(exchange.fetch(cid) for cid in cids)) == [bytes([n]) for n in range(50)]


async def test_closing_ends_calls_and_connections_and_a_second_time_does_nothing(world: World) -> None:
    gateway = await world.gateway(silent)
    exchange = world.asking(gateway)
    call = asyncio.create_task(exchange.fetch(WANTED))
    await asyncio.wait_for(gateway.came.wait(), 5)
    await exchange.close()
    with pytest.raises(RepositoryError, match=str(WANTED)):
        await call
    await asyncio.wait_for(gateway.left.wait(), 5)
    await exchange.close()
    with pytest.raises(RepositoryError):
        await exchange.fetch(WANTED)


async def test_a_node_reads_a_file_of_many_blocks_and_keeps_it(world: World) -> None:
    gateway = await world.gateway(has=None)
    content = hashlib.shake_128(b"many blocks").digest(3_000_000)
    async with open_node(repo=":memory:") as origin:
        added = await origin.add({"path": "a/b/file", "content": content}, wrap_with_directory=True)
        async for ref in _blocks(origin, added.cid):
            gateway.blocks[ref] = await origin.block.get(ref)
    async with open_node(repo=":memory:", gateways=[gateway.url]) as node:
        assert await node.cat(f"/ipfs/{added.cid}/a/b/file") == content
        asked = len(gateway.asked)
        assert asked == len(set(gateway.asked)) == len(gateway.blocks)
        listed = await node.refs(added.cid, recursive=True, offline=True)
        assert len(listed) == len(gateway.blocks) - 1
        assert await node.cat(f"/ipfs/{added.cid}/a/b/file", offline=True) == content
        assert len(gateway.asked) == asked


async def _blocks(node: Node, cid: CID) -> AsyncIterator[CID]:
    yield cid
    if cid.codec == "dag-pb":
        for link in (await node.dag.get(cid)).value["Links"]:
            async for below in _blocks(node, link["Hash"]):
                yield below


async def test_what_a_node_cannot_get_says_which_part_of_the_path_it_was(world: World) -> None:
    gateway = await world.gateway(has=None)
    async with open_node(repo=":memory:") as origin:
        leaf = await origin.add(b"not given away", cid_version=1)
        root = await origin.dag.put({"a": {"b": leaf.cid}})
        gateway.blocks[root] = await origin.block.get(root)
    async with open_node(repo=":memory:", gateways=[gateway.url]) as node:
        with pytest.raises(NotFoundError) as caught:
            await node.dag.get(f"/ipfs/{root}/a/b", timeout=5)
    assert caught.value.detail["segment"] == "b"
    assert caught.value.detail["answers"] == {gateway.url: "HTTP 404 Not Found"}
    assert str(leaf.cid) in str(caught.value)


async def test_a_call_with_a_timeout_ends_with_what_each_gateway_said(world: World) -> None:
    gateway = await world.gateway(silent)
    async with open_node(repo=":memory:", gateways=[gateway.url]) as node:
        for call in (node.block.get(WANTED, timeout=0.4), _whole(node.cat(WANTED, timeout=0.4))):
            with pytest.raises(NotFoundError, match=rf"{WANTED}.*{gateway.url}: has not answered"):
                await call


async def test_references_are_listed_offline(world: World) -> None:
    gateway = await world.gateway()
    async with open_node(repo=":memory:", gateways=[gateway.url]) as node:
        root = await node.dag.put({"a": CID.create(1, "dag-cbor", WANTED.multihash)})
        listed = await node.refs(root, recursive=True, offline=True)
        assert [entry.err != "" for entry in listed] == [False, True]
        assert "this call is offline" in listed[1].err
    assert gateway.asked == []


async def _whole(stream: Awaitable[Any]) -> Any:
    return await stream


READING: dict[str, Callable[..., Awaitable[Any]]] = {
    "cat": lambda node, **options: _whole(node.cat(WANTED, **options)),
    "get": lambda node, **options: _whole(node.get(WANTED, **options)),
    "ls": lambda node, **options: _whole(node.ls(WANTED, **options)),
    "block.get": lambda node, **options: node.block.get(WANTED, **options),
    "block.stat": lambda node, **options: node.block.stat(WANTED, **options),
    "dag.get": lambda node, **options: node.dag.get(WANTED, **options),
    "dag.resolve": lambda node, **options: node.dag.resolve(WANTED, path="a", **options),
}


@pytest.mark.parametrize("verb", READING)
async def test_a_call_may_be_offline(world: World, verb: str) -> None:
    gateway = await world.gateway()
    async with open_node(repo=":memory:", gateways=[gateway.url]) as node:
        with pytest.raises(NotFoundError, match="this call is offline"):
            await READING[verb](node, offline=True)
    assert gateway.asked == []


async def test_a_node_may_be_offline(world: World) -> None:
    gateway = await world.gateway()
    async with open_node(repo=":memory:", gateways=[gateway.url], offline=True) as node:
        with pytest.raises(NotFoundError, match="this node is offline"):
            await node.block.get(WANTED)
    assert gateway.asked == []


async def test_the_environment_names_gateways(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    gateway = await world.gateway()
    monkeypatch.setenv("IPFS_COMM_GATEWAYS", f"{gateway.url}/ ")
    async with open_node(repo=":memory:") as node:
        assert await node.block.get(WANTED) == CONTENT
    async with open_node(repo=":memory:", gateways=[]) as node:
        with pytest.raises(NotFoundError, match="offline"):
            await node.block.get(WANTED)


async def test_an_address_that_is_none_is_refused_before_anything_is_opened() -> None:
    with pytest.raises(InvalidInputError, match="https://"):
        async with open_node(repo=":memory:", gateways=["ftp://host"]):
            pass
