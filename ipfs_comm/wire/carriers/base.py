"""What a link asks of a carrier."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TypeAlias

from ipfs_comm.wire.frame import Buffer

__all__ = ["Carrier", "Closed", "Receive"]

#: Called with the buffers of a packet: the head and its segments. They must not change any more.
Receive: TypeAlias = Callable[[Sequence[Buffer]], None]
#: Called once when the carrier is gone. A LinkError says that it is over for good: the other end closed it in order,
#: or will never come back (kernel dead or restarted, process ended); it ends a link that has no other carrier.
#: Anything else, and None, says that the carrier was *lost*: the link lives on without it and is resumed over another.
Closed: TypeAlias = Callable[[Exception | None], None]


class Carrier(ABC):
    """Moves packets, unchanged and undivided, to the other end and back.

    It may lose, repeat and reorder them, and it may itself be lost: a link outlives its carriers. Everything here is
    called on the event loop of the link, and everything given to :meth:`start` must be called there: a carrier whose
    packets arrive on another thread hands them over with ``loop.call_soon_threadsafe``. `docs/protocol.md`, section 5.
    """

    #: The carrier's name in the protocol.
    name: str
    #: Numbered frames that may be unacknowledged at any time. It may change at any time, for example where several
    #: links share one kernel's road: the link reads it whenever it is about to send. Never below 1.
    max_frames: int = 256
    #: Bytes of a message in one frame, at most.
    fragment_size: int = 256 * 1024
    #: Whether :meth:`close` reliably tells the other end, after all that was sent before. Where it does not, a link
    #: that ends repeats its farewell until it is answered, and closes the carrier then.
    tells_close: bool = False

    @abstractmethod
    def start(self, receive: Receive, closed: Closed) -> None:
        """Begin to deliver; called once, before anything is sent. A carrier that has to connect first does it here.

        Parameters
        ----------
        receive
            Takes each packet that arrives.
        closed
            Takes the reason when the carrier ends, unless :meth:`close` was called before.
        """

    @abstractmethod
    def send(self, packet: Sequence[Buffer]) -> None:
        """Send a packet of 1 to 1,024 buffers, without waiting; what is handed over does not change any more.

        Raises
        ------
        Exception
            The carrier cannot be used any more: a LinkError as for `closed`, anything else means that it is lost.
        """

    @abstractmethod
    def close(self) -> None:
        """Stop: deliver nothing more and give back what the carrier holds.

        What was sent before still goes out where that is possible.
        """
