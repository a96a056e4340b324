"""Three daemons in a swarm of their own: what one has, the others find."""

from __future__ import annotations

import asyncio
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from kubo_support import swarm

from ipfs_comm import open_node
from ipfs_comm.errors import DaemonError, InvalidInputError, LimitError, UnreachableError
from ipfs_comm.ipns import Name, Record
from ipfs_comm.node.api import NamePublishResult, PubsubMessage
from ipfs_comm.node.kubo import pubsub as of_pubsub

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from ipfs_comm.node import Node

#: Seconds for the swarm to do something.
LIMIT = 60.0


async def until(holds: Callable[[], Awaitable[object]], what: str) -> None:
    """Ask again and again until something holds: nobody tells when a daemon has heard of another."""
    try:
        async with asyncio.timeout(LIMIT):
            while not await holds():  # noqa: ASYNC110 (nothing here tells of it)
                await asyncio.sleep(0.05)
    except TimeoutError:
        pytest.fail(f"{what}: it does not hold after {LIMIT:g} s")


async def test_a_node_knows_its_peers(nodes: list[Node]) -> None:
    first, second, third = nodes
    ids = [(await node.id()).id for node in nodes]
    found = {peer.peer: peer for peer in await first.swarm.peers(verbose=True)}
    assert set(found) == {ids[1], ids[2]}
    assert {peer.direction for peer in found.values()} == {"inbound"}
    assert all(peer.streams for peer in found.values())
    assert {peer.direction for peer in await first.swarm.peers()} == {None}
    assert {known.id for known in await first.swarm.addrs()} >= {ids[1], ids[2]}
    assert all(addr.startswith("/ip4/127.0.0.1/tcp/") for addr in await first.swarm.local_addrs())
    assert await first.is_online()
    assert (await second.id(peer_id=ids[2])).agent_version.startswith("kubo/")
    assert (await third.capabilities()).unsupported == ("bitswap.unwant", "bootstrap.reset", "key.export")


async def test_connections_end_and_begin(nodes: list[Node]) -> None:
    first, second, _ = nodes
    other = await second.id()
    address = other.addresses[0]
    await first.swarm.disconnect(address)
    assert other.id not in [peer.peer for peer in await first.swarm.peers()]
    await first.swarm.connect(address)
    assert other.id in [peer.peer for peer in await first.swarm.peers()]
    with pytest.raises(DaemonError, match="swarm/disconnect"):
        await first.swarm.disconnect(f"/ip4/127.0.0.1/tcp/1/p2p/{(await first.id()).id}")
    with pytest.raises(InvalidInputError):
        await first.swarm.connect("nobody")


async def test_a_peer_answers_pings(nodes: list[Node]) -> None:
    first, second, _ = nodes
    answers = [answer async for answer in first.ping((await second.id()).id, count=2, timeout=LIMIT)]
    times = [answer.time for answer in answers if not answer.text]
    assert all(answer.success for answer in answers)
    assert len(times) == 2
    assert all(0 < time < 10_000 for time in times)
    with pytest.raises(InvalidInputError, match="can't ping self"):
        await first.ping((await first.id()).id, timeout=LIMIT)


async def test_who_has_something_is_found(nodes: list[Node]) -> None:
    first, second, third = nodes
    who = await first.id()
    cid = (await first.add(secrets.token_bytes(100))).cid
    await first.dht.provide(cid, timeout=LIMIT)

    async def told() -> set[str]:
        events = await third.dht.find_provs(cid, num_providers=1, timeout=LIMIT)
        return {peer.id for event in events if event.name == "PROVIDER" for peer in event.providers}

    await until(told, "the provider is found")
    assert await told() == {who.id}
    events = [event async for event in third.dht.find_peer(who.id, timeout=LIMIT)]
    final = [event.peer for event in events if event.name == "FINAL_PEER"]
    assert final[-1] is not None
    assert final[-1].id == who.id
    assert final[-1].multiaddrs
    closest = await second.dht.query(who.id, timeout=LIMIT)
    assert who.id in {event.peer.id for event in closest if event.name == "FINAL_PEER" and event.peer}


async def test_a_name_that_one_publishes_is_resolved_by_another(nodes: list[Node]) -> None:
    first, second, third = nodes
    cid = (await first.add(secrets.token_bytes(100))).cid
    published = await first.name.publish(cid, timeout=LIMIT)
    assert await second.name.resolve(published.name, nocache=True, timeout=LIMIT) == f"/ipfs/{cid}"
    assert await second.resolve(f"/ipns/{published.name}", timeout=LIMIT) == f"/ipfs/{cid}"
    (event,) = await third.dht.get(f"/ipns/{published.name}", timeout=LIMIT)
    assert event.value is not None
    assert Record.decode(event.value).value == f"/ipfs/{cid}".encode()
    assert [put.name for put in await third.dht.put(Name.parse(published.name).routing_key, event.value)] == ["VALUE"]
    assert (await second.name.pubsub.state()).enabled
    assert f"/ipns/{published.name}" in await second.name.pubsub.subs()
    assert (await second.name.pubsub.cancel(published.name)).canceled
    assert f"/ipns/{published.name}" not in await second.name.pubsub.subs()


async def test_a_record_is_made_as_it_was_asked_for(nodes: list[Node]) -> None:
    first, second, _ = nodes
    cid = (await first.add(secrets.token_bytes(100))).cid
    made = await first.key.gen(f"asked-for-{secrets.token_hex(4)}")
    lifetime = {"lifetime": timedelta(hours=5), "ttl": "90s"}
    await first.name.publish(cid, key=made.name, sequence=7, v1compat=False, **lifetime, timeout=LIMIT)
    data = await second.name.get(made.id, timeout=LIMIT)
    record = Record.decode(data)
    assert (record.sequence, record.ttl, record.path) == (7, 90 * 10**9, f"/ipfs/{cid}")
    assert await second.name.put(made.id, data, timeout=LIMIT) == NamePublishResult(made.id, f"/ipfs/{cid}")
    with pytest.raises(InvalidInputError, match="sequence"):
        await first.name.publish(cid, key=made.name, sequence=3, timeout=LIMIT)


async def test_what_is_waited_for_is_told_until_nobody_waits(nodes: list[Node]) -> None:
    first, second, _ = nodes
    missing = (await first.add(secrets.token_bytes(100), only_hash=True)).cid
    waiting = asyncio.create_task(first.block.get(missing))

    async def wanted() -> bool:
        return missing in await first.bitswap.wantlist()

    await until(wanted, "the block is wanted")

    async def wanted_of_second() -> bool:
        return missing in await second.bitswap.wantlist_for_peer((await first.id()).id)

    await until(wanted_of_second, "the other knows it")
    waiting.cancel()

    async def gone() -> bool:
        return not await wanted()

    await until(gone, "the block is wanted no more")


async def test_what_was_exchanged_is_counted(nodes: list[Node]) -> None:
    first, second, _ = nodes
    content = secrets.token_bytes(2**20)
    before = await second.bitswap.stat()
    assert await second.cat((await first.add(content)).cid, timeout=LIMIT) == content
    after = await second.bitswap.stat()
    assert after.data_received - before.data_received >= len(content)
    assert after.blocks_received > before.blocks_received
    for figures in (
        second.stats.bw(poll=True, interval="20ms"),
        second.stats.bw(poll=True, interval="20ms", peer=(await first.id()).id),
    ):
        # The daemon counts once a second.
        async with asyncio.timeout(LIMIT), figures:
            while (await anext(figures)).total_in < len(content):
                pass


@pytest.fixture
async def topic(nodes: list[Node]) -> AsyncIterator[str]:
    """A topic of one test, which nobody listens to after it."""
    name = f"topic ∴/{secrets.token_hex(8)}"
    yield name
    for node in nodes:
        await node.pubsub.unsubscribe(name)


async def listening(node: Node, topic: str, peers: list[Node]) -> None:
    """Wait until a node knows that others listen to a topic."""
    ids = {(await peer.id()).id for peer in peers}

    async def known() -> bool:
        return ids <= set(await node.pubsub.peers(topic))

    await until(known, "peers are known to listen")


async def test_a_message_comes_to_all_who_listen(nodes: list[Node], topic: str) -> None:
    first, second, third = nodes
    came: asyncio.Queue[PubsubMessage] = asyncio.Queue()
    for node in (second, third):
        await node.pubsub.subscribe(topic, came.put_nowait)
        assert topic in await node.pubsub.ls()
    await listening(first, topic, [second, third])
    data = bytes(range(256))
    await first.pubsub.publish(topic, data)
    async with asyncio.timeout(LIMIT):
        messages = [await came.get(), await came.get()]
    assert {(message.topic, message.data, message.from_) for message in messages} == {
        (topic, data, (await first.id()).id)
    }
    assert messages[0].sequence_number == messages[1].sequence_number is not None


async def test_who_listens_no_more_leaves_the_topic(nodes: list[Node], topic: str) -> None:
    node = nodes[0]
    handlers = [lambda _message: None, lambda _message: None]
    for handler in handlers:
        await node.pubsub.subscribe(topic, handler)
    with pytest.raises(InvalidInputError, match="already subscribed"):
        await node.pubsub.subscribe(topic, handlers[0])
    await node.pubsub.unsubscribe(topic, handlers[0])
    assert topic in await node.pubsub.ls()
    await node.pubsub.unsubscribe(topic)

    async def left() -> bool:
        return topic not in await node.pubsub.ls()

    await until(left, "the daemon's subscription ends")


async def test_messages_come_in_their_order_and_one_after_another(nodes: list[Node], topic: str) -> None:
    first, second, _ = nodes
    came: list[int] = []
    over = asyncio.Event()
    busy = 0

    async def slow(message: PubsubMessage) -> None:
        nonlocal busy
        busy += 1
        assert busy == 1
        await asyncio.sleep(0)
        busy -= 1
        came.append(int(message.data))
        if came[-1] == 49:
            over.set()

    await second.pubsub.subscribe(topic, slow)
    await listening(first, topic, [second])
    for number in range(50):
        await first.pubsub.publish(topic, b"%d" % number)
    async with asyncio.timeout(LIMIT):
        await over.wait()
    # One that a later one has overtaken on its way through others, Kubo leaves out.
    assert came == sorted(set(came))


async def test_a_handler_ends_its_own_subscription(nodes: list[Node], topic: str) -> None:
    first, second, _ = nodes
    ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def once(_message: PubsubMessage) -> None:
        await second.pubsub.unsubscribe(topic, once)
        assert not ended.done()
        ended.set_result(None)

    await second.pubsub.subscribe(topic, once)
    await listening(first, topic, [second])
    for _ in range(3):
        await first.pubsub.publish(topic, b"x")
    async with asyncio.timeout(LIMIT):
        await ended

    async def left() -> bool:
        return topic not in await second.pubsub.ls()

    await until(left, "the daemon's subscription ends")


async def test_a_handler_that_cannot_follow_is_told_and_left(
    nodes: list[Node], topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, _ = nodes
    monkeypatch.setattr(of_pubsub, "BACKLOG", 5)
    ended: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()

    async def stuck(_message: PubsubMessage) -> None:
        await asyncio.Event().wait()

    await second.pubsub.subscribe(topic, stuck, on_error=ended.set_result)
    await listening(first, topic, [second])
    for _ in range(10):
        await first.pubsub.publish(topic, b"more")
    async with asyncio.timeout(LIMIT):
        error = await ended
    assert isinstance(error, LimitError)
    assert "too slow" in str(error)


async def test_a_handler_that_fails_is_told_and_left(nodes: list[Node], topic: str) -> None:
    first, second, _ = nodes
    ended: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()

    def failing(_message: PubsubMessage) -> None:
        raise ValueError("not this one")

    await second.pubsub.subscribe(topic, failing, on_error=ended.set_result)
    await listening(first, topic, [second])
    await first.pubsub.publish(topic, b"x")
    async with asyncio.timeout(LIMIT):
        assert str(await ended) == "not this one"


async def test_a_daemon_that_dies_ends_its_subscriptions(tmp_path_factory: pytest.TempPathFactory) -> None:
    with swarm(tmp_path_factory, 1) as daemons:
        async with open_node(kind="kubo", kubo_api=daemons[0].api) as node:
            ended: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()
            await node.pubsub.subscribe("topic", print, on_error=ended.set_result)
            daemons[0].process.kill()
            async with asyncio.timeout(LIMIT):
                assert isinstance(await ended, UnreachableError)
