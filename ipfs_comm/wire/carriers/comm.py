"""The comm carrier: an ordinary comm, for kernels and frontends that have nothing better.

Packets come on the shell channel, on whatever thread runs comm handlers, and go out on iopub, which every client
hears and whose server drops what comes too fast. So packets out are paced below the server's limit, few frames are in
flight, and the message is sent without a parent: a send with one would redirect the page's next message to the thread
of the running cell (ipykernel 7).
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from ipfs_comm.errors import LinkError
from ipfs_comm.wire.carriers.base import Carrier

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Sequence

    from ipfs_comm.wire.carriers.base import Closed, Receive
    from ipfs_comm.wire.frame import Buffer

__all__ = ["CommCarrier", "CommTarget", "PacedCarrier"]

#: Messages a second that the server's limit (1,000 over three seconds by default) leaves to us, and how many may go
#: at once.
RATE = 600.0
BURST = 64
#: Packets that wait for their turn; a carrier may lose packets, so more are dropped.
MAX_OUTBOX = 1024
#: Bytes handed over but not yet taken by the link's loop, likewise.
MAX_BACKLOG = 64 * 2**20
#: Comms that may be open for one target.
MAX_COMMS = 256


class PacedCarrier(Carrier):
    """What all carriers over iopub share: the hand-over between threads, and the pace.

    Parameters
    ----------
    loop : asyncio.AbstractEventLoop
        The link's loop, on which all methods but `hand_over` and `hang_up` are called.
    publish : callable
        Publishes one packet on iopub. Called on `loop`.
    disconnect : callable
        Closes the comm. Called on `loop`, at most once.
    """

    name = "comm"
    max_frames = 64
    fragment_size = 256 * 1024

    def __init__(
        self, loop: asyncio.AbstractEventLoop, publish: Callable[[list[Any]], None], disconnect: Callable[[], None]
    ) -> None:
        self._loop = loop
        self._publish = publish
        self._disconnect: Callable[[], None] | None = disconnect
        self._receive: Receive | None = None
        self._closed: Closed | None = None
        self._handed_over = 0
        self._taken = 0
        self._outbox: deque[list[Any]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._budget = float(BURST)
        self._refilled = loop.time()

    def start(self, receive: Receive, closed: Closed) -> None:
        """Begin to deliver packets to `receive`; `closed` is called once when the comm is gone."""
        self._receive = receive
        self._closed = closed

    def send(self, packet: Sequence[Buffer]) -> None:
        """Send `packet` as soon as the pace allows; its buffers are not changed afterwards."""
        if self._disconnect is None or len(self._outbox) >= MAX_OUTBOX:
            return
        self._outbox.append(list(packet))
        if self._timer is None:
            self._drain()

    def close(self) -> None:
        """Send what waits, close the comm and forget it."""
        self._receive = self._closed = None
        disconnect, self._disconnect = self._disconnect, None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if disconnect is not None:
            # The last of these is the END of the link, which should not be lost to the pace.
            if self._outbox:
                self._publish(self._outbox[-1])
            disconnect()
        self._outbox.clear()

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
        closed, self._closed = self._closed, None
        if closed is not None:
            closed(error)
        self._outbox.clear()

    def _drain(self) -> None:
        self._timer = None
        now = self._loop.time()
        self._budget = min(float(BURST), self._budget + (now - self._refilled) * RATE)
        self._refilled = now
        while self._outbox and self._budget >= 1:
            self._budget -= 1
            self._publish(self._outbox.popleft())
        if self._outbox:
            self._timer = self._loop.call_later((1 - self._budget) / RATE, self._drain)


def publisher(kernel: Any, comm: Any, data: dict[str, Any]) -> Callable[[list[Any]], None]:
    """Return a function that sends a packet on `comm`, around the comm's own `send` where the kernel lets us.

    Parameters
    ----------
    kernel : object or None
        The running kernel; only ipykernel's has the parts that are needed.
    comm : comm.base_comm.BaseComm
        An open comm.
    data : dict
        The data of each message.
    """
    session = getattr(kernel, "session", None)
    socket = getattr(kernel, "iopub_socket", None)
    if session is None or socket is None or getattr(kernel, "iopub_thread", None) is None:
        return lambda packet: comm.send(data=data, buffers=packet)
    content = {"comm_id": comm.comm_id, "data": data}

    def publish(packet: list[Any]) -> None:
        session.send(socket, "comm_msg", content, parent={}, ident=comm.topic, buffers=packet)

    return publish


class CommCarrier(PacedCarrier):
    """Packets of one ordinary comm that the page opened.

    Parameters
    ----------
    kernel : object or None
        The running kernel.
    comm : comm.base_comm.BaseComm
        The comm.
    loop : asyncio.AbstractEventLoop
        The link's loop.
    forget : callable
        Called when the comm is closed by this end.
    """

    def __init__(
        self, kernel: Any, comm: Any, loop: asyncio.AbstractEventLoop, forget: Callable[[CommCarrier], None]
    ) -> None:
        def disconnect() -> None:
            forget(self)
            comm.on_msg(None)
            comm.on_close(None)
            comm.close()

        super().__init__(loop, publisher(kernel, comm, {}), disconnect)
        comm.on_msg(lambda message: self.hand_over(message.get("buffers") or ()))
        comm.on_close(lambda _message: self._hung_up(forget))

    def _hung_up(self, forget: Callable[[CommCarrier], None]) -> None:
        forget(self)
        self.hang_up(LinkError("the page closed its comm", code="ERR_CARRIER"))


class CommTarget:
    """The comm target of one kernel.

    Parameters
    ----------
    kernel : object or None
        The running kernel, if it is ipykernel's.
    target : str
        Name of the target.
    loop : asyncio.AbstractEventLoop
        The link's loop.
    accept : callable
        Called on `loop` with the carrier of each new comm, before its first packet.
    """

    def __init__(
        self, kernel: Any, target: str, loop: asyncio.AbstractEventLoop, accept: Callable[[Carrier], None]
    ) -> None:
        self._kernel = kernel
        self._target = target
        self._loop = loop
        self._accept = accept
        self._carriers: set[CommCarrier] = set()

    def register(self) -> None:
        """Register the target with the kernel's comm manager."""
        import comm

        comm.get_comm_manager().register_target(self._target, self._opened)

    def unregister(self) -> None:
        """Take the target back, unless somebody else has it now."""
        import comm

        manager = comm.get_comm_manager()
        if manager.targets.get(self._target) == self._opened:
            manager.unregister_target(self._target, self._opened)

    def _opened(self, comm: Any, message: dict[str, Any]) -> None:
        if len(self._carriers) >= MAX_COMMS or self._loop.is_closed():
            comm.close()
            return
        carrier = CommCarrier(self._kernel, comm, self._loop, self._carriers.discard)
        self._carriers.add(carrier)
        self._loop.call_soon_threadsafe(lambda: self._accept(carrier))
        carrier.hand_over(message.get("buffers") or ())
