"""The end of a link, told until it is heard.

A link is over at this end as soon as it ends: ports, futures and memory are gone. What is left is to tell the other
end. A carrier whose `close` tells it needs one END and is closed. On any other END may be lost, so it is repeated until
it is answered with END; and the end that answers stays for as long as it may be asked again, since its answer may be
lost too. Both leave after `farewell_within` whatever happens.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from ipfs_comm.errors import ProtocolError
from ipfs_comm.wire.frame import End, parse_packet

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ipfs_comm.wire.carriers.base import Carrier
    from ipfs_comm.wire.frame import Buffer

__all__ = ["Farewell"]

#: Seconds after which END goes again for the first time; each further time it is twice as long.
AGAIN_AFTER: Final = 0.25


class Farewell:
    """Says END on some carriers, and closes them.

    Parameters
    ----------
    carriers : iterable of Carrier
        They are this object's from now on.
    packet : list of bytes-like
        The packet with END.
    within : float
        Seconds for which carriers are kept at most.
    answers : bool
        Whether the other end has said END already.
    """

    def __init__(self, carriers: Iterable[Carrier], packet: list[Buffer], within: float, *, answers: bool) -> None:
        self._loop = asyncio.get_running_loop()
        self._packet = [bytes(buffer) for buffer in packet]
        self._answers = answers
        self._carriers = list(carriers)
        self._until = self._loop.time() + within
        self._step = AGAIN_AFTER
        self._timer: asyncio.TimerHandle | None = None
        #: Done when all carriers have been given back.
        self.over: asyncio.Future[None] = self._loop.create_future()
        self._say()
        for carrier in tuple(self._carriers):
            if carrier.tells_close:
                self._leave(carrier)
        self._arm()

    def heard(self, carrier: Carrier, packet: Sequence[Buffer]) -> None:
        """Take an authentic packet that comes on one of the carriers."""
        if carrier not in self._carriers:
            return
        if self._answers:
            self._send(carrier)
            return
        try:
            _, frames = parse_packet(packet)
        except ProtocolError:
            # What is malformed is no answer.
            return
        if any(isinstance(frame, End) for frame in frames):
            self._leave(carrier)

    def gone(self, carrier: Carrier) -> None:
        """Learn that a carrier has been closed."""
        if carrier in self._carriers:
            self._carriers.remove(carrier)
            self._arm()

    def _leave(self, carrier: Carrier) -> None:
        carrier.close()
        self.gone(carrier)

    def _say(self) -> None:
        for carrier in tuple(self._carriers):
            self._send(carrier)

    def _send(self, carrier: Carrier) -> None:
        try:
            carrier.send(self._packet)
        except Exception:
            # A carrier that takes no more has nobody at its end who could be told.
            self._leave(carrier)

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._carriers:
            wait = self._until - self._loop.time()
            self._timer = self._loop.call_later(wait if self._answers else min(wait, self._step), self._tick)
        elif not self.over.done():
            self.over.set_result(None)

    def _tick(self) -> None:
        self._timer = None
        if self._loop.time() >= self._until:
            for carrier in tuple(self._carriers):
                self._leave(carrier)
            return
        self._say()
        self._step *= 2
        self._arm()
