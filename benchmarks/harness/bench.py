"""One run: a server, a client, the kernels that are measured, and what is true of all rows."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psutil

from harness.server import REPO
from harness.sheet import middle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.clients import Client
    from harness.meter import Roles
    from harness.server import Server
    from harness.sheet import Row, Sheet

__all__ = ["FLOORS", "MIB", "RAW_RTT", "Bench", "Kernel"]

MIB = 2**20

#: Half of what the raw medium gave on two quiet cores, MiB/s: below that a machine is too busy for its rows to count.
FLOORS = {"JupyterLab": 205 / 2, "Node": 630 / 2}
#: Twice the raw round trip there, ms.
RAW_RTT = 2.0

BEGIN = f"""
import sys
sys.path.insert(0, {str(REPO / "benchmarks")!r})
from harness import kernel_end
"""
SETUPS = {
    "raw": "kernel_end.serve_raw(get_ipython().kernel); kernel_end.serve_comm(get_ipython().kernel)",
    "ours": "kernel_end.serve_ports()\n%load_ext ipfs_comm",
}


@dataclass(frozen=True)
class Kernel:
    """A kernel, and the name of the client's connection to it."""

    id: str
    pid: int
    connection: str

    def processes(self) -> list[psutil.Process]:
        """Return its process."""
        return [psutil.Process(self.pid)]


class Bench:
    """What scenarios measure with.

    Parameters
    ----------
    server, client, sheet
        Where, who, and where it is written down.
    long : bool
        Whether streams are gigabytes and slow lines are held for ten minutes.
    scale : float
        What sizes and durations are multiplied by; below 1 to try whether everything works.
    repeat : int
        Repetitions of a measurement; those of ours and of its reference take turns.
    """

    def __init__(self, server: Server, client: Client, sheet: Sheet, *, long: bool, scale: float, repeat: int) -> None:
        self.server, self.client, self.sheet = server, client, sheet
        self.long, self.scale, self.repeat = long, scale, repeat
        self._names = 0
        #: Whether the machine gives the raw medium what it should have; without that no row counts.
        self.quiet = True

    def look_around(self) -> None:
        """See whether the machine is quiet enough for figures: raw streams both ways and raw echoes, no port near."""
        with self.kernel("raw") as kernel, self.medium("raw", kernel) as medium:
            stream = {"medium": medium, "fragment": 256 * 1024, "credit": CREDIT, "total": 64 * MIB}
            speeds = {way: max(rate(self.call(way, **stream)) for _ in range(3)) for way in ("down", "up")}
            trip = middle(self.call("echo", medium=medium, count=100))
        self.quiet = min(speeds.values()) >= self.floor and trip <= RAW_RTT
        print(
            f"raw: {speeds['down']:.0f} MiB/s down, {speeds['up']:.0f} up, an echo {trip:.2f} ms"
            + ("" if self.quiet else f": too busy, {self.floor:g} MiB/s and {RAW_RTT:g} ms are the least"),
            flush=True,
        )

    def add(self, row: Row) -> None:
        """Take a row; it counts if the machine was quiet when its scenario began and its own raw figure says so."""
        row.counts = row.counts and self.quiet
        self.sheet.add(row)

    @property
    def floor(self) -> float:
        """What the raw medium has to give, MiB/s."""
        return FLOORS[self.client.name]

    def sized(self, mebibytes: float) -> int:
        """Return so many MiB in bytes, to this run's scale."""
        return max(MIB, int(mebibytes * self.scale) * MIB)

    def timed(self, milliseconds: float) -> float:
        """Return so many milliseconds to this run's scale."""
        return max(200.0, milliseconds * self.scale)

    def call(self, command: str, **args: Any) -> Any:
        """Have the client run a command."""
        return self.client.call(command, **args)

    @contextlib.contextmanager
    def kernel(self, kind: str) -> Iterator[Kernel]:
        """Start a kernel, ``raw`` or ``ours``, and connect to it."""
        ident = self.server.start_kernel()
        connection = self.name(kind)
        try:
            self.call("open", connection=connection, id=ident)
            code = BEGIN + SETUPS[kind]
            said = self.call(
                "execute", connection=connection, code=code, expressions={"p": "__import__('os').getpid()"}
            )
            yield Kernel(ident, int(said["p"]), connection)
            self.call("shut", connection=connection)
        finally:
            self.server.stop_kernel(ident)

    @contextlib.contextmanager
    def over(self, kernel: Kernel, address: str) -> Iterator[Kernel]:
        """Connect to a kernel once more, over a line."""
        connection = self.name("line")
        self.call("open", connection=connection, id=kernel.id, wsUrl=address)
        yield Kernel(kernel.id, kernel.pid, connection)
        self.call("shut", connection=connection)

    def answer_with(self, kernel: Kernel, what: str) -> None:
        """Choose who answers the ports that are opened to `kernel` from now on."""
        self.call("execute", connection=kernel.connection, code=f"kernel_end.answer_with({what!r})")

    @contextlib.contextmanager
    def medium(self, kind: str, kernel: Kernel) -> Iterator[str]:
        """Open a medium, ``raw``, ``comm`` or ``port``; give its name."""
        name = self.name(kind)
        if kind == "port":
            self.answer_with(kernel, "port")
        self.call("medium", name=name, kind=kind, connection=kernel.connection)
        yield name
        self.call("close", medium=name)

    @contextlib.contextmanager
    def connected(self, kernel: Kernel, answers: str, *, own: bool = False) -> Iterator[str]:
        """Open the unmodified client, or our own, on a port; give its name."""
        name = self.name("client")
        self.answer_with(kernel, answers)
        self.call("client", name=name, connection=kernel.connection, own=own)
        yield name
        self.call("hangUp", client=name)

    @contextlib.contextmanager
    def media(self) -> Iterator[tuple[Kernel, str, Kernel, str]]:
        """Start both kernels and open a raw medium on one and a port on the other."""
        with contextlib.ExitStack() as stack:
            raw, ours = stack.enter_context(self.kernel("raw")), stack.enter_context(self.kernel("ours"))
            yield (
                raw,
                stack.enter_context(self.medium("raw", raw)),
                ours,
                stack.enter_context(self.medium("port", ours)),
            )

    def fragment(self, kernel: Kernel, port: str, direction: str, total: int) -> int:
        """Warm a port up, and return the size of the packets that it cuts a stream into.

        The raw medium then has fragments of that size: what differs is the port layer alone.
        """
        stream = {"medium": port, "total": total, "fragment": 256 * 1024, "credit": CREDIT}
        found = self.call("packets", connection=kernel.connection, measure=direction, stream=stream)
        return max(16 * 1024, round(found[direction] / 4096) * 4096)

    def roles(self, kernel: Kernel) -> Roles:
        """Return the processes whose spending is measured."""
        return {
            "kernel": kernel.processes,
            "server": lambda: [psutil.Process(self.server.pid)],
            "page": self.client.processes,
        }

    def name(self, kind: str) -> str:
        """Return a fresh name."""
        self._names += 1
        return f"{kind}-{self._names}"


#: Bytes in flight on a raw medium that is on no line.
CREDIT = 8 * MIB


def interleave(repeat: int, *measure: Callable[[], float]) -> list[list[float]]:
    """Call each of `measure` in turn, `repeat` times; return the results of each."""
    results: list[list[float]] = [[] for _ in measure]
    for _ in range(repeat):
        for found, function in zip(results, measure, strict=True):
            found.append(function())
    return results


def rate(found: dict[str, float]) -> float:
    """Return the MiB/s of a stream."""
    return found["bytes"] / MIB / (found["ms"] / 1000)


def highest(values: list[float], share: float = 0.95) -> float:
    """Return the value that `share` of all do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else middle([])
