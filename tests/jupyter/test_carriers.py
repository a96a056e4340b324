"""Carriers over iopub, without a kernel: the pace, the bounds, and whose link has a widget."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from ipfs_comm.wire.carriers import comm
from ipfs_comm.wire.carriers.comm import PacedCarrier
from ipfs_comm.wire.carriers.widget import CONTENT, WidgetPort
from ipfs_comm.wire.frame import Hello, encode_packet

if TYPE_CHECKING:
    from ipfs_comm.wire import Carrier


async def settle() -> None:
    """Let what was handed over to this loop be taken."""
    done = asyncio.Event()
    asyncio.get_running_loop().call_soon_threadsafe(done.set)
    await done.wait()


async def test_packets_beyond_a_burst_wait_for_their_turn_and_keep_their_order() -> None:
    sent: list[bytes] = []
    loop = asyncio.get_running_loop()
    carrier = PacedCarrier(loop, lambda packet: sent.append(packet[0]), lambda: None)
    packets = [str(number).encode() for number in range(comm.BURST + 60)]
    started = loop.time()
    for packet in packets:
        carrier.send([packet])
    assert sent == packets[: comm.BURST]
    while len(sent) < len(packets):
        await settle()
    assert sent == packets
    assert loop.time() - started > 60 / comm.RATE * 0.9


async def test_packets_that_cannot_be_kept_are_lost_and_memory_is_bounded() -> None:
    sent: list[bytes] = []
    carrier = PacedCarrier(asyncio.get_running_loop(), lambda packet: sent.append(packet[0]), lambda: None)
    for _ in range(comm.BURST + comm.MAX_OUTBOX + 100):
        carrier.send([b"x"])
    assert len(carrier._outbox) == comm.MAX_OUTBOX
    carrier.close()


async def test_packets_that_nobody_takes_are_lost_beyond_a_bound() -> None:
    taken: list[int] = []
    carrier = PacedCarrier(asyncio.get_running_loop(), lambda _packet: None, lambda: None)
    carrier.start(lambda packet: taken.append(len(packet)), lambda _error: None)
    big = bytes(comm.MAX_BACKLOG // 4)
    for _ in range(10):
        carrier.hand_over([big])
    await settle()
    assert taken == [1] * 4


async def test_closing_sends_the_last_packet_and_hangs_up_once() -> None:
    said: list[Any] = []
    carrier = PacedCarrier(
        asyncio.get_running_loop(), lambda packet: said.append(packet[0]), lambda: said.append("closed")
    )
    for number in range(comm.BURST + 3):
        carrier.send([number])  # type: ignore[list-item]  # a number tells the packets apart
    carrier.close()
    carrier.close()
    assert said[comm.BURST :] == [comm.BURST + 2, "closed"]


class Model:
    """What a carrier uses of a widget model."""

    def __init__(self) -> None:
        self.heard: list[Any] = []
        self.comm = self
        self.comm_id = "model"
        self._callbacks: list[Any] = []

    def on_msg(self, callback: Any, remove: bool = False) -> None:
        (self._callbacks.remove if remove else self._callbacks.append)(callback)

    def send(self, data: Any, buffers: list[Any]) -> None:
        self.heard.append((data, buffers))

    def say(self, content: Any, *buffers: bytes) -> None:
        for callback in list(self._callbacks):
            callback(self, content, list(buffers))


def hello(token: bytes) -> bytes:
    return bytes(encode_packet(token, [Hello({"versions": [1]})])[0])


async def accepted(model: Model, packets: list[bytes], *, replace: bool) -> tuple[list[list[bytes]], list[str]]:
    """Return what the carrier of each link got, and why the carriers ended."""
    got: list[list[bytes]] = []
    ended: list[str] = []

    def accept(carrier: Carrier) -> None:
        mine: list[bytes] = []
        got.append(mine)
        carrier.start(lambda packet: mine.append(bytes(packet[0])), lambda error: ended.append(str(error)))

    port = WidgetPort(None, model, asyncio.get_running_loop(), accept, replace=replace)
    for packet in packets:
        model.say({"ipfs_comm": 1}, packet)
    await settle()
    port.close()
    await settle()
    return got, ended


async def test_a_later_page_takes_the_place_of_the_one_before() -> None:
    one, two = hello(b"1" * 32), hello(b"2" * 32)
    got, ended = await accepted(Model(), [one, one, two], replace=True)
    assert got == [[one, one], [two]]
    assert ended == ["another page took this widget", "the widget is no longer served"]


async def test_a_cells_widget_stays_with_the_first_page() -> None:
    one, two = hello(b"1" * 32), hello(b"2" * 32)
    got, ended = await accepted(Model(), [one, two, one], replace=False)
    assert got == [[one, one]]
    assert ended == ["the widget is no longer served"]


async def test_messages_that_are_no_packets_are_passed_over() -> None:
    model = Model()
    got, _ended = await accepted(
        model, [b"", b"\xc9", b"\xc9\x01\x00\x00", b"\xc9\x01\x08\x00" + bytes(8)], replace=True
    )
    model.say({"something": "else"}, hello(b"1" * 32))
    model.say(CONTENT)
    assert got == []


async def test_what_the_kernel_itself_has_sent_opens_nothing_when_it_is_sent_back() -> None:
    got: list[Carrier] = []
    model = Model()
    port = WidgetPort(None, model, asyncio.get_running_loop(), got.append, replace=True)
    model.say(CONTENT, hello(b"3" * 32))
    await settle()
    port.close()
    assert got == []
