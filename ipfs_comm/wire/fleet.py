"""The carriers of one link: which it has, which packets go out on, and what is done when they come, fail and go.

A link outlives its carriers. The opener's end gets them from the dialler, the acceptor's end from whoever asks for the
link with its token; all may be heard, one is sent on. When that one is gone the next takes its place, and without any
the link waits for a while. Here packets are sealed, let in and sent; what is in them is the link's.
`docs/protocol.md`, section 2.
"""

from __future__ import annotations

import asyncio
import hmac
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Protocol

from ipfs_comm.errors import LinkError
from ipfs_comm.wire.farewell import Farewell
from ipfs_comm.wire.frame import (
    MAX_BUFFERS,
    Buffer,
    Data,
    End,
    Frame,
    Hello,
    Refuse,
    Welcome,
    encode_packet,
    packet_token,
    parse_packet,
)
from ipfs_comm.wire.handshake import Offer, check_welcome, refusal_error
from ipfs_comm.wire.roads import Attempt, Dialler, Road

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipfs_comm.wire.carriers.base import Carrier
    from ipfs_comm.wire.limits import Limits

__all__ = ["Fleet", "Owner"]

#: Carriers that a link has at the acceptor's end at a time; of more, the oldest are closed.
MAX_CARRIERS: Final = 16
#: What a packet may have beyond a fragment, so that the head of a message does not cost a packet of its own.
PACKET_SLACK: Final = 64 * 1024


class Owner(Protocol):
    """What the fleet asks of its link."""

    #: Done when the link is open, or never will be.
    opened: asyncio.Future[bool]

    @property
    def silent(self) -> bool:
        """Whether the carrier in use has been silent for so long that another should be tried."""

    def take(self, carrier: Carrier, packet: Sequence[Buffer]) -> None:
        """Take a packet of the other end."""

    def moved(self, carrier: Carrier) -> None:
        """Learn that packets go out on this carrier from now on."""

    def welcomed(self, window: int) -> None:
        """Learn that the other end has answered HELLO on the carrier in use, and what it grants to a new link."""

    def hail(self) -> None:
        """Ask, on a carrier that is used from now on, what of all that was sent before has arrived."""

    def finish(self, reason: LinkError, *, tell: bool) -> None:
        """Be over; `tell` says whether the other end has to be told."""


class Fleet:
    """The carriers of one end of a link. Everything happens on the link's loop.

    Parameters
    ----------
    link : Owner
        The link.
    token : bytes
        The opener's secret.
    offer : Offer
        What the opener has asked for.
    opener : bool
        Whether this is its end.
    limits : Limits
        For the times.

    Attributes
    ----------
    carrier : Carrier or None
        What packets go out on; None while the link waits for another, and when it is over.
    """

    def __init__(self, link: Owner, *, token: bytes, offer: Offer, opener: bool, limits: Limits) -> None:
        self.carrier: Carrier | None = None
        self._loop = asyncio.get_running_loop()
        self._link = link
        self._token = token
        self._offer = offer
        self._opener = opener
        self._limits = limits
        #: The carriers of an open link, the oldest first, and whether they are more to it than attempts.
        self._carriers: dict[Carrier, bool] = {}
        self._dialler: Dialler | None = None
        self._farewell: Farewell | None = None
        #: Ends a link that gets no carrier in time.
        self._patience: asyncio.TimerHandle | None = None

    def authentic(self, packet: Sequence[Buffer]) -> bool:
        """Whether a packet carries this link's token."""
        return hmac.compare_digest(packet_token(packet), self._token)

    # Coming

    def dial(self, roads: Sequence[Road], timeout: float) -> None:
        """Open the link over the first road that leads to the other end, within so many seconds; for the opener."""
        names = ", ".join(self._offer.carriers)
        reason = (
            f"nobody answered {f'on {names} ' if names else ''}in time: "
            "the other end is not there, or speaks another protocol"
        )
        self._wait(timeout, LinkError(reason, code="ERR_TIMEOUT"), tell=True)
        self._dialler = Dialler(self, roads)
        self._dialler.begin("open")

    def attach(self, carrier: Carrier, *, opens: bool = False) -> None:
        """Take a carrier on which the opener has asked for this link, and use it from now on; for the acceptor.

        Parameters
        ----------
        carrier : Carrier
            It has been started.
        opens : bool
            Whether the link is opened with it.
        """
        self._carriers[carrier] = opens
        self._use(carrier)
        while len(self._carriers) > MAX_CARRIERS:
            oldest = next(iter(self._carriers))
            del self._carriers[oldest]
            oldest.close()

    def heard_on(self, carrier: Carrier) -> bool:
        """Note that the other end was heard on a carrier; return whether that changes what packets go out on."""
        if self._opener:
            return False
        self._carriers[carrier] = True
        if carrier is self.carrier:
            return False
        self._use(carrier)
        return True

    def look_beside(self) -> None:
        """Try the other roads beside the carrier in use, if there are roads."""
        # Without one, its loss has sent the dialler out already, or the link is over.
        if self._dialler is not None and self.carrier is not None:
            self._dialler.begin("beside")

    def rest(self) -> None:
        """Try no more roads: the carrier in use will do."""
        if self._dialler is not None:
            self._dialler.rest()

    def say_hello(self, carrier: Carrier) -> None:
        """See :class:`ipfs_comm.wire.roads.Opener`."""
        offer = replace(self._offer, resume=True) if self._link.opened.done() else self._offer
        carrier.send(encode_packet(self._token, [Hello(offer.info())]))

    def answered(self, attempt: Attempt, packet: Sequence[Buffer]) -> None:
        """See :class:`ipfs_comm.wire.roads.Opener`."""
        if packet_token(packet):
            return
        try:
            _, frames = parse_packet(packet)
            for frame in frames:
                match frame:
                    case Welcome(info):
                        self._welcomed(attempt, check_welcome(info, self._offer))
                        return
                    case Refuse(info):
                        self._refused(attempt, refusal_error(info))
                        return
                    case End(_, code, message):
                        self._refused(attempt, LinkError(message, code=code))
                        return
        except LinkError as error:
            self._link.finish(error, tell=True)

    def _welcomed(self, attempt: Attempt, window: int) -> None:
        dialler = self._dialler
        if dialler is None:
            return
        if self.carrier is not None and not self._link.silent and not dialler.is_better(attempt):
            # The carrier that had fallen silent has been heard again meanwhile.
            dialler.drop(attempt)
            return
        before = self.carrier
        dialler.taken(attempt)
        self._carriers[attempt.carrier] = False
        self._use(attempt.carrier)
        if before is not None:
            del self._carriers[before]
            before.close()
        self._link.welcomed(window)

    def _refused(self, attempt: Attempt, error: LinkError) -> None:
        dialler = self._dialler
        if dialler is None:
            return
        dialler.drop(attempt)
        # Unless it was a better road on which the link was offered before it was opened elsewhere.
        if self.carrier is None or attempt.resumes:
            self._link.finish(error, tell=False)

    def _use(self, carrier: Carrier) -> None:
        """Send on this carrier from now on."""
        self.carrier = carrier
        self._be_patient_no_more()
        self._link.moved(carrier)

    # In use

    def receive(self, carrier: Carrier, packet: Sequence[Buffer]) -> None:
        """Let a packet of the other end in; anybody else's is dropped."""
        if packet_token(packet) if self._opener else not self.authentic(packet):
            return
        if self._farewell is not None:
            self._farewell.heard(carrier, packet)
        elif carrier in self._carriers:
            self._link.take(carrier, packet)

    def send(self, frames: Sequence[Frame]) -> None:
        """Send one packet with these frames, if there is a carrier."""
        carrier = self.carrier
        if carrier is None:
            return
        try:
            carrier.send(self._seal(frames))
        except Exception as error:
            carrier.close()
            self.carrier_closed(carrier, error)

    def send_in_parts(self, frames: Sequence[Frame], fragment: int) -> None:
        """Send frames in packets of about one fragment.

        ACK has to be the last: it speaks of what goes before it.
        """
        batch: list[Frame] = []
        size = segments = 0
        limit = fragment + min(PACKET_SLACK, fragment // 4)
        for frame in frames:
            if isinstance(frame, Data):
                more = frame.size
                parts = len(frame.body)
                if batch and (size + more > limit or segments + parts >= MAX_BUFFERS):
                    self.send(batch)
                    if self.carrier is None:
                        return
                    batch, size, segments = [], 0, 0
                size += more
                segments += parts
            batch.append(frame)
        self.send(batch)

    def _seal(self, frames: Sequence[Frame]) -> list[Buffer]:
        return encode_packet(self._token if self._opener else b"", frames)

    # Going

    def carrier_closed(self, carrier: Carrier, error: Exception | None) -> None:
        """Learn that a carrier is gone: with a LinkError for good, otherwise it is lost."""
        if self._farewell is not None:
            self._farewell.gone(carrier)
            return
        if carrier not in self._carriers:
            return
        used = self._carriers.pop(carrier)
        if carrier is not self.carrier:
            return
        self.carrier = None
        if self._carriers:
            self._use(next(reversed(self._carriers)))
            self._link.hail()
        elif isinstance(error, LinkError) and (used or self._opener):
            self._link.finish(error, tell=False)
        else:
            self._lost(_gone(carrier.name, error))

    def _lost(self, reason: LinkError) -> None:
        """Live on without a carrier, for a while."""
        dialler = self._dialler
        if dialler is not None and not dialler.can_go_on() and not dialler.attempts:
            self._link.finish(reason, tell=False)
            return
        self._wait(self._limits.resume_within, reason, tell=False)
        if dialler is not None:
            dialler.begin("resume")

    def nowhere_to_go(self, error: LinkError) -> None:
        """See :class:`ipfs_comm.wire.roads.Opener`."""
        self._link.finish(error, tell=False)

    def part(self, last_words: Sequence[Frame], *, answers: bool) -> asyncio.Future[None]:
        """Give the carriers back, with the last words on those on which they will be heard.

        Parameters
        ----------
        last_words : sequence of Frame
            END, or nothing.
        answers : bool
            Whether the other end has said END already.

        Returns
        -------
        asyncio.Future
            Done when all have been given back.
        """
        self._be_patient_no_more()
        attempts = self._dialler.stop() if self._dialler is not None else []
        carriers, self._carriers = list(self._carriers), {}
        told = [self.carrier] if self.carrier is not None else [] if self._link.opened.done() else attempts
        if not last_words:
            told = []
        for carrier in (*carriers, *attempts):
            if carrier not in told:
                carrier.close()
        self.carrier = None
        self._farewell = Farewell(told, self._seal(last_words), self._limits.farewell_within, answers=answers)
        return self._farewell.over

    def _wait(self, seconds: float, reason: LinkError, *, tell: bool) -> None:
        """Wait for a carrier."""
        self._patience = self._loop.call_later(seconds, lambda: self._link.finish(reason, tell=tell))

    def _be_patient_no_more(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None


def _gone(name: str, error: Exception | None) -> LinkError:
    if isinstance(error, LinkError):
        return error
    detail = f": {error}" if error is not None else ""
    return LinkError(f"the carrier {name} is gone (page closed, kernel restarted){detail}", code="ERR_CARRIER")
