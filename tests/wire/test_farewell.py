"""The end of a link is told until it is heard."""

from __future__ import annotations

import asyncio

from wire.by_hand import Mute, Way, kinds, opened
from wire.support import Inbox

from ipfs_comm.errors import LinkError
from ipfs_comm.testing import linked_ports
from ipfs_comm.wire.frame import End


async def test_end_is_repeated_until_it_is_answered_and_holds_nothing_up() -> None:
    way = Way(kind=Mute)
    link = await opened(way)
    carrier = way.made[0]
    link.end()
    assert (await link.ended).code == "ERR_CLOSED"
    assert not carrier.closed
    assert not link.released.done()
    link.fleet._farewell._tick()  # type: ignore[union-attr]  # instead of waiting
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
