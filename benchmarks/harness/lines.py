"""Lines of a given round trip and rate: a TCP proxy on the loopback interface, in a process of its own.

A line delays each way by half its round trip. A line with a rate lets bytes through at that rate and holds what waits
for its turn in a queue as long as a home router's, 100 ms of the line; a full queue is felt by the sender's TCP, whose
segments and buffers are kept as small as on a real line.
"""

from __future__ import annotations

import contextlib
import json
import selectors
import socket
import subprocess
import sys
import time
from collections import deque
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Line", "open_lines"]

#: Seconds of the line that its queue holds, and the least bytes.
QUEUE = 0.1
MIN_QUEUE = 32 * 1024
#: Bytes in flight on a line without a rate.
UNLIMITED = 64 * 2**20
#: Segment and receive buffer of TCP on a line with a rate; loopback's own would hide seconds of a slow line.
SEGMENT = 1448
BUFFER = 64 * 1024


@dataclass(frozen=True)
class Line:
    """Round trip in milliseconds, and rate in Mbit/s each way; 0 is unlimited."""

    rtt: float
    rate: float = 0.0

    @property
    def name(self) -> str:
        """What stands in the rows."""
        return f"{self.rate:g} Mbit/s x {self.rtt:g} ms" if self.rate else f"{self.rtt:g} ms RTT"

    @property
    def bytes_per_second(self) -> float:
        """The rate in bytes."""
        return self.rate * 1e6 / 8


class _Way:
    """One direction of one connection."""

    def __init__(self, source: socket.socket, sink: socket.socket, line: Line) -> None:
        self.source, self.sink = source, sink
        self._delay = line.rtt / 2000
        self._rate = line.bytes_per_second
        # Two milliseconds of the line at a time, at least a packet.
        self._take = max(1500, int(self._rate * 0.002)) if self._rate else 256 * 1024
        self._limit = max(MIN_QUEUE, self._rate * QUEUE)
        self._free_at = 0.0
        self._waiting: deque[tuple[float, memoryview]] = deque()
        self._held = 0
        self.ended = False
        self.blocked = False

    def wants(self, now: float) -> bool:
        """Return whether there is room for more of what the source has."""
        if self.ended:
            return False
        if self._rate:
            # What has left the queue is on the line; what the sink does not take fills it from behind.
            flying = self._rate * self._delay + self._limit + self._take
            return (self._free_at - now) * self._rate < self._limit and self._held < flying + BUFFER
        return self._held < UNLIMITED

    def read(self, now: float) -> None:
        """Take what the source has."""
        try:
            data = self.source.recv(self._take)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.ended = True
            return
        if self._rate:
            self._free_at = max(now, self._free_at) + len(data) / self._rate
        self._waiting.append(((self._free_at if self._rate else now) + self._delay, memoryview(data)))
        self._held += len(data)

    def write(self, now: float) -> None:
        """Give the sink what is due."""
        self.blocked = False
        while self._waiting and self._waiting[0][0] <= now:
            due, data = self._waiting[0]
            try:
                sent = self.sink.send(data)
            except BlockingIOError:
                self.blocked = True
                return
            self._held -= sent
            if sent < len(data):
                self._waiting[0] = (due, data[sent:])
                self.blocked = True
                return
            self._waiting.popleft()
        if self.ended and not self._waiting:
            with contextlib.suppress(OSError):
                self.sink.shutdown(socket.SHUT_WR)

    def next_at(self, now: float) -> float | None:
        """Return when something is to be done that no socket tells."""
        times = []
        if self._waiting and not self.blocked:
            times.append(self._waiting[0][0])
        if self._rate and not self.ended and (self._free_at - now) * self._rate >= self._limit:
            times.append(self._free_at - self._limit / self._rate)
        return min(times, default=None)

    @property
    def done(self) -> bool:
        """Whether the source has ended and all of it has gone."""
        return self.ended and not self._waiting


class _Pair:
    """One connection: two sockets and the ways between them."""

    def __init__(self, client: socket.socket, target: tuple[str, int], line: Line) -> None:
        server = _socket(line)
        server.connect(target)
        for end in (client, server):
            end.setblocking(False)
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.ways = (_Way(client, server, line), _Way(server, client, line))
        self._events: dict[socket.socket, int] = {client: 0, server: 0}

    def turn(self, now: float, selector: selectors.BaseSelector) -> float | None:
        """Do what can be done now; return when to come back at the latest."""
        for way in self.ways:
            if way.wants(now):
                way.read(now)
            way.write(now)
        for end in self._events:
            self._watch(selector, end, now)
        return min((at for way in self.ways if (at := way.next_at(now)) is not None), default=None)

    def close(self, selector: selectors.BaseSelector) -> None:
        """Close both sockets."""
        for end, events in self._events.items():
            if events:
                selector.unregister(end)
            end.close()

    def _watch(self, selector: selectors.BaseSelector, end: socket.socket, now: float) -> None:
        wanted = 0
        for way in self.ways:
            if way.source is end and way.wants(now):
                wanted |= selectors.EVENT_READ
            if way.sink is end and way.blocked:
                wanted |= selectors.EVENT_WRITE
        if wanted == self._events[end]:
            return
        if not wanted:
            selector.unregister(end)
        elif not self._events[end]:
            selector.register(end, wanted, self)
        else:
            selector.modify(end, wanted, self)
        self._events[end] = wanted


def _socket(line: Line) -> socket.socket:
    made = socket.socket()
    if line.rate:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SEGMENT)
    return made


def serve(port: int, lines: list[Line]) -> None:
    """Listen on one port for each line, print the ports, and carry bytes to `port` until standard input ends."""
    selector = selectors.DefaultSelector()
    pairs: set[_Pair] = set()
    listening = []
    for line in lines:
        listener = _socket(line)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.setblocking(False)
        selector.register(listener, selectors.EVENT_READ, line)
        listening.append(listener.getsockname()[1])
    selector.register(sys.stdin, selectors.EVENT_READ, None)
    print(json.dumps(listening), flush=True)
    soonest: float | None = None
    while True:
        timeout = None if soonest is None else max(0.0, soonest - time.monotonic())
        for key, _ in selector.select(timeout):
            if key.data is None:
                return
            if isinstance(key.data, Line):
                client, _ = key.fileobj.accept()  # type: ignore[union-attr]  # a listener
                pairs.add(_Pair(client, ("127.0.0.1", port), key.data))
        soonest = None
        now = time.monotonic()
        for pair in list(pairs):
            try:
                at = pair.turn(now, selector)
            except OSError:
                # One side is gone; the other learns of it by the end of its connection.
                at, gone = None, True
            else:
                gone = all(way.done for way in pair.ways)
            if gone:
                pair.close(selector)
                pairs.discard(pair)
            elif at is not None and (soonest is None or at < soonest):
                soonest = at


@contextlib.contextmanager
def open_lines(port: int, lines: list[Line]) -> Iterator[dict[Line, str]]:
    """Open lines to a port of this machine; give the websocket address of each."""
    process = subprocess.Popen(
        [sys.executable, __file__, str(port), json.dumps([asdict(line) for line in lines])],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        ports: list[Any] = json.loads(process.stdout.readline())
        yield {line: f"ws://127.0.0.1:{number}/" for line, number in zip(lines, ports, strict=True)}
    finally:
        process.stdin.close()
        process.wait(10)


if __name__ == "__main__":
    serve(int(sys.argv[1]), [Line(**line) for line in json.loads(sys.argv[2])])
