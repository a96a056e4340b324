"""The receiving half of a link."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipfs_comm.errors import ProtocolError
from ipfs_comm.wire.frame import Ack, Data
from ipfs_comm.wire.limits import Limits
from ipfs_comm.wire.receiver import Assembler, Receiver


def frame(seq: int, body: bytes = b"", *, first: bool = True, last: bool = True) -> Data:
    return Data(seq, 0, first, last, [body], len(body))


def receiver(window: int = 1 << 20) -> Receiver:
    return Receiver(window)


@given(st.permutations(range(1, 30)), st.lists(st.integers(1, 29)))
def test_frames_come_out_in_order_each_once_however_they_come_in(order: list[int], repeated: list[int]) -> None:
    state = receiver()
    out = [ready.seq for seq in [*order, *repeated] for ready in state.accept(frame(seq), 0.0)]
    assert out == list(range(1, 30))
    assert state.ack(0).missing == ()


def test_a_gap_is_told_at_once_and_by_its_ranges() -> None:
    state = receiver()
    for seq in (1, 4, 5, 8):
        state.accept(frame(seq), 0.0)
    assert state.ack_now
    assert state.ack(7) == Ack(7, 1, 1 << 20, ((2, 3), (6, 7)))


def test_a_lost_tail_is_told_when_the_other_end_says_what_it_sent() -> None:
    state = receiver()
    state.accept(frame(1), 0.0)
    state.heard(3)
    assert state.ack_now
    assert state.ack(0).missing == ((2, 3),)


def test_at_most_64_ranges_are_told() -> None:
    state = receiver()
    for seq in range(2, 400, 2):
        state.accept(frame(seq), 0.0)
    assert len(state.ack(0).missing) == 64


def test_every_64th_frame_is_acknowledged_at_once_and_any_other_within_25_ms() -> None:
    state = receiver()
    for seq in range(1, 64):
        state.accept(frame(seq), 1.0)
        assert not state.ack_now
    assert state.ack_at == pytest.approx(1.025)
    state.accept(frame(64), 1.01)
    assert state.ack_now
    state.ack(0)
    assert not state.ack_now
    assert state.ack_at is None


def test_a_quarter_of_a_small_window_is_acknowledged_at_once() -> None:
    state = receiver(window=4_000)
    state.accept(frame(1, bytes(1_000)), 0.0)
    assert state.ack_now


def test_a_repeated_frame_is_acknowledged_at_once() -> None:
    state = receiver()
    state.accept(frame(1), 0.0)
    assert state.accept(frame(1), 0.0) == ()
    assert state.ack_now


def test_what_comes_early_is_kept_within_the_window_only() -> None:
    state = receiver(window=1_000)
    state.accept(frame(2, bytes(600)), 0.0)
    state.accept(frame(3, bytes(600)), 0.0)
    assert [ready.seq for ready in state.accept(frame(1), 0.0)] == [1, 2]


def test_what_comes_far_too_early_is_dropped() -> None:
    state = receiver()
    state.accept(frame(2**53 - 1), 0.0)
    assert state.ack(0).missing == ()


META = b"[[0],[],[3],[]]"
MESSAGE = len(META).to_bytes(4, "little") + META + b"abc"


def test_a_buffer_in_one_piece_is_not_copied() -> None:
    head, body = MESSAGE[:-3], b"abc"
    result = Assembler(Limits()).feed(Data(1, 0, True, True, [head, body], len(MESSAGE)))
    assert result is not None
    assert result[1][0].obj is body


@pytest.mark.parametrize(
    ("frames", "reason"),
    [
        ([frame(1, MESSAGE, first=False)], "belongs to no message"),
        ([frame(1, MESSAGE[:5], last=False), frame(2, MESSAGE)], "begins a message inside another"),
        ([frame(1, MESSAGE[:-1])], "ends too early"),
        ([frame(1, MESSAGE[:3])], "ends too early"),
        ([frame(1, b"")], "ends too early"),
        ([frame(1, MESSAGE + b"d")], "left over"),
        ([frame(1, bytes(8))], "meta has 0 bytes"),
        ([frame(1, b"\xff\xff\xff\xff", last=False)], "meta has 4294967295 bytes"),
    ],
)
def test_fragments_that_make_no_message_are_a_protocol_error(frames: list[Data], reason: str) -> None:
    assembler = Assembler(Limits())
    *before, last = frames
    for part in before:
        assert assembler.feed(part) is None
    with pytest.raises(ProtocolError, match=reason):
        assembler.feed(last)


def test_a_message_can_follow_another() -> None:
    assembler = Assembler(Limits())
    for _ in range(2):
        result = assembler.feed(frame(1, MESSAGE))
        assert result is not None
        assert bytes(result[1][0]) == b"abc"


def test_many_small_pieces_are_joined_and_keep_no_packets() -> None:
    assembler = Assembler(Limits())
    meta = b"[[0],[],[20000],[]]"
    start = len(meta).to_bytes(4, "little") + meta
    assembler.feed(frame(1, start, last=False))
    for _ in range(19_999):
        assert assembler.feed(frame(1, b"a", first=False, last=False)) is None
    assert assembler.size == len(start) + 19_999
    assert len(assembler._pieces) < 4_096 + 5
    result = assembler.feed(frame(1, b"b", first=False))
    assert result is not None
    assert bytes(result[1][0]) == b"a" * 19_999 + b"b"
    assert assembler.size == 0
