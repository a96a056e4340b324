"""What an end makes of silence: when to ask, when a carrier counts as silent, when a link is over. Plain state."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ipfs_comm.wire.limits import Limits

__all__ = ["Watch"]


class Watch:
    """When the other end was heard, and what it owes. Times are seconds of one monotonic clock.

    An end that slept (a laptop that was closed, a process that was stopped) finds all its deadlines over at once, and
    the answers to its questions perhaps still unread. So what is late by a whole waiting time is not held against the
    other end: it is asked again first.

    Parameters
    ----------
    limits : Limits
        For the times.
    now : float
        The time.
    """

    def __init__(self, limits: Limits, now: float) -> None:
        self._limits = limits
        #: When anything came from the other end, and when a message last went either way.
        self.heard_at = now
        self.active_at = now
        #: Whether nothing has come for so long that another carrier should be tried.
        self.silent = False
        #: Questions since the other end was heard.
        self._pings = 0
        self._ask_at = now + limits.ping_after
        #: Since when the other end owes an answer; None when it owes none.
        self._owed_since: float | None = None

    def heard(self, now: float, *, owed: bool) -> None:
        """Note that something has come, and whether more is `owed` all the same."""
        self.heard_at = now
        self.silent = False
        self._pings = 0
        self._ask_at = now + self._limits.ping_after
        self._owed_since = now if owed else None

    def owe(self, now: float) -> None:
        """Note that the other end has been sent something that it has to answer."""
        if self._owed_since is None:
            self._owed_since = now

    @property
    def due(self) -> float:
        """When to look again."""
        due = min(self._ask_at, self.active_at + self._limits.idle_after)
        if self._owed_since is not None and not self.silent:
            due = min(due, self._owed_since + self._limits.silence_after)
        return due

    def idle(self, now: float) -> bool:
        """Whether nothing but questions and answers has passed for too long."""
        return now - self.active_at >= self._limits.idle_after

    def expired(self, now: float) -> bool:
        """Whether the other end has been silent for too long, although it was asked."""
        limits = self._limits
        late = now >= self._ask_at + limits.ping_after
        return now >= self._ask_at and now - self.heard_at >= limits.expire_after and self._pings > 0 and not late

    def asks(self, now: float) -> bool:
        """Whether a question is due; it counts as asked."""
        falls_silent = False
        if self._owed_since is not None and not self.silent:
            waited = now - self._owed_since
            if waited >= 2 * self._limits.silence_after:
                self._owed_since = now
                falls_silent = True
            elif waited >= self._limits.silence_after:
                self.silent = falls_silent = True
        if now < self._ask_at and not falls_silent:
            return False
        self._pings += 1
        self._ask_at = now + self._limits.ping_after
        self.owe(now)
        return True

    def moved(self, now: float) -> None:
        """Note that another carrier is used from now on, and that the other end is asked on it."""
        self.silent = False
        self._owed_since = now
