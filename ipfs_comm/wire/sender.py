"""The sending half of a link as plain state: queues, credit, what is in flight, what goes again."""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, Final

from ipfs_comm.errors import ProtocolError
from ipfs_comm.wire.frame import INLINE, MAX_BUFFERS, Ack, Buffer, Close, Data

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["OutgoingMessage", "Sender"]

#: Seconds until what is in flight counts as lost: before a round trip has been measured, and at least.
INITIAL_TIMEOUT: Final = 1.0
MIN_TIMEOUT: Final = 0.25
MAX_TIMEOUT: Final = 10.0
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
        """Return the parts of the next fragment, of at most `limit` bytes, and its size."""
        self.started = True
        if self.left <= limit and not self._offset and self._index == 0 and len(self._parts) < MAX_BUFFERS // 2:
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


class _InFlight:
    __slots__ = ("again", "frame", "sent_at")

    def __init__(self, frame: Data | Close, sent_at: float) -> None:
        self.frame = frame
        self.sent_at = sent_at
        self.again = False


class Sender:
    """What one end has to send, and has sent.

    Messages of one port go in order; the fragments of several ports take turns. A port that no message has announced
    yet waits. Times are seconds of one monotonic clock.

    Parameters
    ----------
    fragment_size : int
        Bytes of one frame's body, at most.
    max_frames : int
        Frames that may be unacknowledged.
    window : int
        Bytes of bodies that may be; the other end changes it with every ACK. There is always room for one frame.
    """

    def __init__(self, fragment_size: int, max_frames: int, window: int) -> None:
        self.fragment_size = fragment_size
        self.max_frames = max_frames
        self.window = window
        #: The last sequence number sent.
        self.seq = 0
        #: Bytes of bodies sent and not acknowledged.
        self.bytes_in_flight = 0
        #: Bytes of bodies that wait to be sent.
        self.bytes_queued = 0
        self.round_trip: float | None = None
        self._in_flight: dict[int, _InFlight] = {}
        self._queues: dict[int, deque[OutgoingMessage | None]] = {}
        self._turns: deque[int] = deque()
        self._blocked: set[int] = set()
        self._backoff = 1
        #: When an ACK last advanced.
        self._advanced_at = 0.0

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
        frames: list[Data | Close] = []
        turns = self._turns
        while turns and self._has_room(turns[0]):
            port = turns.popleft()
            queue = self._queues[port]
            message = queue[0]
            self.seq += 1
            frame: Data | Close
            if message is None:
                queue.popleft()
                frame = Close(self.seq, port)
            else:
                first = not message.started
                body, size = message.cut(self._limit())
                last = not message.left
                frame = Data(self.seq, port, first, last, body, size)
                self.bytes_in_flight += size
                self.bytes_queued -= size
                if last:
                    queue.popleft()
                    for announced in message.announces:
                        self._unblock(announced)
            self._in_flight[self.seq] = _InFlight(frame, now)
            frames.append(frame)
            if queue:
                turns.append(port)
            else:
                del self._queues[port]
        return frames

    def _limit(self) -> int:
        return min(self.fragment_size, max(self.window, MIN_FRAGMENT))

    def _has_room(self, port: int) -> bool:
        if not self._in_flight:
            return True
        if len(self._in_flight) >= self.max_frames:
            return False
        message = self._queues[port][0]
        return message is None or self.bytes_in_flight + min(message.left, self._limit()) <= self.window

    def _unblock(self, port: int) -> None:
        if port in self._blocked:
            self._blocked.discard(port)
            if port in self._queues:
                self._turns.append(port)

    def acknowledge(self, ack: Ack, now: float) -> list[Data | Close]:
        """Take note of an ACK; return the frames that it asks for again.

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
        arrived = []
        for seq in self._in_flight:
            if seq > ack.cumulative:
                break
            arrived.append(seq)
        sample: float | None = None
        fresh = False
        for seq in arrived:
            flight = self._in_flight.pop(seq)
            self.bytes_in_flight -= flight.frame.size
            sample = None if flight.again else now - flight.sent_at
            fresh = fresh or not flight.again
        if arrived:
            self._advanced_at = now
        # An ACK of a frame that was sent twice does not tell that the link keeps up with the timeout.
        if fresh:
            self._backoff = 1
        if sample is not None:
            self.round_trip = sample if self.round_trip is None else self.round_trip + (sample - self.round_trip) / 8
        if not ack.missing:
            return []
        again: list[Data | Close] = []
        ranges = iter(ack.missing)
        first, last = next(ranges)
        patience = max(self.round_trip or MIN_TIMEOUT / 4, MIN_ROUND_TRIP)
        for seq, flight in self._in_flight.items():
            while seq > last:
                following = next(ranges, None)
                if following is None:
                    return again
                first, last = following
            if seq >= first and now - flight.sent_at >= patience:
                again.append(self._again(flight, now))
        return again

    def _again(self, flight: _InFlight, now: float) -> Data | Close:
        flight.sent_at = now
        flight.again = True
        return flight.frame

    @property
    def deadline(self) -> float | None:
        """When what is in flight counts as lost; None with nothing in flight."""
        for flight in self._in_flight.values():
            trip = self.round_trip
            timeout = INITIAL_TIMEOUT if trip is None else max(MIN_TIMEOUT, 4 * trip)
            return max(flight.sent_at, self._advanced_at) + min(MAX_TIMEOUT, timeout * self._backoff)
        return None

    def expire(self, now: float) -> list[Data | Close]:
        """Return the oldest frame in flight to be sent again, and wait twice as long the next time.

        An ACK has to go with it: its number lets the other end name the rest of what it lacks.
        """
        self._backoff = min(self._backoff * 2, int(MAX_TIMEOUT / MIN_TIMEOUT))
        return [self._again(flight, now) for flight in islice(self._in_flight.values(), 1)]

    def clear(self) -> None:
        """Forget everything: the link is over."""
        self._in_flight.clear()
        self._queues.clear()
        self._turns.clear()
        self._blocked.clear()
        self.bytes_in_flight = self.bytes_queued = 0

    @property
    def idle(self) -> bool:
        """Whether everything has been sent and acknowledged."""
        return not self._in_flight and not self._queues
