"""Opening a link: agreement, refusal, repetition, and who may."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from wire.by_hand import NAME, TOKEN, ByHand, Service, hello, waiting
from wire.support import Inbox

from ipfs_comm.errors import LinkError, ProtocolError, VersionError
from ipfs_comm.wire import Acceptor, Link, MessagePort
from ipfs_comm.wire.carriers.memory import memory_pair
from ipfs_comm.wire.frame import Data, End, Ping, Refuse, Welcome
from ipfs_comm.wire.handshake import Offer, check_welcome, read_hello, refusal_error


async def test_a_link_is_opened_for_the_service_that_was_asked_for_with_its_params() -> None:
    service = Service()
    one, other = memory_pair()
    acceptor = Acceptor({"ipfs": service})
    acceptor.accept(other)
    link = await Link.open(one, service="ipfs", params={"repo": "x"})
    ((accepted, port, params),) = service.given
    assert acceptor.links == (accepted,)
    assert params == {"repo": "x"}
    port.post_message("hello")
    assert await Inbox(link.port).take() == ["hello"]
    acceptor.close()
    assert acceptor.links == ()
    assert (await link.ended).code == "ERR_CLOSED"


async def test_welcome_says_what_was_agreed_and_repeats_itself() -> None:
    service = Service()
    acceptor, carrier, _ = waiting(service)
    carrier.say(hello(), token=TOKEN)
    carrier.say(hello(), token=TOKEN)
    first, second = carrier.sent
    assert isinstance(first, Welcome)
    assert first == second
    assert {key: first.info[key] for key in ("version", "link", "carrier")} == {
        "version": 1,
        "link": NAME,
        "carrier": "by hand",
    }
    assert carrier.tokens == {b""}
    assert len(service.given) == 1
    acceptor.close()


async def test_a_second_carrier_for_the_same_link_is_welcome_and_the_one_that_is_used_stays() -> None:
    service = Service()
    acceptor, first, _ = waiting(service)
    second = ByHand()
    acceptor.accept(second)
    first.say(hello(), token=TOKEN)
    second.say(hello(), token=TOKEN)
    assert len(service.given) == 1
    link = service.given[0][0]
    second.say(Ping(0), token=TOKEN)
    first.lost(None)
    assert link.error is None
    link.port.post_message("over the second")
    await asyncio.sleep(0)
    assert any(isinstance(frame, Data) for frame in second.sent)
    assert not any(isinstance(frame, Data) for frame in first.sent)
    acceptor.close()


@pytest.mark.parametrize(
    ("versions", "says"),
    [([2], "%pip install --upgrade ipfs-comm"), ([0], "the page is older"), ([], "the page is older")],
)
async def test_no_common_version_is_refused_with_what_to_upgrade(versions: list[int], says: str) -> None:
    acceptor, carrier, over = waiting(Service())
    carrier.say(hello(versions=versions), token=TOKEN)
    (refusal,) = carrier.sent
    assert isinstance(refusal, Refuse)
    assert refusal.info["code"] == "ERR_VERSION"
    assert refusal.info["versions"] == [1]
    assert says in refusal.info["message"]
    assert carrier.closed
    assert await over is None
    acceptor.close()


async def test_the_opener_raises_the_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = memory_pair()
    Acceptor({"ipfs": Service()}).accept(other)
    monkeypatch.setattr("ipfs_comm.wire.handshake.VERSIONS", (7,))
    with pytest.raises(VersionError, match="upgrade"):
        await Link.open(one)


async def test_an_unknown_service_is_refused_by_name() -> None:
    one, other = memory_pair()
    Acceptor({"ipfs": Service()}).accept(other)
    with pytest.raises(LinkError, match=r"'nfs'.*ipfs") as caught:
        await Link.open(one, service="nfs")
    assert caught.value.code == "ERR_SERVICE"


async def test_a_service_may_deny() -> None:
    def deny(_link: Link, _port: MessagePort, _params: dict[str, Any]) -> None:
        raise LinkError("not for this page", code="ERR_DENIED")

    one, other = memory_pair()
    acceptor = Acceptor({"ipfs": deny})
    over = acceptor.accept(other)
    with pytest.raises(LinkError, match="not for this page") as caught:
        await Link.open(one)
    assert caught.value.code == "ERR_DENIED"
    assert acceptor.links == ()
    error = await over
    assert error is not None
    assert error.code == "ERR_DENIED"


async def test_too_many_links_are_refused() -> None:
    acceptor, first, _ = waiting(Service(), limits={"max_links": 1})
    second = ByHand()
    acceptor.accept(second)
    first.say(hello(), token=TOKEN)
    second.say(hello(link=NAME[::-1]), token=TOKEN)
    (refusal,) = second.sent
    assert isinstance(refusal, Refuse)
    assert refusal.info["code"] == "ERR_LIMIT"
    acceptor.close()


@pytest.mark.parametrize(
    "changes",
    [
        {"versions": "1"},
        {"versions": [True]},
        {"link": "short"},
        {"link": 1},
        {"service": None},
        {"params": []},
        {"window": -1},
        {"window": 2**40},
        {"carriers": [1]},
    ],
    ids=str,
)
async def test_a_malformed_hello_is_refused(changes: dict[str, Any]) -> None:
    acceptor, carrier, _ = waiting(Service())
    carrier.say(hello(**changes), token=TOKEN)
    (refusal,) = carrier.sent
    assert isinstance(refusal, Refuse)
    assert refusal.info["code"] == "ERR_PROTOCOL"
    acceptor.close()


async def test_hello_needs_a_token_and_a_packet_of_its_own() -> None:
    acceptor, carrier, _ = waiting(Service())
    carrier.say(hello())
    assert isinstance(carrier.sent[0], Refuse)
    other = ByHand()
    acceptor.accept(other)
    other.say(hello(), Ping(0), token=TOKEN)
    assert isinstance(other.sent[0], Refuse)
    acceptor.close()


async def test_packets_with_another_token_are_dropped_malformed_or_not() -> None:
    service = Service()
    acceptor, carrier, _ = waiting(service)
    carrier.say(hello(), token=TOKEN)
    carrier.sent.clear()
    link = service.given[0][0]
    for token in (b"", bytes(16), bytes(64)):
        carrier.say(End(0, "ERR_CLOSED", "thief"), token=token)
        carrier.say(hello(link=NAME[::-1]), token=token)
    carrier.receive([b"\xc9\x01\x00\x00garbage"])
    carrier.receive([b""])
    carrier.receive([])
    assert link.error is None
    assert carrier.sent == []
    carrier.say(End(0, "ERR_CLOSED", "done"), token=TOKEN)
    assert link.error is not None
    acceptor.close()


async def test_nobody_joins_a_link_without_its_token() -> None:
    acceptor, carrier, _ = waiting(Service())
    carrier.say(hello(), token=TOKEN)
    thief = ByHand()
    acceptor.accept(thief)
    thief.say(hello(), token=bytes(32))
    (refusal,) = thief.sent
    assert isinstance(refusal, Refuse)
    assert refusal.info["code"] == "ERR_DENIED"
    acceptor.close()


async def test_what_comes_before_hello_is_dropped() -> None:
    acceptor, carrier, _ = waiting(Service())
    carrier.say(Ping(0), token=TOKEN)
    assert carrier.sent == []
    carrier.say(hello(), token=TOKEN)
    assert isinstance(carrier.sent[0], Welcome)
    acceptor.close()


async def test_another_hello_on_an_open_link_ends_it() -> None:
    service = Service()
    acceptor, carrier, _ = waiting(service)
    carrier.say(hello(), token=TOKEN)
    carrier.say(hello(link=NAME[::-1]), token=TOKEN)
    assert isinstance(service.given[0][0].error, ProtocolError)
    acceptor.close()


async def test_a_carrier_on_which_nobody_says_hello_is_closed() -> None:
    _, carrier, over = waiting(Service(), limits={"hello_within": 0.01})
    assert await over is None
    assert carrier.closed


async def test_hello_is_repeated_until_somebody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ipfs_comm.wire.roads.REPEAT_AFTER", (0.01,))
    carrier = ByHand()
    with pytest.raises(LinkError, match="nobody answered") as caught:
        await Link.open(carrier, timeout=0.1)
    assert caught.value.code == "ERR_TIMEOUT"
    *hellos, end = carrier.sent
    assert len(hellos) > 2
    assert len(set(map(str, hellos))) == 1
    assert isinstance(end, End)
    assert carrier.closed


async def test_a_welcome_for_somebody_else_is_a_protocol_error() -> None:
    carrier = ByHand()
    link = Link.begin(carrier)
    carrier.say(Welcome({"version": 1, "link": NAME, "window": 1}))
    assert isinstance(link.error, ProtocolError)


async def test_a_closed_acceptor_accepts_nothing() -> None:
    acceptor, carrier, over = waiting(Service())
    acceptor.close()
    assert carrier.closed
    assert await over is None
    with pytest.raises(LinkError):
        acceptor.accept(ByHand())


def test_an_offer_is_read_as_it_was_made() -> None:
    offer = Offer(service="ipfs", params={"a": 1}, carriers=("direct",))
    assert read_hello(offer.info()) == offer
    assert check_welcome({"version": 1, "link": offer.link, "window": 5, "future": True}, offer) == 5


def test_a_refusal_is_the_error_that_it_names() -> None:
    assert isinstance(refusal_error({"code": "ERR_VERSION", "message": "m"}), VersionError)
    assert isinstance(refusal_error({}), ProtocolError)
    assert refusal_error({"code": "ERR_LIMIT", "message": "m"}).code == "ERR_LIMIT"
