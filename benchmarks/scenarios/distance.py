"""How fast is a stream when server and page are 0, 20 and 50 ms apart?"""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from harness.bench import MIB, interleave, rate
from harness.lines import Line, open_lines
from harness.sheet import Row, middle

if TYPE_CHECKING:
    from harness.bench import Bench, Kernel

LINES = [Line(0), Line(20), Line(50)]
SIZE = 128
#: The raw medium's credit, more than fits a line of 50 ms.
CREDIT = 32 * MIB


def run(bench: Bench) -> None:
    """Measure streams through delaying lines, each beside the raw medium, and the far ones beside the near one."""
    port = urlsplit(bench.server.url).port
    assert port is not None
    with ExitStack() as stack:
        raw, ours = stack.enter_context(bench.kernel("raw")), stack.enter_context(bench.kernel("ours"))
        addresses = stack.enter_context(open_lines(port, LINES))
        ends = []
        for line in LINES:
            far_raw = stack.enter_context(bench.over(raw, addresses[line]))
            far_ours = stack.enter_context(bench.over(ours, addresses[line]))
            medium = stack.enter_context(bench.medium("raw", far_raw))
            ends.append((line, medium, far_ours, stack.enter_context(bench.medium("port", far_ours))))
        for direction in ("down", "up"):
            _measure(bench, direction, ends)


def _measure(bench: Bench, direction: str, ends: list[tuple[Line, str, Kernel, str]]) -> None:
    total = bench.sized(SIZE)
    fragments = [bench.fragment(ours, port, direction, total // 2) for _, _, ours, port in ends]

    def stream(medium: str, fragment: int, credit: int) -> float:
        return rate(bench.call(direction, medium=medium, total=total, fragment=fragment, credit=credit))

    # All lines take turns: what else the machine does then falls on each of them alike.
    measures = []
    for fragment, (_, medium, _, port) in zip(fragments, ends, strict=True):
        measures.append(partial(stream, medium, fragment, CREDIT))
        measures.append(partial(stream, port, 256 * 1024, 2 * CREDIT))
    found = interleave(bench.repeat, *measures)
    near = middle(found[1])
    for number, (line, *_) in enumerate(ends):
        bare, mine = found[2 * number], found[2 * number + 1]
        samples = {"samples": {"ours": mine, "raw": bare}}
        note = f"[packets of {fragments[number] // 1024} KiB]"
        name = f"{bench.client.name}: {direction} at {line.name}"
        speed = middle(mine)
        bench.add(Row(name, "MiB/s", "higher", speed, middle(bare), "raw stream", note=note, samples=samples))
        if number:
            target = 0.85 if bench.client.name == "JupyterLab" and line.rtt == 50 else 0.0
            bench.add(Row(f"{name}, beside 0 ms", "MiB/s", "higher", speed, near, "ours at 0 ms RTT", target))
