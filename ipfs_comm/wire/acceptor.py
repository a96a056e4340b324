"""The end that waits for links."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from ipfs_comm.errors import LinkError, ProtocolError
from ipfs_comm.wire.frame import Buffer, End, Frame, Hello, Refuse, Welcome, encode_packet, packet_token, parse_packet
from ipfs_comm.wire.handshake import Offer, accept_offer, read_hello, refuse
from ipfs_comm.wire.limits import Limits
from ipfs_comm.wire.link import Link
from ipfs_comm.wire.port import MessagePort

if TYPE_CHECKING:
    from ipfs_comm.wire.carriers.base import Carrier

__all__ = ["Acceptor", "Service"]

#: Called with a new link, its main port and the opener's params.
#: May raise a LinkError (``ERR_DENIED``) before it uses them.
Service: TypeAlias = Callable[[Link, MessagePort, dict[str, Any]], object]

#: Reasons of links that are over, kept for those who ask.
MAX_REMEMBERED: Final = 1_024


class Acceptor:
    """Opens links for those who ask on the carriers that it is given, and lets them come back.

    Parameters
    ----------
    services : mapping of str to callable
        Each is called with the link, its main port and the opener's params, on the loop of the carrier.
    limits : Limits or dict, optional
        Limits of each link, and of their number: more than `max_links` are refused with ``ERR_LIMIT``.
    """

    def __init__(self, services: Mapping[str, Service], *, limits: Limits | Mapping[str, Any] | None = None) -> None:
        self.services = dict(services)
        self.limits = Limits.of(limits)
        self._links: dict[str, Link] = {}
        #: By a digest of their tokens, the oldest first.
        self._remembered: dict[bytes, LinkError] = {}
        self._doors: set[_Door] = set()
        self._closed = False

    @property
    def links(self) -> tuple[Link, ...]:
        """The links that are open."""
        return tuple(link for link in self._links.values() if link.error is None)

    def knows(self, name: str) -> bool:
        """Whether a link of this name is open."""
        return name in self._links

    def accept(self, carrier: Carrier) -> asyncio.Future[LinkError | None]:
        """Wait for a link on `carrier`, which has not been started; call it on the loop where the link shall live.

        Returns
        -------
        asyncio.Future
            Done when the link is over, with its reason, or with None when the carrier ended without one.
            Nobody needs to wait for it.

        Raises
        ------
        LinkError
            The acceptor is closed.
        """
        if self._closed:
            raise LinkError("this acceptor is closed", code="ERR_CLOSED")
        door = _Door(self, carrier)
        if not door.over.done():
            self._doors.add(door)
        return door.over

    def close(self, error: Exception | None = None) -> None:
        """End all links, with `error` or in order, and wait for no more."""
        self._closed = True
        for door in tuple(self._doors):
            door.shut()
        for link in tuple(self._links.values()):
            link.end(error)

    def remembered(self, packet: Sequence[Buffer]) -> LinkError | None:
        """Return why the link is over to which the opener of a packet belongs, if that is still known."""
        return self._remembered.get(_digest(packet_token(packet)))

    def _remember(self, token: bytes, reason: LinkError) -> None:
        self._remembered[_digest(token)] = reason
        while len(self._remembered) > MAX_REMEMBERED:
            del self._remembered[next(iter(self._remembered))]

    def _admit(self, door: _Door, offer: Offer, packet: Sequence[Buffer]) -> Link:
        """Return the link that an offer asks for, a new one or the one that it has opened already."""
        token = packet_token(packet)
        if not token:
            raise ProtocolError("HELLO comes without a token")
        welcome = accept_offer(offer, door.carrier.name, self.services, self.limits.window)
        link = self._links.get(offer.link)
        if link is not None:
            if not link.fleet.authentic(packet):
                raise LinkError("a link of this name is open for somebody else", code="ERR_DENIED")
            if link.error is not None:
                raise link.error
            link.fleet.attach(door.carrier)
            door.welcome = welcome
            return link
        over = self.remembered(packet)
        if over is not None:
            raise over
        if offer.resume:
            raise LinkError(
                "this link is not known here: the kernel was restarted, "
                f"or the page was away for more than {self.limits.resume_within:g} s",
                code="ERR_GONE",
            )
        if len(self.links) >= self.limits.max_links:
            raise LinkError(
                f"{self.limits.max_links} links are open, which is the limit (max_links): "
                "close pages that use this kernel",
                code="ERR_LIMIT",
            )
        door.welcome = welcome
        link = Link.accepted(door.carrier, offer, token, self.limits)
        try:
            self.services[offer.service](link, link.port, dict(offer.params))
        except LinkError as error:
            link.refuse(error)
            return link
        name = offer.link
        self._links[name] = link
        link.ended.add_done_callback(lambda ended: self._over(name, token, ended.result()))
        return link

    def _over(self, name: str, token: bytes, reason: LinkError) -> None:
        self._links.pop(name, None)
        self._remember(token, reason)


def _digest(token: bytes) -> bytes:
    # What is looked up is no secret any more, so that the time of the look-up tells nothing.
    return sha256(token).digest()


class _Door:
    """A carrier on which no link is open yet, and afterwards what answers a repeated HELLO."""

    def __init__(self, acceptor: Acceptor, carrier: Carrier) -> None:
        self.acceptor = acceptor
        self.carrier = carrier
        self.welcome: dict[str, Any] | None = None
        self.link: Link | None = None
        loop = asyncio.get_running_loop()
        self.over: asyncio.Future[LinkError | None] = loop.create_future()
        self._timer: asyncio.TimerHandle | None = loop.call_later(acceptor.limits.hello_within, self.shut)
        carrier.start(self._receive, self._carrier_closed)

    def shut(self) -> None:
        """Close the carrier unless a link has it."""
        self._leave()
        if self.link is None:
            self.carrier.close()
            self._finish(None)

    def _finish(self, reason: LinkError | None) -> None:
        if not self.over.done():
            self.over.set_result(reason)

    def _leave(self) -> None:
        self.acceptor._doors.discard(self)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _carrier_closed(self, error: Exception | None) -> None:
        self._leave()
        if self.link is None:
            self._finish(None)
        else:
            self.link.fleet.carrier_closed(self.carrier, error)

    def _receive(self, packet: Sequence[Buffer]) -> None:
        link = self.link
        if link is None:
            self._first(packet)
        elif link.error is None and link.fleet.authentic(packet) and (hello := _hello_of(packet)) is not None:
            if hello.get("link") != link.name:
                link.end(ProtocolError("another HELLO has come on a link that is open"))
            elif self.welcome is not None:
                self._answer(Welcome(self.welcome))
        else:
            link.fleet.receive(self.carrier, packet)

    def _first(self, packet: Sequence[Buffer]) -> None:
        try:
            _, frames = parse_packet(packet)
            if not isinstance(frames[0], Hello):
                over = self.acceptor.remembered(packet)
                if over is not None and not isinstance(frames[0], End):
                    self._answer(End(0, over.code, str(over)))
                return
            if len(frames) != 1:
                raise ProtocolError("HELLO is not alone in its packet")
            offer = read_hello(frames[0].info)
            known = self.acceptor.knows(offer.link)
            self.link = self.acceptor._admit(self, offer, packet)
        except LinkError as error:
            self._answer(Refuse(refuse(error)))
            self.shut()
            return
        self._leave()
        self.link.ended.add_done_callback(lambda ended: self._finish(ended.result()))
        if self.welcome is not None and self.link.error is None:
            self._answer(Welcome(self.welcome))
            if known:
                self.link.hail()

    def _answer(self, frame: Frame) -> None:
        self.carrier.send(encode_packet(b"", [frame]))


def _hello_of(packet: Sequence[Buffer]) -> dict[str, Any] | None:
    """Return the body of HELLO if that is what the packet is; what is malformed is the link's to judge."""
    if len(packet) != 1:
        return None
    head = memoryview(packet[0])
    kind_at = 4 + len(packet_token(packet))
    if len(head) <= kind_at or head[kind_at] != 1:
        return None
    try:
        _, frames = parse_packet(packet)
    except ProtocolError:
        return None
    return frames[0].info if len(frames) == 1 and isinstance(frames[0], Hello) else None
