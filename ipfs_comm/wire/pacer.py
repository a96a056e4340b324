"""How much a link may have on its way, from what it measures: plain state, no clock of its own.

A carrier says nothing of the road below it: it takes 64 MiB without complaint and leaves them in a queue somewhere in
front of the user's own messages. So the sender finds out by itself. Each acknowledgement gives two measures: how long
a frame took (the *round trip*), and how many bytes arrived meanwhile (the *rate*). The greatest rate of late is what
the road can do, the least round trip is how long it takes when it is empty, and their product fills the road without a
queue. A little more than that is sent on purpose, Q seconds' worth: if the rate grows with it the road can do more, and
if it only makes a queue of Q seconds then that is all that stands in front of others. In the beginning nothing is
known, and the window doubles each round trip until the rate no longer grows with it, or a queue does. A queue that
never empties hides the least round trip; so now and then the window is closed for one round trip, to see the road
empty. A loss says nothing about the rate, on a road where servers drop messages for their own reasons; a timeout says
that nothing known still holds. (After BBR: Cardwell et al., 2017, without its gain cycle.)
"""

from __future__ import annotations

from collections import deque
from math import inf
from typing import TYPE_CHECKING, Final

from ipfs_comm.wire.acks import ACK_BYTES, ACK_DELAY
from ipfs_comm.wire.grain import Grain

if TYPE_CHECKING:
    from ipfs_comm.wire.limits import Limits

__all__ = ["Flight", "Pacer"]

#: Seconds over which a rate is measured at least.
SAMPLE_FLOOR: Final = 0.0005
#: Round trips for which a rate counts, and seconds beyond one for which it does at most: on a road that has become slow
#: ten of them are too long a time to overfill it. And seconds for which a least round trip counts.
RATE_ROUNDS: Final = 10
RATE_FOR: Final = 1.0
ROUND_TRIP_FOR: Final = 10.0
#: Seconds of queue that are aimed at: at least, with so many mean deviations of the round trip, and at most.
QUEUE_LEAST: Final = 0.015
QUEUE_DEVIATIONS: Final = 2
QUEUE_MOST: Final = 0.035
#: Where messages of several ports share a fast road, each would wait behind that queue, and so many bytes are enough,
#: but so many seconds at least. And seconds for which a road counts as shared.
QUEUE_BYTES: Final = 512 * 1024
QUEUE_FAST: Final = 0.004
SHARED_FOR: Final = 1.0
#: Seconds of queue, in a whole round trip, that tell of a road that has become slower, or longer.
STANDING: Final = 0.180
#: The start is over when the rate has grown by less than this factor in so many rounds.
GROWTH: Final = 1.25
FLAT_ROUNDS: Final = 3
#: A fragment is at most this part of the window, or that part where it takes no longer than so many seconds; and at
#: most so many seconds long in any case, or so many where larger ones pay.
FRAGMENTS: Final = 8
SHORT_FRAGMENTS: Final = 4
SHORT_TIME: Final = 0.010
FRAGMENT_TIME: Final = 0.025
COARSE_TIME: Final = 0.200
#: Fragments that may be on their way at least.
LEAST_FRAGMENTS: Final = 2


class Flight:
    """What the pacer has to know of a frame that is on its way."""

    __slots__ = ("again", "app_limited", "delivered", "delivered_at", "sent_at")

    def __init__(self) -> None:
        self.sent_at = 0.0
        #: Whether it was sent more than once: then nobody knows which copy was acknowledged.
        self.again = False
        self.delivered = 0
        self.delivered_at = 0.0
        self.app_limited = False


class Pacer:
    """The window and the fragments of one sender on one carrier. Times are seconds of one monotonic clock.

    Parameters
    ----------
    limits : Limits
        For the least and greatest window, and the least fragment.
    fragment_size : int
        The largest fragment, which is what the carrier takes.
    """

    def __init__(self, limits: Limits, fragment_size: int) -> None:
        self._least = min(limits.min_window, limits.window)
        self._most = limits.window
        self._least_fragment = min(limits.min_fragment, fragment_size)
        self._largest_fragment = fragment_size
        #: Bytes that may be on their way.
        self.window = self._least
        #: Bytes that a fragment should have at most.
        self.fragment = self._least_fragment
        #: Smoothed round trip and its mean deviation (RFC 6298), in seconds; None until one has been measured.
        self.round_trip: float | None = None
        self.round_trip_var = 0.0
        #: The least round trip of late.
        self.round_trip_min: float | None = None
        #: Bytes a second; 0 until measured.
        self.rate = 0.0
        self._round_trip_min_at = 0.0
        self._delivered = 0
        self._delivered_at = 0.0
        self._app_limited_until = 0
        self._round = 0
        self._round_ends = 0
        self._round_least: float | None = None
        #: Best rates of late with their rounds and times, falling; the first is the best of all.
        self._rates: deque[tuple[int, float, float]] = deque()
        self._starting = True
        self._full_rate = 0.0
        self._flat_rounds = 0
        #: When the window was closed to see the road empty, and since when what is on its way fits into it.
        self._probing = False
        self._probed_from: float | None = None
        self._grain = Grain()
        #: The port of the last frame, since when; when ports took turns, and whether that was of late.
        self._port: int | None = None
        self._turned_at = -inf
        self._shared_at = -inf
        self._shared = False

    def sent(self, flight: Flight, now: float, in_flight: int, port: int = 0) -> None:
        """Note that a frame of `port` goes out, while `in_flight` bytes of others are on their way."""
        if port != self._port:
            # Once is how a call begins its stream; there and back again is two that take turns.
            if now - self._turned_at < SHARED_FOR:
                self._shared_at = now
            self._port, self._turned_at = port, now
        if not in_flight:
            self._delivered_at = now
        flight.sent_at = now
        flight.delivered = self._delivered
        flight.delivered_at = self._delivered_at
        # A closed window limits as having nothing to send does.
        flight.app_limited = self._probing or self._delivered < self._app_limited_until

    def ran_dry(self, in_flight: int) -> None:
        """Note that nothing more waits to be sent although the window has room."""
        self._app_limited_until = self._delivered + in_flight + 1

    def acknowledged(self, size: int, newest: Flight | None, now: float, in_flight: int) -> None:
        """Take an acknowledgement that advances.

        Parameters
        ----------
        size : int
            Bytes that it acknowledges.
        newest : Flight, optional
            The last of its frames, if that was sent once only.
        now : float
            The time.
        in_flight : int
            Bytes that are still on their way.
        """
        self._delivered += size
        self._delivered_at = now
        self._shared = now - self._shared_at < SHARED_FOR
        round_over = False
        if newest is not None:
            round_trip = now - newest.sent_at
            self._measure_trip(round_trip, now)
            if newest.delivered >= self._round_ends:
                self._round += 1
                self._round_ends = self._delivered
                round_over = True
            rate = (self._delivered - newest.delivered) / max(now - newest.delivered_at, SAMPLE_FLOOR)
            if not newest.app_limited or rate > self.rate:
                self._measure_rate(rate, now)
            if self._probing:
                self._probe(newest, now)
            elif self._round_trip_min_at + ROUND_TRIP_FOR < now and not newest.app_limited:
                self._probing, self._probed_from = True, None
            if newest.app_limited:
                self._grain.interrupted()
            elif round_over:
                self._judge_round()
                if not self._starting:
                    coarsest = min(self._largest_fragment, int(self.rate * COARSE_TIME))
                    self._grain.round_over(self._delivered, now, fragment=self.fragment, coarsest=coarsest)
            if (
                self._starting
                and not newest.app_limited
                and round_trip - (self.round_trip_min or 0) <= self.queue + ACK_DELAY
            ):
                self.window = min(self._most, self.window + size)
        if self._probing and self._probed_from is None and in_flight <= self._least_fragment:
            self._probed_from = now
        self._set_window()

    def timed_out(self) -> None:
        """Begin anew: nothing came back in time, and the road may be another one."""
        self.rate = 0.0
        self._rates.clear()
        self.round_trip_min = None
        self._starting, self._full_rate, self._flat_rounds = True, 0.0, 0
        self._probing, self._probed_from = False, None
        self._grain = Grain()
        self.window = self._least
        self.fragment = self._least_fragment

    def _measure_trip(self, sample: float, now: float) -> None:
        if self.round_trip is None:
            self.round_trip, self.round_trip_var = sample, sample / 2
        else:
            self.round_trip_var += (abs(sample - self.round_trip) - self.round_trip_var) / 4
            self.round_trip += (sample - self.round_trip) / 8
        if self.round_trip_min is None or sample <= self.round_trip_min:
            self.round_trip_min, self._round_trip_min_at = sample, now
        if self._round_least is None or sample < self._round_least:
            self._round_least = sample

    def _measure_rate(self, rate: float, now: float) -> None:
        rates = self._rates
        while rates and rates[-1][2] <= rate:
            rates.pop()
        rates.append((self._round, now, rate))
        oldest = now - RATE_FOR - (self.round_trip_min or 0.0)
        while rates[0][0] <= self._round - RATE_ROUNDS or rates[0][1] < oldest:
            rates.popleft()
        self.rate = rates[0][2]

    def _probe(self, newest: Flight, now: float) -> None:
        if self._probed_from is not None and newest.sent_at >= self._probed_from:
            self._probing = False
            before = self.round_trip_min
            self.round_trip_min, self._round_trip_min_at = now - newest.sent_at, now
            if before is not None and self.round_trip_min > 2 * before:
                # A longer road: the rates were those of a window that was too small for it.
                self._starting, self._full_rate, self._flat_rounds = True, 0.0, 0
                self.window = min(self._most, max(self._least, int(self.rate * self.round_trip_min)))

    @property
    def queue(self) -> float:
        """Seconds of queue that are aimed at."""
        queue = min(QUEUE_MOST, QUEUE_LEAST + QUEUE_DEVIATIONS * self.round_trip_var)
        if not self._shared or self._starting or not self.rate:
            return queue
        return min(queue, max(QUEUE_FAST, QUEUE_BYTES / self.rate))

    def _judge_round(self) -> None:
        """Look back on a round trip in which there was always something to send."""
        least, self._round_least = self._round_least, None
        queue = 0.0 if least is None or self.round_trip_min is None else least - self.round_trip_min
        if not self._starting:
            if queue > STANDING and not self._probing:
                # What was known of the road misleads.
                while self._rates and self._rates[0][0] < self._round - 1:
                    self._rates.popleft()
                self.rate = self._rates[0][2] if self._rates else 0.0
                self._probing, self._probed_from = True, None
        elif self.rate >= self._full_rate * GROWTH:
            self._full_rate, self._flat_rounds = self.rate, 0
        else:
            self._flat_rounds += 1
            self._starting = queue <= 2 * self.queue and self._flat_rounds < FLAT_ROUNDS

    def _set_window(self) -> None:
        if self._probing:
            self.window = self.fragment = self._least_fragment
            return
        if not self._starting and self.round_trip_min is not None:
            # More than the road holds by what the other end has and has not acknowledged yet, and by a fragment, since
            # a part of one cannot be sent.
            untold = min(ACK_BYTES, self.rate * ACK_DELAY)
            window = int(self.rate * (self.round_trip_min + self.queue) + untold) + self.fragment
            self.window = min(self._most, max(LEAST_FRAGMENTS * self.fragment, window))
        share = max(self.window / FRAGMENTS, min(self.window / SHORT_FRAGMENTS, self.rate * SHORT_TIME))
        limit = min(share, self.rate * FRAGMENT_TIME)
        limit = max(limit, min(self._grain.floor, self.rate * COARSE_TIME))
        fragment = self._least_fragment
        while fragment * 2 <= min(limit, self._largest_fragment):
            fragment *= 2
        self.fragment = fragment
