"""Carriers come and go: roads, resuming, refusal, expiry, and the farewell."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from wire.support import Inbox
from wire.test_acceptor import TOKEN, Service, hello, waiting
from wire.test_link import ByHand

from ipfs_comm.errors import InvalidInputError, LinkError
from ipfs_comm.testing import LinkedPorts, linked_ports
from ipfs_comm.wire import Acceptor, Carrier, Link
from ipfs_comm.wire.carriers.memory import Faults, memory_road
from ipfs_comm.wire.frame import Ack, Data, End, Frame, Hello, Ping, Refuse, Welcome
from ipfs_comm.wire.limits import Limits
from ipfs_comm.wire.roads import Road

SHORT = {"resume_within": 0.3, "farewell_within": 0.1}


class Mute(ByHand):
    """A carrier whose close tells nobody."""

    tells_close = False


class Way:
    """A road whose carriers the test speaks for; it waits for how many have been made."""

    def __init__(self, silence: float = 0.02, kind: type[ByHand] = ByHand) -> None:
        self.made: list[ByHand] = []
        self.broken: Exception | None = None
        self._kind = kind
        self._more = asyncio.Event()
        self.road = Road(self._make, "by hand", silence)

    def _make(self) -> Carrier:
        if self.broken is not None:
            raise self.broken
        self.made.append(self._kind())
        self._more.set()
        return self.made[-1]

    async def dialled(self, count: int) -> ByHand:
        async with asyncio.timeout(10):
            while len(self.made) < count:
                self._more.clear()
                await self._more.wait()
        return self.made[count - 1]


def first_hello(carrier: ByHand) -> dict[str, Any]:
    (frame,) = [frame for frame in carrier.sent if isinstance(frame, Hello)][:1]
    return frame.info


def welcome(carrier: ByHand) -> None:
    info = {
        "version": 1,
        "link": first_hello(carrier)["link"],
        "carrier": "by hand",
        "agent": "test",
        "window": 1 << 20,
    }
    carrier.say(Welcome(info))


def kinds(carrier: ByHand) -> list[type[Frame]]:
    return [type(frame) for frame in carrier.sent]


# Opening


async def test_the_next_road_is_tried_when_the_first_stays_silent_and_the_first_answer_opens_the_link() -> None:
    best, plain = Way(), Way()
    link = Link.begin([best.road, plain.road])
    assert len(best.made) == 1
    assert plain.made == []
    welcome(await plain.dialled(1))
    assert await link.opened
    assert link.carrier is plain.made[0]
    assert first_hello(best.made[0]) == first_hello(plain.made[0])
    assert best.made[0].tokens == plain.made[0].tokens
    link.end()


async def test_a_link_moves_to_the_better_road_that_answers_late() -> None:
    best, plain = Way(), Way()
    link = Link.begin([best.road, plain.road])
    welcome(await plain.dialled(1))
    assert not best.made[0].closed
    welcome(best.made[0])
    assert link.carrier is best.made[0]
    assert plain.made[0].closed
    assert kinds(best.made[0])[-2:] == [Ping, Ack]
    link.end()


async def test_a_worse_road_is_closed_when_a_better_one_has_answered() -> None:
    best, plain = Way(), Way()
    link = Link.begin([best.road, plain.road])
    late = await plain.dialled(1)
    welcome(best.made[0])
    assert late.closed
    welcome(late)
    assert link.carrier is best.made[0]
    link.end()


async def test_a_road_that_ends_without_a_refusal_is_passed_over_at_once() -> None:
    best, plain = Way(silence=30), Way()
    link = Link.begin([best.road, plain.road])
    best.made[0].lost(LinkError("no such target", code="ERR_CARRIER"))
    welcome(await plain.dialled(1))
    assert await link.opened
    link.end()


async def test_a_road_that_cannot_be_made_is_passed_over() -> None:
    best, plain = Way(silence=30), Way()
    best.broken = OSError("no way")
    link = Link.begin([best.road, plain.road])
    welcome(await plain.dialled(1))
    assert await link.opened
    link.end()


async def test_a_refusal_ends_the_opening_although_another_road_was_left() -> None:
    best, plain = Way(), Way()
    link = Link.begin([best.road, plain.road])
    best.made[0].say(Refuse({"code": "ERR_SERVICE", "message": "no such service", "versions": [1]}))
    assert (await link.ended).code == "ERR_SERVICE"
    assert plain.made == []


async def test_the_opening_ends_when_every_road_is_over() -> None:
    one, other = Way(), Way()
    link = Link.begin([one.road, other.road])
    one.made[0].lost(LinkError("over", code="ERR_CARRIER"))
    (await other.dialled(1)).lost(LinkError("over too", code="ERR_CARRIER"))
    error = await link.ended
    assert (error.code, str(error)) == ("ERR_CARRIER", "over too")


async def test_an_opener_that_gives_up_says_so_on_every_attempt() -> None:
    one, other = Way(), Way()
    link = Link.begin([one.road, other.road], timeout=0.1)
    assert (await link.ended).code == "ERR_TIMEOUT"
    for way in (one, other):
        assert isinstance(way.made[0].sent[-1], End)
        assert way.made[0].closed


def test_what_is_no_road_is_refused() -> None:
    async def begin(roads: Any) -> None:
        Link.begin(roads)

    for roads in ([], [1], 1):
        with pytest.raises(InvalidInputError):
            asyncio.run(begin(roads))


# Resuming, at the opener's end


async def opened(*ways: Way, **limits: float) -> Link:
    link = Link.begin([way.road for way in ways], limits=limits)
    welcome(ways[0].made[0])
    await link.opened
    return link


async def test_a_lost_carrier_is_replaced_and_what_was_lost_goes_again() -> None:
    way = Way()
    link = await opened(way)
    link.port.post_message("lost on the way")
    await asyncio.sleep(0)
    (lost,) = [frame for frame in way.made[0].sent if isinstance(frame, Data)]
    way.made[0].lost(OSError("cut"))
    assert link.carrier is None
    link.port.post_message("meanwhile")
    second = way.made[1]
    assert first_hello(second)["resume"] is True
    assert first_hello(second)["link"] == link.name
    welcome(second)
    assert link.carrier is second
    assert second.sent[1:3] == [Ping(1), Ack(1, 0, Limits().window)]
    second.say(Ack(0, 0, 1 << 20, ((1, 1),)))
    await asyncio.sleep(0)
    again = [frame for frame in second.sent if isinstance(frame, Data)]
    assert [frame.seq for frame in again] == [1, 2]
    assert again[0].size == lost.size
    link.end()


async def test_a_road_that_is_lost_again_is_tried_again_until_the_time_is_over() -> None:
    way = Way()
    link = await opened(way, resume_within=0.8)
    inbox = Inbox(link.port)
    way.broken = OSError("still down")
    way.made[0].lost(None)
    error = await link.ended
    assert error.code == "ERR_CARRIER"
    assert (await inbox.end()).error is error


async def test_a_lost_link_comes_back_over_a_worse_road() -> None:
    best, plain = Way(), Way()
    link = await opened(best, plain)
    best.broken = OSError("down")
    best.made[0].lost(None)
    welcome(await plain.dialled(1))
    assert link.carrier is plain.made[0]
    link.end()


async def test_a_carrier_that_is_over_for_good_ends_the_link() -> None:
    way = Way()
    link = await opened(way)
    way.made[0].lost(LinkError("the kernel was restarted", code="ERR_CARRIER"))
    assert str(await link.ended) == "the kernel was restarted"
    assert len(way.made) == 1


async def test_a_refused_resume_ends_the_link_with_the_refusal() -> None:
    way = Way()
    link = await opened(way)
    way.made[0].lost(None)
    way.made[1].say(Refuse({"code": "ERR_GONE", "message": "not known here", "versions": [1]}))
    assert (await link.ended).code == "ERR_GONE"
    assert way.made[1].closed


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


# Resuming, at the acceptor's end


async def test_a_link_whose_carrier_is_lost_waits_and_goes_on_over_another() -> None:
    service = Service()
    acceptor, first, _ = waiting(service)
    first.say(hello(), token=TOKEN)
    ((link, port, _),) = service.given
    port.post_message("lost on the way")
    await asyncio.sleep(0)
    first.lost(None)
    assert link.error is None
    assert acceptor.links == (link,)
    second = ByHand()
    acceptor.accept(second)
    second.say(hello(resume=True), token=TOKEN)
    assert kinds(second) == [Welcome, Ping, Ack]
    second.say(Ack(0, 0, 1 << 20, ((1, 1),)), token=TOKEN)
    await asyncio.sleep(0)
    assert isinstance(second.sent[-1], Data)
    assert len(service.given) == 1
    acceptor.close()


async def test_a_link_that_does_not_come_back_in_time_ends() -> None:
    service = Service()
    _, carrier, over = waiting(service, limits={"resume_within": 0.02})
    carrier.say(hello(), token=TOKEN)
    carrier.lost(None)
    error = await over
    assert error is not None
    assert error.code == "ERR_CARRIER"


async def test_an_unknown_link_cannot_be_resumed() -> None:
    service = Service()
    acceptor, carrier, _ = waiting(service)
    carrier.say(hello(resume=True), token=TOKEN)
    (refusal,) = carrier.sent
    assert isinstance(refusal, Refuse)
    assert refusal.info["code"] == "ERR_GONE"
    assert service.given == []
    acceptor.close()


async def test_nobody_resumes_a_link_without_its_token_and_the_link_goes_on() -> None:
    service = Service()
    acceptor, carrier, _ = waiting(service)
    carrier.say(hello(), token=TOKEN)
    thief = ByHand()
    acceptor.accept(thief)
    thief.say(hello(resume=True), token=bytes(32))
    (refusal,) = thief.sent
    assert isinstance(refusal, Refuse)
    assert refusal.info["code"] == "ERR_DENIED"
    link = service.given[0][0]
    assert link.error is None
    assert link.carrier is carrier
    acceptor.close()


async def test_an_attempt_that_is_closed_ends_nothing() -> None:
    service = Service()
    acceptor, first, _ = waiting(service)
    first.say(hello(), token=TOKEN)
    first.lost(None)
    attempt = ByHand()
    acceptor.accept(attempt)
    attempt.say(hello(resume=True), token=TOKEN)
    attempt.lost(LinkError("the page closed its comm", code="ERR_CARRIER"))
    assert service.given[0][0].error is None
    acceptor.close()


async def test_the_only_carrier_that_is_closed_in_order_ends_the_link() -> None:
    service = Service()
    acceptor, first, _ = waiting(service)
    first.say(hello(), token=TOKEN)
    first.lost(LinkError("the page closed its comm", code="ERR_CARRIER"))
    assert service.given[0][0].error is not None
    acceptor.close()


async def test_a_link_that_is_over_is_remembered_and_never_opened_again() -> None:
    service = Service()
    acceptor, first, _ = waiting(service)
    first.say(hello(), token=TOKEN)
    service.given[0][0].end(LinkError("enough", code="ERR_LIMIT"))
    await asyncio.sleep(0)
    for say in (hello(), hello(resume=True), Ping(0)):
        late = ByHand()
        acceptor.accept(late)
        late.say(say, token=TOKEN)
        (answer,) = late.sent
        if isinstance(say, Ping):
            assert answer == End(0, "ERR_LIMIT", "enough")
        else:
            assert isinstance(answer, Refuse)
            assert (answer.info["code"], answer.info["message"]) == ("ERR_LIMIT", "enough")
    assert len(service.given) == 1
    acceptor.close()


async def test_what_is_remembered_of_links_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ipfs_comm.wire.acceptor.MAX_REMEMBERED", 3)
    acceptor = Acceptor({"ipfs": Service()})
    for number in range(10):
        carrier = ByHand()
        over = acceptor.accept(carrier)
        carrier.say(hello(link=f"{number:022}"), token=TOKEN + bytes([number]))
        carrier.say(End(0, "ERR_CLOSED", "done"), token=TOKEN + bytes([number]))
        await over
    assert len(acceptor._remembered) == 3
    acceptor.close()


async def test_the_oldest_of_too_many_carriers_is_closed() -> None:
    acceptor, first, _ = waiting(Service())
    first.say(hello(), token=TOKEN)
    for _ in range(16):
        more = ByHand()
        acceptor.accept(more)
        more.say(hello(), token=TOKEN)
    assert first.closed
    assert not more.closed
    acceptor.close()


# Farewell


async def test_end_is_repeated_until_it_is_answered_and_holds_nothing_up() -> None:
    way = Way(kind=Mute)
    link = await opened(way)
    carrier = way.made[0]
    link.end()
    assert (await link.ended).code == "ERR_CLOSED"
    assert not carrier.closed
    assert not link.released.done()
    link._farewell._tick()  # type: ignore[union-attr]  # instead of waiting
    assert kinds(carrier)[-2:] == [End, End]
    carrier.say(End(0, "ERR_CLOSED", "the link was closed"))
    assert carrier.closed
    await link.released


async def test_end_is_not_repeated_for_ever() -> None:
    way = Way(kind=Mute)
    link = await opened(way, farewell_within=0.05)
    link.end()
    await asyncio.wait_for(link.released, 5)
    assert way.made[0].closed


async def test_end_is_answered_as_often_as_it_comes() -> None:
    way = Way(kind=Mute)
    link = await opened(way, farewell_within=0.05)
    carrier = way.made[0]
    carrier.sent.clear()
    for _ in range(3):
        carrier.say(End(0, "ERR_CLOSED", "done"))
    assert kinds(carrier) == [End, End, End]
    assert (await link.ended).code == "ERR_CLOSED"
    await asyncio.wait_for(link.released, 5)
    assert carrier.closed


async def test_a_carrier_that_tells_its_close_needs_no_farewell() -> None:
    way = Way()
    link = await opened(way)
    link.end()
    assert kinds(way.made[0])[-1] is End
    assert way.made[0].closed
    await link.released


async def test_the_end_is_heard_through_loss_on_carriers_that_do_not_tell_it() -> None:
    linked = await linked_ports(drop=0.4, mute=True, seed=5)
    inbox = Inbox(linked.port2)
    linked.link1.end(LinkError("enough", code="ERR_LIMIT"))
    error = (await inbox.end()).error
    assert isinstance(error, LinkError)
    assert error.code == "ERR_LIMIT"
    linked.close()


# Over a real carrier that is cut


async def test_a_port_sent_before_a_cut_works_after_it() -> None:
    acceptor_service = Service()
    acceptor = Acceptor({"ipfs": acceptor_service})
    link = await Link.open(memory_road(acceptor.accept, Faults(cut=6, cut_ms=50, cuts=3, seed=1)))
    here, there = Inbox(link.port), Inbox(acceptor_service.given[0][1])
    for number in range(40):
        link.port.post_message(number)
        await there.take(number + 1)
        acceptor_service.given[0][1].post_message(number)
        await here.take(number + 1)
    link.end()
    acceptor.close()


async def test_both_ends_learn_of_a_link_that_cannot_resume() -> None:
    linked: LinkedPorts = await linked_ports(cut=20, cut_ms=60_000, limits=SHORT)
    inboxes = Inbox(linked.port1), Inbox(linked.port2)
    for number in range(200):
        linked.port1.post_message([number, bytes(50_000)])
    for inbox in inboxes:
        error = (await inbox.end()).error
        assert isinstance(error, LinkError)
        assert error.code == "ERR_CARRIER"
    got = [event.data[0] for event in inboxes[1].events]
    assert got == list(range(len(got)))


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


async def test_an_opening_over_a_road_that_loses_everything_ends() -> None:
    linked = linked_ports(drop=1, limits={"open_timeout": 0.2, "farewell_within": 0.1})
    with pytest.raises(LinkError) as caught:
        await linked
    assert caught.value.code == "ERR_TIMEOUT"
    linked.close()
