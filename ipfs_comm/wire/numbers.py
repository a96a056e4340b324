"""A set of whole numbers that come roughly in order."""

from __future__ import annotations

from bisect import bisect_left
from typing import Final

__all__ = ["NumberSet"]

#: Ranges that are kept apart. Beyond it the lowest gap counts as filled: numbers are not that late any more.
MAX_APART: Final = 65_536


class NumberSet:
    """Numbers kept as ranges, so that a million neighbours cost no more than one."""

    __slots__ = ("_firsts", "_lasts")

    def __init__(self) -> None:
        # Ascending and apart.
        self._firsts: list[int] = []
        self._lasts: list[int] = []

    def __contains__(self, number: int) -> bool:
        at = bisect_left(self._lasts, number)
        return at < len(self._lasts) and self._firsts[at] <= number

    def add(self, number: int) -> None:
        """Add `number` unless it is a member."""
        firsts, lasts = self._firsts, self._lasts
        at = bisect_left(lasts, number)
        if at < len(lasts) and firsts[at] <= number:
            return
        joins_before = at > 0 and lasts[at - 1] == number - 1
        joins_after = at < len(firsts) and firsts[at] == number + 1
        if joins_before and joins_after:
            del lasts[at - 1], firsts[at]
        elif joins_before:
            lasts[at - 1] = number
        elif joins_after:
            firsts[at] = number
        else:
            firsts.insert(at, number)
            lasts.insert(at, number)
            if len(firsts) > MAX_APART:
                del lasts[0], firsts[1]
