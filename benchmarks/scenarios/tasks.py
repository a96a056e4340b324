"""How long does a stream hold the page's main thread at a time?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.bench import CREDIT, rate
from harness.sheet import Row

if TYPE_CHECKING:
    from harness.bench import Bench

#: Milliseconds; the browser reports no task below that.
BOUND = 50.0


def run(bench: Bench) -> None:
    """Watch the page's long tasks while a port streams, each way."""
    total = bench.sized(1024 if bench.long else 256)
    with bench.media() as (_, raw, _, port):
        for direction in ("down", "up"):
            found = {}
            for what, medium in (("raw", raw), ("ours", port)):
                stream = {"medium": medium, "fragment": 256 * 1024, "credit": CREDIT}
                # What is compiled and grown in the first second is not the stream's.
                bench.call(direction, **stream, total=total // 8)
                bench.call("watchTasks")
                speed = rate(bench.call(direction, **stream, total=total))
                found[what] = (bench.call("tasks"), speed)
            tasks, speed = found["ours"]
            note = f"[{len(tasks)} over 50 ms at {speed:.0f} MiB/s; raw stream: {len(found['raw'][0])}]"
            name = f"{bench.client.name}: {direction} {total >> 20} MiB, longest task of the page"
            # 50 ms is the least that can be told: it stands for none.
            longest = max(tasks, default=BOUND)
            bench.add(Row(name, "ms", "lower", longest, BOUND, "bound", 1, note=note, samples={"tasks": tasks}))
