"""Opening a link over several roads: which are tried, and which is taken."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from wire.by_hand import Way, first_hello, kinds, welcome

from ipfs_comm.errors import InvalidInputError, LinkError
from ipfs_comm.testing import linked_ports
from ipfs_comm.wire import Link
from ipfs_comm.wire.frame import Ack, End, Ping, Refuse


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


async def test_an_opening_over_a_road_that_loses_everything_ends() -> None:
    linked = linked_ports(drop=1, limits={"open_timeout": 0.2, "farewell_within": 0.1})
    with pytest.raises(LinkError) as caught:
        await linked
    assert caught.value.code == "ERR_TIMEOUT"
    linked.close()
