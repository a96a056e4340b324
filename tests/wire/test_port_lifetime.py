"""How long ports live: collected ones close, those that can hear something stay, and nothing is left behind."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from collections import Counter
from typing import Any

import pytest
from wire.support import Inbox, nothing_runs, until

from ipfs_comm.testing import LinkedPorts, linked_ports
from ipfs_comm.wire import MessageChannel, MessageEvent, MessagePort, clone
from ipfs_comm.wire.ends import LinkEnd
from ipfs_comm.wire.entanglement import Seat, topology


def census() -> Counter[str]:
    """Count the objects that ports are made of."""
    gc.collect()
    return Counter(type(item).__name__ for item in gc.get_objects() if isinstance(item, MessagePort | Seat | LinkEnd))


def forget_one_end() -> MessagePort:
    channel = MessageChannel()
    return channel.port1


async def test_a_port_that_is_collected_closes_its_other_end() -> None:
    heard: asyncio.Future[MessageEvent] = asyncio.get_running_loop().create_future()
    port = forget_one_end()
    port.onclose = heard.set_result
    assert (await heard).error is None
    assert port.closed


async def test_what_a_collected_port_has_sent_before_still_arrives() -> None:
    channel = MessageChannel()
    channel.port2.post_message("last words")
    port = channel.port1
    del channel
    inbox = Inbox(port)
    await inbox.end()
    assert [event.data for event in inbox.events] == ["last words"]


async def test_a_port_that_listens_stays_without_a_reference() -> None:
    channel = MessageChannel()
    heard: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    channel.port2.onmessage = lambda event: heard.set_result(event.data)
    port = channel.port1
    del channel
    gc.collect()
    port.post_message("are you there?")
    assert await heard == "are you there?"


@pytest.mark.parametrize("kind", ["message", "close"])
async def test_a_listener_added_as_an_event_listener_keeps_a_port_as_well(kind: str) -> None:
    channel = MessageChannel()
    events: list[str] = []
    channel.port2.add_event_listener(kind, lambda event: events.append(event.type))
    channel.port2.start()
    port = channel.port1
    del channel
    gc.collect()
    assert not port.closed
    port.post_message(1)
    port.close()
    await until(lambda: bool(events))
    assert events == [kind]


async def test_a_port_with_a_listener_that_was_never_started_is_collected() -> None:
    channel = MessageChannel()
    channel.port2.add_event_listener("message", print)
    port = channel.port1
    del channel
    gc.collect()
    assert port.closed


async def test_a_port_whose_listener_was_taken_away_is_collected() -> None:
    channel = MessageChannel()
    channel.port2.onmessage = print
    channel.port2.add_event_listener("message", print)
    channel.port2.onmessage = None
    channel.port2.remove_event_listener("message", print)
    port = channel.port1
    del channel
    gc.collect()
    assert port.closed


async def test_two_listening_ports_that_nobody_has_are_collected_together() -> None:
    channel = MessageChannel()
    channel.port1.onmessage = channel.port2.onmessage = print
    ports = [weakref.ref(channel.port1), weakref.ref(channel.port2)]
    del channel
    gc.collect()
    assert [port() for port in ports] == [None, None]


async def test_a_port_on_its_way_is_not_collected() -> None:
    channel, carried = MessageChannel(), MessageChannel()
    channel.port1.post_message(None, [carried.port2])
    port = carried.port1
    del carried
    gc.collect()
    assert not port.closed
    (arrived,) = (await Inbox(channel.port2).event()).ports
    arrived.post_message("here")
    assert await Inbox(port).take() == ["here"]


async def test_a_port_that_the_receiver_ignores_closes() -> None:
    channel, carried = MessageChannel(), MessageChannel()
    channel.port2.onmessage = lambda _: None
    channel.port1.post_message(None, [carried.port2])
    inbox = Inbox(carried.port1)
    await inbox.end()


async def test_a_port_collected_at_the_other_side_of_a_link_closes_this_end() -> None:
    async with linked_ports() as (port1, port2):
        port2.onmessage = lambda _: None
        carried = MessageChannel()
        port1.post_message(None, [carried.port2])
        await Inbox(carried.port1).end()


async def test_a_port_collected_on_another_thread_closes_its_other_end_here() -> None:
    channel = MessageChannel()
    inbox = Inbox(channel.port1)
    kept = [channel.port2]
    del channel
    thread = threading.Thread(target=kept.clear)
    thread.start()
    thread.join()
    await inbox.end()


async def test_a_port_collected_while_the_topology_changes_waits_for_the_end_of_the_change() -> None:
    channel = MessageChannel()
    port = channel.port1
    with topology:
        del channel
        gc.collect()
        assert not port.closed
    await Inbox(port).end()


async def test_a_port_collected_while_another_thread_changes_the_topology_waits_for_it_without_blocking() -> None:
    channel = MessageChannel()
    port = channel.port1
    inside, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with topology:
            inside.set()
            assert leave.wait(20)

    thread = threading.Thread(target=hold)
    thread.start()
    assert inside.wait(20)
    del channel
    gc.collect()
    assert not port.closed
    leave.set()
    thread.join()
    await Inbox(port).end()


def test_a_port_without_a_loop_that_could_not_be_closed_at_once_is_closed_by_the_next_use_of_any_port() -> None:
    port = forget_one_end()
    assert port.closed
    channel = MessageChannel()
    port = channel.port1
    with topology:
        del channel
        gc.collect()
        assert not port.closed
    MessageChannel().port1.post_message(1)
    assert port.closed


async def test_a_chain_of_ports_each_waiting_in_the_other_is_dropped_without_recursion() -> None:
    first = MessageChannel()
    ends, at = [first.port1], first.port1
    for _ in range(5_000):
        carried = MessageChannel()
        at.post_message(None, [carried.port2])
        at = carried.port1
        ends.append(at)
    first.port2.close()
    assert all(end.closed for end in ends)


async def settled(linked: LinkedPorts, count: int = 1) -> None:
    """Wait until `count` ports are left at both ends."""
    links = [link for link in (linked.link1, linked.link2) if link is not None]
    assert len(links) == 2
    await until(lambda: all(link.ports_open == count for link in links), 60)


async def test_ten_thousand_ports_opened_and_closed_leave_nothing() -> None:
    before = census()
    async with linked_ports() as linked:
        echoed = Inbox(linked.port2)
        main = census()
        for number in range(0, 10_000, 500):
            channels = [MessageChannel() for _ in range(500)]
            for channel in channels:
                channel.port1.onmessage = print
                linked.port1.post_message({"number": number, "port": channel.port2}, [channel.port2])
            await echoed.take(500)
            for channel, event in zip(channels, echoed.events, strict=True):
                (channel.port1 if number % 1_000 else event.ports[0]).close()
            echoed.events.clear()
            await settled(linked)
        del channels, channel, event
        assert census() == main
    await Inbox(linked.port2).end()
    del linked, echoed
    assert census() == before
    assert nothing_runs()


async def test_ten_thousand_ports_opened_and_forgotten_leave_nothing() -> None:
    before = census()
    async with linked_ports() as linked:
        linked.port2.onmessage = lambda _: None
        for _ in range(20):
            for _ in range(500):
                linked.port1.post_message(None, [MessageChannel().port2])
            await settled(linked)
    await Inbox(linked.port2).end()
    del linked
    assert census() == before


async def test_a_port_sent_on_to_a_third_party_works_and_closes_all_the_way() -> None:
    async with linked_ports() as first, linked_ports() as second:
        middle, far = Inbox(first.port2), Inbox(second.port2)
        channel = MessageChannel()
        near = Inbox(channel.port1)
        first.port1.post_message(None, [channel.port2])
        channel.port1.post_message("before")
        second.port1.post_message(None, list((await middle.event()).ports))
        middle.events.clear()
        there = Inbox((await far.event()).ports[0])
        channel.port1.post_message("after")
        assert await there.take(2) == ["before", "after"]
        (far_port,) = far.events[0].ports
        far_port.post_message("back")
        assert await near.take() == ["back"]
        far_port.close()
        await near.end()
        await settled(first)
        await settled(second)


async def test_a_pair_whose_both_ends_came_to_one_side_works_and_leaves_nothing() -> None:
    async with linked_ports() as linked:
        inbox = Inbox(linked.port2)
        channel = MessageChannel()
        channel.port1.post_message(0)
        linked.port1.post_message(None, [channel.port1, channel.port2])
        one, other = (await inbox.event()).ports
        inbox.events.clear()
        heard = Inbox(other)
        for number in range(1, 100):
            one.post_message(number)
        assert await heard.take(100) == list(range(100))
        one.close()
        await heard.end()
        await settled(linked)


async def test_a_port_that_went_there_and_came_back_works_and_leaves_nothing() -> None:
    async with linked_ports() as linked:
        there, here = Inbox(linked.port2), Inbox(linked.port1)
        channel = MessageChannel()
        linked.port1.post_message(None, [channel.port2])
        channel.port1.post_message(0)
        linked.port2.post_message(None, list((await there.event()).ports))
        there.events.clear()
        (back,) = (await here.event()).ports
        for number in range(1, 100):
            channel.port1.post_message(number)
        assert await Inbox(back).take(100) == list(range(100))
        back.close()
        await Inbox(channel.port1).end()
        await settled(linked)


async def test_a_message_that_is_dropped_closes_the_blobs_that_came_by_a_link() -> None:
    async with linked_ports() as linked:
        linked.port1.post_message(clone.Blob(b"abc"))
        linked.port1.post_message("behind")
        await until(lambda: linked.link1.ports_open == 2 and linked.link1.idle)
        linked.port2.close()
        await settled(linked, 0)


async def test_a_message_that_turns_out_too_long_closes_its_port_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    async with linked_ports() as (port1, port2):
        spare, carried = MessageChannel(), MessageChannel()
        port1.post_message("two more", [spare.port2, carried.port2])
        one, other = (await Inbox(port2).event()).ports
        # What a text takes shows when it is written out, after `post_message`.
        monkeypatch.setattr("ipfs_comm.wire.clone.encoder.MAX_META", 100)
        lost = MessageChannel()
        closed = Inbox(spare.port1)
        spare.port1.post_message("ä" * 80, [lost.port2])
        await closed.end()
        assert getattr(spare.port1.error, "code", None) == "ERR_LIMIT"
        gone = Inbox(one)
        await gone.end()
        carried.port1.post_message("still here")
        assert await Inbox(other).take() == ["still here"]
        await until(lambda: lost.port1.closed)
