"""Frames that break the protocol, and those that only seem to."""

from __future__ import annotations

import asyncio

import pytest
from wire.by_hand import opened_by_hand
from wire.support import Inbox

from ipfs_comm.errors import ProtocolError
from ipfs_comm.testing import linked_ports
from ipfs_comm.wire import MessageChannel
from ipfs_comm.wire.frame import Ack, Close, Data, End, Frame, Hello


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
