"""Carriers come and go, and links outlive them: resuming, refusal, and expiry."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from wire.by_hand import TOKEN, ByHand, Service, Way, first_hello, hello, kinds, opened, waiting, welcome
from wire.support import Inbox

from ipfs_comm.errors import LinkError
from ipfs_comm.testing import LinkedPorts, linked_ports
from ipfs_comm.wire import Acceptor, Link
from ipfs_comm.wire.carriers.memory import Faults, memory_road
from ipfs_comm.wire.frame import Ack, Data, End, Ping, Refuse, Welcome
from ipfs_comm.wire.limits import Limits

if TYPE_CHECKING:
    import pytest

SHORT = {"resume_within": 0.3, "farewell_within": 0.1}


# At the opener's end


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


# At the acceptor's end


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
