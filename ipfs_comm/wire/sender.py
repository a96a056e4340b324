"""The sending half of a link as plain state: queues, credit, what is in flight, what goes again."""

from __future__ import annotations

from collections import deque
from math import inf
from typing import TYPE_CHECKING, Final

from ipfs_comm.errors import ProtocolError
from ipfs_comm.wire.acks import ACK_BYTES, ACK_FRAMES
from ipfs_comm.wire.frame import INLINE, MAX_BUFFERS, Ack, Buffer, Close, Data
from ipfs_comm.wire.pacer import Flight, Pacer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipfs_comm.wire.limits import Limits

__all__ = ["OutgoingMessage", "Sender"]

#: Seconds until what is in flight counts as lost: before a round trip has been measured, and at least.
INITIAL_TIMEOUT: Final = 1.0
MIN_TIMEOUT: Final = 0.25
#: The other end is asked what it lacks when nothing was sent and no ACK has come for two least round trips and so many
#: seconds, which cover the queue aimed at and an ACK that is held back; at least, and before a round trip is known.
PROBE_DELAY: Final = 0.085
PROBE_LEAST: Final = 0.1
PROBE_FIRST: Final = 0.25
#: How often the timeout is doubled at most, as a factor.
MAX_BACKOFF: Final = 1 << 10
#: A frame that is named as missing goes again at the earliest after so long.
MIN_ROUND_TRIP: Final = 0.005
#: However small the window, a frame may have so many bytes.
MIN_FRAGMENT: Final = 1_024


class OutgoingMessage:
    """A message that is being cut into fragments.

    Parameters
    ----------
    meta : bytes
        The JSON.
    buffers : sequence of bytes-like
        They must not change any more.
    announces : list of int
        The ids of the ports that the message carries.
    """

    __slots__ = ("_index", "_offset", "_parts", "announces", "left", "started")

    def __init__(self, meta: bytes, buffers: Sequence[Buffer], announces: list[int]) -> None:
        self.announces = announces
        self.started = False
        parts: list[Buffer] = []
        # Small buffers are joined; a long one stays whole, so that it can become a segment of its own.
        run: list[Buffer] = [len(meta).to_bytes(4, "little"), meta]
        for buffer in buffers:
            if len(buffer) <= INLINE:
                run.append(buffer)
                continue
            if run:
                parts.append(b"".join(run))
                run = []
            parts.append(buffer)
        if run:
            parts.append(b"".join(run))
        self._parts = parts
        self._index = 0
        self._offset = 0
        #: Bytes that have not been cut off yet.
        self.left = sum(map(len, parts))

    def cut(self, limit: int) -> tuple[list[Buffer], int]:
        """Return the parts of the next fragment, and its size: about `limit` bytes."""
        whole = not self.started and len(self._parts) < MAX_BUFFERS // 2
        self.started = True
        # A little more, so that the few bytes beside a buffer of that size do not make a fragment of their own.
        if whole and self.left <= limit + min(INLINE, limit // 16):
            size, self.left = self.left, 0
            return self._parts, size
        body: list[Buffer] = []
        size = 0
        while self._index < len(self._parts) and len(body) < MAX_BUFFERS // 2:
            part = self._parts[self._index]
            rest = len(part) - self._offset
            room = limit - size
            if rest > room:
                if not room or (size and rest <= limit):
                    break
                body.append(memoryview(part)[self._offset : self._offset + room])
                self._offset += room
                size += room
                break
            body.append(memoryview(part)[self._offset :] if self._offset else part)
            size += rest
            self._index += 1
            self._offset = 0
        self.left -= size
        return body, size


class _InFlight(Flight):
    __slots__ = ("frame", "lost")

    def __init__(self, frame: Data | Close) -> None:
        self.again = False
        self.frame = frame
        #: Whether it waits to be sent again.
        self.lost = False


class Sender:
    """What one end has to send, and has sent.

    Messages of one port go in order; the fragments of several ports take turns. A port that no message has announced
    yet waits. What is lost goes again before anything new. Times are seconds of one monotonic clock.

    Parameters
    ----------
    limits : Limits
        For the window, the fragments and the timeout.
    window : int
        Bytes of bodies that the other end accepts beyond what it has acknowledged; it changes that with every ACK.
        There is always room for one frame.
    """

    def __init__(self, limits: Limits, window: int = 0) -> None:
        self._limits = limits
        self.pacer = Pacer(limits, limits.min_fragment)
        self.window = window
        #: How many frames the carrier allows on their way; the link sets it each time.
        self.max_frames = limits.max_frames
        #: The last sequence number sent.
        self.seq = 0
        #: Bytes of bodies on their way, and how many frames; what counts as lost is not.
        self.bytes_in_flight = 0
        self.frames_in_flight = 0
        #: Bytes of bodies sent and not acknowledged.
        self.bytes_unacknowledged = 0
        #: Bytes of bodies that wait to be sent.
        self.bytes_queued = 0
        self._in_flight: dict[int, _InFlight] = {}
        self._lost: deque[_InFlight] = deque()
        self._queues: dict[int, deque[OutgoingMessage | None]] = {}
        self._turns: deque[int] = deque()
        self._blocked: set[int] = set()
        self._backoff = 1
        #: When an ACK last advanced.
        self._advanced_at = 0.0
        #: When anything was sent last, or an ACK has come; and how often the other end was asked since.
        self._stirred_at = 0.0
        self._probes = 0

    def block(self, port: int) -> None:
        """Hold a port's messages back until the message that announces it has been sent."""
        self._blocked.add(port)

    def is_blocked(self, port: int) -> bool:
        """Whether the other end does not know the port yet."""
        return port in self._blocked

    def put(self, port: int, message: OutgoingMessage | None) -> None:
        """Queue a message; None closes the port."""
        queue = self._queues.get(port)
        if queue is None:
            queue = self._queues[port] = deque()
            if port not in self._blocked:
                self._turns.append(port)
        queue.append(message)
        if message is not None:
            self.bytes_queued += message.left

    def closes(self, port: int) -> bool:
        """Whether a port's CLOSE waits here to be sent."""
        queue = self._queues.get(port)
        return queue is not None and queue[-1] is None

    def discard(self, port: int) -> list[int]:
        """Forget what waits for a port; return the ids that the forgotten messages would have announced."""
        lost: list[int] = []
        for message in self._queues.pop(port, ()):
            if message is not None:
                self.bytes_queued -= message.left
                lost += message.announces
        if port in self._blocked:
            self._blocked.discard(port)
        elif port in self._turns:
            self._turns.remove(port)
        return lost

    def take(self, now: float) -> list[Data | Close]:
        """Return the frames that may be sent now, numbered, and count them as sent."""
        frames = self._take(now)
        if frames:
            self._stirred_at = now
        return frames

    def _take(self, now: float) -> list[Data | Close]:
        frames: list[Data | Close] = []
        if self._lost and not self._take_lost(frames, now):
            return frames
        turns = self._turns
        limit = min(self.pacer.fragment, max(self.window, MIN_FRAGMENT))
        while turns:
            port = turns[0]
            queue = self._queues[port]
            message = queue[0]
            if not self._has_room(0 if message is None else min(message.left, limit)):
                return frames
            turns.popleft()
            self.seq += 1
            frame: Data | Close
            if message is None:
                queue.popleft()
                frame = Close(self.seq, port)
            else:
                first = not message.started
                body, size = message.cut(limit)
                last = not message.left
                frame = Data(self.seq, port, first, last, body, size)
                self.bytes_unacknowledged += size
                self.bytes_queued -= size
                if last:
                    queue.popleft()
                    for announced in message.announces:
                        self._unblock(announced)
            flight = self._in_flight[self.seq] = _InFlight(frame)
            self._send(flight, now)
            frames.append(frame)
            if queue:
                turns.append(port)
            else:
                del self._queues[port]
        if frames:
            self.pacer.ran_dry(self.bytes_in_flight)
        return frames

    @property
    def waits_for_ack(self) -> bool:
        """Whether more could be sent if an ACK came that the other end still holds back, as it may with so little."""
        waits = bool(self._turns or self._lost)
        return waits and 0 < self.frames_in_flight < ACK_FRAMES and self.bytes_in_flight < ACK_BYTES

    def _take_lost(self, frames: list[Data | Close], now: float) -> bool:
        """Take what goes again; return whether that was all of it."""
        while self._lost:
            flight = self._lost[0]
            if flight.lost:
                if not self._has_room(flight.frame.size, again=True):
                    return False
                flight.lost = False
                self._send(flight, now)
                frames.append(flight.frame)
            self._lost.popleft()
        return True

    def _has_room(self, size: int, *, again: bool = False) -> bool:
        if not self.frames_in_flight and (again or not self._in_flight):
            return True
        return (
            self.frames_in_flight < self.max_frames
            and self.bytes_in_flight + size <= self.pacer.window
            and (again or not size or self.bytes_unacknowledged + size <= self.window)
        )

    def _send(self, flight: _InFlight, now: float) -> None:
        self.pacer.sent(flight, now, self.bytes_in_flight, flight.frame.port)
        self.bytes_in_flight += flight.frame.size
        self.frames_in_flight += 1

    def _lose(self, flight: _InFlight) -> None:
        """Count a frame as lost: it goes again when there is room."""
        flight.lost = flight.again = True
        self.bytes_in_flight -= flight.frame.size
        self.frames_in_flight -= 1
        self._lost.append(flight)

    def _unblock(self, port: int) -> None:
        if port in self._blocked:
            self._blocked.discard(port)
            if port in self._queues:
                self._turns.append(port)

    def acknowledge(self, ack: Ack, now: float) -> None:
        """Take note of an ACK; what it names as missing goes again, each frame once per round trip.

        Raises
        ------
        ProtocolError
            It speaks of frames that were never sent.
        """
        if ack.cumulative > self.seq or (ack.missing and ack.missing[-1][1] > self.seq):
            raise ProtocolError(
                f"an ACK speaks of frames up to {max(ack.cumulative, *(last for _, last in ack.missing), 0)}, "
                f"but only {self.seq} were sent"
            )
        self.window = ack.window
        self._stirred_at = now
        self._probes = 0
        arrived = []
        for seq in self._in_flight:
            if seq > ack.cumulative:
                break
            arrived.append(seq)
        if arrived:
            size = 0
            fresh = repeated = False
            for seq in arrived:
                flight = self._in_flight.pop(seq)
                size += flight.frame.size
                fresh = fresh or not flight.again
                repeated = repeated or flight.again
                if flight.lost:
                    flight.lost = False
                else:
                    self.bytes_in_flight -= flight.frame.size
                    self.frames_in_flight -= 1
            self.bytes_unacknowledged -= size
            self._advanced_at = now
            # An ACK of a frame that was sent twice does not tell that the link keeps up with the timeout.
            if fresh:
                self._backoff = 1
            # What waited at the other end behind a gap tells of the gap, not of the road.
            self.pacer.acknowledged(size, None if repeated else flight, now, self.bytes_in_flight)
        if ack.missing:
            self._miss(ack.missing, now)

    def _miss(self, missing: Sequence[tuple[int, int]], now: float) -> None:
        ranges = iter(missing)
        first, last = next(ranges)
        least = self.pacer.round_trip_min
        patience = MIN_TIMEOUT / 4
        if least is not None:
            patience = max(min(self.pacer.round_trip or least, least + PROBE_DELAY), MIN_ROUND_TRIP)
        for seq, flight in self._in_flight.items():
            while seq > last:
                following = next(ranges, None)
                if following is None:
                    return
                first, last = following
            if seq >= first and not flight.lost and now - flight.sent_at >= patience:
                self._lose(flight)

    @property
    def probe_at(self) -> float | None:
        """When to ask the other end what it lacks; None with nothing in flight.

        A question costs next to nothing, and its answer names what was lost at the end, where no later frame tells of
        a gap, or when an ACK was. So it comes well before the timeout.
        """
        if not self.frames_in_flight:
            return None
        # Losses make the smoothed round trip far too long, and the least one hardly.
        trip = self.pacer.round_trip_min
        wait = PROBE_FIRST if trip is None else max(PROBE_LEAST, 2 * trip + PROBE_DELAY)
        return self._stirred_at + max(wait, min(self._limits.max_timeout, wait * (1 << self._probes)))

    def probe(self) -> None:
        """Note that the other end is asked."""
        self._probes = min(self._probes + 1, 10)

    @property
    def deadline(self) -> float | None:
        """When what is in flight counts as lost; None with nothing in flight."""
        for flight in self._in_flight.values():
            if not flight.lost:
                trip = self.pacer.round_trip
                timeout = INITIAL_TIMEOUT if trip is None else max(MIN_TIMEOUT, 4 * trip)
                doubled = max(timeout, min(self._limits.max_timeout, timeout * self._backoff))
                return max(flight.sent_at, self._advanced_at) + doubled
        return None

    def expire(self, now: float) -> list[Data | Close]:
        """Return the oldest frame in flight to be sent again, and wait twice as long the next time.

        An ACK has to go with it: its number lets the other end name the rest of what it lacks.
        """
        self._backoff = min(self._backoff * 2, MAX_BACKOFF)
        self.pacer.timed_out()
        for flight in self._in_flight.values():
            if flight.lost:
                flight.lost = False
                self.bytes_in_flight += flight.frame.size
                self.frames_in_flight += 1
            flight.sent_at = now
            flight.again = True
            return [flight.frame]
        return []

    def move(self, fragment_size: int, now: float) -> None:
        """Begin anew on another carrier; what was on its way on the one before goes again as soon as it is missed."""
        self.pacer = Pacer(self._limits, fragment_size)
        self._backoff = 1
        self._probes = 0
        self._advanced_at = self._stirred_at = now
        for flight in self._in_flight.values():
            flight.sent_at = -inf
            flight.again = True

    def clear(self) -> None:
        """Forget everything: the link is over."""
        self._in_flight.clear()
        self._queues.clear()
        self._turns.clear()
        self._blocked.clear()
        self._lost.clear()
        self.bytes_in_flight = self.frames_in_flight = self.bytes_unacknowledged = self.bytes_queued = 0

    @property
    def idle(self) -> bool:
        """Whether everything has been sent and acknowledged."""
        return not self._in_flight and not self._queues
