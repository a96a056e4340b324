"""Lengths of time as people write them: seconds, or text such as ``"1h30m"``."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

from ipfs_comm.errors import InvalidInputError

__all__ = ["duration", "interval_of", "validity"]

#: Seconds between two figures of a stream at least.
_SHORTEST: Final = 0.01
_UNITS: Final = {
    "d": 86_400.0,
    "h": 3600.0,
    "m": 60.0,
    "s": 1.0,
    "ms": 1e-3,
    "us": 1e-6,
    "µs": 1e-6,
    "ns": 1e-9,
}
_PART: Final = re.compile(r"(\d{1,12}(?:\.\d{0,9})?|\.\d{1,9})(ms|us|µs|ns|[dhms])", re.ASCII)


def duration(option: str, value: str | float | timedelta) -> timedelta:
    """Return a length of time: seconds, a timedelta, or text such as ``"1h30m"`` (Go's, and ``d`` for days).

    Raises
    ------
    InvalidInputError
        It is none, or negative.
    """
    seconds = -1.0
    try:
        if isinstance(value, timedelta):
            seconds = value.total_seconds()
        elif isinstance(value, str):
            parts = _PART.findall(value)
            if parts and "".join(number + unit for number, unit in parts) == value:
                seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
        elif not isinstance(value, bool):
            seconds = float(value)
        if seconds >= 0:
            return timedelta(seconds=seconds)
    except (TypeError, ValueError, OverflowError):
        seconds = -1.0
    raise InvalidInputError(f'{option} is {value!r:.80}: give seconds, or text such as "24h" or "1h30m"')


def interval_of(value: str | float | timedelta) -> float:
    """Return the seconds between two figures of a stream, at least a hundredth.

    Raises
    ------
    InvalidInputError
        It is no length of time.
    """
    try:
        return max(duration("interval", value).total_seconds(), _SHORTEST)
    except InvalidInputError as error:
        raise InvalidInputError(f"invalid duration: {error}") from None


def validity(
    lifetime: str | float | timedelta, ttl: str | float | timedelta | None
) -> tuple[timedelta, timedelta | None]:
    """Return how long a record of a name lasts, and for how long it may be cached, where that is said.

    Raises
    ------
    InvalidInputError
        One is no length of time, the record lasts for none, or would be cached for longer than it lasts.
    """
    lasting = duration("lifetime", lifetime)
    caching = None if ttl is None else duration("ttl", ttl)
    if not lasting:
        raise InvalidInputError("a record with a lifetime of nothing has ended already: give a longer one")
    if caching is not None and caching > lasting:
        raise InvalidInputError(f"a record cannot be cached for longer ({ttl}) than it lasts ({lifetime})")
    return lasting, caching
