"""How a link ends, and that nothing is left of it."""

from __future__ import annotations

import asyncio

from wire.by_hand import opened_by_hand
from wire.support import Inbox, nothing_runs, timers

from ipfs_comm.errors import LinkError
from ipfs_comm.testing import LinkedPorts, linked_ports
from ipfs_comm.wire import Acceptor, Carrier, Link, MessageChannel, clone
from ipfs_comm.wire.carriers.memory import memory_pair


def linked_by(carrier1: Carrier, carrier2: Carrier, **limits: float) -> tuple[Link, Acceptor, asyncio.Future[Link]]:
    accepted: asyncio.Future[Link] = asyncio.get_running_loop().create_future()
    acceptor = Acceptor({"ipfs": lambda link, _port, _params: accepted.set_result(link)}, limits=limits)
    acceptor.accept(carrier2)
    return Link.begin(carrier1), acceptor, accepted


def is_gone(linked: LinkedPorts) -> bool:
    links = [link for link in (linked.link1, linked.link2) if link is not None]
    return all(link.error is not None and link.ports_open == 0 and link.bytes_queued == 0 for link in links)


async def test_closing_the_last_port_ends_the_link_in_order() -> None:
    linked = await linked_ports()
    inbox = Inbox(linked.port2)
    for number in range(50):
        linked.port1.post_message(number)
    linked.port1.close()
    assert (await inbox.end()).error is None
    assert [event.data for event in inbox.events] == list(range(50))
    assert (await linked.link1.ended).code == "ERR_CLOSED"
    assert is_gone(linked)
    assert nothing_runs()


async def test_ending_a_link_closes_all_its_ports_with_the_reason_at_both_ends() -> None:
    linked = await linked_ports()
    channel = MessageChannel()
    inbox = Inbox(linked.port2)
    linked.port1.post_message(None, [channel.port2])
    ports = [Inbox((await inbox.event()).ports[0]), inbox, Inbox(channel.port1), Inbox(linked.port1)]
    reasons: list[LinkError] = []
    assert linked.link2 is not None
    linked.link2.onend = reasons.append
    linked.link1.end(LinkError("the kernel restarts", code="ERR_CARRIER"))
    for port in ports:
        error = (await port.end()).error
        assert isinstance(error, LinkError)
        assert (error.code, str(error)) == ("ERR_CARRIER", "the kernel restarts")
    assert [reason.code for reason in reasons] == ["ERR_CARRIER"]
    assert is_gone(linked)


async def test_nothing_is_left_of_a_link_that_has_ended() -> None:
    before = len(timers())
    linked = await linked_ports(drop=0.1, seed=3, limits={"farewell_within": 0.3})
    inbox = Inbox(linked.port2)
    for number in range(20):
        linked.port1.post_message([number, clone.Blob(b"b")])
    await inbox.take(20)
    linked.close()
    await Inbox(linked.port2).end()
    assert is_gone(linked)
    assert linked.link2 is not None
    await asyncio.wait_for(asyncio.gather(linked.link1.released, linked.link2.released), 5)
    assert nothing_runs()
    assert len(timers()) == before


async def test_a_port_of_a_link_that_has_ended_is_silent() -> None:
    linked = await linked_ports()
    linked.close()
    channel = MessageChannel()
    linked.port1.post_message(None, [channel.port2])
    assert linked.port1.closed
    assert channel.port1.closed


async def test_a_carrier_that_goes_away_ends_the_link() -> None:
    link, carrier = opened_by_hand()
    inbox = Inbox(link.port)
    carrier.lost(None)
    error = (await inbox.end()).error
    assert isinstance(error, LinkError)
    assert error.code == "ERR_CARRIER"
    assert (await link.ended) is error


async def test_a_carrier_that_breaks_ends_the_link() -> None:
    link, carrier = opened_by_hand()

    def broken(_packet: object) -> None:
        raise OSError("no more")

    carrier.send = broken  # type: ignore[method-assign]  # the test breaks it
    link.port.post_message(1)
    assert "no more" in str(await link.ended)
    assert carrier.closed


async def test_what_a_reader_gets_before_the_carrier_is_gone_is_a_prefix() -> None:
    one, other = memory_pair()
    link, acceptor, accepted = linked_by(one, other, resume_within=0.05)
    inbox = Inbox((await accepted).port)
    for number in range(500):
        link.port.post_message([number, bytes(100_000)])
    await inbox.take(3)
    one.lose(OSError("gone"))
    other.lose(OSError("gone"))
    assert isinstance((await inbox.end()).error, LinkError)
    got = [event.data[0] for event in inbox.events]
    assert got == list(range(len(got)))
    acceptor.close()
