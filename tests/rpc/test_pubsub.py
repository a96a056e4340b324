"""Listening to a topic over a port: messages come until one end has had enough, and nothing stays behind."""

from __future__ import annotations

import asyncio
from inspect import isawaitable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from ipfs_comm import IPFSClient, IPFSService, MessageChannel, Server
from ipfs_comm.errors import LimitError, NotSupportedError, RemoteError
from ipfs_comm.node.api import PubsubMessage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

PEER = "12D3KooWKnDdG3iXw9eTFijk3EWSunZcFi54Zka4wmtqtt6rPxc8"


class Topics:
    """The ``pubsub`` of a node that has some."""

    def __init__(self) -> None:
        self.listening: list[tuple[str, Callable[[PubsubMessage], object]]] = []
        self.failing: list[Callable[[Exception], object]] = []
        self.changed = asyncio.Condition()

    async def subscribe(
        self,
        topic: str,
        handler: Callable[[PubsubMessage], object],
        *,
        on_error: Callable[[Exception], object] | None = None,
        timeout: float | None = None,
    ) -> None:
        self.listening.append((topic, handler))
        if on_error is not None:
            self.failing.append(on_error)

    async def unsubscribe(
        self, topic: str, handler: Callable[[PubsubMessage], object] | None = None, *, timeout: float | None = None
    ) -> None:
        async with self.changed:
            self.listening = [one for one in self.listening if one[0] != topic or handler not in (None, one[1])]
            self.changed.notify_all()

    async def ls(self, *, timeout: float | None = None) -> list[str]:
        return sorted({topic for topic, _ in self.listening})

    def publish(self, topic: str, data: bytes) -> None:
        for listened, handler in self.listening:
            if listened == topic:
                handler(PubsubMessage(topic, data, PEER, 2**60))

    async def left(self, count: int) -> None:
        async with asyncio.timeout(5), self.changed:
            await self.changed.wait_for(lambda: len(self.listening) == count)


@pytest.fixture
def topics() -> Topics:
    return Topics()


@pytest.fixture
async def server(topics: Topics) -> AsyncIterator[Server]:
    node: Any = SimpleNamespace(pubsub=topics)
    made = Server(IPFSService(node))
    yield made
    await made.aclose()


@pytest.fixture
async def client(server: Server) -> IPFSClient:
    return connected(server)


def connected(server: Server) -> IPFSClient:
    channel = MessageChannel()
    server.connect(channel.port2)
    return IPFSClient.from_port(channel.port1)


def listener() -> tuple[Callable[[PubsubMessage], object], asyncio.Queue[PubsubMessage]]:
    heard: asyncio.Queue[PubsubMessage] = asyncio.Queue()
    return lambda message: heard.put_nowait(message), heard


async def next_of(heard: asyncio.Queue[Any]) -> Any:
    return await asyncio.wait_for(heard.get(), 5)


async def test_messages_come_in_order_whole(client: IPFSClient, topics: Topics) -> None:
    handler, heard = listener()
    await client.pubsub.subscribe("news", handler)
    assert await client.pubsub.ls() == ["news"]
    for data in (b"one", b"two"):
        topics.publish("news", data)
    topics.publish("other", b"unheard")
    assert [await next_of(heard), await next_of(heard)] == [
        PubsubMessage("news", b"one", PEER, 2**60),
        PubsubMessage("news", b"two", PEER, 2**60),
    ]


async def test_one_handler_is_unsubscribed_and_the_others_go_on(client: IPFSClient, topics: Topics) -> None:
    first, heard_first = listener()
    second, heard_second = listener()
    await client.pubsub.subscribe("news", first)
    await client.pubsub.subscribe("news", second)
    await client.pubsub.unsubscribe("news", first)
    await topics.left(1)
    topics.publish("news", b"late")
    assert (await next_of(heard_second)).data == b"late"
    assert heard_first.empty()


async def test_all_handlers_of_a_topic_are_unsubscribed_when_the_call_returns(
    client: IPFSClient, topics: Topics
) -> None:
    for topic in ("news", "news", "other"):
        await client.pubsub.subscribe(topic, listener()[0])
    await client.pubsub.unsubscribe("news")
    assert await client.pubsub.ls() == ["other"]


async def test_another_clients_handlers_are_not_ended(client: IPFSClient, server: Server, topics: Topics) -> None:
    other = connected(server)
    await client.pubsub.subscribe("news", listener()[0])
    handler, heard = listener()
    await other.pubsub.subscribe("news", handler)
    await client.pubsub.unsubscribe("news")
    topics.publish("news", b"still")
    assert (await next_of(heard)).data == b"still"


async def test_what_a_client_listened_to_ends_with_its_port(client: IPFSClient, topics: Topics) -> None:
    await client.pubsub.subscribe("news", listener()[0])
    await client.pubsub.subscribe("other", listener()[0])
    client.disconnect()
    await topics.left(0)


async def test_an_early_end_is_told_once(client: IPFSClient, topics: Topics) -> None:
    failures: asyncio.Queue[Exception] = asyncio.Queue()
    await client.pubsub.subscribe("news", listener()[0], on_error=failures.put_nowait)
    topics.failing[0](LimitError("too many messages"))
    failure = await next_of(failures)
    assert isinstance(failure, RemoteError)
    assert failure.code == "ERR_LIMIT"
    await topics.left(0)


async def test_subscriptions_count_among_the_calls_under_way(topics: Topics) -> None:
    node: Any = SimpleNamespace(pubsub=topics)
    server = Server(IPFSService(node, max_calls=2))
    client = connected(server)
    for _ in range(2):
        await client.pubsub.subscribe("news", listener()[0])
    with pytest.raises(LimitError):
        await client.pubsub.subscribe("news", listener()[0])
    await server.aclose()
    assert topics.listening == []


async def test_an_embedded_node_refuses(embedded: IPFSClient) -> None:
    with pytest.raises(NotSupportedError, match="kind='kubo'"):
        await embedded.pubsub.subscribe("news", listener()[0])


@pytest.fixture
async def embedded() -> AsyncIterator[IPFSClient]:
    from ipfs_comm import open_node

    async with open_node(repo=":memory:", offline=True) as node:
        server = Server(IPFSService(node))
        yield connected(server)
        await server.aclose()


class Outlet:
    """A link to whoever does not read."""

    bytes_queued = 0

    def __init__(self) -> None:
        self.drained_to: list[int] = []

    async def drained(self, most: int) -> None:
        self.drained_to.append(most)


async def test_a_node_waits_before_the_next_message_where_the_last_ones_are_not_read(
    server: Server, topics: Topics
) -> None:
    channel, outlet = MessageChannel(), Outlet()
    server.connect(channel.port2, outlet)
    await IPFSClient.from_port(channel.port1).pubsub.subscribe("news", listener()[0])
    (_, handler) = topics.listening[0]
    message = PubsubMessage("news", b"x", PEER, 1)
    assert handler(message) is None
    outlet.bytes_queued = 1 << 40
    waiting = handler(message)
    assert isawaitable(waiting)
    await waiting
    assert len(outlet.drained_to) == 1
