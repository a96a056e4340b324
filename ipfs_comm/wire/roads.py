"""The opener's ways to the other end: which carriers are tried, when, and which is taken.

A *road* makes carriers to one place. A link is opened over a list of roads, the best first: HELLO goes out on the
first, and when that stays silent also on the next, until one is answered. The same is done again when the carrier that
was taken is lost, or falls silent; HELLO says then that the link is there to be *resumed*. A carrier on which HELLO
went out is an *attempt* until it is taken; attempts that lose are closed, which means nothing to the link.
`docs/protocol.md`, section 2.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, Protocol, TypeAlias

from ipfs_comm.errors import InvalidInputError, LinkError
from ipfs_comm.wire.carriers.base import Carrier

if TYPE_CHECKING:
    from ipfs_comm.wire.frame import Buffer

__all__ = ["Attempt", "Dialler", "Road", "Roads"]

#: Seconds after which the next road is tried too while one stays silent.
SILENCE: Final = 0.3
#: Seconds after which HELLO goes again while nothing comes; the last step repeats.
REPEAT_AFTER: Final = (0.3, 0.3, 0.4, 0.5)
#: Seconds between rounds over all roads; the last step repeats.
ROUND_AFTER: Final = (0.5, 1.0, 2.0, 4.0)
#: A road is tried anew when its last attempt is so many seconds old; an attempt is kept for so many.
ANEW_AFTER: Final = 4.0
KEEP: Final = 10.0

#: Why roads are being tried: to open the link, because it has no carrier, or because its carrier is silent.
Purpose: TypeAlias = Literal["open", "resume", "beside"]


@dataclass(frozen=True, slots=True)
class Road:
    """A way to the other end.

    Attributes
    ----------
    make : callable
        Returns a new carrier that has not been started. What it raises counts as the end of that carrier.
    name : str
        The name of the carriers, for the other end to know.
    silence : float
        Seconds after which the next road is tried too.
    again : bool
        Whether it can be travelled more than once.
    """

    make: Callable[[], Carrier]
    name: str = ""
    silence: float = SILENCE
    again: bool = True

    @classmethod
    def to(cls, carrier: Carrier) -> Road:
        """Return the road that is one ready carrier."""
        return cls(lambda: carrier, carrier.name, again=False)


#: What a link is opened over: roads, the best first; a function stands for a road, a carrier for one without return.
Roads: TypeAlias = Carrier | Road | Callable[[], Carrier] | Sequence[Carrier | Road | Callable[[], Carrier]]


def read_roads(given: Roads) -> tuple[Road, ...]:
    """Return the roads that were given.

    Raises
    ------
    InvalidInputError
        There is none, or something is no road.
    """
    roads = []
    for item in given if isinstance(given, Sequence) else (given,):
        if isinstance(item, Road):
            roads.append(item)
        elif isinstance(item, Carrier):
            roads.append(Road.to(item))
        elif callable(item):
            roads.append(Road(item))
        else:
            raise InvalidInputError(
                f"a link is opened over carriers, or functions that make them, not a {type(item).__qualname__}"
            )
    if not roads:
        raise InvalidInputError("a link is opened over at least one carrier")
    return tuple(roads)


class Attempt:
    """A carrier on which HELLO went out, and which has not been taken yet."""

    __slots__ = ("carrier", "dialled_at", "hello_at", "hellos", "place", "resumes", "taken")

    def __init__(self, carrier: Carrier, place: int, now: float, *, resumes: bool) -> None:
        self.carrier = carrier
        #: Whether it was made for a link that was open already.
        self.resumes = resumes
        #: Which road it is on; less is better.
        self.place = place
        self.dialled_at = now
        self.hellos = 0
        self.hello_at = now
        #: Whether the link has it now.
        self.taken = False


class Opener(Protocol):
    """What the dialler asks of its link."""

    def say_hello(self, carrier: Carrier) -> None:
        """Send HELLO."""

    def answered(self, attempt: Attempt, packet: Sequence[Buffer]) -> None:
        """Take a packet on an attempt."""

    def receive(self, carrier: Carrier, packet: Sequence[Buffer]) -> None:
        """Take a packet on a carrier that is the link's."""

    def carrier_closed(self, carrier: Carrier, error: Exception | None) -> None:
        """Learn that a carrier of the link is gone."""

    def nowhere_to_go(self, error: LinkError) -> None:
        """Learn that no road is left."""


class Dialler:
    """Tries roads for one link.

    Parameters
    ----------
    link : Opener
        The link.
    roads : sequence of Road
        The best first.
    """

    def __init__(self, link: Opener, roads: Sequence[Road]) -> None:
        self._loop = asyncio.get_running_loop()
        self._link = link
        self._roads = roads
        self.attempts: list[Attempt] = []
        self._purpose: Purpose | None = None
        #: The road of the carrier that was taken last.
        self._place = 0
        self._travelled: set[int] = set()
        #: Roads that are over for good, as long as this purpose lasts.
        self._over: set[int] = set()
        self._reason: Exception | None = None
        self._round: list[int] = []
        self._rounds = 0
        self._next_at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, purpose: Purpose) -> None:
        """Try the roads from now on."""
        if self._purpose == purpose:
            return
        self._purpose = purpose
        self._over.clear()
        self._reason = None
        self._rounds = 0
        self._fill()
        self._next_at = self._loop.time()
        self._tick()

    def rest(self) -> None:
        """Try no more roads; attempts are kept for a while."""
        self._purpose = None
        self._arm()

    def taken(self, attempt: Attempt) -> None:
        """Note that the link has taken an attempt; those that cannot be better are closed."""
        self._purpose = None
        attempt.taken = True
        self._place = attempt.place
        for other in tuple(self.attempts):
            if other is attempt:
                self.attempts.remove(other)
            elif other.place >= attempt.place:
                self.drop(other)
        self._arm()

    def drop(self, attempt: Attempt) -> None:
        """Close an attempt."""
        if attempt in self.attempts:
            self.attempts.remove(attempt)
            attempt.carrier.close()

    def is_better(self, attempt: Attempt) -> bool:
        """Whether an attempt is on a better road than the carrier that was taken last."""
        return attempt.place < self._place

    def can_go_on(self) -> bool:
        """Whether any road is left to be tried when there is no carrier."""
        return any(road.again for road in self._roads)

    def stop(self) -> list[Carrier]:
        """Try nothing any more; return the carriers of the attempts, which are the caller's now."""
        self._purpose = None
        carriers = [attempt.carrier for attempt in self.attempts]
        for attempt in self.attempts:
            attempt.taken = True
        self.attempts.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        return carriers

    def _fill(self) -> None:
        places = list(range(len(self._roads)))
        if self._purpose == "beside":
            # The other roads first, the next worse one before all; at last a new carrier on the same.
            after = self._place + 1
            places = places[after:] + places[:after]
        self._round = [place for place in places if place not in self._over]

    def _can_dial(self, place: int, now: float) -> bool:
        if place in self._over or (place in self._travelled and not self._roads[place].again):
            return False
        newest = max((attempt.dialled_at for attempt in self.attempts if attempt.place == place), default=None)
        return newest is None or (self._purpose != "open" and now - newest >= ANEW_AFTER)

    def _dial(self, place: int, now: float) -> None:
        self._travelled.add(place)
        try:
            carrier = self._roads[place].make()
            attempt = Attempt(carrier, place, now, resumes=self._purpose != "open")
            self.attempts.append(attempt)
            carrier.start(
                lambda packet: self._receive(attempt, packet),
                lambda error: self._closed(attempt, error),
            )
            if attempt in self.attempts:
                self._say_hello(attempt, now)
        except Exception as error:
            self._failed(place, error)

    def _say_hello(self, attempt: Attempt, now: float) -> None:
        attempt.hello_at = now + REPEAT_AFTER[min(attempt.hellos, len(REPEAT_AFTER) - 1)]
        attempt.hellos += 1
        try:
            self._link.say_hello(attempt.carrier)
        except Exception as error:
            attempt.carrier.close()
            self._closed(attempt, error)

    def _receive(self, attempt: Attempt, packet: Sequence[Buffer]) -> None:
        if attempt.taken:
            self._link.receive(attempt.carrier, packet)
        elif attempt in self.attempts:
            self._link.answered(attempt, packet)

    def _closed(self, attempt: Attempt, error: Exception | None) -> None:
        if attempt.taken:
            self._link.carrier_closed(attempt.carrier, error)
        elif attempt in self.attempts:
            self.attempts.remove(attempt)
            self._failed(attempt.place, error)

    def _failed(self, place: int, error: Exception | None) -> None:
        """Note that an attempt has ended: go on to the next road at once."""
        self._reason = error or self._reason
        if isinstance(error, LinkError):
            self._over.add(place)
        now = self._loop.time()
        if self._purpose is not None:
            if self._round or not self.attempts:
                self._next_at = min(self._next_at, now)
            self._arm()

    def _tick(self) -> None:
        self._timer = None
        now = self._loop.time()
        for attempt in tuple(self.attempts):
            if now - attempt.dialled_at >= KEEP and self._may_go(attempt):
                self.drop(attempt)
            elif now >= attempt.hello_at:
                self._say_hello(attempt, now)
        while self._purpose is not None and now >= self._next_at:
            self._step(now)
        self._arm()

    def _may_go(self, attempt: Attempt) -> bool:
        return self._purpose is None or (self._purpose != "open" and self._roads[attempt.place].again)

    def _step(self, now: float) -> None:
        """Try the next road of the round, or wait for the next round."""
        while self._round:
            place = self._round.pop(0)
            if self._can_dial(place, now):
                # Before the road is tried: what fails at once calls for the next.
                self._next_at = now + self._roads[place].silence
                self._dial(place, now)
                return
        if self._purpose != "beside" and not self.attempts and not self._may_come_back():
            self._purpose = None
            self._link.nowhere_to_go(self._why())
            return
        self._next_at = now + ROUND_AFTER[min(self._rounds, len(ROUND_AFTER) - 1)]
        self._rounds += 1
        self._fill()

    def _may_come_back(self) -> bool:
        return any(road.again and place not in self._over for place, road in enumerate(self._roads))

    def _why(self) -> LinkError:
        if isinstance(self._reason, LinkError):
            return self._reason
        names = ", ".join(dict.fromkeys(road.name or "one without a name" for road in self._roads))
        detail = f": {self._reason}" if self._reason is not None else ""
        return LinkError(
            f"the carrier is gone ({names}; page closed, kernel restarted) and there is no other way{detail}",
            code="ERR_CARRIER",
        )

    def _arm(self) -> None:
        due: list[float] = [self._next_at] if self._purpose is not None else []
        for attempt in self.attempts:
            due.append(attempt.hello_at)
            if self._may_go(attempt):
                due.append(attempt.dialled_at + KEEP)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if due:
            self._timer = self._loop.call_at(min(due), self._tick)
