"""Links: opening, ports over them, loss, and how they end."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest
from wire.support import Inbox, nothing_runs, timers

from ipfs_comm.errors import LinkError, ProtocolError
from ipfs_comm.testing import LinkedPorts, linked_ports
from ipfs_comm.wire import Acceptor, Link, MessageChannel, MessagePort, clone
from ipfs_comm.wire.carriers.base import Carrier, Closed, Receive
from ipfs_comm.wire.carriers.memory import MemoryCarrier, memory_pair
from ipfs_comm.wire.frame import Ack, Buffer, Close, Data, End, Frame, Hello, Ping, Welcome, encode_packet, parse_packet

if TYPE_CHECKING:
    from collections.abc import Sequence


class ByHand(Carrier):
    """A carrier whose other end is the test."""

    name = "by hand"
    tells_close = True

    def __init__(self) -> None:
        self.sent: list[Frame] = []
        self.tokens: set[bytes] = set()
        self.closed = False
        self.receive: Receive = lambda _: None
        self.lost: Closed = lambda _: None

    def start(self, receive: Receive, closed: Closed) -> None:
        self.receive, self.lost = receive, closed

    def send(self, packet: Sequence[Buffer]) -> None:
        token, frames = parse_packet([bytes(buffer) for buffer in packet])
        self.tokens.add(token)
        self.sent += frames

    def close(self) -> None:
        self.closed = True

    def say(self, *frames: Frame, token: bytes = b"") -> None:
        self.receive([bytes(buffer) for buffer in encode_packet(token, frames)])


def opened_by_hand(**limits: float) -> tuple[Link, ByHand]:
    carrier = ByHand()
    link = Link.begin(carrier, limits=limits)
    (hello,) = carrier.sent
    assert isinstance(hello, Hello)
    carrier.say(
        Welcome({"version": 1, "link": hello.info["link"], "carrier": "by hand", "agent": "test", "window": 1 << 20})
    )
    carrier.sent.clear()
    return link, carrier


def linked_by(carrier1: Carrier, carrier2: Carrier, **limits: float) -> tuple[Link, Acceptor, asyncio.Future[Link]]:
    accepted: asyncio.Future[Link] = asyncio.get_running_loop().create_future()
    acceptor = Acceptor({"ipfs": lambda link, _port, _params: accepted.set_result(link)}, limits=limits)
    acceptor.accept(carrier2)
    return Link.begin(carrier1), acceptor, accepted


def is_gone(linked: LinkedPorts) -> bool:
    links = [link for link in (linked.link1, linked.link2) if link is not None]
    return all(link.error is not None and link.ports_open == 0 and link.bytes_queued == 0 for link in links)


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


# How a link ends


async def test_closing_the_last_port_ends_the_link_in_order() -> None:
    linked = await linked_ports()
    inbox = Inbox(linked.port2)
    for number in range(50):
        linked.port1.post_message(number)
    linked.port1.close()
    assert (await inbox.end()).error is None
    assert [event.data for event in inbox.events] == list(range(50))
    assert (await linked.link1.ended).code == "ERR_CLOSED"
    assert is_gone(linked)
    assert nothing_runs()


async def test_ending_a_link_closes_all_its_ports_with_the_reason_at_both_ends() -> None:
    linked = await linked_ports()
    channel = MessageChannel()
    inbox = Inbox(linked.port2)
    linked.port1.post_message(None, [channel.port2])
    ports = [Inbox((await inbox.event()).ports[0]), inbox, Inbox(channel.port1), Inbox(linked.port1)]
    reasons: list[LinkError] = []
    assert linked.link2 is not None
    linked.link2.onend = reasons.append
    linked.link1.end(LinkError("the kernel restarts", code="ERR_CARRIER"))
    for port in ports:
        error = (await port.end()).error
        assert isinstance(error, LinkError)
        assert (error.code, str(error)) == ("ERR_CARRIER", "the kernel restarts")
    assert [reason.code for reason in reasons] == ["ERR_CARRIER"]
    assert is_gone(linked)


async def test_nothing_is_left_of_a_link_that_has_ended() -> None:
    before = len(timers())
    linked = await linked_ports(drop=0.1, seed=3, limits={"farewell_within": 0.3})
    inbox = Inbox(linked.port2)
    for number in range(20):
        linked.port1.post_message([number, clone.Blob(b"b")])
    await inbox.take(20)
    linked.close()
    await Inbox(linked.port2).end()
    assert is_gone(linked)
    assert linked.link2 is not None
    await asyncio.wait_for(asyncio.gather(linked.link1.released, linked.link2.released), 5)
    assert nothing_runs()
    assert len(timers()) == before


async def test_a_port_of_a_link_that_has_ended_is_silent() -> None:
    linked = await linked_ports()
    linked.close()
    channel = MessageChannel()
    linked.port1.post_message(None, [channel.port2])
    assert linked.port1.closed
    assert channel.port1.closed


async def test_a_carrier_that_goes_away_ends_the_link() -> None:
    link, carrier = opened_by_hand()
    inbox = Inbox(link.port)
    carrier.lost(None)
    error = (await inbox.end()).error
    assert isinstance(error, LinkError)
    assert error.code == "ERR_CARRIER"
    assert (await link.ended) is error


async def test_a_carrier_that_breaks_ends_the_link() -> None:
    link, carrier = opened_by_hand()

    def broken(_packet: object) -> None:
        raise OSError("no more")

    carrier.send = broken  # type: ignore[method-assign]  # the test breaks it
    link.port.post_message(1)
    assert "no more" in str(await link.ended)
    assert carrier.closed


async def test_silence_is_asked_about_and_then_ends_the_link() -> None:
    link, carrier = opened_by_hand(ping_after=0.03, expire_after=0.1)
    error = await link.ended
    assert error.code == "ERR_TIMEOUT"
    assert [type(frame) for frame in carrier.sent[:2]] == [Ping, Ping]


async def test_an_end_that_slept_asks_before_it_gives_up() -> None:
    link, carrier = opened_by_hand()
    for pings in (1, 2):
        # Nothing ran for an hour: first before anything was asked, then with a question open.
        link._watch.heard_at -= 3_600
        link._watch._ask_at -= 3_600
        link._tick()
        assert link.error is None
        assert [type(frame) for frame in carrier.sent] == [Ping] * pings
    carrier.say(Ack(0, 0, 1 << 20))
    assert link.error is None
    link.end()


async def test_a_ping_is_answered() -> None:
    link, carrier = opened_by_hand()
    carrier.say(Ping(0))
    await asyncio.sleep(0)
    assert carrier.sent == [Ack(0, 0, 64 * 2**20)]
    link.end()


# Hostile ends

MESSAGE = b"\x0f\0\0\0[null,[],[],[]]"


def data(seq: int, body: bytes, port: int = 0) -> Data:
    return Data(seq, port, True, True, [body], len(body))


def whole(meta: bytes, port: int = 0, seq: int = 1) -> Data:
    return data(seq, len(meta).to_bytes(4, "little") + meta, port)


@pytest.mark.parametrize(
    "frame",
    [
        Data(1, 0, False, True, [b"abc"], 3),
        whole(b"not json"),
        whole(b"[null,[],[],[2]]"),
        whole(b"[null,[],[],[0]]"),
        whole(b'[[0],[["B","",1,0],["B","",1,0]],[],[1]]'),
        Ack(0, 5, 10),
        Hello({}),
    ],
    ids=[
        "half a message",
        "no JSON",
        "our own port id",
        "the main port",
        "more Blobs than ports",
        "frames never sent",
        "HELLO",
    ],
)
async def test_what_breaks_the_protocol_ends_the_link(frame: Frame) -> None:
    link, carrier = opened_by_hand()
    carrier.say(frame)
    assert isinstance(link.error, ProtocolError)
    assert carrier.closed


async def test_an_entry_whose_tag_is_no_text_ends_the_link_when_it_is_read() -> None:
    link, carrier = opened_by_hand()
    carrier.say(whole(b"[[0],[[[]]],[],[1]]"))
    inbox = Inbox(link.port)
    assert isinstance((await inbox.end()).error, ProtocolError)
    assert isinstance(link.error, ProtocolError)


async def test_a_packet_on_which_this_end_fails_ends_the_link(monkeypatch: pytest.MonkeyPatch) -> None:
    link, carrier = opened_by_hand()

    def fails(_frame: object) -> None:
        raise TypeError("unforeseen")

    monkeypatch.setattr(link._ports, "take_data", fails)
    carrier.say(whole(b"[null,[],[],[]]"))
    assert isinstance(link.error, ProtocolError)
    assert "unforeseen" in str(link.error)
    assert isinstance(carrier.sent[-1], End)


async def test_a_port_id_is_not_given_twice() -> None:
    link, carrier = opened_by_hand()
    carrier.say(whole(b"[null,[],[],[3]]", seq=1))
    carrier.say(whole(b"[null,[],[],[1]]", seq=2))
    for seq, port in ((3, 1), (4, 3)):
        carrier.say(Close(seq, port))
    assert link.ports_open == 1
    carrier.say(whole(b"[null,[],[],[1]]", seq=5))
    assert isinstance(link.error, ProtocolError)


async def test_unfinished_messages_of_a_link_are_bounded_and_a_close_gives_theirs_back() -> None:
    link, carrier = opened_by_hand(max_unfinished=1_024)
    carrier.say(whole(b"[null,[],[],[1,3,5]]"))
    start = b"\x17\0\0\0[null,[],[100000],[]]  "
    piece = start + bytes(600)
    carrier.say(Data(2, 1, True, False, [piece], len(piece)))
    carrier.say(Close(3, 1))
    carrier.say(Data(4, 3, True, False, [piece], len(piece)))
    assert link.error is None
    carrier.say(Data(5, 5, True, False, [piece], len(piece)))
    assert link.error is not None
    assert link.error.code == "ERR_LIMIT"


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


async def test_a_timeout_sends_an_ack_along_so_that_the_other_end_can_name_what_it_lacks() -> None:
    link, carrier = opened_by_hand()
    for number in range(3):
        link.port.post_message(number)
    await asyncio.sleep(0)
    carrier.sent.clear()
    monotonic = link.loop.time
    link._sender._advanced_at = monotonic() - 100
    for flight in link._sender._in_flight.values():
        flight.sent_at = monotonic() - 100
    link._tick()
    oldest, ack = carrier.sent
    assert isinstance(oldest, Data)
    assert (oldest.seq, ack) == (1, Ack(3, 0, 64 * 2**20))
    link.end()


async def test_a_value_that_cannot_be_decoded_ends_the_link_when_it_is_read() -> None:
    link, carrier = opened_by_hand()
    carrier.say(whole(b'[[0],[["q"]],[],[]]'))
    assert link.error is None
    inbox = Inbox(link.port)
    assert isinstance((await inbox.end()).error, ProtocolError)
    assert inbox.events == []


async def test_a_relay_passes_nothing_on_that_would_end_another_link() -> None:
    link, carrier = opened_by_hand()
    inbox = Inbox(link.port)
    carrier.say(whole(b"[null,[],[],[1]]"))
    port = (await inbox.event()).ports[0]
    async with linked_ports() as other:
        far = Inbox(other.port2)
        other.port1.post_message(None, [port])
        received = Inbox((await far.event()).ports[0])
        carrier.say(whole(b'[[0],[["q"]],[],[]]', port=1, seq=2))
        assert isinstance(link.error, ProtocolError)
        await received.end()
        assert other.link1.error is None


async def test_a_port_that_this_end_has_not_given_yet_cannot_be_closed() -> None:
    link, carrier = opened_by_hand()
    channel = MessageChannel()
    carrier.say(Ack(0, 0, 0))
    link.port.post_message(bytes(2_000))
    link.port.post_message(None, [channel.port2])
    await asyncio.sleep(0)
    carrier.say(Close(1, 2))
    assert isinstance(link.error, ProtocolError)


async def test_packets_for_the_opener_carry_no_token() -> None:
    link, carrier = opened_by_hand()
    carrier.say(whole(b"not json"), token=bytes(16))
    assert link.error is None
    assert len(next(iter(carrier.tokens))) == 32
    link.end()


async def test_data_for_an_unknown_port_is_dropped() -> None:
    link, carrier = opened_by_hand()
    carrier.say(data(1, b"abc", port=7))
    assert link.error is None
    link.end()


# Loss


async def test_what_a_reader_gets_before_the_carrier_is_gone_is_a_prefix() -> None:
    one, other = memory_pair()
    link, acceptor, accepted = linked_by(one, other, resume_within=0.05)
    inbox = Inbox((await accepted).port)
    for number in range(500):
        link.port.post_message([number, bytes(100_000)])
    await inbox.take(3)
    one.lose(OSError("gone"))
    other.lose(OSError("gone"))
    assert isinstance((await inbox.end()).error, LinkError)
    got = [event.data[0] for event in inbox.events]
    assert got == list(range(len(got)))
    acceptor.close()


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
