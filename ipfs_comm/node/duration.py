"""Lengths of time as people write them: seconds, or text such as ``"1h30m"``."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

from ipfs_comm.errors import InvalidInputError

__all__ = ["duration"]

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
