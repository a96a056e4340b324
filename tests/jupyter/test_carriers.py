"""Carriers without a kernel: the pace, the shares, the bounds, whose link has a widget, and who is in doubt."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from ipfs_comm.wire.carriers.paced import BURST, MAX_BACKLOG, MAX_OUTBOX, RATE, TURN, Pace, PacedCarrier
from ipfs_comm.wire.carriers.share import Share
from ipfs_comm.wire.carriers.takeover import ASK_EVERY, TAKEN_AFTER, Doubt
from ipfs_comm.wire.carriers.widget import CONTENT, WidgetPort
from ipfs_comm.wire.frame import Hello, encode_packet

if TYPE_CHECKING:
    from ipfs_comm.wire import Carrier


async def settle() -> None:
    """Let what was handed over to this loop be taken."""
    done = asyncio.Event()
    asyncio.get_running_loop().call_soon_threadsafe(done.set)
    await done.wait()


class Clock:
    """A loop's time and timers, moved by hand."""

    def __init__(self) -> None:
        self.now = 0.0
        self.due: list[tuple[float, Any]] = []

    def time(self) -> float:
        return self.now

    def call_later(self, seconds: float, function: Any) -> Any:
        self.due.append((self.now + seconds, function))
        return self

    def cancel(self) -> None:
        self.due.clear()

    def pass_by(self, seconds: float) -> None:
        until = self.now + seconds
        while self.due and min(self.due)[0] <= until:
            first = min(self.due, key=lambda item: item[0])
            self.due.remove(first)
            self.now = first[0]
            first[1]()
        self.now = until


def paced(loop: Any, sent: list[Any], pace: Pace | None = None, said: str = "closed") -> PacedCarrier:
    return PacedCarrier(loop, pace or Pace(loop), lambda packet: sent.append(packet[0]), lambda: sent.append(said))


def test_packets_beyond_a_burst_wait_for_their_turn_and_keep_their_order() -> None:
    clock, sent = Clock(), []
    carrier = paced(clock, sent)
    packets = [str(number).encode() for number in range(MAX_OUTBOX)]
    for packet in packets:
        carrier.send([packet])
    assert sent == packets[:BURST]
    clock.pass_by(0.1)
    assert abs(len(sent) - BURST - 0.1 * RATE) <= RATE * TURN
    clock.pass_by(10)
    assert sent == packets


def test_one_pace_holds_for_all_carriers_of_a_kernel_and_they_take_turns() -> None:
    clock, sent = Clock(), []
    pace = Pace(clock)  # type: ignore[arg-type]  # all that a pace uses of a loop
    carriers = [paced(clock, sent, pace) for _ in range(3)]
    for _ in range(100):
        for number, carrier in enumerate(carriers):
            carrier.send([number])  # type: ignore[list-item]  # a number tells whose packet it is
    clock.pass_by(0.2)
    # The server allows 3,000 messages in three seconds, and the user's own shall have their part.
    assert len(sent) <= BURST + 0.2 * RATE + 1
    waited = sent[BURST:]
    assert max(waited.count(number) for number in range(3)) - min(waited.count(number) for number in range(3)) <= 1


def test_packets_that_cannot_be_kept_are_lost_and_memory_is_bounded() -> None:
    clock, sent = Clock(), []
    carrier = paced(clock, sent)
    for _ in range(BURST + MAX_OUTBOX + 100):
        carrier.send([b"x"])
    clock.pass_by(60)
    assert len(sent) == BURST + MAX_OUTBOX


async def test_packets_that_nobody_takes_are_lost_beyond_a_bound() -> None:
    taken: list[int] = []
    carrier = paced(asyncio.get_running_loop(), [])
    carrier.start(lambda packet: taken.append(len(packet)), lambda _error: None)
    big = bytes(MAX_BACKLOG // 4)
    for _ in range(10):
        carrier.hand_over([big])
    await settle()
    assert taken == [1] * 4


def test_closing_sends_what_waits_at_its_pace_and_hangs_up_once() -> None:
    clock, sent = Clock(), []
    carrier = paced(clock, sent)
    for _ in range(BURST + 3):
        carrier.send([b"x"])
    carrier.close()
    carrier.close()
    carrier.send([b"too late"])
    assert "closed" not in sent
    clock.pass_by(1)
    assert sent == [*[b"x"] * (BURST + 3), "closed"]


def test_where_there_is_no_later_all_that_waits_goes_at_once() -> None:
    clock, sent = Clock(), []
    pace = Pace(clock)  # type: ignore[arg-type]  # all that a pace uses of a loop
    carriers = [paced(clock, sent, pace) for _ in range(2)]
    for carrier in carriers:
        for _ in range(BURST):
            carrier.send([b"x"])
        carrier.close()
    pace.finish()
    assert (sent.count(b"x"), sent.count("closed")) == (2 * BURST, 2)


def test_the_frames_of_a_road_are_divided_among_the_links_that_send() -> None:
    clock, sent = Clock(), []
    pace = Pace(clock)  # type: ignore[arg-type]  # all that a pace uses of a loop
    pace.share = Share(64, clock.time)
    one, two, idle = (paced(clock, sent, pace) for _ in range(3))
    assert one.max_frames == 64
    one.send([b"x"])
    assert (one.max_frames, two.max_frames) == (64, 32)
    two.send([b"x"])
    assert (one.max_frames, two.max_frames, idle.max_frames) == (32, 32, 21)
    clock.pass_by(5)
    one.send([b"x"])
    assert one.max_frames == 64
    two.send([b"x"])
    one.close()
    assert two.max_frames == 64
    for _ in range(40):
        paced(clock, sent, pace).send([b"x"])
    assert two.max_frames == 4


class Now:
    """Seconds for `Doubt`."""

    def __init__(self) -> None:
        self.doubt: Doubt[str] = Doubt()

    def hold(self, at: float, *items: str) -> list[str]:
        return [item for item in items if self.doubt.holds(item, at)]


def test_nothing_is_held_back_from_a_page_while_nobody_else_connects() -> None:
    assert Now().hold(1, "a", "b") == []


def test_what_comes_after_somebody_connected_waits_until_the_page_is_heard_again() -> None:
    now = Now()
    now.doubt.newcomer(1)
    assert now.hold(1.01, "a", "b") == ["a", "b"]
    # This may have been on its way already when the newcomer took its identity.
    assert now.doubt.heard(1.011) == []
    assert not now.doubt.taken(1.06)
    assert now.doubt.heard(1.07) == ["a", "b"]
    assert now.hold(1.08, "c") == []
    assert not now.doubt.waiting


def test_a_page_that_does_not_answer_while_something_waits_for_it_counts_as_replaced() -> None:
    now = Now()
    now.doubt.newcomer(0)
    assert not now.doubt.taken(60)
    now.hold(100, "a")
    times = [100 + ASK_EVERY * number for number in range(1, 1_000)]
    first = next(time for time in times if now.doubt.taken(time))
    assert abs(first - 100 - TAKEN_AFTER) <= ASK_EVERY


def test_a_process_that_slept_asks_again_before_it_judges() -> None:
    now = Now()
    now.doubt.newcomer(0)
    now.hold(0, "a")
    assert not now.doubt.taken(3_600)
    assert now.doubt.heard(3_600.01) == ["a"]


def test_what_is_held_back_is_bounded() -> None:
    now = Now()
    now.doubt.newcomer(0)
    now.hold(0, *["a"] * 10_000)
    assert len(now.doubt.heard(1)) == 512


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

    loop = asyncio.get_running_loop()
    port = WidgetPort(None, Pace(loop), model, loop, accept, replace=replace)
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
    loop = asyncio.get_running_loop()
    port = WidgetPort(None, Pace(loop), model, loop, got.append, replace=True)
    model.say(CONTENT, hello(b"3" * 32))
    await settle()
    port.close()
    assert got == []
