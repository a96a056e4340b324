"""Packets over two pipes: standard input and output of a process. `docs/protocol.md`, section 5."""

from __future__ import annotations

import asyncio
import contextlib
import os
import stat
from collections import deque
from struct import Struct, unpack_from
from typing import IO, TYPE_CHECKING, Final

from ipfs_comm.errors import InvalidInputError, LinkError, ProtocolError
from ipfs_comm.wire.carriers.base import Carrier, Closed, Receive
from ipfs_comm.wire.frame import MAX_BUFFERS, Buffer

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["StdioCarrier"]

MAX_PACKET: Final = 64 * 2**20
#: Bytes that the kernel keeps in a pipe, where it lets us say so.
PIPE_SIZE: Final = 1 << 20
#: Buffers up to this size are joined before they are written.
JOIN: Final = 16 * 1024

_U32: Final = Struct("<I")


class StdioCarrier(Carrier, asyncio.Protocol):
    """Reads packets from one pipe and writes them to another; made by :meth:`connect`."""

    name = "stdio"
    max_frames = 256
    fragment_size = 256 * 1024
    tells_close = True

    def __init__(self) -> None:
        self._receive: Receive | None = None
        self._closed: Closed | None = None
        self._reading: asyncio.ReadTransport | None = None
        self._writing: asyncio.WriteTransport | None = None
        self._chunks: list[memoryview] = []
        self._have = 0
        self._want = _U32.size
        self._sizes: Sequence[int] | None = None
        self._count = -1
        self._waiting: deque[Buffer] = deque()
        self._paused = False
        self._done = False

    @classmethod
    async def connect(cls, source: IO[bytes], sink: IO[bytes]) -> StdioCarrier:
        """Return a carrier over two pipes; it owns them from now on.

        Parameters
        ----------
        source, sink : binary file object of a pipe
            Where packets come from and where they go.

        Raises
        ------
        InvalidInputError
            One of them is no pipe and no socket.
        """
        for pipe in (source, sink):
            mode = os.fstat(pipe.fileno()).st_mode
            if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
                raise InvalidInputError(
                    "packets go over pipes or sockets, not files and terminals: start the program from another one"
                )
        carrier = cls()
        loop = asyncio.get_running_loop()
        for pipe in (source, sink):
            # Only Linux has it, and not without bound: a smaller pipe costs time, nothing else.
            with contextlib.suppress(ImportError, OSError, AttributeError):
                import fcntl

                fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_SIZE)
        reading, _ = await loop.connect_read_pipe(lambda: carrier, source)
        reading.pause_reading()
        carrier._reading = reading
        carrier._writing, _ = await loop.connect_write_pipe(lambda: _Sink(carrier), sink)
        return carrier

    def start(self, receive: Receive, closed: Closed) -> None:
        """See :class:`Carrier`."""
        self._receive, self._closed = receive, closed
        if self._done:
            asyncio.get_running_loop().call_soon(closed, _ended(None))
        elif self._reading is not None:
            self._reading.resume_reading()

    def send(self, packet: Sequence[Buffer]) -> None:
        """See :class:`Carrier`; what the pipe does not take at once waits here, at most what the link has in flight."""
        if self._done:
            return
        run: list[Buffer] = [_U32.pack(len(packet)), *(_U32.pack(len(item)) for item in packet)]
        for item in packet:
            if len(item) <= JOIN:
                run.append(item)
                continue
            self._waiting.append(b"".join(run))
            run = []
            self._waiting.append(item)
        if run:
            self._waiting.append(b"".join(run))
        self._write()

    def _write(self) -> None:
        # A transport that is given more than the pipe takes copies all that it holds with each piece that is added.
        if self._writing is not None:
            while self._waiting and not self._paused:
                self._writing.write(self._waiting.popleft())

    def close(self) -> None:
        """See :class:`Carrier`; what waits is still written, unless the pipe is gone."""
        if self._done:
            return
        self._done = True
        self._chunks.clear()
        if self._reading is not None:
            self._reading.close()
        self._paused = False
        self._write()
        if self._writing is not None:
            self._writing.close()

    def _gone(self, error: Exception | None) -> None:
        if self._done:
            return
        self.close()
        if self._closed is not None:
            self._closed(_ended(error))

    def data_received(self, data: bytes) -> None:
        """Take bytes from the pipe."""
        view = memoryview(data)
        while view and not self._done:
            taken = min(len(view), self._want - self._have)
            self._chunks.append(view[:taken])
            self._have += taken
            view = view[taken:]
            if self._have == self._want:
                whole = self._chunks[0] if len(self._chunks) == 1 else memoryview(b"".join(self._chunks))
                self._chunks.clear()
                self._have = 0
                try:
                    self._part(whole)
                except ProtocolError as error:
                    self._gone(error)

    def _part(self, whole: memoryview) -> None:
        if self._count < 0:
            (self._count,) = _U32.unpack(whole)
            if not 1 <= self._count <= MAX_BUFFERS:
                raise ProtocolError(f"a packet on standard input has {self._count} buffers, not 1 to {MAX_BUFFERS}")
            self._want = self._count * _U32.size
            return
        if self._sizes is None:
            self._sizes = unpack_from(f"<{self._count}I", whole)
            self._want = sum(self._sizes)
            if self._want > MAX_PACKET:
                raise ProtocolError(f"a packet on standard input has {self._want} bytes, more than {MAX_PACKET}")
            if self._want:
                return
            whole = memoryview(b"")
        packet: list[Buffer] = []
        at = 0
        for size in self._sizes:
            packet.append(whole[at : at + size])
            at += size
        self._sizes, self._count, self._want = None, -1, _U32.size
        if self._receive is not None:
            self._receive(packet)

    def eof_received(self) -> None:
        """Learn that the other process has closed its end."""
        self._gone(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Learn that the pipe is gone."""
        self._gone(exc)


def _ended(error: Exception | None) -> LinkError:
    """Return why a carrier is over: pipes do not come back."""
    if isinstance(error, LinkError):
        return error
    return LinkError(f"the other process has closed its pipe{f': {error}' if error else ''}", code="ERR_CARRIER")


class _Sink(asyncio.BaseProtocol):
    """Tells the carrier how the pipe is that it writes to."""

    def __init__(self, carrier: StdioCarrier) -> None:
        self._carrier = carrier

    def connection_lost(self, exc: Exception | None) -> None:
        # Whoever reads the other end is gone: that is the end, and not an error of its own.
        self._carrier._waiting.clear()
        self._carrier._gone(None if isinstance(exc, BrokenPipeError) else exc)

    def pause_writing(self) -> None:
        self._carrier._paused = True

    def resume_writing(self) -> None:
        self._carrier._paused = False
        self._carrier._write()
