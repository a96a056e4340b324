"""Producers and consumers of items: in order, no further than asked for, stopped at once, and never trusted."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rpc.support import FEW, Items, Packets, Source, Trips, nothing_left, read_whole, turns

from ipfs_comm import MessageChannel
from ipfs_comm.errors import IPFSCommError, LimitError, LinkError, ProtocolError, RemoteError
from ipfs_comm.rpc import read_ahead
from ipfs_comm.rpc.consumer import Consumer
from ipfs_comm.rpc.producer import MAX_PENDING, Producer

if TYPE_CHECKING:
    from ipfs_comm.testing import LinkedPorts


async def all_of(consumer: Consumer) -> list[Any]:
    async with aclosing(consumer.items()) as items:
        return [item async for item in items]


async def test_two_hundred_items_take_a_few_round_trips(slow: LinkedPorts) -> None:
    trips = Trips.of(slow.port1)
    source = Source(200)
    Producer(source, slow.port2)
    assert await all_of(Consumer(slow.port1, ahead=True)) == list(range(200))
    assert trips.longest <= FEW
    await asyncio.wait_for(source.closed.wait(), 5)


async def test_a_producer_that_cannot_is_asked_one_by_one(slow: LinkedPorts) -> None:
    trips = Trips.of(slow.port1)
    Producer(Source(20), slow.port2)
    assert await all_of(Consumer(slow.port1)) == list(range(20))
    assert trips.longest == 21
    assert trips.most_open == 1


async def test_an_error_keeps_its_place() -> None:
    channel = MessageChannel()
    Producer(Source(100, fail_at=30), channel.port2)
    items = Consumer(channel.port1, ahead=True).items()
    assert [await anext(items) for _ in range(30)] == list(range(30))
    with pytest.raises(RemoteError, match="this item cannot be made"):
        await anext(items)


async def test_leaving_early_stops_the_producer_at_once(slow: LinkedPorts) -> None:
    before = asyncio.all_tasks()
    never = asyncio.Event()

    async def two_at_most() -> None:
        if source.made == 2:
            await never.wait()

    source = Source(1_000, wait=two_at_most)
    Producer(source, slow.port2)
    async with aclosing(Consumer(slow.port1, ahead=True).items()) as items:
        assert await anext(items) == 0
    await asyncio.wait_for(source.closed.wait(), 5)
    assert source.made == 2
    await nothing_left(before)


async def test_nothing_is_made_before_the_first_item_is_wanted() -> None:
    channel = MessageChannel()
    source = Source(10)
    Producer(source, channel.port2)
    consumer = Consumer(channel.port1, ahead=True)
    await turns()
    assert source.made == 0
    consumer.close()
    await asyncio.wait_for(source.closed.wait(), 5)


async def test_no_more_is_made_than_was_asked_for() -> None:
    channel = MessageChannel()
    source = Source(1_000_000)
    items = Items(channel.port1)
    Producer(source, channel.port2)
    for _ in range(7):
        channel.port1.post_message({"method": "next"})
    assert [(await items.message())["value"] for _ in range(7)] == list(range(7))
    await turns()
    assert items.messages.empty()
    assert source.made == 7
    channel.port1.post_message({"method": "return"})
    await asyncio.wait_for(items.closed.wait(), 5)


async def test_items_that_are_ready_go_out_together(slow: LinkedPorts) -> None:
    items = Items(slow.port1)
    packets = Packets(slow)
    Producer(Source(1_000), slow.port2)
    for _ in range(100):
        slow.port1.post_message({"method": "next"})
    for _ in range(100):
        await items.message()
    assert packets.count <= 20


async def test_long_production_leaves_the_loop_to_others() -> None:
    channel = MessageChannel()
    items = Items(channel.port1)
    turns = 0

    def turn() -> None:
        nonlocal turns
        turns += 1
        if not items.closed.is_set():
            asyncio.get_running_loop().call_soon(turn)

    async def busy() -> None:
        # Work on the processor that never waits.
        sum(range(20_000))

    Producer(Source(200, wait=busy), channel.port2)
    for _ in range(201):
        channel.port1.post_message({"method": "next"})
    await items.message()
    turn()
    await asyncio.wait_for(items.closed.wait(), 20)
    assert turns >= 5


async def test_a_flood_of_requests_ends_the_stream_with_an_error() -> None:
    channel = MessageChannel()
    items = Items(channel.port1)
    never = asyncio.Event()
    source = Source(1, wait=never.wait)
    Producer(source, channel.port2)
    for _ in range(MAX_PENDING + 10):
        channel.port1.post_message({"method": "next"})
    answer = await items.message()
    assert (answer["type"], answer["error"]["code"]) == ("throw", "ERR_LIMIT")
    await asyncio.wait_for(items.closed.wait(), 5)
    await asyncio.wait_for(source.closed.wait(), 5)


async def test_a_source_that_nobody_read_is_closed() -> None:
    before = asyncio.all_tasks()
    channel = MessageChannel()
    source = Source(10)
    Producer(source, channel.port2)
    channel.port1.close()
    await asyncio.wait_for(source.closed.wait(), 5)
    await nothing_left(before)


class Answering:
    """A consumer whose producer is the test."""

    def __init__(self, *, ahead: bool = True) -> None:
        channel = MessageChannel()
        self.far = Items(channel.port2)
        self.port = channel.port2
        self.consumer = Consumer(channel.port1, ahead=ahead)
        self.items = self.consumer.items()

    async def first(self, *messages: Any) -> Any:
        """Return the first item after posting these messages as soon as one is asked for."""
        call = asyncio.ensure_future(anext(self.items))
        assert await self.far.message() == {"method": "next"}
        for message in messages:
            self.port.post_message(message)
        return await asyncio.wait_for(call, 5)


async def test_a_port_that_closes_gives_what_came_before() -> None:
    stream = Answering()
    call = asyncio.ensure_future(anext(stream.items))
    await stream.far.message()
    for number in range(2):
        stream.port.post_message({"done": False, "value": number})
    stream.port.close()
    assert [await asyncio.wait_for(call, 5), await anext(stream.items)] == [0, 1]
    with pytest.raises(LinkError):
        await anext(stream.items)


async def test_what_comes_after_the_end_is_not_kept() -> None:
    stream = Answering()
    assert await stream.first({"done": False, "value": 1}, {"done": True}, {"done": False, "value": 2}) == 1
    with pytest.raises(StopAsyncIteration):
        await anext(stream.items)
    await asyncio.wait_for(stream.far.closed.wait(), 5)


async def test_an_item_that_nobody_asked_for_ends_the_stream_after_those_before() -> None:
    stream = Answering(ahead=False)
    assert await stream.first({"done": False, "value": 1}, {"done": False, "value": 2}) == 1
    with pytest.raises(ProtocolError, match="nobody had asked for"):
        await anext(stream.items)
    assert await stream.far.message() == {"method": "return"}
    await asyncio.wait_for(stream.far.closed.wait(), 5)


async def test_an_item_before_the_first_request_ends_the_stream() -> None:
    stream = Answering()
    stream.port.post_message({"done": False, "value": 1})
    await asyncio.wait_for(stream.far.closed.wait(), 5)
    with pytest.raises(ProtocolError):
        await anext(stream.items)


async def test_an_error_without_a_type_is_an_error() -> None:
    stream = Answering()
    with pytest.raises(RemoteError, match="boom"):
        await stream.first({"error": {"name": "Error", "message": "boom"}})


async def test_items_far_larger_than_expected_end_the_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_ahead, "MAX_KEPT_BYTES", 1_000_000)
    stream = Answering()
    big = {"done": False, "value": bytes(700_000)}
    assert len(await stream.first(big, big)) == 700_000
    with pytest.raises(LimitError):
        await anext(stream.items)
    await asyncio.wait_for(stream.far.closed.wait(), 5)


async def test_ports_of_items_that_nobody_takes_are_closed() -> None:
    stream = Answering()
    inner = [MessageChannel() for _ in range(2)]
    ends = [Items(channel.port1) for channel in inner]
    call = asyncio.ensure_future(anext(stream.items))
    await stream.far.message()
    for channel in inner:
        stream.port.post_message({"done": False, "value": 1}, [channel.port2])
    assert await asyncio.wait_for(call, 5) == 1
    await stream.items.aclose()
    await asyncio.wait_for(stream.far.closed.wait(), 5)
    for end in ends:
        await asyncio.wait_for(end.closed.wait(), 5)


ANSWERS = st.sampled_from(
    [
        {"type": "next", "done": False, "value": 1},
        {"done": False, "value": bytes(1000)},
        {"done": False},
        {"done": "yes", "value": None},
        {"done": True},
        {"done": True, "value": 1},
        {"type": "throw", "error": {"name": "Error", "message": "boom"}},
        {"type": "throw"},
        {"error": 7},
        {"method": "next"},
        {},
        [],
        None,
        7,
        "next",
    ]
)


@given(first=st.lists(ANSWERS, max_size=6), later=st.lists(ANSWERS, max_size=6), ahead=st.booleans())
@settings(max_examples=100, deadline=None)
async def test_whatever_a_producer_posts_a_consumer_ends_in_order_or_with_a_typed_error(
    first: list[Any], later: list[Any], ahead: bool
) -> None:
    before = asyncio.all_tasks()
    stream = Answering(ahead=ahead)
    for answer in first:
        stream.port.post_message(answer)
    reading = asyncio.ensure_future(read_whole(stream.items))
    await turns(5)
    for answer in later:
        stream.port.post_message(answer)
    await turns(5)
    stream.port.close()
    assert await asyncio.wait_for(reading, 5) is None or isinstance(reading.result(), IPFSCommError)
    assert stream.far.messages.qsize() <= 3 * (len(first) + len(later)) + 3
    await nothing_left(before)


async def test_closing_a_consumer_wakes_who_waits_for_it() -> None:
    stream = Answering()
    call = asyncio.ensure_future(anext(stream.items))
    await stream.far.message()
    stream.consumer.close()
    with pytest.raises(LinkError):
        await asyncio.wait_for(call, 5)
