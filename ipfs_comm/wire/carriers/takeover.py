"""Whether a page still has its routing identity, or somebody else may have taken it.

The ROUTER socket of the control channel routes by an identity that every subscriber of iopub can read, and gives it to
whoever connects with it last (ipykernel sets ``router_handover``). Nobody can speak for the page that way, since what
the page sends is signed with the kernel's key; but all answers would go to the thief, and the page, whose connection is
then mute in both directions, could not complain. The socket does not say which identity a newcomer has. So each time
that anybody connects, every page is in doubt until it has been heard again: what is meant for it is held back, and it
is asked. A page that is there answers within a round trip. One that has been asked for `TAKEN_AFTER` seconds while
something waited for it has most likely been replaced, and its link is ended.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ASK_EVERY", "TAKEN_AFTER", "Doubt", "Newcomers"]

T = TypeVar("T")

#: Seconds for which what comes may have been on its way already when the newcomer took its identity.
SETTLE: Final = 0.02
#: Seconds between questions to a page in doubt.
ASK_EVERY: Final = 0.05
#: Seconds without an answer after which a page counts as replaced. Below the time after which pages try another road.
TAKEN_AFTER: Final = 4.0
#: A question that comes so many seconds late tells that this process slept, and the answer may still wait to be read.
SLEPT: Final = 1.0
#: Packets that are held back for one page; a carrier may lose packets, so more are dropped.
MAX_HELD: Final = 512


class Doubt(Generic[T]):
    """What is known of one page's connection, as plain state. Times are seconds of one monotonic clock."""

    __slots__ = ("_asked_at", "_held", "_since", "_waiting_since")

    def __init__(self) -> None:
        self._since: float | None = None
        self._waiting_since: float | None = None
        self._asked_at = 0.0
        self._held: deque[T] = deque()

    def newcomer(self, now: float) -> None:
        """Take note that somebody has connected, who may be anybody."""
        self._since = now

    def holds(self, item: T, now: float) -> bool:
        """Return whether `item` must not be sent now, and keep it if so."""
        if self._since is None:
            return False
        if self._waiting_since is None:
            self._waiting_since = self._asked_at = now
        if len(self._held) < MAX_HELD:
            self._held.append(item)
        return True

    def heard(self, now: float) -> list[T]:
        """Take note that the page itself was heard; return what was held back for it."""
        if self._since is None or now - self._since < SETTLE:
            return []
        self._since = self._waiting_since = None
        held = list(self._held)
        self._held.clear()
        return held

    @property
    def waiting(self) -> bool:
        """Whether something is held back."""
        return self._waiting_since is not None

    def taken(self, now: float) -> bool:
        """Ask again; return whether the page counts as replaced."""
        if self._waiting_since is None:
            return False
        if now - self._asked_at > ASK_EVERY + SLEPT:
            self._waiting_since = now
        self._asked_at = now
        return now - self._waiting_since >= TAKEN_AFTER


class Newcomers:
    """Tells when somebody connects to a socket.

    Parameters
    ----------
    stream : zmq.eventloop.zmqstream.ZMQStream
        The stream of that socket. Called on its thread, as everything here.
    notify : callable
        Called then.
    """

    def __init__(self, stream: Any, notify: Callable[[], None]) -> None:
        import zmq
        from zmq.eventloop.zmqstream import ZMQStream

        self._socket = stream.socket
        self._stream: Any = ZMQStream(
            self._socket.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED), io_loop=stream.io_loop
        )
        self._stream.on_recv(lambda _event: notify())

    def close(self) -> None:
        """Watch no longer."""
        if not self._stream.closed():
            if not self._socket.closed:
                self._socket.disable_monitor()
            self._stream.close(linger=0)

    def abandon(self) -> None:
        """Close the socket, whatever has become of its thread: a kernel cannot end while it is open."""
        socket = self._stream.socket
        if socket is not None and not socket.closed:
            socket.close(linger=0)
