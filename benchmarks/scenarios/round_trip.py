"""How long is one small message and its answer, idle and while a cell runs?"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from harness.bench import RAW_RTT, interleave
from harness.sheet import Row, middle

if TYPE_CHECKING:
    from harness.bench import Bench, Kernel

#: Cells that keep the main thread busy for that many seconds.
CELLS = {
    "idle": "",
    "while a cell sleeps": "import time; time.sleep({0})",
    "while a cell computes": "import time\nend = time.monotonic() + {0}\nwhile time.monotonic() < end: pass",
}
ECHOES = 200


def run(bench: Bench) -> None:
    """Measure a round trip of ports beside the raw medium and an ordinary comm."""
    seconds = bench.timed(1000) / 1000

    def trip(medium: str, kernel: Kernel, cell: str, count: int) -> float:
        if cell:
            bench.call("begin", connection=kernel.connection, code=cell.format(seconds))
        times = bench.call("echo", medium=medium, count=count, ms=seconds * 800)
        if cell:
            bench.call("finish", connection=kernel.connection)
        return middle(times)

    with bench.media() as (raw, raw_medium, ours, port), bench.medium("comm", raw) as comm:
        bench.call("echo", medium=raw_medium, count=20)
        bench.call("echo", medium=port, count=20)
        for state, cell in CELLS.items():
            bare, mine = interleave(
                bench.repeat,
                partial(trip, raw_medium, raw, cell, ECHOES),
                partial(trip, port, ours, cell, ECHOES),
            )
            (ordinary,) = interleave(
                min(3, bench.repeat),
                partial(trip, comm, raw, cell, 10),
            )
            counts = middle(bare) <= RAW_RTT or bool(cell)
            samples = {"samples": {"ours": mine, "raw": bare, "comm": ordinary}}
            name = f"{bench.client.name}: round trip, {state}"
            bench.add(Row(name, "ms", "lower", middle(mine), middle(bare), "raw echo", 0.87, counts, samples=samples))
            bench.add(Row(f"{name}, beside a comm", "ms", "lower", middle(mine), middle(ordinary), "ordinary comm"))
