"""Whether larger fragments make a road faster: plain state, no clock of its own.

On most roads time goes with bytes, and small fragments cost nothing. On some it goes with packets: in a kernel whose
main thread computes, the interpreter's lock changes hands several times for each of them, at 5 ms a time. Fragments
that follow the rate alone would get the smaller there the slower they make it. So twice the size is tried now and then,
for a few round trips, and kept where it pays; and half of that again later, whether it still does.
"""

from __future__ import annotations

from collections import deque
from typing import Final

__all__ = ["Grain"]

#: Round trips over which rates are compared, and those before, in which fragments of the other size still arrive.
ROUNDS: Final = 2
LAG: Final = 1
#: Larger fragments are kept if they make the rate greater by this factor.
GAIN: Final = 1.3
#: Seconds to the next trial: at first, and at most; they double with each trial that changes nothing.
WAIT: Final = 2.0
WAIT_MOST: Final = 32.0


class Grain:
    """How coarse the fragments of one sender are at least, on one carrier.

    Attributes
    ----------
    floor : int
        Bytes of a fragment, whatever the rate says; 0 for what the rate says.
    """

    def __init__(self) -> None:
        self.floor = 0
        #: Bytes that had arrived at the ends of the last rounds, and when that was.
        self._marks: deque[tuple[int, float]] = deque(maxlen=ROUNDS + 1)
        #: Of a trial: the floor and the rate before it, and rounds that do not count yet.
        self._before: tuple[int, float] | None = None
        self._lag = 0
        #: The way of the next trial, if there is a choice.
        self._upward = True
        self._wait = WAIT
        self._next_at = 0.0

    def round_over(self, delivered: int, now: float, *, fragment: int, coarsest: int) -> None:
        """Take the end of a round trip in which there was always something to send.

        Parameters
        ----------
        delivered : int
            Bytes that have arrived up to now.
        now : float
            The time, in seconds.
        fragment, coarsest : int
            Bytes of a fragment now, and at most.
        """
        if self._lag:
            self._lag -= 1
            self._marks.clear()
        self._marks.append((delivered, now))
        if len(self._marks) <= ROUNDS:
            return
        first, since = self._marks[0]
        rate = (delivered - first) / max(now - since, 1e-9)
        if self._before is not None:
            self._judge(rate, now)
        elif now >= self._next_at:
            if 2 * fragment <= coarsest and (self._upward or not self.floor):
                self._try(2 * fragment, rate)
            elif self.floor:
                self._try(fragment // 2, rate)
            self._upward = not self._upward

    def interrupted(self) -> None:
        """Note that there was nothing to send for a while, so that this time tells nothing of the road."""
        self._marks.clear()
        if self._before is not None:
            self.floor = self._before[0]
            self._before = None

    def _try(self, floor: int, rate: float) -> None:
        self._before = self.floor, rate
        self.floor = floor
        self._lag = LAG
        self._marks.clear()

    def _judge(self, rate: float, now: float) -> None:
        assert self._before is not None
        before, tried = self._before, (self.floor, rate)
        (lower, slow), (higher, fast) = sorted([before, tried])
        self.floor = higher if fast >= GAIN * slow else lower
        if self.floor == before[0]:
            self._wait = min(2 * self._wait, WAIT_MOST)
            self._next_at = now + self._wait
        else:
            self._wait = WAIT
            # On at once, as long as that pays.
            self._next_at = now
            self._upward = self.floor > before[0]
        self._before = None
        self._marks.clear()
