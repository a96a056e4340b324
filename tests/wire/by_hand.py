"""Carriers, roads and services whose other end is the test, frame by frame."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from ipfs_comm.wire import Acceptor, Carrier, Link, MessagePort
from ipfs_comm.wire.frame import Buffer, Frame, Hello, Welcome, encode_packet, parse_packet
from ipfs_comm.wire.roads import Road

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ipfs_comm.errors import LinkError
    from ipfs_comm.wire.carriers.base import Closed, Receive

#: Of the links that the test opens.
TOKEN = bytes(range(16))
NAME = "AAECAwQFBgcICQoLDA0ODw"


class ByHand(Carrier):
    """A carrier whose other end is the test."""

    name = "by hand"
    tells_close = True

    def __init__(self) -> None:
        self.sent: list[Frame] = []
        self.tokens: set[bytes] = set()
        self.closed = False
        self.receive: Receive = lambda _: None
        self.lost: Closed = lambda _: None

    def start(self, receive: Receive, closed: Closed) -> None:
        self.receive, self.lost = receive, closed

    def send(self, packet: Sequence[Buffer]) -> None:
        token, frames = parse_packet([bytes(buffer) for buffer in packet])
        self.tokens.add(token)
        self.sent += frames

    def close(self) -> None:
        self.closed = True

    def say(self, *frames: Frame, token: bytes = b"") -> None:
        self.receive([bytes(buffer) for buffer in encode_packet(token, frames)])


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


def opened_by_hand(**limits: float) -> tuple[Link, ByHand]:
    carrier = ByHand()
    link = Link.begin(carrier, limits=limits)
    (hello,) = carrier.sent
    assert isinstance(hello, Hello)
    carrier.say(
        Welcome({"version": 1, "link": hello.info["link"], "carrier": "by hand", "agent": "test", "window": 1 << 20})
    )
    carrier.sent.clear()
    return link, carrier


async def opened(*ways: Way, **limits: float) -> Link:
    link = Link.begin([way.road for way in ways], limits=limits)
    welcome(ways[0].made[0])
    await link.opened
    return link


def hello(**changes: Any) -> Hello:
    return Hello(
        {
            "versions": [1],
            "link": NAME,
            "carriers": [],
            "service": "ipfs",
            "params": {},
            "agent": "test",
            "window": 1_000,
        }
        | changes
    )


class Service:
    """Remembers whom it was given."""

    def __init__(self) -> None:
        self.given: list[tuple[Link, MessagePort, dict[str, Any]]] = []

    def __call__(self, link: Link, port: MessagePort, params: dict[str, Any]) -> None:
        self.given.append((link, port, params))


def waiting(
    service: Callable[..., object], **options: Any
) -> tuple[Acceptor, ByHand, asyncio.Future[LinkError | None]]:
    acceptor, carrier = Acceptor({"ipfs": service}, **options), ByHand()
    return acceptor, carrier, acceptor.accept(carrier)
