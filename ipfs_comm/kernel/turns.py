"""How soon a computing cell lets the node's threads have a turn.

A thread that computes in Python keeps the interpreter's lock for 5 ms if another wants it, and a packet changes hands
between threads several times: ten of them a second would be much beside a busy cell. Python lets the process set that
time. A shorter one costs a cell nothing while nobody talks to the node.
"""

from __future__ import annotations

import sys

__all__ = ["Turns"]


class Turns:
    """The process's switch interval, for as long as it is ours."""

    def __init__(self) -> None:
        self._before: float | None = None
        self._set = 0.0

    def take(self, seconds: float) -> None:
        """Shorten the interval to `seconds`; what is shorter already stays, and so does everything if that is 0."""
        self.give_back()
        before = sys.getswitchinterval()
        if 0 < seconds < before:
            sys.setswitchinterval(seconds)
            self._before, self._set = before, sys.getswitchinterval()

    def give_back(self) -> None:
        """Restore the interval, unless somebody else has changed it meanwhile."""
        before, self._before = self._before, None
        if before is not None and sys.getswitchinterval() == self._set:
            sys.setswitchinterval(before)
