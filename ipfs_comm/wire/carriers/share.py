"""The frames in flight that the links over one kernel's road have between them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from ipfs_comm.wire.carriers.base import Carrier

__all__ = ["Share"]

#: However many links send, each may have so many frames on their way.
LEAST: Final = 4
#: Seconds after its last packet for which a carrier counts as sending.
RECENT: Final = 1.0


class Share:
    """Divides a number of frames among the carriers that are sending.

    What all of them have on their way ends up in the same queue of one socket, which drops in silence what it cannot
    hold. A carrier that has sent nothing for a second has nothing there, and takes nothing from the others.

    Parameters
    ----------
    frames : int
        Frames that may be unacknowledged, over all carriers.
    clock : callable
        Gives seconds.
    """

    def __init__(self, frames: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.frames = frames
        self._clock = clock
        #: When each carrier sent last, the longest ago first.
        self._sent: dict[Carrier, float] = {}

    def note(self, carrier: Carrier) -> None:
        """Take note that `carrier` sends."""
        self._sent.pop(carrier, None)
        self._sent[carrier] = self._clock()

    def forget(self, carrier: Carrier) -> None:
        """Take note that `carrier` is over."""
        self._sent.pop(carrier, None)

    def of(self, carrier: Carrier) -> int:
        """Return how many frames `carrier` may have on their way."""
        old = self._clock() - RECENT
        while self._sent:
            first = next(iter(self._sent))
            if self._sent[first] >= old:
                break
            del self._sent[first]
        sending = len(self._sent) + (carrier not in self._sent)
        return max(LEAST, self.frames // sending)
