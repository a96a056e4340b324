"""The Python client passes the node's own contract: over a channel in this process, and over a real link."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from ipfs_comm import IPFSClient, MessageChannel, Server
from ipfs_comm.errors import InvalidInputError, LinkError, NotFoundError, RemoteError
from ipfs_comm.testing import linked_ports
from ipfs_comm.testing.client import HELLO
from ipfs_comm.testing.node import NodeContract
from ipfs_comm.wire import MessageEvent

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator


class TestOverAChannel(NodeContract):
    @pytest.fixture
    async def node(self, client: IPFSClient) -> IPFSClient:  # type: ignore[override]  # a client has the verbs that this contract is about
        return client


class TestOverALink(NodeContract):
    @pytest.fixture
    async def node(self, server: Server) -> AsyncIterator[IPFSClient]:  # type: ignore[override]  # as above
        ports = await linked_ports()
        server.connect(ports.port2)
        yield IPFSClient.from_port(ports.port1)
        ports.close()


class TestOverALinkThatFails(NodeContract):
    @pytest.fixture
    async def node(self, server: Server) -> AsyncIterator[IPFSClient]:  # type: ignore[override]  # as above
        ports = await linked_ports(drop=0.05, duplicate=0.05, reorder=0.1, seed=7)
        server.connect(ports.port2)
        yield IPFSClient.from_port(ports.port1)
        ports.close()


async def silent() -> tuple[IPFSClient, asyncio.Queue[Any]]:
    """Return a client whose other end answers nothing, and what arrives there."""
    channel = MessageChannel()
    arrived: asyncio.Queue[Any] = asyncio.Queue()
    channel.port2.onmessage = lambda event: arrived.put_nowait(event.data)
    return IPFSClient.from_port(channel.port1), arrived


async def next_of(arrived: asyncio.Queue[Any]) -> Any:
    return await asyncio.wait_for(arrived.get(), 5)


async def test_cancelling_a_call_posts_an_abort() -> None:
    client, arrived = await silent()
    call = asyncio.create_task(client.block.get(HELLO))
    query = await next_of(arrived)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert await next_of(arrived) == {"type": "abort", "id": query["id"]}


async def test_the_stream_of_an_answer_that_a_cancelled_call_never_saw_is_closed() -> None:
    client, arrived = await silent()
    call = asyncio.create_task(client.block.get(HELLO))
    query = await next_of(arrived)
    port = client._transport._port
    assert port is not None
    stream = MessageChannel()
    answer = {"type": "result", "id": query["id"], "result": {"ok": True, "value": None}}
    # The answer is delivered and the call cancelled in one turn of the loop.
    client._transport._receive(MessageEvent("message", data=answer, ports=(stream.port1,), target=port))
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert stream.port2.closed


@pytest.mark.parametrize("known", [True, False])
async def test_the_ports_of_an_answer_that_nobody_takes_are_closed(known: bool) -> None:
    client, arrived = await silent()
    call = asyncio.create_task(client.block.get(HELLO))
    query = await next_of(arrived)
    stream = MessageChannel()
    answer = {"type": "result", "id": query["id"] if known else "other", "result": {"ok": False, "error": {}}}
    client._transport._receive(MessageEvent("message", data=answer, ports=(stream.port1,)))
    assert stream.port2.closed
    call.cancel()
    with pytest.raises((RemoteError, asyncio.CancelledError)):
        await call


async def test_a_deadline_posts_an_abort_and_travels_with_the_query() -> None:
    client, arrived = await silent()
    with pytest.raises(TimeoutError):
        await client.block.get(HELLO, timeout=0.05)
    query = await next_of(arrived)
    assert query["input"]["timeout"] == 50
    assert await next_of(arrived) == {"type": "abort", "id": query["id"]}


async def test_calls_fail_when_this_end_closes_its_port() -> None:
    channel = MessageChannel()
    client = IPFSClient.from_port(channel.port1)
    call = asyncio.ensure_future(client.block.get(HELLO))
    await asyncio.sleep(0)
    channel.port1.close()
    with pytest.raises(LinkError) as caught:
        await asyncio.wait_for(call, 5)
    assert caught.value.code == "ERR_CLOSED"
    with pytest.raises(LinkError):
        await client.block.get(HELLO, timeout=5)


async def test_calls_under_way_fail_when_the_client_disconnects() -> None:
    client, arrived = await silent()
    call = asyncio.create_task(client.block.get(HELLO))
    query = await next_of(arrived)
    client.disconnect()
    with pytest.raises(LinkError) as caught:
        await call
    assert caught.value.code == "ERR_CLOSED"
    assert await next_of(arrived) == {"type": "abort", "id": query["id"]}


async def test_calls_after_disconnect_raise_at_once() -> None:
    client, _ = await silent()
    client.disconnect()
    with pytest.raises(LinkError):
        await client.block.get(HELLO)
    with pytest.raises(LinkError):
        client.cat(HELLO)
    with pytest.raises(LinkError):
        await client.add(b"x")


async def test_calls_under_way_fail_when_the_other_end_goes(client: IPFSClient, server: Server) -> None:
    never = asyncio.Event()

    async def content() -> AsyncGenerator[bytes, None]:
        yield b"x"
        await never.wait()

    call = asyncio.create_task(client.add(content()))
    await asyncio.sleep(0)
    await server.aclose()
    async with asyncio.timeout(5):
        with pytest.raises(LinkError):
            await call


async def test_a_detached_client_waits_for_its_port(server: Server) -> None:
    client = IPFSClient.detached()
    call = asyncio.create_task(client.block.put(b"blorb"))
    await asyncio.sleep(0)
    channel = MessageChannel()
    server.connect(channel.port2)
    client.attach(channel.port1)
    assert str(await asyncio.wait_for(call, 5)) == "QmPv52ekjS75L4JmHpXVeuJ5uX2ecSfSZo88NSyxwA3rAQ"
    with pytest.raises(InvalidInputError):
        client.attach(MessageChannel().port1)


async def test_an_error_of_the_node_is_of_the_nodes_class_and_remote(client: IPFSClient) -> None:
    with pytest.raises(NotFoundError) as caught:
        await client.block.get(HELLO)
    assert isinstance(caught.value, RemoteError)
    assert caught.value.stack is not None
    assert "block.get" in caught.value.stack


async def test_a_producer_at_this_end_is_closed_when_the_call_ends(client: IPFSClient) -> None:
    closed = asyncio.Event()

    async def content() -> AsyncGenerator[bytes, None]:
        try:
            for _ in range(10):
                yield b"x"
        finally:
            closed.set()

    await client.add(content())
    await asyncio.wait_for(closed.wait(), 5)


async def test_a_result_for_nobody_is_ignored() -> None:
    channel = MessageChannel()
    client = IPFSClient.from_port(channel.port1)
    for message in (
        None,
        1,
        {},
        {"type": "result", "id": "nobody", "result": {"ok": True}},
        {"type": "result", "id": 1},
    ):
        channel.port2.post_message(message)
    arrived: asyncio.Queue[Any] = asyncio.Queue()
    channel.port2.onmessage = lambda event: arrived.put_nowait(event.data)
    call = asyncio.create_task(client.block.stat(HELLO))
    query = await next_of(arrived)
    channel.port2.post_message({"type": "result", "id": query["id"], "result": {"ok": False, "error": "broken"}})
    with pytest.raises(RemoteError, match="broken"):
        await call
