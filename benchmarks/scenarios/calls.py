"""How many small calls a second, with 1, 16 and 256 under way?"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from harness.bench import interleave
from harness.sheet import Row, middle

if TYPE_CHECKING:
    from harness.bench import Bench

IN_FLIGHT = (1, 16, 256)


def run(bench: Bench) -> None:
    """Measure small messages and small calls of the unmodified client, beside raw echoes."""
    ms = bench.timed(800)
    with bench.media() as (_, raw, ours, port), bench.connected(ours, "ipfs") as client:
        kinds = [
            ("raw", partial(bench.call, "flight", medium=raw, ms=ms)),
            ("messages and answers", partial(bench.call, "flight", medium=port, ms=ms)),
            ("block.stat of the unmodified client", partial(bench.call, "calls", client=client, ms=ms)),
        ]
        keys = [(what, in_flight) for in_flight in IN_FLIGHT for what, _ in kinds]
        measures = [partial(measure, inFlight=in_flight) for in_flight in IN_FLIGHT for _, measure in kinds]
        found = dict(zip(keys, interleave(bench.repeat, *measures), strict=True))
    for what, _ in kinds[1:]:
        alone = middle(found[what, 1])
        for in_flight in IN_FLIGHT:
            mine, bare = found[what, in_flight], found["raw", in_flight]
            name = f"{bench.client.name}: {what}, {in_flight} under way"
            samples = {"samples": {"ours": mine, "raw": bare}}
            speed = middle(mine)
            bench.add(Row(name, "1/s", "higher", speed, middle(bare), "raw echoes, as many", samples=samples))
            if in_flight != 1:
                target = 5.0 if in_flight == 16 else 0.0
                bench.add(Row(f"{name}, beside one", "1/s", "higher", speed, alone, "one under way", target))
