"""Does a stream fill a slow line, and does the user's own work still get through it?"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from harness.bench import MIB, highest, rate
from harness.lines import Line, open_lines
from harness.sheet import Row, middle

if TYPE_CHECKING:
    from harness.bench import Bench, Kernel

LINES = [Line(rtt, speed) for speed in (5, 50) for rtt in (30, 80)]
#: Milliseconds that a stream is held: short form, and long form on the slowest lines, whose pings are in danger.
SHORT, LONG = 30_000.0, 600_000.0
#: Milliseconds between cells.
PAUSE = 250
#: Milliseconds that a cell's round trip may grow by.
GROWTH = 200.0
#: Message of a port, and fragment of the raw medium; a fragment of 256 KiB would hold a line of 5 Mbit/s for 0.4 s.
MESSAGE = 64 * 1024
FRAGMENT = 16 * 1024


def run(bench: Bench) -> None:
    """Hold streams on lines with a rate while cells run beside them."""
    port = urlsplit(bench.server.url).port
    assert port is not None
    with bench.kernel("raw") as raw, bench.kernel("ours") as ours, open_lines(port, LINES) as addresses:
        for line in LINES:
            with bench.over(raw, addresses[line]) as far_raw, bench.over(ours, addresses[line]) as far_ours:
                for direction in ("down", "up"):
                    _measure(bench, line, direction, far_raw, far_ours)


def _measure(bench: Bench, line: Line, direction: str, raw: Kernel, ours: Kernel) -> None:
    ms = bench.timed(LONG if bench.long and line.rate == min(other.rate for other in LINES) else SHORT)
    # Of a port: what its reader has not acknowledged, two seconds of the line. Of the raw medium: set by hand to what
    # fits on the line, which nobody who does not know the line could.
    window = int(line.bytes_per_second * 2)
    fits = int(line.bytes_per_second * (line.rtt / 1000 + 0.05)) + FRAGMENT
    bench.call("losses")
    found = {}
    grown = {}
    for what, kernel, stream in (
        ("raw", raw, {"ms": ms / 6, "fragment": FRAGMENT, "credit": fits}),
        ("port", ours, {"ms": ms, "fragment": MESSAGE, "credit": window}),
    ):
        with bench.medium(what, kernel) as medium:
            alone = middle(bench.call("cells", connection=kernel.connection, count=10))
            beside = bench.call(
                "beside",
                medium=medium,
                direction=direction,
                stream=stream,
                connection=kernel.connection,
                pause=PAUSE,
            )
        found[what] = rate(beside)
        grown[what] = (middle(beside["times"]) - alone, highest(beside["times"]) - alone)
    lost = bench.call("losses")
    name = f"{bench.client.name}: {direction} on {line.name}"
    note = f"[raw stream set by hand: {found['raw']:.2f} MiB/s, growth {grown['raw'][0]:.0f} ms]"
    whole = line.bytes_per_second / MIB
    add = bench.add
    add(Row(f"{name}, goodput", "MiB/s", "higher", found["port"], whole, "the line", 0.9, note=note))
    middling, high = (max(0.0, growth) for growth in grown["port"])
    add(Row(f"{name}, growth of a cell's round trip", "ms", "lower", middling, GROWTH, "bound", 1))
    add(Row(f"{name}, the same, 95th percentile", "ms", "lower", high, GROWTH, "bound"))
    minutes = ms / 60_000
    add(
        Row(
            f"{name}, minutes without a lost connection ({minutes:.3g})",
            "min",
            "higher",
            0.0 if lost else minutes,
            minutes,
            "all of them",
            1,
        )
    )
