"""The sending half of a link."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipfs_comm.errors import ProtocolError
from ipfs_comm.wire.frame import Ack, Close, Data
from ipfs_comm.wire.limits import Limits
from ipfs_comm.wire.receiver import Assembler
from ipfs_comm.wire.sender import OutgoingMessage, Sender


def message(size: int = 10, announces: list[int] | None = None) -> OutgoingMessage:
    return OutgoingMessage(b"[null,[],[%d],[]]" % size, [bytes(size)], announces or [])


def sender(fragment_size: int = 1_000, max_frames: int = 100, window: int = 1 << 20, **limits: float) -> Sender:
    state = Sender(Limits.of(limits), window)
    state.move(fragment_size, 0.0)
    state.max_frames = max_frames
    return state


def ports(frames: list[Data | Close]) -> list[int]:
    return [frame.port for frame in frames]


def test_frames_are_numbered_from_one() -> None:
    state = sender()
    state.put(0, message())
    state.put(0, None)
    assert [frame.seq for frame in state.take(0.0)] == [1, 2]


def test_fragments_of_several_ports_take_turns_and_those_of_one_keep_their_order() -> None:
    state = sender()
    for port in (2, 4):
        state.put(port, message(2_500))
    state.put(6, message(10))
    frames = state.take(0.0)
    assert ports(frames)[:4] == [2, 4, 6, 2]
    firsts = [frame.first for frame in frames if isinstance(frame, Data) and frame.port == 2]
    assert firsts == [True] + [False] * (len(firsts) - 1)


def test_the_window_bounds_bytes_in_flight() -> None:
    state = sender(window=2_500)
    state.put(0, message(10_000))
    frames = state.take(0.0)
    assert state.bytes_in_flight <= 2_500
    assert state.take(0.0) == []
    assert state.bytes_queued > 0
    state.acknowledge(Ack(0, frames[-1].seq, 2_500), 0.1)
    assert state.bytes_in_flight == 0
    assert state.take(0.1) != []


def test_there_is_always_room_for_one_frame() -> None:
    state = sender(window=0)
    state.put(0, message(5_000))
    assert len(state.take(0.0)) == 1
    assert state.take(0.0) == []


def test_the_carriers_number_of_frames_bounds_what_is_in_flight() -> None:
    state = sender(max_frames=3)
    for _ in range(10):
        state.put(0, message())
    assert len(state.take(0.0)) == 3
    state.acknowledge(Ack(0, 2, 1 << 20), 0.1)
    assert len(state.take(0.1)) == 2


def test_a_port_waits_until_the_message_that_announces_it_has_been_sent() -> None:
    state = sender()
    state.block(2)
    state.put(2, message())
    assert state.take(0.0) == []
    state.put(0, message(2_500, announces=[2]))
    frames = state.take(0.0)
    assert ports(frames) == [0, 0, 0, 2]
    assert isinstance(frames[2], Data)
    assert frames[2].last


def test_a_discarded_port_gives_its_queue_back() -> None:
    state = sender()
    state.put(2, message(100, announces=[4]))
    assert state.discard(2) == [4]
    assert state.bytes_queued == 0
    assert state.take(0.0) == []


def test_a_frame_named_as_missing_goes_again_once_per_round_trip() -> None:
    state = sender()
    for _ in range(4):
        state.put(0, message())
    frames = state.take(0.0)
    state.acknowledge(Ack(0, 1, 1 << 20), 0.1)
    gap = Ack(0, 1, 1 << 20, ((2, 3),))

    def asked(now: float) -> list[int]:
        state.acknowledge(gap, now)
        return [frame.seq for frame in state.take(now)]

    assert asked(0.2) == [2, 3]
    assert asked(0.21) == []
    assert asked(0.4) == [2, 3]
    state.acknowledge(gap, 0.7)
    assert frames[1] in state.take(0.7)


def test_the_oldest_in_flight_goes_again_after_a_timeout_that_doubles() -> None:
    state = sender()
    state.put(0, message())
    state.put(0, message())
    state.take(0.0)
    assert state.deadline == 1.0
    assert [frame.seq for frame in state.expire(1.0)] == [1]
    assert state.deadline == pytest.approx(1.0 + 2.0)
    now = 3.0
    for _ in range(20):
        state.expire(now)
        assert state.deadline is not None
        assert state.deadline - now <= 2.0
        now = state.deadline
    state.acknowledge(Ack(0, 2, 1 << 20), now)
    assert state.deadline is None
    assert state.idle


def test_an_ack_that_advances_restarts_the_timeout() -> None:
    state = sender()
    for _ in range(3):
        state.put(0, message())
    state.take(0.0)
    state.acknowledge(Ack(0, 1, 1 << 20), 0.1)
    assert state.deadline == pytest.approx(0.1 + 4 * 0.1)
    state.acknowledge(Ack(0, 1, 1 << 20), 0.3)
    assert state.deadline == pytest.approx(0.1 + 4 * 0.1)
    state.acknowledge(Ack(0, 2, 1 << 20), 0.3)
    assert state.deadline == pytest.approx(0.3 + 4 * 0.125)


def test_the_timeout_stays_doubled_until_a_frame_that_was_sent_once_is_acknowledged() -> None:
    state = sender()
    for _ in range(3):
        state.put(0, message())
    state.take(0.0)
    state.expire(1.0)
    state.acknowledge(Ack(0, 1, 1 << 20), 1.5)
    assert state.pacer.round_trip is None
    assert state.deadline == pytest.approx(1.5 + 2.0)
    state.acknowledge(Ack(0, 2, 1 << 20), 2.0)
    assert state.pacer.round_trip == pytest.approx(2.0)
    assert state.deadline == pytest.approx(2.0 + 4 * 2.0)


def test_a_slow_link_is_not_flooded_with_what_it_is_still_carrying() -> None:
    state = sender(max_frames=1_000, min_window=1 << 20)
    for _ in range(100):
        state.put(0, message(900))
    sent = len(state.take(0.0))
    # One frame crosses in 0.3 s and nothing is lost; an ACK tells of every eighth.
    for number in range(1, 101):
        now = 0.3 * number
        while state.deadline is not None and state.deadline <= now:
            sent += len(state.expire(state.deadline))
        if number % 8 == 0:
            state.acknowledge(Ack(0, number, 1 << 20), now)
    assert sent <= 115


@pytest.mark.parametrize("ack", [Ack(0, 2, 10), Ack(0, 0, 10, ((1, 2),))])
def test_an_ack_of_frames_that_were_never_sent_is_a_protocol_error(ack: Ack) -> None:
    state = sender()
    state.put(0, message())
    state.take(0.0)
    with pytest.raises(ProtocolError, match="only 1 were sent"):
        state.acknowledge(ack, 0.1)


def test_what_is_lost_goes_before_anything_new_and_within_the_window() -> None:
    state = sender(fragment_size=16_384, window=1 << 24)
    for _ in range(10):
        state.put(0, message(16_000))
    first = [frame.seq for frame in state.take(0.0)]
    assert first == [1, 2, 3, 4]
    state.move(16_384, 1.0)
    state.acknowledge(Ack(0, 0, 1 << 24, ((1, 4),)), 1.1)
    assert state.bytes_in_flight == 0
    assert [frame.seq for frame in state.take(1.1)] == first
    assert state.take(1.1) == []
    state.acknowledge(Ack(0, 4, 1 << 24), 1.2)
    assert next(frame.seq for frame in state.take(1.2)) == 5


def test_what_arrives_after_it_was_counted_as_lost_does_not_go_again() -> None:
    state = sender()
    for _ in range(3):
        state.put(0, message())
    state.take(0.0)
    state.acknowledge(Ack(0, 0, 1 << 20, ((1, 3),)), 1.0)
    state.acknowledge(Ack(0, 2, 1 << 20), 1.0)
    assert [frame.seq for frame in state.take(1.0)] == [3]
    state.acknowledge(Ack(0, 3, 1 << 20), 1.1)
    assert state.idle
    assert (state.bytes_in_flight, state.frames_in_flight, state.bytes_unacknowledged) == (0, 0, 0)


def test_after_a_move_nothing_goes_again_that_the_other_end_has() -> None:
    state = sender()
    for _ in range(4):
        state.put(0, message())
    state.take(0.0)
    state.acknowledge(Ack(0, 1, 1 << 20), 0.1)
    state.move(1_000, 5.0)
    assert state.take(5.0) == []
    assert state.deadline == pytest.approx(6.0)
    state.acknowledge(Ack(0, 2, 1 << 20, ((3, 3),)), 5.1)
    assert [frame.seq for frame in state.take(5.1)] == [3]


def test_a_carrier_that_allows_fewer_frames_than_before_is_heeded() -> None:
    state = sender(max_frames=10)
    for _ in range(20):
        state.put(0, message())
    assert len(state.take(0.0)) == 10
    state.max_frames = 4
    state.acknowledge(Ack(0, 5, 1 << 20), 0.1)
    assert state.take(0.1) == []
    state.acknowledge(Ack(0, 8, 1 << 20), 0.2)
    assert len(state.take(0.2)) == 2


def test_huge_ranges_cost_nothing() -> None:
    state = sender()
    state.seq = 2**50
    state.acknowledge(Ack(0, 0, 10, ((1, 2**50),)), 0.1)
    assert state.take(0.1) == []


def test_a_buffer_that_fits_a_fragment_is_a_segment_of_its_own() -> None:
    buffer = bytes(6_000)
    outgoing = OutgoingMessage(b"[null,[],[6000,6000],[]]", [buffer, buffer], [])
    bodies = []
    while outgoing.left:
        bodies.append(outgoing.cut(8_000)[0])
    assert [part for body in bodies for part in body if part is buffer] == [buffer, buffer]


@given(st.lists(st.integers(0, 20_000), max_size=6), st.integers(1_024, 9_000))
def test_fragments_make_the_message_again(sizes: list[int], limit: int) -> None:
    buffers = [bytes([number]) * size for number, size in enumerate(sizes)]
    outgoing = OutgoingMessage(f"[null,[],{sizes},[]]".encode(), buffers, [])
    assembler = Assembler(Limits())
    result = None
    first = True
    while outgoing.left:
        body, size = outgoing.cut(limit)
        assert 0 < size <= limit + limit // 16
        assert size == sum(map(len, body))
        result = assembler.feed(Data(1, 0, first, not outgoing.left, body, size))
        first = False
    assert result is not None
    assert [bytes(buffer) for buffer in result[1]] == buffers
