"""The direct carrier: comm messages on the kernel's control channel, answered to the sender alone.

A comm as Jupyter drives it shares the shell channel with the running cell and the iopub channel with every client,
whose server limits it. The control channel has a thread of its own, and a ROUTER socket can answer one client. So the
receiver of the control stream is replaced by one that keeps what belongs to our comms and gives everything else to
the receiver that was there before, unchanged. What a packet then costs is a hand-over between two threads, once for all
packets that are there.

Nothing but the public messages of the Jupyter protocol travels here, signed and verified as ever; a page without our
extension never sees a difference. What the kernel signs says that it is for a page, so that nobody can send it back
here under its valid signature.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from ipfs_comm.errors import LinkError
from ipfs_comm.wire.carriers.base import Carrier
from ipfs_comm.wire.carriers.share import Share
from ipfs_comm.wire.carriers.takeover import ASK_EVERY, Doubt, Newcomers
from ipfs_comm.wire.frame import Ping, encode_packet, join_packets

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping, Sequence

    from ipfs_comm.wire.carriers.base import Closed, Receive
    from ipfs_comm.wire.frame import Buffer

__all__ = ["ControlRoad", "DirectCarrier"]

#: Comms that may be open on the control channel of one kernel.
MAX_COMMS = 256
#: Numbered frames on their way to pages, over all of them: far below the 1,000 at which the socket drops.
MAX_FRAMES = 256
#: Closed comms that are remembered, since their last messages cross with the close, and none is opened twice: as many
#: as a session remembers signatures.
MAX_CLOSED = 2**16
#: Bytes of packets handed over but not yet taken by the link's loop; a carrier may lose packets, so more are dropped.
MAX_BACKLOG = 128 * 2**20
#: Packets waiting for the control thread, likewise.
MAX_OUTBOX = 4096
#: Packets sent in one turn of the control thread, which also serves interrupts and the debugger.
BATCH = 32
#: Bytes up to which packets that wait for the control thread become one: signing, sending, and at the other end reading
#: a message cost more than so many bytes do.
JOINED = 16 * 1024
#: Packets taken in one turn of the link's loop.
TAKE = 128
#: Largest content of a message that could be ours; ours name a comm and hold next to no data.
MAX_CONTENT = 64 * 1024
#: Seconds between signs of life on iopub, by which servers tell busy kernels from idle ones.
ACTIVITY = 30.0
#: Data of each message towards a page; what has the member ``to`` is not heard here.
TO_PAGE = {"to": "page"}
#: Seconds that the control thread gets when the kernel ends.
EXIT_TIMEOUT = 1.0
#: Why a link ends whose page does not answer since somebody else has connected.
TAKEN = (
    "another connection to the kernel's control channel seems to have taken this page's place (its routing identity), "
    "so the link was ended before it told it more: reload the page; where other people use this machine, have kernels "
    "use `transport: ipc` (docs/protocol.md, Threat model)"
)


class DirectCarrier(Carrier):
    """Packets of one comm on the control channel.

    Made by `ControlRoad`. All methods are called on the link's loop.
    """

    name = "direct"
    fragment_size = 1024 * 1024
    tells_close = True

    def __init__(self, road: ControlRoad, comm_id: str, idents: list[bytes]) -> None:
        self.comm_id = comm_id
        #: The sender's routing path. Whoever takes another gets no answers.
        self.idents = idents
        #: Bytes on their way to the link's loop; counted by two threads, so each writes its own.
        self.handed_over = 0
        self.taken = 0
        #: Whether the page still has its identity. Used on the control thread only.
        self.doubt: Doubt[tuple[str, list[Any] | None]] = Doubt()
        self._road = road
        self._receive: Receive | None = None
        self._closed: Closed | None = None

    @property
    def max_frames(self) -> int:  # type: ignore[override]  # read-only: the road gives each link its share
        """The link's share of the frames that the kernel may have on their way."""
        return self._road.share.of(self)

    def start(self, receive: Receive, closed: Closed) -> None:
        """Begin to deliver packets to `receive`; `closed` is called once when the other end or the channel is gone."""
        self._receive = receive
        self._closed = closed

    def send(self, packet: Sequence[Buffer]) -> None:
        """Send `packet`, a list of bytes-like buffers that are not changed afterwards."""
        self._road.share.note(self)
        self._road.post(self, "comm_msg", list(packet))

    def close(self) -> None:
        """Close the comm and forget it."""
        self._receive = self._closed = None
        if self._road.forget(self):
            self._road.post(self, "comm_close", None)

    def deliver(self, packet: list[memoryview], size: int) -> None:
        """Take one packet of `size` bytes from the control thread."""
        self.taken += size
        if self._receive is not None:
            self._receive(packet)

    def drop(self, error: Exception | None) -> None:
        """Tell the link that this carrier is over."""
        self._road.forget(self)
        closed, self._closed, self._receive = self._closed, None, None
        if closed is not None:
            closed(error)


class ControlRoad:
    """The receiver on one kernel's control stream.

    Parameters
    ----------
    kernel : ipykernel.kernelbase.Kernel
        A kernel for which `available` is true.
    loop : asyncio.AbstractEventLoop
        The link's loop.
    targets : mapping of str to callable
        The comm targets to answer for; what each names is called on `loop` with the carrier of each new comm, before
        its first packet.
    """

    def __init__(
        self, kernel: Any, loop: asyncio.AbstractEventLoop, targets: Mapping[str, Callable[[Carrier], None]]
    ) -> None:
        self._kernel = kernel
        self._targets = dict(targets)
        self._loop = loop
        self._stream: Any = kernel.control_stream
        self._session: Any = kernel.session
        self._control: Any = kernel.control_stream.io_loop
        self.share = Share(MAX_FRAMES)
        #: Comms that pages have opened here so far.
        self.opened = 0
        self._carriers: dict[str, DirectCarrier] = {}
        self._closed: dict[str, None] = {}
        self._outbox: deque[tuple[DirectCarrier, str, list[Any] | None]] = deque()
        self._inbox: deque[tuple[Callable[..., None], tuple[Any, ...]]] = deque()
        self._newcomers: Newcomers | None = None
        self._asking: Any = None
        self._flushing = False
        self._waking = False
        self._active = False
        self._shown = 0.0
        self._original: Callable[[list[Any]], Any] = kernel.dispatch_control
        self._original_copy = False
        # A bound method is made anew at each access, and the hook must recognise itself.
        self._hook = self._on_recv

    @staticmethod
    def available(kernel: Any) -> bool:
        """Return whether `kernel` has a control channel on a thread of its own that can be hooked."""
        stream = getattr(kernel, "control_stream", None)
        thread = getattr(kernel, "control_thread", None)
        return (
            stream is not None
            and hasattr(stream, "on_recv")
            and hasattr(stream, "io_loop")
            and thread is not None
            and thread.is_alive()
            and getattr(kernel, "session", None) is not None
            and callable(getattr(kernel, "dispatch_control", None))
        )

    def install(self) -> concurrent.futures.Future[None]:
        """Take the stream over, on its own thread; the future is done when that has happened."""
        return self._on_control(self._install)

    def uninstall(self) -> concurrent.futures.Future[None]:
        """Give the stream back exactly as it was, after what is already on its way out."""
        return self._on_control(self._uninstall)

    def abandon(self) -> None:
        """Let go of what keeps the kernel from ending; for its exit, when the control thread may be over already."""
        newcomers, self._newcomers = self._newcomers, None
        if newcomers is None:
            return
        if self._kernel.control_thread.is_alive():
            with contextlib.suppress(concurrent.futures.TimeoutError):
                self._on_control(newcomers.close).result(EXIT_TIMEOUT)
        newcomers.abandon()

    def post(self, carrier: DirectCarrier, kind: str, packet: list[Any] | None) -> None:
        """Queue one message to `carrier`'s page. Called on the link's loop."""
        # A close is not lost: nothing comes after it that could make up for it.
        if len(self._outbox) >= MAX_OUTBOX and kind == "comm_msg":
            return
        self._outbox.append((carrier, kind, packet))
        self._schedule()

    def forget(self, carrier: DirectCarrier) -> bool:
        """Let go of `carrier`; return whether it was known. Called on the link's loop."""
        if self._carriers.pop(carrier.comm_id, None) is not carrier:
            return False
        self.share.forget(carrier)
        self._closed[carrier.comm_id] = None
        while len(self._closed) > MAX_CLOSED:
            del self._closed[next(iter(self._closed))]
        return True

    def _on_control(self, function: Callable[[], None]) -> concurrent.futures.Future[None]:
        done: concurrent.futures.Future[None] = concurrent.futures.Future()

        def run() -> None:
            if not done.set_running_or_notify_cancel():
                return
            try:
                function()
            except BaseException as error:  # handed to whoever waits for the future
                done.set_exception(error)
            else:
                done.set_result(None)

        self._control.add_callback(run)
        return done

    def _install(self) -> None:
        # pyzmq has no public way to ask for the receiver; where these are missing, ipykernel's own is the right one.
        self._original = getattr(self._stream, "_recv_callback", None) or self._kernel.dispatch_control
        self._original_copy = bool(getattr(self._stream, "_recv_copy", False))
        self._active = True
        self._newcomers = Newcomers(self._stream, self._newcomer)
        self._stream.on_recv(self._hook, copy=False)

    def _uninstall(self) -> None:
        self._flush()
        while self._outbox:
            self._flush()
        self._active = False
        if self._asking is not None:
            self._control.remove_timeout(self._asking)
            self._asking = None
        if self._newcomers is not None:
            self._newcomers.close()
            self._newcomers = None
        if getattr(self._stream, "_recv_callback", self._hook) is self._hook and not self._stream.closed():
            self._stream.on_recv(self._original, copy=self._original_copy)

    def _on_recv(self, frames: list[Any]) -> Any:
        taken = False
        if self._active:
            taken = self._take(frames)
        if taken:
            return None
        if self._original_copy:
            frames = [frame.bytes for frame in frames]
        # The stream schedules what its receiver returns, if that can be awaited.
        return self._original(frames)

    def _take(self, frames: list[Any]) -> bool:
        """Deliver `frames` if they are a message of one of our comms; return whether they were."""
        try:
            idents, parts = self._session.feed_identities(frames, copy=False)
            if len(parts) < 5 or b'"comm_' not in parts[1].bytes or len(parts[4].bytes) > MAX_CONTENT:
                return False
            content = self._session.unpack(parts[4].bytes)
            comm_id, data = content.get("comm_id"), content.get("data")
            if comm_id in self._closed:
                return True
            accept = self._targets.get(content.get("target_name"))
            if comm_id not in self._carriers and accept is None:
                return False
            if isinstance(data, dict) and "to" in data:
                return True
        except Exception:
            # Whatever cannot be read is not ours; the kernel's own receiver reports it.
            return False
        try:
            # Checks the signature and records its digest, so that a captured message is not taken twice.
            message = self._session.deserialize(parts, content=True, copy=False)
        except Exception as error:
            self._kernel.log.warning("ipfs_comm: refused a message on the control channel: %s", error)
            return True
        self._dispatch(message["header"]["msg_type"], comm_id, list(idents), message["buffers"], accept)
        return True

    def _dispatch(
        self,
        kind: str,
        comm_id: Any,
        idents: list[bytes],
        buffers: list[memoryview],
        accept: Callable[[Carrier], None] | None,
    ) -> None:
        carrier = self._carriers.get(comm_id)
        if carrier is None:
            if kind != "comm_open" or accept is None or not isinstance(comm_id, str) or not 0 < len(comm_id) <= 128:
                return
            carrier = DirectCarrier(self, comm_id, idents)
            if len(self._carriers) >= MAX_COMMS:
                self._send(carrier, "comm_close", None)
                return
            self._carriers[comm_id] = carrier
            self.opened += 1
            self._hand_over(accept, carrier)
        elif carrier.idents != idents:
            return
        if held := carrier.doubt.heard(time.monotonic()):
            self._outbox.extendleft((carrier, *message) for message in reversed(held))
            self._schedule()
        if kind == "comm_close":
            self._hand_over(carrier.drop, LinkError("the page closed its comm", code="ERR_CARRIER"))
            return
        size = sum(buffer.nbytes for buffer in buffers)
        if not buffers or carrier.handed_over - carrier.taken + size > MAX_BACKLOG:
            return
        carrier.handed_over += size
        self._hand_over(carrier.deliver, buffers, size)

    def _hand_over(self, function: Callable[..., None], *arguments: Any) -> None:
        """Have the link's loop call `function`, in order.

        Waking the other loop costs a system call, around which the two threads wait for one another; so it is woken
        once for all that comes until it has woken.
        """
        self._inbox.append((function, arguments))
        if self._waking:
            return
        self._waking = True
        try:
            self._loop.call_soon_threadsafe(self._drain)
        except RuntimeError:
            # The loop is closed: the extension is going, and with it every link.
            self._active = False

    def _drain(self) -> None:
        # Cleared first: what is handed over from here on wakes the loop again.
        self._waking = False
        try:
            for _ in range(min(len(self._inbox), TAKE)):
                function, arguments = self._inbox.popleft()
                function(*arguments)
        finally:
            if self._inbox and not self._waking:
                self._waking = True
                self._loop.call_soon(self._drain)

    def _schedule(self) -> None:
        if not self._flushing:
            self._flushing = True
            self._control.add_callback(self._flush)

    def _flush(self) -> None:
        # Cleared first: what is queued from here on schedules a turn of its own.
        self._flushing = False
        now = time.monotonic()
        for _ in range(BATCH):
            if not self._outbox:
                break
            carrier, kind, packet = self._outbox.popleft()
            # A close tells nobody anything, and whoever closes is not there any more to be heard.
            if kind == "comm_msg" and carrier.doubt.holds((kind, packet), now):
                self._ask_later(0)
            else:
                self._send(carrier, kind, self._joined(carrier, packet))
        if self._outbox:
            self._schedule()
        self._show_activity()

    def _joined(self, carrier: DirectCarrier, packet: list[Any] | None) -> list[Any] | None:
        """Return `packet` together with those that wait behind it for the same page, if they are small."""
        if packet is None or len(packet) > 1:
            return packet
        packets, size = [packet], len(packet[0])
        while self._outbox:
            other, _, following = self._outbox[0]
            if other is not carrier or following is None or len(following) > 1 or size + len(following[0]) > JOINED:
                break
            self._outbox.popleft()
            packets.append(following)
            size += len(following[0])
        return packet if len(packets) == 1 else join_packets(packets)

    def _send(self, carrier: DirectCarrier, kind: str, packet: list[Any] | None) -> None:
        content = {"comm_id": carrier.comm_id, "data": TO_PAGE}
        try:
            self._session.send(self._stream, kind, content, parent={}, ident=carrier.idents, buffers=packet)
        except Exception as error:
            self._kernel.log.warning("ipfs_comm: a packet could not be sent on the control channel: %s", error)
            self._hand_over(carrier.drop, LinkError(f"the control channel is gone: {error}", code="ERR_CARRIER"))

    def _newcomer(self) -> None:
        now = time.monotonic()
        for carrier in list(self._carriers.values()):
            carrier.doubt.newcomer(now)

    def _ask_later(self, seconds: float) -> None:
        if self._asking is None and self._active:
            self._asking = self._control.call_later(seconds, self._ask)

    def _ask(self) -> None:
        """Ask the pages that are in doubt and for which something waits."""
        self._asking = None
        now = time.monotonic()
        for carrier in list(self._carriers.values()):
            if carrier.doubt.taken(now):
                self._hand_over(carrier.drop, LinkError(TAKEN, code="ERR_DENIED"))
            elif carrier.doubt.waiting:
                self._send(carrier, "comm_msg", encode_packet(b"", [Ping(0)]))
                self._ask_later(ASK_EVERY)

    def _show_activity(self) -> None:
        now = time.monotonic()
        if now - self._shown < ACTIVITY or getattr(self._kernel, "iopub_socket", None) is None:
            return
        self._shown = now
        # No comm has this id, so every client ignores the message; the server notes that the kernel lives.
        self._session.send(
            self._kernel.iopub_socket,
            "comm_msg",
            {"comm_id": f"{next(iter(self._targets))}-activity", "data": {}},
            parent={},
            ident=b"comm-activity",
        )
