"""How much memory does a long stream add to page, server and kernel?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.bench import CREDIT, MIB
from harness.meter import Peak
from harness.sheet import Row

if TYPE_CHECKING:
    from harness.bench import Bench

#: MiB that a stream may add to each process.
BOUND = 64.0


def run(bench: Bench) -> None:
    """Watch the resident memory of each process at its highest, above what it was before the stream."""
    total = bench.sized(4096 if bench.long else 512)
    for direction in ("down", "up"):
        added = {}
        for kind in ("raw", "ours"):
            # A kernel of its own: memory that an earlier stream has left would be used again.
            with bench.kernel(kind) as kernel, bench.medium("port" if kind == "ours" else "raw", kernel) as medium:
                stream = {"medium": medium, "fragment": 256 * 1024, "credit": CREDIT}
                bench.call(direction, **stream, total=MIB)
                bench.call("collect")
                with Peak(bench.roles(kernel)) as peak:
                    bench.call(direction, **stream, total=total)
                added[kind] = peak.added
        for role, size in added["ours"].items():
            note = f"[raw stream: {added['raw'][role] / MIB:.0f}]"
            name = f"{bench.client.name}: {direction} {total >> 20} MiB, memory added to the {role}"
            bench.add(Row(name, "MiB", "lower", max(0.0, size / MIB), BOUND, "bound", 1, note=note))
