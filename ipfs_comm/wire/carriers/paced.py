"""What all carriers over iopub share: the pace, the frames in flight, and the hand-over between threads.

Iopub is heard by every client, and what is too much for its server is dropped together with everything else that the
kernel says: its limit counts all messages (1,000 a second over three seconds by default; bytes of printed text only).
So one pace holds for all that one kernel publishes for us, and leaves room for what the user's cells say.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final

from ipfs_comm.wire.carriers.base import Carrier
from ipfs_comm.wire.carriers.share import Share

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Sequence

    from ipfs_comm.wire.carriers.base import Closed, Receive
    from ipfs_comm.wire.frame import Buffer

__all__ = ["BURST", "MAX_BACKLOG", "MAX_FRAMES", "MAX_OUTBOX", "RATE", "TURN", "Pace", "PacedCarrier"]

#: Messages a second, over all carriers of a kernel, and how many may go at once.
RATE: Final = 600.0
BURST: Final = 64
#: Seconds between turns while something waits: three messages go in each.
TURN: Final = 0.005
#: Numbered frames on their way, over all carriers of a kernel.
MAX_FRAMES: Final = 64
#: Packets of one carrier that wait for their turn; a carrier may lose packets, so more are dropped.
MAX_OUTBOX: Final = 256
#: Bytes of one carrier that were handed over but not yet taken by the link's loop, likewise.
MAX_BACKLOG: Final = 64 * 2**20


class Pace:
    """When the carriers over one kernel's iopub may send: they take turns.

    Parameters
    ----------
    loop : asyncio.AbstractEventLoop
        The links' loop, on which everything here is called.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.share = Share(MAX_FRAMES)
        self._loop = loop
        self._turns: deque[PacedCarrier] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._budget = float(BURST)
        self._refilled = loop.time()

    def enter(self, carrier: PacedCarrier) -> None:
        """Give `carrier` a turn, as it has something to send and no turn yet."""
        self._turns.append(carrier)
        if self._timer is None:
            self._run()

    def finish(self) -> None:
        """Send what waits without regard to the pace: there is no later."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._turns:
            self._take_turn()

    def _take_turn(self) -> None:
        carrier = self._turns.popleft()
        if carrier.publish_next():
            self._turns.append(carrier)

    def _run(self) -> None:
        self._timer = None
        now = self._loop.time()
        self._budget = min(float(BURST), self._budget + (now - self._refilled) * RATE)
        self._refilled = now
        while self._turns and self._budget >= 1:
            self._budget -= 1
            self._take_turn()
        if self._turns:
            self._timer = self._loop.call_later(TURN, self._run)


class PacedCarrier(Carrier):
    """Packets over one comm or widget, out at the pace that all of them share.

    Parameters
    ----------
    loop : asyncio.AbstractEventLoop
        The link's loop, on which all methods but `hand_over` and `hang_up` are called.
    pace : Pace
        Of this kernel.
    publish : callable
        Publishes one packet on iopub. Called on `loop`.
    disconnect : callable
        Closes the comm. Called on `loop`, at most once, after the last packet.
    """

    fragment_size = 256 * 1024

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        pace: Pace,
        publish: Callable[[list[Any]], None],
        disconnect: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._pace = pace
        self._publish = publish
        self._disconnect = disconnect
        self._receive: Receive | None = None
        self._closed: Closed | None = None
        self._handed_over = 0
        self._taken = 0
        self._outbox: deque[list[Any]] = deque()
        self._closing = False
        self._gone = False

    @property
    def max_frames(self) -> int:  # type: ignore[override]  # read-only: the pace gives each link its share
        """The link's share of the frames that the kernel may have on their way."""
        return self._pace.share.of(self)

    def start(self, receive: Receive, closed: Closed) -> None:
        """Begin to deliver packets to `receive`; `closed` is called once when the comm is gone."""
        self._receive = receive
        self._closed = closed

    def send(self, packet: Sequence[Buffer]) -> None:
        """Send `packet` as soon as the pace allows; its buffers are not changed afterwards."""
        if self._closing or self._gone or len(self._outbox) >= MAX_OUTBOX:
            return
        self._pace.share.note(self)
        self._outbox.append(list(packet))
        if len(self._outbox) == 1:
            self._pace.enter(self)

    def close(self) -> None:
        """Close the comm after what waits has been sent, and forget it."""
        self._receive = self._closed = None
        self._pace.share.forget(self)
        if not self._closing:
            self._closing = True
            if not self._outbox:
                self._hang_up_here()

    def publish_next(self) -> bool:
        """Send one packet, as it is this carrier's turn; return whether it needs another."""
        if self._outbox:
            self._publish(self._outbox.popleft())
        if self._closing and not self._outbox:
            self._hang_up_here()
        return bool(self._outbox)

    def _hang_up_here(self) -> None:
        if not self._gone:
            self._gone = True
            self._disconnect()

    def hand_over(self, buffers: Sequence[Any]) -> None:
        """Take a packet from the thread of a comm's handler."""
        packet = [memoryview(buffer).cast("B") for buffer in buffers]
        size = sum(buffer.nbytes for buffer in packet)
        if not packet or self._handed_over - self._taken + size > MAX_BACKLOG:
            return
        self._handed_over += size
        self._call(self._deliver, packet, size)

    def hang_up(self, error: Exception | None) -> None:
        """Note on any thread that the comm was closed by its other end."""
        self._call(self._drop, error)

    def _call(self, function: Callable[..., None], *arguments: Any) -> None:
        # Where there are no threads this is the loop that runs already, and the order is kept all the same.
        try:
            self._loop.call_soon_threadsafe(function, *arguments)
        except RuntimeError:
            # The loop is closed: the extension is gone, and with it every link.
            self._receive = self._closed = None

    def _deliver(self, packet: list[memoryview], size: int) -> None:
        self._taken += size
        if self._receive is not None:
            self._receive(packet)

    def _drop(self, error: Exception | None) -> None:
        self._gone = True
        self._outbox.clear()
        self._pace.share.forget(self)
        closed, self._closed, self._receive = self._closed, None, None
        if closed is not None:
            closed(error)
