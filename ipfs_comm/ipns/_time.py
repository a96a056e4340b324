"""Moments in nanoseconds since the epoch, and as records write them (RFC 3339 in UTC)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

__all__ = ["format_moment", "nanoseconds", "parse_moment"]

SECOND: Final = 1_000_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FORM: Final = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,30}))?(?:Z|([+-])([01]\d|2[0-3]):([0-5]\d))", re.ASCII
)


def nanoseconds(moment: datetime) -> int:
    """Return a moment that knows its time zone in nanoseconds since the epoch."""
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * SECOND + since.microseconds * 1000


def parse_moment(text: str) -> int | None:
    """Return the nanoseconds since the epoch that RFC 3339 text means, what is finer cut off; None for other text."""
    found = _FORM.fullmatch(text)
    if found is None:
        return None
    try:
        moment = datetime.fromisoformat(found[1])
    except ValueError:
        return None
    shift = timedelta(hours=int(found[4]), minutes=int(found[5])) if found[3] else timedelta()
    fraction = int((found[2] or "")[:9].ljust(9, "0"))
    zone = timezone(-shift if found[3] == "-" else shift)
    return nanoseconds(moment.replace(tzinfo=zone)) + fraction


def format_moment(moment: int) -> str:
    """Return nanoseconds since the epoch as RFC 3339 text in UTC, always with nine digits of fraction.

    Raises
    ------
    OverflowError
        The moment is not in the years 1 to 9999.
    """
    seconds, fraction = divmod(moment, SECOND)
    return f"{_EPOCH + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%S}.{fraction:09d}Z".rjust(30, "0")
