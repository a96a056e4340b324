"""The laws of read-ahead, on the state machine alone."""

from __future__ import annotations

import heapq
from collections import deque
from itertools import count

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ipfs_comm.errors import LimitError, ProtocolError
from ipfs_comm.rpc.read_ahead import FIRST_CREDIT, MAX_CREDIT, MAX_CREDIT_BYTES, MAX_KEPT_BYTES, ReadAhead


class Laws(RuleBasedStateMachine):
    """Whatever a consumer and a producer do, in whatever order."""

    def __init__(self) -> None:
        super().__init__()
        self.state: ReadAhead[int] = ReadAhead(ahead=True)
        self.numbers = count()
        self.here: deque[tuple[int, int]] = deque()
        self.came = 0
        self.now = 0.0
        self.wanted = self.ever_wanted = False
        self.biggest = 1
        self.ended_by: Exception | None = None

    @initialize(ahead=st.booleans())
    def begin(self, ahead: bool) -> None:
        self.ahead = ahead
        self.state = ReadAhead(ahead=ahead)

    @rule(seconds=st.floats(0, 1))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def the_consumer_wants(self) -> None:
        self.wanted = self.ever_wanted = True
        self.state.want()

    @rule()
    def the_consumer_asks(self) -> None:
        under_way = self.state.coming + self.state.kept
        asked = self.state.ask(self.now)
        assert asked >= 0
        if asked:
            assert self.ever_wanted
            assert not self.state.ended
            assert under_way + asked <= max(self.state.limit, 1)
            expected = self.state.kept_bytes + self.state.coming * self.state._item_size
            assert expected <= MAX_CREDIT_BYTES + self.biggest or self.state.coming + self.state.kept == 1
        if not self.ahead and not self.wanted:
            assert not asked
        if self.wanted and not self.state.ready and not self.state.ended:
            assert self.state.coming, "nobody would ever answer"

    @precondition(lambda self: self.state.coming)
    @rule(size=st.sampled_from([1, 100, 262_144, 1 << 20, 20 << 20]), last=st.booleans())
    def an_item_comes(self, size: int, last: bool) -> None:
        number = next(self.numbers)
        kept = self.state.arrive(number, size, self.now, last=last)
        if kept:
            self.here.append((number, size))
            self.biggest = max(self.biggest, size)
            self.came += 1
        else:
            assert isinstance(self.state.error, LimitError)

    @precondition(lambda self: not self.state.coming)
    @rule()
    def an_item_comes_that_nobody_asked_for(self) -> None:
        over = self.state.ended
        before = self.state.error
        assert not self.state.arrive(-1, 1, self.now)
        assert self.state.ended
        assert self.state.error is before if over else isinstance(self.state.error, ProtocolError)

    @rule(error=st.none() | st.builds(ValueError))
    def the_end_comes(self, error: Exception | None) -> None:
        over, before = self.state.ended, self.state.error
        self.state.end(error)
        assert self.state.error is (before if over else error)

    @precondition(lambda self: self.state.ready)
    @rule()
    def the_consumer_takes(self) -> None:
        self.wanted = False
        number, _ = self.here.popleft()
        assert self.state.take() == number

    @rule()
    def the_consumer_leaves(self) -> None:
        left = [number for number, _ in self.here]
        self.here.clear()
        assert self.state.drop() == left

    @invariant()
    def what_is_here_is_counted(self) -> None:
        assert self.state.kept == len(self.here)
        assert self.state.kept_bytes == sum(size for _, size in self.here)
        assert len(self.here) < 2 or self.state.kept_bytes <= MAX_KEPT_BYTES

    @invariant()
    def nothing_comes_after_the_end(self) -> None:
        assert not (self.state.ended and self.state.coming)
        if self.state.ended:
            assert self.state.ask(self.now) == 0

    @invariant()
    def credit_is_earned(self) -> None:
        assert self.state.limit <= min(MAX_CREDIT, FIRST_CREDIT + 2 * self.came)


TestLaws = Laws.TestCase
TestLaws.settings = settings(max_examples=100, stateful_step_count=60, deadline=None)


def simulate(
    items: int, *, trip: float, each: float, size: int = 1000, ahead: bool = True, use: float = 0.0
) -> tuple[float, int]:
    """Let a consumer read from a producer that needs ``each`` seconds an item, ``trip`` seconds away and back.

    Returns
    -------
    tuple of float and int
        The seconds that it took, and the most items that were under way or kept.
    """
    state: ReadAhead[int] = ReadAhead(ahead=ahead)
    arrivals: list[float] = []
    now = free_at = 0.0
    most = asked = 0

    def ask() -> None:
        nonlocal asked, free_at, most
        for _ in range(state.ask(now)):
            if asked < items:
                free_at = max(free_at, now + trip / 2) + each
                heapq.heappush(arrivals, free_at + trip / 2)
            asked += 1
        most = max(most, state.coming + state.kept)

    def receive() -> None:
        while arrivals and arrivals[0] <= now:
            heapq.heappop(arrivals)
            state.arrive(0, size, now)

    for _ in range(items):
        state.want()
        ask()
        if not state.ready:
            now = max(now, arrivals[0])
            receive()
        state.take()
        ask()
        now += use
        receive()
    return now, most


@pytest.mark.parametrize("trip", [0.001, 0.05, 0.5])
def test_two_hundred_items_take_a_few_round_trips(trip: float) -> None:
    seconds, _ = simulate(200, trip=trip, each=0)
    assert seconds <= 9.01 * trip


def test_without_it_every_item_takes_a_round_trip() -> None:
    seconds, most = simulate(200, trip=0.05, each=0, ahead=False)
    assert seconds == pytest.approx(200 * 0.05)
    assert most == 1


@pytest.mark.parametrize("size", [262_144, 1 << 20])
def test_no_more_bytes_are_asked_for_than_may_be_kept(size: int) -> None:
    _, most = simulate(2_000, trip=1, each=0, size=size)
    assert most == MAX_CREDIT_BYTES // size


def test_no_more_items_are_asked_for_than_may_be_kept() -> None:
    _, most = simulate(50_000, trip=1, each=0, size=10)
    assert most == MAX_CREDIT


def test_a_slow_producer_is_not_asked_far_ahead() -> None:
    seconds, most = simulate(500, trip=0.05, each=0.1)
    assert seconds == pytest.approx(500 * 0.1, rel=0.01)
    assert most <= 8


def test_a_slow_consumer_is_not_given_more_than_it_needs() -> None:
    _, most = simulate(500, trip=0.001, each=0, use=0.1)
    assert most <= 4


def test_a_line_at_its_limit_is_kept_full_without_a_queue() -> None:
    seconds, most = simulate(2_000, trip=0.05, each=0.001, size=262_144)
    assert seconds <= 1.2 * 2_000 * 0.001
    # Bandwidth times delay is 50 items.
    assert most <= 4 * 50


def test_items_that_grow_are_asked_for_less_far_ahead() -> None:
    state: ReadAhead[int] = ReadAhead(ahead=True)
    for number in range(2_000):
        state.want()
        state.ask(0.0)
        state.arrive(number, 100, 0.0)
        state.take()
        state.ask(0.0)
    before = state.coming
    assert before > 1_000
    for _ in range(before - 16):
        state.want()
        state.arrive(0, 1 << 20, 0.0)
        state.take()
        assert state.ask(0.0) == 0
    assert state.limit == 16


@pytest.mark.parametrize(("ahead", "asked"), [(1, 2), (9, 9), (64, 64), (10**6, 64)])
def test_what_is_at_hand_is_asked_for_at_once(ahead: int, asked: int) -> None:
    state: ReadAhead[int] = ReadAhead(ahead=ahead)
    assert state.ask(0.0) == 0
    state.want()
    assert state.ask(0.0) == asked


def test_an_end_that_comes_with_an_item_is_after_it() -> None:
    state: ReadAhead[int] = ReadAhead(ahead=True)
    state.want()
    state.ask(0)
    assert state.arrive(7, 1, 0.0, last=True)
    assert state.ended
    assert state.ready
    assert state.take() == 7
    assert state.error is None


def test_items_that_are_dropped_are_no_end_in_order() -> None:
    state: ReadAhead[int] = ReadAhead(ahead=True)
    state.want()
    state.ask(0)
    state.arrive(1, 1, 0.0, last=True)
    gone = ValueError("gone")
    assert state.drop(gone) == [1]
    assert state.error is gone
