"""What an end makes of silence: it asks, sends again, tries other roads, and gives up."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from wire.by_hand import Service, Way, first_hello, kinds, opened, opened_by_hand, welcome

from ipfs_comm.errors import LinkError
from ipfs_comm.wire import Acceptor, Carrier, Link
from ipfs_comm.wire.carriers.memory import Faults, memory_road
from ipfs_comm.wire.frame import Ack, Data, Hello, Ping


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


async def test_a_silent_carrier_is_asked_and_the_next_road_is_tried_beside_it() -> None:
    best, plain = Way(), Way()
    link = await opened(best, plain, silence_after=0.05)
    link.port.post_message("unheard")
    silent, other = best.made[0], await plain.dialled(1)
    assert Ping in kinds(silent)
    assert not silent.closed
    assert first_hello(other)["resume"] is True
    welcome(other)
    assert link.carrier is other
    assert silent.closed
    link.end()


@pytest.mark.parametrize(
    ("gone", "over"), [(LinkError("gone", code="ERR_CARRIER"), True), (OSError("gone"), False)], ids=["good", "lost"]
)
async def test_a_silent_carrier_that_cannot_even_be_asked_is_gone(gone: Exception, over: bool) -> None:
    best, plain = Way(), Way()
    link = await opened(best, plain)

    def broken(_packet: object) -> None:
        raise gone

    best.made[0].send = broken  # type: ignore[method-assign]  # what a closed socket does
    link._watch.owe(0.0)
    link._watch._owed_since = link.loop.time() - 1.5 * link.limits.silence_after
    link._tick()
    assert (link.error is gone) is over
    if over:
        assert (best.made[0].closed, plain.made) == (True, [])
    else:
        again = best.made[1]
        assert first_hello(again)["resume"] is True
        welcome(again)
        assert link.carrier is again
    link.end()


async def test_a_carrier_that_is_heard_again_is_kept() -> None:
    best, plain = Way(), Way()
    link = await opened(best, plain, silence_after=0.05)
    link.port.post_message("late")
    other = await plain.dialled(1)
    best.made[0].say(Ack(0, 1, 1 << 20))
    welcome(other)
    assert link.carrier is best.made[0]
    assert other.closed
    link.end()


async def test_a_carrier_with_nothing_to_answer_is_not_silent() -> None:
    way = Way()
    link = await opened(way, silence_after=0.02, ping_after=30)
    settled = asyncio.get_running_loop().create_future()
    link.loop.call_later(0.1, settled.set_result, None)
    await settled
    assert len(way.made) == 1
    assert kinds(way.made[0]) == [Hello]
    link.end()


async def test_a_link_over_which_nothing_passes_but_questions_ends() -> None:
    way = Way()
    link = await opened(way, ping_after=0.02, idle_after=0.1)
    error = await link.ended
    assert error.code == "ERR_TIMEOUT"
    assert "nothing to say" in str(error)


async def test_both_ends_learn_of_a_road_that_loses_everything() -> None:
    limits = {"ping_after": 0.1, "silence_after": 0.05, "expire_after": 0.3, "farewell_within": 0.1}
    acceptor_service = Service()
    acceptor = Acceptor({"ipfs": acceptor_service}, limits=limits)
    faults = Faults(cut=2, cut_ms=60_000, mute=True)
    carriers: list[Any] = []
    road = memory_road(acceptor.accept, faults)

    def make() -> Carrier:
        carriers.append(road.make())
        return carriers[-1]

    # The carriers are cut without being told: to the link they are silent.
    link = await Link.open(make, limits=limits)
    for carrier in (*carriers, carriers[0]._peer):
        carrier.lose = lambda _reason: None
    link.port.post_message("unheard")
    for end in (link, acceptor_service.given[0][0]):
        assert (await asyncio.wait_for(end.ended, 10)).code == "ERR_TIMEOUT"
    acceptor.close()
