"""A link: many ports over carriers that come and go, in order and without loss. `docs/protocol.md`, sections 2 to 4."""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from typing import TYPE_CHECKING, Any

from ipfs_comm.errors import LinkError, ProtocolError
from ipfs_comm.wire.ends import LinkEnd, PortTable
from ipfs_comm.wire.entanglement import Record, topology
from ipfs_comm.wire.fleet import Fleet
from ipfs_comm.wire.frame import Ack, Buffer, Close, Data, End, Frame, Hello, Ping, Refuse, Welcome, parse_packet
from ipfs_comm.wire.handshake import Offer, refuse
from ipfs_comm.wire.limits import Limits
from ipfs_comm.wire.receiver import Receiver
from ipfs_comm.wire.roads import Roads, read_roads
from ipfs_comm.wire.sender import Sender
from ipfs_comm.wire.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ipfs_comm.wire.carriers.base import Carrier
    from ipfs_comm.wire.port import MessagePort

__all__ = ["Link"]


class Link:
    """One end of a link. Everything happens on one event loop; ports may be used from any thread.

    Use :meth:`open`, :meth:`begin`, or an :class:`ipfs_comm.wire.Acceptor`.

    Attributes
    ----------
    port : MessagePort
        The main port. What is posted before the link is open waits.
    fleet : Fleet
        Its carriers; for the acceptor, which has more of them to give.
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
        self.name = offer.link
        self.offer = offer
        self.limits = limits
        self.ended: asyncio.Future[LinkError] = self.loop.create_future()
        self.opened: asyncio.Future[bool] = self.loop.create_future()
        self.released: asyncio.Future[None] = self.loop.create_future()
        self.onend: Callable[[LinkError], None] | None = None
        self.error: LinkError | None = None
        self.fleet = Fleet(self, token=token, offer=offer, opener=opener, limits=limits)
        self._opener = opener
        self._sender = Sender(limits)
        self._receiver = Receiver(limits.window)
        self._inbox: deque[tuple[LinkEnd, Any]] = deque()
        self._again: list[Data | Close] = []
        self._drains: list[asyncio.Future[None]] = []
        self._flush_due = False
        self._timer: asyncio.TimerHandle | None = None
        self._watch = Watch(limits, self.loop.time())
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
        link.fleet.dial(ways, limits.open_timeout if timeout is None else timeout)
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
        link.fleet.attach(carrier, opens=True)
        link._open(offer.window)
        return link

    def refuse(self, error: LinkError) -> None:
        """Tell the opener that there will be no link after all; instead of WELCOME."""
        self.fleet.send([Refuse(refuse(error))])
        self.finish(error, tell=False)

    @property
    def carrier(self) -> Carrier | None:
        """What packets go out on; None while the link waits for another, and when it is over."""
        return self.fleet.carrier

    @property
    def bytes_queued(self) -> int:
        """Bytes that wait here for credit."""
        return self._sender.bytes_queued

    async def drained(self, most: int) -> None:
        """Wait, on the link's loop, until no more than `most` bytes wait here for credit or the link is over."""
        while self.error is None and self.bytes_queued > most:
            waiter = self.loop.create_future()
            self._drains.append(waiter)
            try:
                await waiter
            finally:
                if waiter in self._drains:
                    self._drains.remove(waiter)

    def _tell_drained(self) -> None:
        waiters, self._drains = self._drains, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

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
            self.finish(_as_link_error(error), tell=True)

    def finish(self, reason: LinkError, *, tell: bool, answers: bool = False) -> None:
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
        last_words = [End(last, reason.code, str(reason))] if tell or answers else []
        self.fleet.part(last_words, answers=answers).add_done_callback(self._release)
        if not self.opened.done():
            self.opened.set_result(False)
        if not self.ended.done():
            self.ended.set_result(reason)
        self._tell_drained()
        if self.onend is not None:
            self.onend(reason)

    def _release(self, _over: asyncio.Future[None]) -> None:
        if not self.released.done():
            self.released.set_result(None)

    # Carriers come and go

    @property
    def silent(self) -> bool:
        """See :class:`ipfs_comm.wire.fleet.Owner`."""
        return self._watch.silent

    def moved(self, carrier: Carrier) -> None:
        """See :class:`ipfs_comm.wire.fleet.Owner`."""
        now = self.loop.time()
        self._sender.move(carrier.fragment_size, now)
        self._watch.moved(now)
        self._arm()

    def welcomed(self, window: int) -> None:
        """See :class:`ipfs_comm.wire.fleet.Owner`."""
        resumed = self.opened.done()
        self._watch.heard(self.loop.time(), owed=resumed)
        if resumed:
            self.hail()
        else:
            self._open(window)

    def hail(self) -> None:
        """See :class:`ipfs_comm.wire.fleet.Owner`."""
        self.fleet.send([Ping(self._sender.seq), self._receiver.ack(self._sender.seq)])
        self._schedule()
        self._arm()

    def _open(self, window: int) -> None:
        self._sender.window = window
        if not self.opened.done():
            self.opened.set_result(True)
        self._schedule()
        self._arm()

    # Receiving

    def take(self, carrier: Carrier, packet: Sequence[Buffer]) -> None:
        """See :class:`ipfs_comm.wire.fleet.Owner`."""
        try:
            _, frames = parse_packet(packet)
            now = self.loop.time()
            if self.fleet.heard_on(carrier):
                self._receiver.ack_now = True
            for frame in frames:
                self._take(frame, now)
                if self.error is not None:
                    return
            if self._watch.silent:
                self.fleet.rest()
            self._watch.heard(now, owed=self._sender.frames_in_flight > 0)
        except LinkError as error:
            self.finish(error, tell=True)
            return
        except Exception as error:
            if self.error is not None:
                raise
            # The packet's frames count as received: going on without them would lose them in silence.
            self.finish(ProtocolError(f"a packet cannot be taken: {type(error).__name__}: {error}"), tell=True)
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
                self.finish(LinkError(message, code=code), tell=False, answers=True)
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
            self._tell_drained()
            # A packet arrives as a whole: on a slow road one of many fragments would be one large fragment.
            self.fleet.send_in_parts(frames, sender.pacer.fragment)
        self._arm()

    # Time

    def _arm(self) -> None:
        """See to it that `_tick` runs when something is due; a timer that is too early does no harm."""
        if self.error is not None or self.carrier is None:
            return
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
        if self.error is not None or self.carrier is None:
            return
        now = self.loop.time()
        watch = self._watch
        if watch.expired(now) or watch.idle(now):
            what = "been silent" if watch.expired(now) else "had nothing to say, nor had this one,"
            since = watch.heard_at if watch.expired(now) else watch.active_at
            reason = f"the other end has {what} for {now - since:.0f} s"
            self.finish(LinkError(reason, code="ERR_TIMEOUT"), tell=True)
            return
        if watch.asks(now):
            self.fleet.send([Ping(self._sender.seq)])
            if watch.silent:
                self.fleet.look_beside()
        probe_at, deadline = self._sender.probe_at, self._sender.deadline
        if probe_at is not None and now >= probe_at:
            self._sender.probe()
            self.fleet.send([Ping(self._sender.seq)])
        if deadline is not None and now >= deadline:
            self._again += self._sender.expire(now)
            self._receiver.ack_now = True
        if self._receiver.ack_at is not None and now >= self._receiver.ack_at:
            self._receiver.ack_now = True
        self._flush()


def _as_link_error(error: Exception | None) -> LinkError:
    if error is None:
        return LinkError("the link was closed", code="ERR_CLOSED")
    return error if isinstance(error, LinkError) else LinkError(str(error), code=getattr(error, "code", "ERR_CARRIER"))
