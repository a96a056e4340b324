"""How much is on its way: the law of goodput and queue, on roads of many kinds."""

from __future__ import annotations

import pytest
from wire.pipe import Pipe

from ipfs_comm.wire.limits import Limits
from ipfs_comm.wire.pacer import Flight, Pacer

MBIT = 1e6 / 8
MIB = float(2**20)


@pytest.mark.parametrize(
    ("rate", "round_trip", "jitter", "queue"),
    [
        (5 * MBIT, 0.030, 0, 0.150),
        (5 * MBIT, 0.080, 0, 0.150),
        (50 * MBIT, 0.030, 0, 0.150),
        (50 * MBIT, 0.080, 0, 0.150),
        (250 * MIB, 0.001, 0, 0.025),
        (250 * MIB, 0.050, 0, 0.050),
        (100 * MIB, 0.002, 0.016, 0.100),
        (100 * MIB, 0.050, 0.016, 0.100),
    ],
    ids=[
        "5 Mbit/s, 30 ms",
        "5 Mbit/s, 80 ms",
        "50 Mbit/s, 30 ms",
        "50 Mbit/s, 80 ms",
        "250 MiB/s, 1 ms",
        "250 MiB/s, 50 ms",
        "100 MiB/s, jitter 16 ms",
        "100 MiB/s, 50 ms, jitter 16 ms",
    ],
)
def test_the_line_is_full_and_no_queue_stands_in_it(
    rate: float, round_trip: float, jitter: float, queue: float
) -> None:
    pipe = Pipe(lambda _: rate, round_trip / 2, jitter)
    until = 25.0 if rate < 10 * MIB else 12.0
    pipe.run(until)
    assert pipe.goodput(2, until) >= 0.9
    assert pipe.queue(2, until) <= queue
    assert pipe.queue(0, 2, part=1) <= 0.4


def test_where_ports_share_a_fast_road_each_waits_for_less_and_the_road_stays_full() -> None:
    alone, shared = Pipe(lambda _: 250 * MIB, 0.001, 0.008), Pipe(lambda _: 250 * MIB, 0.001, 0.008)
    shared.shared = True
    for pipe in (alone, shared):
        pipe.run(12)
    assert shared.goodput(2, 12) >= 0.9
    assert shared.queue(2, 12) <= 0.6 * alone.queue(2, 12)
    shared.shared = False
    shared.run(24)
    assert shared.queue(14, 24) >= 0.8 * alone.queue(2, 12)


@pytest.mark.parametrize("round_trip", [0.030, 0.080])
def test_a_slow_road_is_full_also_where_ports_share_it(round_trip: float) -> None:
    pipe = Pipe(lambda _: 5 * MBIT, round_trip / 2)
    pipe.shared = True
    pipe.run(25)
    assert pipe.goodput(2, 25) >= 0.9
    assert pipe.queue(2, 25) <= 0.150


def test_a_line_that_becomes_ten_times_slower_has_no_queue_for_long_and_is_full_again_when_it_recovers() -> None:
    pipe = Pipe(lambda now: (5 if 10 <= now < 25 else 50) * MBIT, 0.015)
    pipe.run(35)
    assert pipe.goodput(10, 25) >= 0.9
    assert pipe.queue(16, 25, part=1) <= 0.150
    assert pipe.goodput(26, 35) >= 0.9
    assert pipe.queue(26, 35) <= 0.150


def test_a_road_that_becomes_longer_is_measured_anew() -> None:
    pipe = Pipe(lambda _: 50 * MBIT, 0.005)
    pipe.run(5)
    pipe.delay = 0.100
    pipe.run(14)
    assert pipe.sender.pacer.round_trip_min is not None
    assert pipe.sender.pacer.round_trip_min >= 0.2
    assert pipe.goodput(8, 14) >= 0.9


def test_fragments_grow_with_the_rate_and_are_small_on_a_slow_line() -> None:
    slow, fast = Pipe(lambda _: 5 * MBIT, 0.015), Pipe(lambda _: 250 * MIB, 0.0005)
    assert slow.sender.pacer.fragment == 16 * 1024
    slow.run(3)
    fast.run(3)
    assert slow.sender.pacer.fragment == 16 * 1024
    assert fast.sender.pacer.fragment >= 256 * 1024


@pytest.mark.parametrize("cost", [0.005, 0.030, 0.060])
def test_where_a_packet_costs_more_than_its_bytes_fragments_grow_all_the_same(cost: float) -> None:
    pipe = Pipe(lambda _: 250 * MIB, 0.001, packet=lambda now: cost if now >= 2 else 0.0)
    pipe.run(35)
    arrived = sum(size for when, size in pipe.arrived if 25 <= when < 35) / 10
    assert arrived >= 0.7 * 2**18 / (cost + 2**18 / (250 * MIB))


def test_fragments_are_small_again_where_larger_ones_have_stopped_to_pay() -> None:
    pipe = Pipe(lambda now: 250 * MIB if now < 15 else 5 * MBIT, 0.001, packet=lambda now: 0.03 if now < 15 else 0.0)
    pipe.run(14)
    assert pipe.sender.pacer.fragment == 256 * 1024
    pipe.run(40)
    assert pipe.goodput(30, 40) >= 0.9
    assert pipe.queue(30, 40) <= 0.150


def test_pauses_do_not_make_a_fast_line_look_slow() -> None:
    pipe = Pipe(lambda _: 100 * MIB, 0.010)
    pipe.run(2)
    before = pipe.sender.pacer.rate
    pipe.busy = lambda now: int(now * 10) % 5 == 0 and now % 0.1 < 0.01
    pipe.run(12)
    assert pipe.sender.pacer.rate >= 0.5 * before


def test_the_window_does_not_grow_while_there_is_nothing_to_send() -> None:
    pacer = Pacer(Limits(), 2**18)
    for turn in range(1_000):
        flight = Flight()
        pacer.sent(flight, turn * 1.0, 0)
        pacer.ran_dry(100)
        pacer.acknowledged(100, flight, turn + 0.01, 0)
    assert pacer.window <= Limits().min_window + 100
    assert pacer.round_trip == pytest.approx(0.01)


def test_after_a_timeout_the_road_is_measured_from_the_beginning() -> None:
    pipe = Pipe(lambda _: 100 * MIB, 0.010)
    pipe.run(2)
    pacer = pipe.sender.pacer
    assert pacer.window > 2**20
    pacer.timed_out()
    assert (pacer.window, pacer.fragment, pacer.rate) == (64 * 1024, 16 * 1024, 0)
    pipe.run(4)
    assert pacer.window > 2**20


def test_a_frame_that_was_sent_twice_measures_nothing() -> None:
    pacer = Pacer(Limits(), 2**18)
    flight = Flight()
    pacer.sent(flight, 0.0, 0)
    pacer.acknowledged(1_000, None, 5.0, 0)
    assert pacer.round_trip is None
    assert pacer.rate == 0


def test_the_window_stays_within_its_limits() -> None:
    limits = Limits(window=2**20, min_window=2**15)
    pipe = Pipe(lambda _: 250 * MIB, 0.025)
    pipe.sender.pacer = Pacer(limits, 2**18)
    assert pipe.sender.pacer.window == 2**15
    pipe.run(3)
    assert pipe.sender.pacer.window <= 2**20
