"""What crosses a link: messages and ports, whole and in order."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from wire.by_hand import opened_by_hand
from wire.support import Inbox

from ipfs_comm.testing import linked_ports
from ipfs_comm.wire import Acceptor, Link, MessageChannel, MessagePort, clone
from ipfs_comm.wire.carriers.memory import MemoryCarrier, memory_pair
from ipfs_comm.wire.frame import Ack, Close, Data


async def test_messages_cross_both_ways_in_order() -> None:
    async with linked_ports() as linked:
        one, two = Inbox(linked.port1), Inbox(linked.port2)
        for number in range(100):
            linked.port1.post_message({"number": number})
            linked.port2.post_message([number])
        assert await two.take(100) == [{"number": number} for number in range(100)]
        assert await one.take(100) == [[number] for number in range(100)]


async def test_what_is_posted_before_the_link_is_open_waits() -> None:
    linked = linked_ports()
    linked.port1.post_message("from one")
    linked.port2.post_message("from two")
    assert await Inbox(linked.port2).take() == ["from one"]
    assert await Inbox(linked.port1).take() == ["from two"]
    linked.close()


async def test_large_messages_arrive_whole_and_a_small_one_overtakes_them() -> None:
    async with linked_ports() as linked:
        side = MessageChannel()
        inbox = Inbox(linked.port2)
        linked.port1.post_message(None, [side.port2])
        small = Inbox((await inbox.event()).ports[0])
        order: list[str] = []
        small.on_message = lambda: order.append("small")
        inbox.on_message = lambda: order.append("large")
        large = bytes(range(256)) * 4 * 2**14
        linked.port1.post_message(large)
        side.port1.post_message("small")
        assert await small.take() == ["small"]
        assert (await inbox.take(2))[1] == large
        assert order == ["small", "large"]


async def test_a_buffer_of_one_fragment_arrives_without_a_copy() -> None:
    async with linked_ports(limits={"min_fragment": 256 * 1024}) as linked:
        inbox = Inbox(linked.port2)
        data = bytes(200_000)
        linked.port1.post_message(data)
        (arrived,) = await inbox.take()
        assert arrived.obj is data


async def test_what_waited_in_a_port_follows_it_and_later_messages_too() -> None:
    async with linked_ports() as linked:
        channel = MessageChannel()
        channel.port1.post_message("waited")
        inbox = Inbox(linked.port2)
        linked.port1.post_message({"port": channel.port2}, [channel.port2])
        channel.port1.post_message("later")
        event = await inbox.event()
        assert event.data["port"] is event.ports[0]
        received = Inbox(event.ports[0])
        assert await received.take(2) == ["waited", "later"]
        event.ports[0].post_message("back")
        assert await Inbox(channel.port1).take() == ["back"]


async def test_a_closed_port_closes_at_the_other_side_and_is_forgotten() -> None:
    async with linked_ports() as linked:
        channel = MessageChannel()
        inbox, local = Inbox(linked.port2), Inbox(channel.port1)
        linked.port1.post_message(None, [channel.port2])
        event = await inbox.event()
        event.ports[0].close()
        assert (await local.end()).error is None
        linked.port2.post_message("behind the close")
        await Inbox(linked.port1).take()
        assert linked.link1.ports_open == 1
        assert linked.link2 is not None
        assert linked.link2.ports_open == 1


async def test_a_port_goes_on_to_a_third_party_and_stays_connected() -> None:
    async with linked_ports() as first, linked_ports() as second:
        channel = MessageChannel()
        channel.port1.post_message("early")
        middle, far = Inbox(first.port2), Inbox(second.port2)
        first.port1.post_message(None, [channel.port2])
        port = (await middle.event()).ports[0]
        second.port1.post_message(None, [port])
        end = Inbox((await far.event()).ports[0])
        carried = MessageChannel()
        channel.port1.post_message({"late": clone.Blob(b"bytes"), "port": carried.port2}, [carried.port2])
        early, late = await end.take(2)
        assert early == "early"
        assert await late["late"].read() == b"bytes"
        late["port"].post_message("all the way back")
        assert await Inbox(carried.port1).take() == ["all the way back"]
        far.events[0].ports[0].close()
        await Inbox(channel.port1).end()


async def test_a_port_can_come_back_over_the_same_link() -> None:
    async with linked_ports() as linked:
        channel = MessageChannel()
        there, here = Inbox(linked.port2), Inbox(linked.port1)
        linked.port1.post_message(None, [channel.port2])
        linked.port2.post_message(None, [(await there.event()).ports[0]])
        returned = (await here.event()).ports[0]
        channel.port1.post_message("round trip")
        assert await Inbox(returned).take() == ["round trip"]


async def test_ports_in_a_message_to_a_closed_port_are_closed() -> None:
    async with linked_ports() as linked:
        side, carried = MessageChannel(), MessageChannel()
        inbox = Inbox(linked.port2)
        linked.port1.post_message(None, [side.port2])
        port = (await inbox.event()).ports[0]
        carried_end, side_end = Inbox(carried.port1), Inbox(side.port1)
        side.port1.post_message(None, [carried.port2])
        port.close()
        assert (await carried_end.end()).error is None
        await side_end.end()


async def test_a_port_whose_message_was_never_sent_is_closed() -> None:
    link, carrier = opened_by_hand()
    side, carried, deeper = MessageChannel(), MessageChannel(), MessageChannel()
    link.port.post_message(None, [side.port2])
    await asyncio.sleep(0)
    (announcement,) = carrier.sent
    assert isinstance(announcement, Data)
    # With the window shut what follows stays here.
    carrier.say(Ack(0, 1, 0))
    link.port.post_message(bytes(10))
    carried.port1.post_message(None, [deeper.port2])
    side.port1.post_message(None, [carried.port2])
    await asyncio.sleep(0)
    before = link.ports_open
    carrier.say(Close(1, 2))
    assert carried.port1.closed
    assert deeper.port1.closed
    assert link.ports_open == before - 3
    link.end()


async def test_ports_can_be_used_from_other_threads() -> None:
    async with linked_ports() as linked:
        inbox = Inbox(linked.port2)

        def post() -> None:
            for number in range(500):
                linked.port1.post_message(number)

        thread = threading.Thread(target=post)
        thread.start()
        assert await inbox.take(500) == list(range(500))
        thread.join()
        await asyncio.to_thread(linked.link1.end)
        await linked.link1.ended


async def test_a_close_that_waits_for_credit_is_sent_although_the_other_end_closes_first() -> None:
    link, carrier = opened_by_hand()
    side = MessageChannel()
    link.port.post_message(None, [side.port2])
    await asyncio.sleep(0)
    carrier.say(Ack(0, 1, 0))
    link.port.post_message(bytes(10))
    side.port1.post_message(bytes(10))
    side.port1.close()
    await asyncio.sleep(0)
    carrier.say(Close(1, 2))
    carrier.say(Ack(0, 2, 1 << 20))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert [frame.port for frame in carrier.sent if isinstance(frame, Close)] == [2]
    assert link.ports_open == 1
    link.end()


def test_a_carrier_on_another_loop_hands_over() -> None:
    one, other = memory_pair()
    result: list[Any] = []

    async def serve(ready: threading.Event) -> None:
        def echo(_link: Link, port: MessagePort, _params: dict[str, Any]) -> None:
            port.onmessage = lambda event: port.post_message(event.data)

        over = Acceptor({"ipfs": echo}).accept(other)
        ready.set()
        await over

    async def ask() -> None:
        link = await Link.open(one)
        inbox = Inbox(link.port)
        link.port.post_message("over threads")
        result.extend(await inbox.take())
        link.end()

    ready = threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(serve(ready)))
    thread.start()
    assert ready.wait(10)
    asyncio.run(ask())
    thread.join(10)
    assert result == ["over threads"]
    assert isinstance(other, MemoryCarrier)
