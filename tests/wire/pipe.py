"""A road with a rate, a delay and a queue, between a real sender and a real receiver, on a clock of its own."""

from __future__ import annotations

import heapq
import random
from itertools import count
from typing import TYPE_CHECKING, Any

from ipfs_comm.wire.limits import Limits
from ipfs_comm.wire.receiver import Receiver
from ipfs_comm.wire.sender import OutgoingMessage, Sender

if TYPE_CHECKING:
    from collections.abc import Callable

    from ipfs_comm.wire.frame import Ack, Close, Data

MESSAGE = 256 * 1024


class Pipe:
    """Sends without end, and remembers what happened.

    Parameters
    ----------
    rate : callable
        Bytes a second, at a time.
    delay : float
        Seconds from end to end, each way.
    jitter : float
        Seconds that a packet waits more, at most; the order is kept.
    packet : callable, optional
        Seconds that a packet takes on the line beyond its bytes, at a time.
    """

    def __init__(
        self,
        rate: Callable[[float], float],
        delay: float,
        jitter: float = 0,
        packet: Callable[[float], float] = lambda _now: 0.0,
    ) -> None:
        self.rate = rate
        self.delay = delay
        self.jitter = jitter
        self.packet = packet
        self.sender = Sender(Limits(), Limits().window)
        self.sender.move(MESSAGE, 0.0)
        self.receiver = Receiver(Limits().window)
        #: When bytes arrived, and how long frames waited in the queue when they were sent.
        self.arrived: list[tuple[float, int]] = []
        self.waited: list[tuple[float, float]] = []
        self._body = bytes(MESSAGE)
        self._random = random.Random(1)
        self._events: list[tuple[float, int, Callable[[float, Any], None], Any]] = []
        self._number = count()
        self._free_at = 0.0
        self._last = {"there": 0.0, "back": 0.0}
        #: Whether there is something to send.
        self.busy: Callable[[float], bool] = lambda _now: True
        #: Whether another port has a small message to send every 10 ms.
        self.shared = False

    def run(self, until: float) -> None:
        """Let it run."""
        self._at(0.0, self._tick, None)
        while self._events and self._events[0][0] <= until:
            now, _, action, what = heapq.heappop(self._events)
            action(now, what)
        heapq.heappush(self._events, (until, next(self._number), self._tick, None))

    def goodput(self, since: float, until: float) -> float:
        """Return the part of the line that was used."""
        line = sum(self.rate(since + (until - since) * (step + 0.5) / 100) for step in range(100)) / 100
        return sum(size for when, size in self.arrived if since <= when < until) / (until - since) / line

    def queue(self, since: float, until: float, part: float = 0.95) -> float:
        """Return the seconds for which this part of the frames waited at most, before their own time on the line."""
        waited = sorted(wait for when, wait in self.waited if since <= when < until)
        return waited[int(part * (len(waited) - 1))]

    def _at(self, when: float, action: Callable[[float, Any], None], what: Any) -> None:
        heapq.heappush(self._events, (when, next(self._number), action, what))

    def _later(self, way: str, when: float) -> float:
        self._last[way] = max(self._last[way], when + self.delay + self._random.uniform(0, self.jitter))
        return self._last[way]

    def _tick(self, now: float, _what: None) -> None:
        if self.shared:
            self.sender.put(2, OutgoingMessage(b"[]", [], []))
        self._send(now)
        self._at(now + 0.01, self._tick, None)
        if self.sender.deadline is not None and now >= self.sender.deadline:
            self._transmit(now, self.sender.expire(now))

    def _send(self, now: float) -> None:
        if not self.busy(now):
            return
        while self.sender.bytes_queued < 2**26:
            self.sender.put(0, OutgoingMessage(b"[]", [self._body], []))
        self._transmit(now, self.sender.take(now))

    def _transmit(self, now: float, frames: list[Data | Close]) -> None:
        for frame in frames:
            start = max(self._free_at, now)
            self.waited.append((now, start - now))
            self._free_at = start + frame.size / self.rate(start) + self.packet(start)
            self._at(self._later("there", self._free_at), self._arrive, frame)
        if frames and self.sender.waits_for_ack:
            self._at(self._later("there", self._free_at), self._acknowledge, None)

    def _arrive(self, now: float, frame: Data) -> None:
        self.arrived.append((now, frame.size))
        self.receiver.accept(frame, now)
        if self.receiver.ack_now:
            self._acknowledge(now, None)
        elif self.receiver.ack_at is not None:
            self._at(self.receiver.ack_at, self._acknowledge, self.receiver.ack_at)

    def _acknowledge(self, now: float, due: float | None) -> None:
        if due is None or due == self.receiver.ack_at:
            self._at(self._later("back", now), self._take, self.receiver.ack(0))

    def _take(self, now: float, ack: Ack) -> None:
        self.sender.acknowledge(ack, now)
        self._send(now)
