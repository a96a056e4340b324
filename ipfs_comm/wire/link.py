"""A link: many ports over carriers that come and go, in order and without loss. `docs/protocol.md`, sections 2 to 4."""

from __future__ import annotations

import asyncio
import hmac
import secrets
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from ipfs_comm.errors import LinkError, ProtocolError
from ipfs_comm.wire.ends import LinkEnd, PortTable
from ipfs_comm.wire.entanglement import Record, topology
from ipfs_comm.wire.farewell import Farewell
from ipfs_comm.wire.frame import (
    MAX_BUFFERS,
    Ack,
    Buffer,
    Close,
    Data,
    End,
    Frame,
    Hello,
    Ping,
    Refuse,
    Welcome,
    encode_packet,
    packet_token,
    parse_packet,
)
from ipfs_comm.wire.handshake import Offer, check_welcome, refusal_error, refuse
from ipfs_comm.wire.limits import Limits
from ipfs_comm.wire.receiver import Receiver
from ipfs_comm.wire.roads import Attempt, Dialler, Roads, read_roads
from ipfs_comm.wire.sender import Sender
from ipfs_comm.wire.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ipfs_comm.wire.carriers.base import Carrier
    from ipfs_comm.wire.port import MessagePort

__all__ = ["Link"]

#: Carriers that a link has at the acceptor's end at a time; of more, the oldest are closed.
MAX_CARRIERS: Final = 16


#: What a packet may have beyond a fragment, so that the head of a message does not cost a packet of its own.
PACKET_SLACK: Final = 64 * 1024


class Link:
    """One end of a link. Everything happens on one event loop; ports may be used from any thread.

    Use :meth:`open`, :meth:`begin`, or an :class:`ipfs_comm.wire.Acceptor`.

    Attributes
    ----------
    port : MessagePort
        The main port. What is posted before the link is open waits.
    carrier : Carrier or None
        What packets go out on; None while the link waits for another.
    opened : asyncio.Future
        Done when the link is open (True), or never will be (False).
    ended : asyncio.Future
        Has the reason, a :class:`LinkError`, when the link is over; ``ERR_CLOSED`` when in order.
    released : asyncio.Future
        Done when the other end has been told of that, or cannot be, and nothing of the link is left.
    onend : callable, optional
        Called with the reason.
    error : LinkError or None
        The reason.
    limits : Limits
        The limits of this end.
    """

    def __init__(self, *, token: bytes, offer: Offer, opener: bool, limits: Limits) -> None:
        self.loop = asyncio.get_running_loop()
        self.carrier: Carrier | None = None
        self.name = offer.link
        self.offer = offer
        self.limits = limits
        self.ended: asyncio.Future[LinkError] = self.loop.create_future()
        self.opened: asyncio.Future[bool] = self.loop.create_future()
        self.released: asyncio.Future[None] = self.loop.create_future()
        self.onend: Callable[[LinkError], None] | None = None
        self.error: LinkError | None = None
        self._token = token
        self._opener = opener
        #: The carriers of an open link, the oldest first, and whether they are more to it than attempts.
        self._carriers: dict[Carrier, bool] = {}
        self._dialler: Dialler | None = None
        self._farewell: Farewell | None = None
        self._sender = Sender(limits)
        self._receiver = Receiver(limits.window)
        self._inbox: deque[tuple[LinkEnd, Any]] = deque()
        self._again: list[Data | Close] = []
        self._flush_due = False
        self._timer: asyncio.TimerHandle | None = None
        self._watch = Watch(limits, self.loop.time())
        #: When the link gives up: to be opened, or to get another carrier.
        self._give_up_at: float | None = None
        #: Why it has no carrier.
        self._gone = _as_link_error(None)
        self._ports = PortTable(self.name, self._sender, 2 if opener else 1, self._submit, self._rejected, limits)
        self.port: MessagePort = self._ports.main

    @classmethod
    def begin(
        cls,
        roads: Roads,
        *,
        service: str = "ipfs",
        params: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        limits: Limits | Mapping[str, Any] | None = None,
    ) -> Link:
        """Begin to open a link and return at once; :attr:`port` can be used, and :attr:`opened` tells how it went.

        Parameters
        ----------
        roads : Carrier, Road, callable, or a sequence of them
            The ways to the other end, the best first: a function that makes a new carrier, with more to say about it a
            :class:`Road`. A carrier by itself, not started yet, is a road that cannot be travelled twice: when it is
            lost the link cannot be resumed over it.
        service : str
            What the main port shall lead to.
        params : dict, optional
            Plain JSON for that service.
        timeout : float, optional
            Seconds that opening may take; by default the limit `open_timeout`.
        limits : Limits or dict, optional
            Limits of this end.
        """
        ways = read_roads(roads)
        limits = Limits.of(limits)
        names = tuple(dict.fromkeys(road.name for road in ways if road.name))
        offer = Offer(service=service, params=params or {}, carriers=names, window=limits.window)
        link = cls(token=secrets.token_bytes(32), offer=offer, opener=True, limits=limits)
        link._give_up_at = link.loop.time() + (limits.open_timeout if timeout is None else timeout)
        link._dialler = Dialler(link, ways)
        link._dialler.begin("open")
        link._arm()
        return link

    @classmethod
    async def open(
        cls,
        roads: Roads,
        *,
        service: str = "ipfs",
        params: Mapping[str, Any] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109  the deadline is part of the protocol's opening
        limits: Limits | Mapping[str, Any] | None = None,
    ) -> Link:
        """Open a link.

        Parameters
        ----------
        roads, service, params, timeout, limits
            As for :meth:`begin`.

        Raises
        ------
        VersionError
            The other end speaks no common version; the message says which side to upgrade.
        LinkError
            It refused (``ERR_SERVICE``, ``ERR_LIMIT``, ``ERR_DENIED``), is gone (``ERR_CARRIER``) or stayed silent
            (``ERR_TIMEOUT``).
        """
        link = cls.begin(roads, service=service, params=params, timeout=timeout, limits=limits)
        try:
            await asyncio.shield(link.opened)
        except asyncio.CancelledError:
            link.end(LinkError("the opening of the link was cancelled", code="ERR_CLOSED"))
            raise
        if link.error is not None:
            raise link.error
        return link

    @classmethod
    def accepted(cls, carrier: Carrier, offer: Offer, token: bytes, limits: Limits) -> Link:
        """Return the acceptor's end of a link that `offer` asked for; the carrier has been started."""
        link = cls(token=token, offer=offer, opener=False, limits=limits)
        link._attach(carrier)
        link._carriers[carrier] = True
        link._open(offer.window)
        return link

    def refuse(self, error: LinkError) -> None:
        """Tell the opener that there will be no link after all; instead of WELCOME."""
        self._transmit_now([Refuse(refuse(error))])
        self._finish(error, tell=False)

    def attach(self, carrier: Carrier) -> None:
        """Take another carrier on which the opener has asked for this link; it is used from now on."""
        self._attach(carrier)
        while len(self._carriers) > MAX_CARRIERS:
            oldest = next(iter(self._carriers))
            del self._carriers[oldest]
            oldest.close()

    def authentic(self, packet: Sequence[Buffer]) -> bool:
        """Whether a packet carries this link's token."""
        return hmac.compare_digest(packet_token(packet), self._token)

    @property
    def bytes_queued(self) -> int:
        """Bytes that wait here for credit."""
        return self._sender.bytes_queued

    @property
    def idle(self) -> bool:
        """Whether everything submitted here has been sent and acknowledged."""
        return not self._inbox and not self._flush_due and self._sender.idle

    @property
    def ports_open(self) -> int:
        """How many ports go over this link, the main port included."""
        return len(self._ports)

    # Ending

    def end(self, error: Exception | None = None) -> None:
        """End the link and close all its ports, at both ends; safe from any thread.

        Parameters
        ----------
        error : Exception, optional
            The reason; in order (``ERR_CLOSED``) without one.
        """
        if asyncio._get_running_loop() is not self.loop:
            if not self.loop.is_closed():
                self.loop.call_soon_threadsafe(self.end, error)
            return
        if self.error is None:
            if error is None:
                self._flush()
            self._finish(_as_link_error(error), tell=True)

    def _finish(self, reason: LinkError, *, tell: bool, answers: bool = False) -> None:
        """Be over.

        Parameters
        ----------
        reason : LinkError
            Why.
        tell : bool
            Whether the other end has to be told.
        answers : bool
            Whether it was the other end that has told this one.
        """
        if self.error is not None:
            return
        with topology:
            self.error = reason
            inbox, self._inbox = self._inbox, deque()
        self._ports.close_all(reason)
        for _, item in inbox:
            if isinstance(item, Record):
                item.drop()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._again.clear()
        last = self._sender.seq
        self._sender.clear()
        self._receiver = Receiver(0)
        self._part([End(last, reason.code, str(reason))] if tell or answers else [], answers=answers)
        if not self.opened.done():
            self.opened.set_result(False)
        if not self.ended.done():
            self.ended.set_result(reason)
        if self.onend is not None:
            self.onend(reason)

    def _part(self, last_words: Sequence[Frame], *, answers: bool) -> None:
        """Give the carriers back, with the last words on those on which they will be heard."""
        attempts = self._dialler.stop() if self._dialler is not None else []
        carriers, self._carriers = list(self._carriers), {}
        told = [self.carrier] if self.carrier is not None else [] if self.opened.done() else attempts
        if not last_words:
            told = []
        for carrier in (*carriers, *attempts):
            if carrier not in told:
                carrier.close()
        self.carrier = None
        packet = encode_packet(self._token if self._opener else b"", last_words)
        self._farewell = Farewell(told, packet, self.limits.farewell_within, answers=answers)
        self._farewell.over.add_done_callback(self._release)

    def _release(self, _over: asyncio.Future[None]) -> None:
        if not self.released.done():
            self.released.set_result(None)

    def _fail(self, error: Exception) -> None:
        self._finish(ProtocolError(str(error)) if isinstance(error, ValueError) else _as_link_error(error), tell=True)

    # Carriers

    def _attach(self, carrier: Carrier) -> None:
        self._carriers[carrier] = False
        self._use(carrier)

    def _use(self, carrier: Carrier) -> None:
        """Send on this carrier from now on."""
        self.carrier = carrier
        now = self.loop.time()
        self._give_up_at = None
        self._sender.move(carrier.fragment_size, now)
        self._watch.moved(now)

    def hail(self) -> None:
        """Ask, on a carrier that is used from now on, what of all that was sent before has arrived."""
        self._transmit_now([Ping(self._sender.seq), self._receiver.ack(self._sender.seq)])
        self._schedule()
        self._arm()

    def carrier_closed(self, carrier: Carrier, error: Exception | None) -> None:
        """Learn that a carrier is gone: with a LinkError for good, otherwise it is lost."""
        if self.error is not None:
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
            self.hail()
        elif isinstance(error, LinkError) and (used or self._opener):
            self._finish(error, tell=False)
        else:
            self._lost(carrier, error)

    def _lost(self, carrier: Carrier, error: Exception | None) -> None:
        """Live on without a carrier, for a while."""
        self._give_up_at = self.loop.time() + self.limits.resume_within
        self._gone = _gone(carrier.name, error)
        if self._dialler is None:
            self._arm()
        elif self._dialler.can_go_on() or self._dialler.attempts:
            self._dialler.begin("resume")
            self._arm()
        else:
            self._finish(self._gone, tell=False)

    def nowhere_to_go(self, error: LinkError) -> None:
        """See :class:`ipfs_comm.wire.roads.Opener`."""
        self._finish(error, tell=False)

    # Opening

    def _open(self, window: int) -> None:
        self._sender.window = window
        if not self.opened.done():
            self.opened.set_result(True)
        self._schedule()
        self._arm()

    def say_hello(self, carrier: Carrier) -> None:
        """See :class:`ipfs_comm.wire.roads.Opener`."""
        offer = replace(self.offer, resume=True) if self.opened.done() else self.offer
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
                        self._welcomed(attempt, check_welcome(info, self.offer))
                        return
                    case Refuse(info):
                        self._refused(attempt, refusal_error(info))
                        return
                    case End(_, code, message):
                        self._refused(attempt, LinkError(message, code=code))
                        return
        except LinkError as error:
            self._fail(error)

    def _welcomed(self, attempt: Attempt, window: int) -> None:
        dialler = self._dialler
        if dialler is None:
            return
        if self.carrier is not None and not self._watch.silent and not dialler.is_better(attempt):
            # The carrier that had fallen silent has been heard again meanwhile.
            dialler.drop(attempt)
            return
        before = self.carrier
        dialler.taken(attempt)
        self._attach(attempt.carrier)
        if before is not None:
            del self._carriers[before]
            before.close()
        resumed = self.opened.done()
        self._watch.heard(self.loop.time(), owed=resumed)
        if resumed:
            self.hail()
        else:
            self._open(window)

    def _refused(self, attempt: Attempt, error: LinkError) -> None:
        dialler = self._dialler
        if dialler is None:
            return
        if self.carrier is not None and not attempt.resumes:
            # A better road on which the link was offered before it was opened elsewhere.
            dialler.drop(attempt)
            return
        dialler.drop(attempt)
        self._finish(error, tell=False)

    # Receiving

    def receive(self, carrier: Carrier, packet: Sequence[Buffer]) -> None:
        """Take a packet from a carrier."""
        if packet_token(packet) if self._opener else not self.authentic(packet):
            return
        if self.error is not None:
            if self._farewell is not None:
                self._farewell.heard(carrier, packet)
            return
        if carrier not in self._carriers:
            return
        try:
            _, frames = parse_packet(packet)
            now = self.loop.time()
            if not self._opener:
                self._carriers[carrier] = True
                if carrier is not self.carrier:
                    self._use(carrier)
                    self._receiver.ack_now = True
            for frame in frames:
                self._take(frame, now)
                if self.error is not None:
                    return
            if self._watch.silent and self._dialler is not None:
                self._dialler.rest()
            self._watch.heard(now, owed=self._sender.frames_in_flight > 0)
        except LinkError as error:
            self._fail(error)
            return
        except Exception as error:
            if self.error is not None:
                raise
            # The packet's frames count as received: going on without them would lose them in silence.
            self._fail(ProtocolError(f"a packet cannot be taken: {type(error).__name__}: {error}"))
            return
        if self._receiver.ack_now or not self._sender.idle:
            self._schedule()
        elif self._receiver.ack_at is not None:
            self._arm()
        if not self._ports:
            self.end()

    def _take(self, frame: Frame, now: float) -> None:
        match frame:
            case Data() | Close():
                self._watch.active_at = now
                for ready in self._receiver.accept(frame, now):
                    if isinstance(ready, Data):
                        self._ports.take_data(ready)
                    else:
                        self._ports.take_close(ready.port)
            case Ack():
                self._receiver.heard(frame.seq)
                self._sender.acknowledge(frame, now)
            case Ping(seq):
                self._receiver.heard(seq)
                self._receiver.ack_now = True
            case End(_, code, message):
                self._finish(LinkError(message, code=code), tell=False, answers=True)
            case Welcome() | Refuse():
                if not self._opener:
                    raise ProtocolError("an opener has sent the answer of an acceptor")
            case Hello():
                raise ProtocolError("HELLO has come on a link that is open")

    def _rejected(self, error: Exception) -> None:
        """Learn, on any thread, that a value from this link cannot be decoded."""
        self.end(error if isinstance(error, ProtocolError) else ProtocolError(f"a message cannot be decoded: {error}"))

    # Sending

    def _submit(self, end: LinkEnd, item: Any) -> None:
        """Take a record, or the news that its port is closed, from any thread; under `topology`."""
        if self.error is not None:
            if isinstance(item, Record):
                item.drop()
            return
        self._inbox.append((end, item))
        self._schedule()

    def _schedule(self) -> None:
        with topology:
            if self._flush_due:
                return
            self._flush_due = True
        if asyncio._get_running_loop() is self.loop:
            self.loop.call_soon(self._flush)
        elif not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self._flush)

    def _flush(self) -> None:
        self._flush_due = False
        if self.error is not None:
            return
        while self._inbox:
            self._ports.put(*self._inbox.popleft())
        carrier = self.carrier
        if carrier is None:
            return
        now = self.loop.time()
        sender = self._sender
        sender.max_frames = min(self.limits.max_frames, carrier.max_frames)
        frames: list[Frame] = [*self._again, *sender.take(now)]
        self._again.clear()
        if frames:
            self._watch.active_at = now
            self._watch.owe(now)
            if sender.waits_for_ack:
                frames.append(Ping(sender.seq))
        if self._receiver.ack_now or (frames and self._receiver.ack_at is not None):
            frames.append(self._receiver.ack(sender.seq))
        if frames:
            # A packet arrives as a whole: on a slow road one of many fragments would be one large fragment.
            self._transmit(frames, sender.pacer.fragment)
        self._arm()

    def _transmit(self, frames: Sequence[Frame], limit: int) -> None:
        """Put frames into packets of about one fragment; ACK is the last, since it speaks of what goes before it."""
        batch: list[Frame] = []
        size = segments = 0
        limit += min(PACKET_SLACK, limit // 4)
        for frame in frames:
            if isinstance(frame, Data):
                more = frame.size
                parts = len(frame.body)
                if batch and (size + more > limit or segments + parts >= MAX_BUFFERS):
                    self._transmit_now(batch)
                    if self.carrier is None:
                        return
                    batch, size, segments = [], 0, 0
                size += more
                segments += parts
            batch.append(frame)
        self._transmit_now(batch)

    def _transmit_now(self, frames: Sequence[Frame]) -> None:
        carrier = self.carrier
        if carrier is None:
            return
        try:
            carrier.send(encode_packet(self._token if self._opener else b"", frames))
        except Exception as error:
            carrier.close()
            self.carrier_closed(carrier, error)

    # Time

    def _arm(self) -> None:
        """See to it that `_tick` runs when something is due; a timer that is too early does no harm."""
        if self.error is not None:
            return
        due = self._give_up_at
        if due is None:
            due = self._watch.due
            for other in (self._sender.deadline, self._sender.probe_at, self._receiver.ack_at):
                if other is not None and other < due:
                    due = other
        if self._timer is not None:
            if self._timer.when() <= due:
                return
            self._timer.cancel()
        self._timer = self.loop.call_at(due, self._tick)

    def _tick(self) -> None:
        self._timer = None
        if self.error is not None:
            return
        now = self.loop.time()
        if self._give_up_at is not None:
            if now >= self._give_up_at:
                self._give_up()
            self._arm()
            return
        watch = self._watch
        if watch.expired(now) or watch.idle(now):
            what = "been silent" if watch.expired(now) else "had nothing to say, nor had this one,"
            since = watch.heard_at if watch.expired(now) else watch.active_at
            reason = f"the other end has {what} for {now - since:.0f} s"
            self._finish(LinkError(reason, code="ERR_TIMEOUT"), tell=True)
            return
        if watch.asks(now):
            self._transmit_now([Ping(self._sender.seq)])
            if watch.silent and self._dialler is not None:
                self._dialler.begin("beside")
        probe_at, deadline = self._sender.probe_at, self._sender.deadline
        if probe_at is not None and now >= probe_at:
            self._sender.probe()
            self._transmit_now([Ping(self._sender.seq)])
        if deadline is not None and now >= deadline:
            self._again += self._sender.expire(now)
            self._receiver.ack_now = True
        if self._receiver.ack_at is not None and now >= self._receiver.ack_at:
            self._receiver.ack_now = True
        self._flush()

    def _give_up(self) -> None:
        if self.opened.done():
            self._finish(self._gone, tell=False)
            return
        names = ", ".join(self.offer.carriers)
        reason = (
            f"nobody answered {f'on {names} ' if names else ''}in time: "
            "the other end is not there, or speaks another protocol"
        )
        self._finish(LinkError(reason, code="ERR_TIMEOUT"), tell=True)


def _as_link_error(error: Exception | None) -> LinkError:
    if error is None:
        return LinkError("the link was closed", code="ERR_CLOSED")
    return error if isinstance(error, LinkError) else LinkError(str(error), code=getattr(error, "code", "ERR_CARRIER"))


def _gone(name: str, error: Exception | None) -> LinkError:
    if isinstance(error, LinkError):
        return error
    detail = f": {error}" if error is not None else ""
    return LinkError(f"the carrier {name} is gone (page closed, kernel restarted){detail}", code="ERR_CARRIER")
