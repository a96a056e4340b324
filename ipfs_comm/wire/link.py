"""A link: many ports over one carrier, in order and without loss. `docs/protocol.md`, sections 2 to 4."""

from __future__ import annotations

import asyncio
import hmac
import secrets
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from ipfs_comm.errors import LinkError, ProtocolError
from ipfs_comm.wire.ends import LinkEnd, PortTable
from ipfs_comm.wire.entanglement import Record, topology
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
from ipfs_comm.wire.handshake import REPEAT_AFTER, WINDOW, Offer, check_welcome, refusal_error, refuse
from ipfs_comm.wire.receiver import Receiver
from ipfs_comm.wire.sender import Sender

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ipfs_comm.wire.carriers.base import Carrier
    from ipfs_comm.wire.port import MessagePort

__all__ = ["Link"]

#: An end that has heard nothing for so many seconds asks; after so many it gives the link up.
PING_AFTER: Final = 30.0
EXPIRE_AFTER: Final = 120.0
OPEN_TIMEOUT: Final = 10.0


class Link:
    """One end of a link. Everything happens on one event loop; ports may be used from any thread.

    Use :meth:`open`, :meth:`begin`, or an :class:`ipfs_comm.wire.Acceptor`.

    Attributes
    ----------
    port : MessagePort
        The main port. What is posted before the link is open waits.
    ended : asyncio.Future
        Has the reason, a :class:`LinkError`, when the link is over; ``ERR_CLOSED`` when in order.
    onend : callable, optional
        Called with that reason.
    error : LinkError or None
        That reason.
    """

    def __init__(self, carrier: Carrier, *, token: bytes, offer: Offer, opener: bool) -> None:
        self.loop = asyncio.get_running_loop()
        self.carrier = carrier
        self.name = offer.link
        self.offer = offer
        self.ended: asyncio.Future[LinkError] = self.loop.create_future()
        self.opened: asyncio.Future[bool] = self.loop.create_future()
        self.onend: Callable[[LinkError], None] | None = None
        self.error: LinkError | None = None
        self._token = token
        self._opener = opener
        self._carriers: list[Carrier] = [carrier]
        self._sender = Sender(carrier.fragment_size, carrier.max_frames, 0)
        self._receiver = Receiver(WINDOW)
        self._inbox: deque[tuple[LinkEnd, Any]] = deque()
        self._again: list[Data | Close] = []
        self._flush_due = False
        self._timer: asyncio.TimerHandle | None = None
        self._heard_at = self.loop.time()
        self._ask_at = self._heard_at + PING_AFTER
        self._pings = 0
        self._hello_at: float | None = None
        self._hellos = 0
        self._ports = PortTable(self.name, self._sender, 2 if opener else 1, self._submit, self._rejected)
        self.port: MessagePort = self._ports.main

    @classmethod
    def begin(cls, carrier: Carrier, *, service: str = "ipfs", params: Mapping[str, Any] | None = None) -> Link:
        """Begin to open a link and return at once; :attr:`port` can be used, and :attr:`opened` tells how it went.

        Parameters
        ----------
        carrier : Carrier
            Not started yet.
        service : str
            What the main port shall lead to.
        params : dict, optional
            Plain JSON for that service.
        """
        offer = Offer(service=service, params=params or {}, carriers=(carrier.name,))
        link = cls(carrier, token=secrets.token_bytes(32), offer=offer, opener=True)
        carrier.start(lambda packet: link.receive(carrier, packet), lambda error: link.carrier_closed(carrier, error))
        link._say_hello()
        return link

    @classmethod
    async def open(
        cls,
        carrier: Carrier,
        *,
        service: str = "ipfs",
        params: Mapping[str, Any] | None = None,
        timeout: float = OPEN_TIMEOUT,  # noqa: ASYNC109  the deadline is part of the protocol's opening
    ) -> Link:
        """Open a link.

        Parameters
        ----------
        carrier, service, params
            As for :meth:`begin`.
        timeout : float
            Seconds to wait for the other end.

        Raises
        ------
        VersionError
            The other end speaks no common version; the message says which side to upgrade.
        LinkError
            It refused (``ERR_SERVICE``, ``ERR_LIMIT``, ``ERR_DENIED``), is gone (``ERR_CARRIER``) or stayed silent
            (``ERR_TIMEOUT``).
        """
        link = cls.begin(carrier, service=service, params=params)
        try:
            async with asyncio.timeout(timeout):
                await asyncio.shield(link.opened)
        except TimeoutError:
            reason = (
                f"nobody answered on the carrier {carrier.name} within {timeout:g} s: "
                "the other end is not there, or speaks another protocol"
            )
            link.end(LinkError(reason, code="ERR_TIMEOUT"))
        except asyncio.CancelledError:
            link.end(LinkError("the opening of the link was cancelled", code="ERR_CLOSED"))
            raise
        if link.error is not None:
            raise link.error
        return link

    @classmethod
    def accepted(cls, carrier: Carrier, offer: Offer, token: bytes) -> Link:
        """Return the acceptor's end of a link that `offer` asked for; the carrier has been started."""
        link = cls(carrier, token=token, offer=offer, opener=False)
        link._open(offer.window)
        return link

    def refuse(self, error: LinkError) -> None:
        """Tell the opener that there will be no link after all; instead of WELCOME."""
        self._transmit_now([Refuse(refuse(error))])
        self._finish(error, tell=False)

    def attach(self, carrier: Carrier) -> None:
        """Take another carrier on which the opener has asked for this link; the one it goes on with is used."""
        self._carriers.append(carrier)

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
            reason = (
                error
                if isinstance(error, LinkError)
                else _in_order()
                if error is None
                else LinkError(str(error), code=getattr(error, "code", "ERR_CARRIER"))
            )
            if error is None:
                self._flush()
            self._finish(reason, tell=True)

    def _finish(self, reason: LinkError, *, tell: bool) -> None:
        if self.error is not None:
            return
        if tell and (self.opened.done() or not self._opener):
            self._transmit_now([End(self._sender.seq, reason.code, str(reason))])
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
        self._sender.clear()
        self._receiver = Receiver(0)
        for carrier in self._carriers:
            carrier.close()
        if not self.opened.done():
            self.opened.set_result(False)
        if not self.ended.done():
            self.ended.set_result(reason)
        if self.onend is not None:
            self.onend(reason)

    def _fail(self, error: Exception) -> None:
        reason = (
            error
            if isinstance(error, LinkError)
            else ProtocolError(str(error))
            if isinstance(error, ValueError)
            else LinkError(str(error), code=getattr(error, "code", "ERR_CARRIER"))
        )
        self._finish(reason, tell=True)

    def carrier_closed(self, carrier: Carrier, error: Exception | None) -> None:
        """Learn that a carrier is gone."""
        if carrier in self._carriers:
            self._carriers.remove(carrier)
        if self.error is not None:
            return
        if self._carriers:
            if carrier is self.carrier:
                self.carrier = self._carriers[-1]
            return
        if isinstance(error, LinkError):
            reason = error
        else:
            detail = f": {error}" if error is not None else ""
            reason = LinkError(
                f"the carrier {carrier.name} is gone (page closed, kernel restarted){detail}", code="ERR_CARRIER"
            )
        self._finish(reason, tell=False)

    # Opening

    def _open(self, window: int) -> None:
        self._sender.window = window
        self._hello_at = None
        if not self.opened.done():
            self.opened.set_result(True)
        self._schedule()
        self._arm()

    def _say_hello(self) -> None:
        self._transmit_now([Hello(self.offer.info())])
        step = REPEAT_AFTER[min(self._hellos, len(REPEAT_AFTER) - 1)]
        self._hellos += 1
        self._hello_at = self.loop.time() + step
        self._arm()

    # Receiving

    def receive(self, carrier: Carrier, packet: Sequence[Buffer]) -> None:
        """Take a packet from a carrier."""
        if self.error is not None:
            return
        if packet_token(packet) if self._opener else not self.authentic(packet):
            return
        try:
            _, frames = parse_packet(packet)
            self._heard_at = self.loop.time()
            self._ask_at = self._heard_at + PING_AFTER
            self._pings = 0
            if not self.opened.done():
                self._take_answer(frames)
                return
            if carrier is not self.carrier and not isinstance(frames[0], Hello):
                self.carrier = carrier
            for frame in frames:
                self._take(frame)
                if self.error is not None:
                    return
        except LinkError as error:
            self._fail(error)
            return
        except Exception as error:
            if self.error is not None:
                raise
            # The packet's frames count as received: going on without them would lose them in silence.
            self._fail(ProtocolError(f"a packet cannot be taken: {type(error).__name__}: {error}"))
            return
        if self._receiver.ack_now or self._again or not self._sender.idle:
            self._schedule()
        elif self._receiver.ack_at is not None:
            self._arm()
        if not self._ports:
            self.end()

    def _take_answer(self, frames: Sequence[Frame]) -> None:
        for frame in frames:
            match frame:
                case Welcome(info):
                    self._open(check_welcome(info, self.offer))
                    return
                case Refuse(info):
                    self._finish(refusal_error(info), tell=False)
                    return
                case End(_, code, message):
                    self._finish(LinkError(message, code=code), tell=False)
                    return

    def _take(self, frame: Frame) -> None:
        now = self._heard_at
        match frame:
            case Data() | Close():
                for ready in self._receiver.accept(frame, now):
                    if isinstance(ready, Data):
                        self._ports.take_data(ready)
                    else:
                        self._ports.take_close(ready.port)
            case Ack():
                self._receiver.heard(frame.seq)
                self._again += self._sender.acknowledge(frame, now)
            case Ping(seq):
                self._receiver.heard(seq)
                self._receiver.ack_now = True
            case End(_, code, message):
                self._finish(LinkError(message, code=code), tell=False)
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
        if not self.opened.done():
            return
        now = self.loop.time()
        frames: list[Frame] = [*self._again, *self._sender.take(now)]
        self._again.clear()
        if self._receiver.ack_now or (frames and self._receiver.ack_at is not None):
            frames.append(self._receiver.ack(self._sender.seq))
        if frames:
            self._transmit(frames)
        self._arm()

    def _transmit(self, frames: Sequence[Frame]) -> None:
        """Put frames into packets of about one fragment; ACK is the last, since it speaks of what goes before it."""
        batch: list[Frame] = []
        size = segments = 0
        limit = self.carrier.fragment_size
        for frame in frames:
            if isinstance(frame, Data):
                more = frame.size
                parts = len(frame.body)
                if batch and (size + more > limit or segments + parts >= MAX_BUFFERS):
                    self._transmit_now(batch)
                    if self.error is not None:
                        return
                    batch, size, segments = [], 0, 0
                size += more
                segments += parts
            batch.append(frame)
        self._transmit_now(batch)

    def _transmit_now(self, frames: Sequence[Frame]) -> None:
        try:
            self.carrier.send(encode_packet(self._token if self._opener else b"", frames))
        except Exception as error:
            self._finish(
                LinkError(f"the carrier {self.carrier.name} is broken: {error}", code="ERR_CARRIER"), tell=False
            )

    # Time

    def _arm(self) -> None:
        """See to it that `_tick` runs when something is due; a timer that is too early does no harm."""
        if self.error is not None:
            return
        due = self._hello_at
        if due is None:
            due = self._ask_at
            for other in (self._sender.deadline, self._receiver.ack_at):
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
        if self._hello_at is not None:
            if now >= self._hello_at:
                self._say_hello()
            self._arm()
            return
        silence = now - self._heard_at
        if now >= self._ask_at:
            # A tick that comes late tells that this end slept: the answer to its question may still wait to be read.
            if silence >= EXPIRE_AFTER and self._pings and now < self._ask_at + PING_AFTER:
                reason = f"the other end has been silent for {silence:.0f} s"
                self._finish(LinkError(reason, code="ERR_TIMEOUT"), tell=True)
                return
            self._pings += 1
            self._ask_at = now + PING_AFTER
            self._transmit_now([Ping(self._sender.seq)])
            if self.error is not None:
                return
        deadline = self._sender.deadline
        if deadline is not None and now >= deadline:
            self._again += self._sender.expire(now)
            self._receiver.ack_now = True
        if self._receiver.ack_at is not None and now >= self._receiver.ack_at:
            self._receiver.ack_now = True
        self._flush()


def _in_order() -> LinkError:
    return LinkError("the link was closed", code="ERR_CLOSED")
