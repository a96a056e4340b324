"""Streams of the client and the server over a slow link: a few round trips, and nothing left behind."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import pytest
from rpc.support import FEW, Items, Packets, Peer, Source, Trips, nothing_left, read_whole, turns

from ipfs_comm import IPFSClient, Server
from ipfs_comm.errors import LinkError, RemoteError
from ipfs_comm.rpc import Policy
from ipfs_comm.rpc.kinds import simple
from ipfs_comm.testing import linked_ports
from ipfs_comm.testing.client import HELLO

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from ipfs_comm.node import Node
    from ipfs_comm.rpc import Query
    from ipfs_comm.testing import LinkedPorts


@pytest.fixture
async def far_client(server: Server, slow: LinkedPorts) -> AsyncIterator[IPFSClient]:
    server.connect(slow.port2)
    client = IPFSClient.from_port(slow.port1)
    yield client
    client.disconnect()


def pieces(many: int) -> list[bytes]:
    return [number.to_bytes(4, "big") * 64 for number in range(many)]


async def test_cat_takes_a_few_round_trips(far_client: IPFSClient, slow: LinkedPorts, node: Node) -> None:
    data = b"".join(pieces(200))
    added = await node.add(data, chunker="size-256")
    trips = Trips.of(slow.port1)
    chunks = [chunk async for chunk in far_client.cat(added.cid)]
    assert b"".join(chunks) == data
    assert len(chunks) == 200
    assert 0 < trips.longest <= FEW


async def test_ls_takes_a_few_round_trips(far_client: IPFSClient, slow: LinkedPorts, node: Node) -> None:
    added = await node.add_all([{"path": f"d/{number:04}", "content": b"x"} for number in range(300)])
    trips = Trips.of(slow.port1)
    entries = await far_client.ls(added[-1].cid)
    assert [entry.name for entry in entries] == [f"{number:04}" for number in range(300)]
    assert 0 < trips.longest <= FEW


async def test_adding_a_stream_takes_a_few_round_trips(far_client: IPFSClient, slow: LinkedPorts, node: Node) -> None:
    trips = Trips.of(slow.port2)
    source = Source(200)
    chunks = pieces(200)

    async def content() -> AsyncGenerator[bytes, None]:
        async for number in source:
            yield chunks[number]

    added = await far_client.add(content(), chunker="size-256")
    assert b"".join([chunk async for chunk in node.cat(added.cid)]) == b"".join(chunks)
    assert 0 < trips.longest <= FEW


async def test_adding_many_streams_reads_each_ahead(far_client: IPFSClient, slow: LinkedPorts) -> None:
    trips = Trips.of(slow.port2)

    async def content() -> AsyncGenerator[bytes, None]:
        for chunk in pieces(50):
            yield chunk

    async def files() -> AsyncGenerator[dict[str, Any], None]:
        for number in range(3):
            yield {"path": f"{number}", "content": content()}

    results = await far_client.add_all(files())
    assert [result.path for result in results] == ["0", "1", "2"]
    assert len({result.cid for result in results}) == 1
    assert trips.most_open > 2


async def test_streams_leave_no_port_behind(far_client: IPFSClient, slow: LinkedPorts, node: Node) -> None:
    added = await node.add(b"".join(pieces(200)), chunker="size-256")
    async with far_client.cat(added.cid) as stream:
        await anext(stream)
    assert len(await far_client.cat(added.cid)) == 200 * 256
    with pytest.raises(RemoteError, match="this item cannot be made"):
        await far_client.add(Source(3, fail_at=2))
    assert slow.link2 is not None
    for _ in range(20):
        await far_client.files.stat("/")
        if slow.link1.ports_open == slow.link2.ports_open == 1:
            break
    assert (slow.link1.ports_open, slow.link2.ports_open) == (1, 1)


@pytest.mark.parametrize("who", ["client", "server", "link"])
async def test_whoever_goes_nothing_is_left_behind(server: Server, node: Node, who: str) -> None:
    before = asyncio.all_tasks()
    added = await node.add(b"".join(pieces(200)), chunker="size-256")
    ports = await linked_ports(delay=5, seed=2)
    server.connect(ports.port2)
    client = IPFSClient.from_port(ports.port1)
    never = asyncio.Event()
    asked = asyncio.Event()

    async def three_at_most() -> None:
        asked.set()
        if source.made == 3:
            await never.wait()

    source = Source(10, wait=three_at_most)

    async def files() -> AsyncGenerator[dict[str, Any], None]:
        yield {"path": "a", "content": chunks()}
        await never.wait()

    async def chunks() -> AsyncGenerator[bytes, None]:
        async with aclosing(source):
            async for number in source:
                yield bytes(number)

    stream = client.cat(added.cid)
    await anext(stream)
    adding = asyncio.ensure_future(anext(client.add_all(files())))
    await asyncio.wait_for(asked.wait(), 5)
    match who:
        case "client":
            client.disconnect()
        case "server":
            await server.aclose()
        case "link":
            ports.close()
    with pytest.raises(LinkError):
        await asyncio.wait_for(adding, 5)
    await asyncio.wait_for(source.closed.wait(), 5)
    assert isinstance(await asyncio.wait_for(read_whole(stream), 5), LinkError)
    ports.close()
    assert ports.link2 is not None
    await asyncio.wait_for(asyncio.gather(ports.link1.ended, ports.link2.ended), 5)
    assert ports.link1.ports_open == ports.link2.ports_open == 0
    await nothing_left(before)


async def test_an_abort_that_crosses_with_its_result_stops_the_stream(server: Server, node: Node) -> None:
    before = asyncio.all_tasks()
    added = await node.add(b"".join(pieces(200)), chunker="size-256")
    peer = Peer(server)
    peer.query("core.cat", {"path": str(added.cid)})
    items = Items((await peer.result())["value"]["data"]["port"])
    assert (await items.next())["done"] is False
    peer.abort()
    await asyncio.wait_for(items.closed.wait(), 5)
    assert await peer.alive()
    assert peer.results.empty()
    await nothing_left(before)


ANYTHING = simple("anything", lambda value: value)


class Offering:
    """A service with one method, whose result is a stream."""

    def __init__(self, source: AsyncIterator[Any]) -> None:
        self.source = source
        self.policy = Policy()

    async def call(self, query: Query) -> Any:
        return {"data": query.offer_items(self.source, ANYTHING)}


async def test_closing_the_server_waits_for_a_source_that_lets_go_slowly() -> None:
    may_end = asyncio.Event()

    async def source() -> AsyncGenerator[int, None]:
        try:
            while True:
                yield 1
        finally:
            await may_end.wait()

    server = Server(Offering(source()))
    peer = Peer(server)
    peer.query("any.thing", {})
    items = Items((await peer.result())["value"]["data"]["port"])
    await items.next()
    items.port.post_message({"method": "return"})
    await asyncio.wait_for(items.closed.wait(), 5)
    closing = asyncio.ensure_future(server.aclose())
    await turns()
    assert not closing.done()
    may_end.set()
    await asyncio.wait_for(closing, 5)


async def test_results_that_are_slices_cost_their_own_bytes(slow: LinkedPorts) -> None:
    whole = bytes(1 << 20)

    async def slices() -> AsyncGenerator[memoryview, None]:
        for start in range(0, 1000, 100):
            yield memoryview(whole)[start : start + 100]

    server = Server(Offering(slices()))
    server.connect(slow.port2)
    packets = Packets(slow)
    assert await IPFSClient.from_port(slow.port1).cat(HELLO) == whole[:1000]
    assert packets.bytes < 10_000
    await server.aclose()
