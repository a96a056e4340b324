"""Pairs of carriers in one process, joined by queues, and roads of them; they fail as they are told to."""

from __future__ import annotations

import asyncio
import random
import zlib
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ipfs_comm.errors import LinkError
from ipfs_comm.wire.carriers.base import Carrier, Closed, Receive
from ipfs_comm.wire.roads import Road

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ipfs_comm.wire.frame import Buffer

__all__ = ["Faults", "MemoryCarrier", "memory_pair", "memory_road"]

#: A packet that is held back to be overtaken goes on after so many seconds at the latest.
OVERTAKEN_WITHIN: Final = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """What goes wrong on the way.

    Attributes
    ----------
    drop, duplicate, reorder, corrupt, truncate : float
        Probability for each packet.
    delay : float
        Every packet waits for up to so many milliseconds; the order is kept.
    cut : int, optional
        After so many packets all carriers of the road are lost, at both ends. New ones can be made at once.
    cut_ms : float
        Milliseconds for which those lose everything.
    cuts : int
        How many times that happens, each time after `cut` more packets.
    mute : bool
        The other end does not learn that a carrier is closed.
    seed : int, optional
        Makes the faults the same each time.
    """

    drop: float = 0
    duplicate: float = 0
    reorder: float = 0
    corrupt: float = 0
    truncate: float = 0
    delay: float = 0
    cut: int | None = None
    cut_ms: float = 1_000
    cuts: int = 1
    mute: bool = False
    seed: int | None = None

    def __bool__(self) -> bool:
        """Whether anything goes wrong."""
        return self != Faults(cut_ms=self.cut_ms, cuts=self.cuts, seed=self.seed)


class _Wire:
    """What all carriers of a road share: the faults, and their state."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self.random = random.Random(faults.seed)
        self.carriers: set[MemoryCarrier] = set()
        self._cuts_left = faults.cuts if faults.cut is not None else 0
        self._packets_left = faults.cut or 0
        self._cut_until = 0.0

    def is_cut(self, now: float) -> bool:
        """Count a packet; return whether it is lost because the road is cut."""
        if now < self._cut_until:
            return True
        if self._cuts_left:
            if self._packets_left:
                self._packets_left -= 1
            else:
                self._cuts_left -= 1
                self._packets_left = self.faults.cut or 0
                self._cut_until = now + self.faults.cut_ms / 1_000
                for carrier in tuple(self.carriers):
                    carrier.lose(ConnectionError("the carrier was cut"))
                return True
        return False


class MemoryCarrier(Carrier):
    """One end of :func:`memory_pair`."""

    name = "memory"

    def __init__(self, wire: _Wire) -> None:
        self._wire = wire
        self._peer: MemoryCarrier = self
        self._receive: Receive | None = None
        self._closed: Closed | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._early: list[list[bytes | memoryview]] = []
        self._held: list[bytes | memoryview] | None = None
        self._delayed: deque[list[bytes | memoryview]] = deque()
        self._last_arrival = 0.0
        self._timers: set[asyncio.TimerHandle] = set()
        self._done = False
        #: Why it is gone, until the link has been told.
        self._gone: Exception | None = None
        self._faulty = bool(wire.faults)
        self.tells_close = not self._faulty
        wire.carriers.add(self)

    def start(self, receive: Receive, closed: Closed) -> None:
        """See :class:`Carrier`."""
        self._receive, self._closed = receive, closed
        self._loop = asyncio.get_running_loop()
        early, self._early = self._early, []
        for packet in early:
            self._loop.call_soon(self._arrive, packet)
        if self._gone is not None:
            self._loop.call_soon(self._tell)

    def send(self, packet: Sequence[Buffer]) -> None:
        """See :class:`Carrier`."""
        if self._done:
            return
        # The head is a bytearray of the sender's; the rest is already immutable.
        frozen: list[bytes | memoryview] = [bytes(item) if isinstance(item, bytearray) else item for item in packet]
        if self._faulty:
            self._send_with_faults(frozen)
        else:
            self._peer._take(frozen)

    def close(self) -> None:
        """See :class:`Carrier`; the other end learns of it after what was sent before, unless it shall not."""
        if self._done:
            return
        while self._delayed:
            self._peer._take(self._delayed.popleft())
        self._release_held()
        self._stop()
        if not self._wire.faults.mute:
            self._peer.lose(LinkError("the other end closed the carrier", code="ERR_CARRIER"))

    def lose(self, reason: Exception) -> None:
        """Be gone, on any thread, with this reason."""
        if self._gone is not None:
            return
        self._gone = reason
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._tell)

    def _tell(self) -> None:
        if not self._done:
            self._stop()
            if self._closed is not None:
                self._closed(self._gone)

    def _stop(self) -> None:
        self._done = True
        self._wire.carriers.discard(self)
        self._delayed.clear()
        self._held = None
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def _take(self, packet: list[bytes | memoryview]) -> None:
        if self._done:
            return
        if self._loop is None:
            if len(self._early) < self.max_frames:
                self._early.append(packet)
        elif asyncio._get_running_loop() is self._loop:
            self._loop.call_soon(self._arrive, packet)
        else:
            self._loop.call_soon_threadsafe(self._arrive, packet)

    def _arrive(self, packet: list[bytes | memoryview]) -> None:
        if not self._done and self._receive is not None:
            self._receive(packet)

    def _send_with_faults(self, packet: list[bytes | memoryview]) -> None:
        loop = asyncio.get_running_loop()
        faults, chance = self._wire.faults, self._wire.random
        if self._wire.is_cut(loop.time()) or chance.random() < faults.drop:
            return
        damaged = packet
        if chance.random() < faults.corrupt:
            damaged = _corrupt(damaged, chance)
        if chance.random() < faults.truncate:
            damaged = _truncate(damaged, chance)
        # The receiver of a real carrier would find out by its checksum; so does this one.
        if damaged is not packet and _checksum(damaged) != _checksum(packet):
            return
        copies = 2 if chance.random() < faults.duplicate else 1
        if self._held is None and chance.random() < faults.reorder:
            self._held = packet
            self._later(OVERTAKEN_WITHIN, self._release_held)
            copies -= 1
        for _ in range(copies):
            self._pass_on(packet)
        if copies and self._held is not None and self._held is not packet:
            self._release_held()

    def _release_held(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            self._pass_on(held)

    def _pass_on(self, packet: list[bytes | memoryview]) -> None:
        if not self._wire.faults.delay or self._done:
            self._peer._take(packet)
            return
        now = asyncio.get_running_loop().time()
        wait = self._wire.random.uniform(0, self._wire.faults.delay) / 1_000
        self._last_arrival = max(self._last_arrival, now + wait)
        # Timers of nearly the same time run in any order; whichever runs first lets the oldest packet go.
        self._delayed.append(packet)
        self._later(self._last_arrival - now, lambda: self._peer._take(self._delayed.popleft()))

    def _later(self, seconds: float, action: Callable[[], None]) -> None:
        def run() -> None:
            self._timers.discard(timer)
            action()

        timer = asyncio.get_running_loop().call_later(seconds, run)
        self._timers.add(timer)


def _checksum(packet: list[bytes | memoryview]) -> tuple[int, ...]:
    return tuple(zlib.crc32(item) for item in packet)


def _corrupt(packet: list[bytes | memoryview], chance: random.Random) -> list[bytes | memoryview]:
    number = chance.randrange(len(packet))
    item = bytearray(packet[number])
    if item:
        item[chance.randrange(len(item))] ^= 1 << chance.randrange(8)
    return [*packet[:number], bytes(item), *packet[number + 1 :]]


def _truncate(packet: list[bytes | memoryview], chance: random.Random) -> list[bytes | memoryview]:
    number = chance.randrange(len(packet))
    return [*packet[:number], packet[number][: chance.randrange(len(packet[number]) + 1)]]


def _pair(wire: _Wire) -> tuple[MemoryCarrier, MemoryCarrier]:
    one, other = MemoryCarrier(wire), MemoryCarrier(wire)
    one._peer, other._peer = other, one
    return one, other


def memory_pair(faults: Faults | None = None) -> tuple[MemoryCarrier, MemoryCarrier]:
    """Return two carriers; what one sends the other receives, on the event loop that started it."""
    return _pair(_Wire(faults or Faults()))


def memory_road(accept: Callable[[MemoryCarrier], object], faults: Faults | None = None) -> Road:
    """Return a road whose carriers share their faults.

    Parameters
    ----------
    accept : callable
        Given the other end of each carrier that is made, for example :meth:`ipfs_comm.wire.Acceptor.accept`.
    faults : Faults, optional
        What goes wrong.
    """
    wire = _Wire(faults or Faults())

    def make() -> MemoryCarrier:
        one, other = _pair(wire)
        accept(other)
        return one

    return Road(make, MemoryCarrier.name)
