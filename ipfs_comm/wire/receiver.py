"""The receiving half of a link as plain state: order, gaps, acknowledgements, and messages put together again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ipfs_comm.errors import LinkError, ProtocolError
from ipfs_comm.wire.acks import ACK_BYTES, ACK_DELAY, ACK_FRAMES
from ipfs_comm.wire.clone import MAX_META, Meta, parse_meta
from ipfs_comm.wire.frame import MAX_RANGES, Ack, Close, Data

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipfs_comm.wire.limits import Limits

__all__ = ["Assembler", "Receiver"]

#: How far ahead of the first gap a frame may be.
MAX_AHEAD: Final = 4_096
#: So many small pieces in a row are joined, since each keeps the packet it came in.
MANY_PIECES: Final = 4_096
SMALL_PIECE: Final = 1_024


class Receiver:
    """Hands frames on in order, each once.

    Parameters
    ----------
    window : int
        Bytes of bodies that may wait behind a gap.
    """

    def __init__(self, window: int) -> None:
        self.window = window
        #: Everything up to this number has arrived.
        self.cumulative = 0
        #: The last number that the other end has said to have sent.
        self.sent = 0
        self._early: dict[int, Data | Close] = {}
        self._early_bytes = 0
        self._frames = 0
        self._bytes = 0
        self._ack_bytes = min(ACK_BYTES, max(1, window // 4))
        self._gap_known = False
        #: Whether an ACK is owed at once; and, in seconds of the clock, when at the latest.
        self.ack_now = False
        self.ack_at: float | None = None

    def accept(self, frame: Data | Close, now: float) -> Sequence[Data | Close]:
        """Take a frame; return those that are now in order."""
        seq = frame.seq
        if seq == self.cumulative + 1 and not self._early:
            self.cumulative = seq
            self._owe(frame, now)
            return (frame,)
        if seq <= self.cumulative or seq in self._early:
            self.ack_now = True
            return ()
        if seq > self.cumulative + 1:
            if seq - self.cumulative > MAX_AHEAD or self._early_bytes + frame.size > self.window:
                return ()
            self._early[seq] = frame
            self._early_bytes += frame.size
            self._owe(frame, now)
            if not self._gap_known:
                self._gap_known = self.ack_now = True
            return ()
        ready = [frame]
        self._owe(frame, now)
        self.cumulative = seq
        while (following := self._early.pop(self.cumulative + 1, None)) is not None:
            self.cumulative += 1
            self._early_bytes -= following.size
            ready.append(following)
        self._gap_known = False
        if self._early:
            self._gap_known = self.ack_now = True
        return ready

    def heard(self, seq: int) -> None:
        """Take note that the other end has sent frames up to `seq`."""
        if seq > self.sent:
            self.sent = seq
        if seq > self.cumulative and not self._early:
            self.ack_now = True

    def _owe(self, frame: Data | Close, now: float) -> None:
        self._frames += 1
        self._bytes += frame.size
        if self._frames >= ACK_FRAMES or self._bytes >= self._ack_bytes:
            self.ack_now = True
        elif self.ack_at is None:
            self.ack_at = now + ACK_DELAY

    def ack(self, seq: int) -> Ack:
        """Return the ACK that is owed; `seq` is the last number this end has sent."""
        self._frames = self._bytes = 0
        self.ack_now = False
        self.ack_at = None
        return Ack(seq, self.cumulative, self.window, tuple(self._missing()))

    def _missing(self) -> list[tuple[int, int]]:
        ranges: list[tuple[int, int]] = []
        expected = self.cumulative + 1
        for seq in sorted(self._early):
            if seq > expected:
                ranges.append((expected, seq - 1))
                if len(ranges) == MAX_RANGES:
                    return ranges
            expected = seq + 1
        if self.sent >= expected:
            ranges.append((expected, self.sent))
        return ranges


class Assembler:
    """Puts the fragments of one port's messages together; a buffer that arrived whole is not copied.

    Parameters
    ----------
    limits : Limits
        For the sizes of messages.
    """

    __slots__ = ("_buffers", "_limits", "_meta", "_meta_size", "_pieces", "_small", "_want", "size")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._want = -1
        self._meta_size = -1
        self._meta: Meta | None = None
        self._buffers: list[memoryview] = []
        self._pieces: list[memoryview] = []
        self._small = 0
        #: Bytes of the message that have come so far.
        self.size = 0

    def feed(self, frame: Data) -> tuple[Meta, list[memoryview]] | None:
        """Take the next fragment; return the message when it was the last.

        Raises
        ------
        ProtocolError
            The fragments do not make a message.
        LinkError
            The message is larger than this end takes (``ERR_LIMIT``).
        """
        if frame.first != (self._want < 0):
            raise ProtocolError(
                f"a fragment on port {frame.port} "
                + ("begins a message inside another" if frame.first else "belongs to no message")
            )
        if frame.first:
            self._want = 4
        self.size += frame.size
        for part in frame.body:
            self._push(memoryview(part))
        if not frame.last:
            return None
        if self._want or self._meta is None:
            raise ProtocolError(f"a message on port {frame.port} ends too early")
        message = self._meta, self._buffers
        Assembler.__init__(self, self._limits)
        return message

    def _push(self, part: memoryview) -> None:
        at, end = 0, len(part)
        while at < end:
            want = self._want
            if not want:
                raise ProtocolError(f"a message has {end - at} bytes left over")
            taken = min(want, end - at)
            piece = part if taken == end else part[at : at + taken]
            at += taken
            self._want = want - taken
            if self._want:
                self._keep(piece)
                continue
            if self._pieces:
                self._pieces.append(piece)
                piece = memoryview(b"".join(self._pieces))
                self._pieces = []
                self._small = 0
            self._complete(piece)

    def _keep(self, piece: memoryview) -> None:
        self._pieces.append(piece)
        self._small = self._small + 1 if len(piece) < SMALL_PIECE else 0
        if self._small == MANY_PIECES:
            self._pieces[-MANY_PIECES:] = [memoryview(b"".join(self._pieces[-MANY_PIECES:]))]
            self._small = 0

    def _complete(self, piece: memoryview) -> None:
        if self._meta_size < 0:
            self._meta_size = self._want = int.from_bytes(piece, "little")
            if not 0 < self._meta_size <= MAX_META:
                raise ProtocolError(f"a message's meta has {self._meta_size} bytes")
            self._bound("max_meta", self._meta_size)
            return
        if self._meta is None:
            self._meta = parse_meta(piece)
            self._bound("max_message", sum(self._meta.sizes))
        else:
            self._buffers.append(piece)
        sizes = self._meta.sizes
        while len(self._buffers) < len(sizes) and not sizes[len(self._buffers)]:
            self._buffers.append(memoryview(b""))
        if len(self._buffers) < len(sizes):
            self._want = sizes[len(self._buffers)]

    def _bound(self, name: str, size: int) -> None:
        most = getattr(self._limits, name)
        if size > most:
            raise LinkError(f"a message has {size} bytes, more than the limit {name} of {most}", code="ERR_LIMIT")
