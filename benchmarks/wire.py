"""How much of what the channel has do ports give?

Each row stands beside a raw echo or stream on the same carrier in the same run (a hook on the control channel's own
thread, no port layer, packets of the same size), beside an ordinary comm, or beside a bound. See README.md.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

from harness.bench import Bench
from harness.clients import CLIENTS
from harness.parts import Parts, parser
from harness.server import running
from harness.sheet import Sheet
from scenarios import add_file, beside, calls, connect, distance, memory, round_trip, slow, tasks, throughput

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

QUESTION = "How much of what the channel has do ports give?"

BOTH = ("node", "lab")
LAB = ("lab",)

#: What can be asked for, and who measures it.
SCENARIOS: dict[str, tuple[Callable[[Bench], None], tuple[str, ...]]] = {
    "round-trip": (round_trip.run, BOTH),
    "throughput": (throughput.run, BOTH),
    "distance": (distance.run, BOTH),
    "calls": (calls.run, BOTH),
    "beside": (beside.run, BOTH),
    "connect": (connect.run, BOTH),
    "tasks": (tasks.run, LAB),
    "memory": (memory.run, LAB),
    "add-file": (add_file.run, LAB),
    "slow": (slow.run, LAB),
}


def main() -> int:
    """Measure what was asked for, print the tables and keep them; return 1 if something could not be measured."""
    options = _options()
    sheet = Sheet(QUESTION, "wire")
    parts = Parts(sheet, options)
    for who in options.client:
        wanted = [name for name in options.rows if options.anywhere or who in SCENARIOS[name][1]]
        for name in wanted:
            # A server and a client of its own: what one scenario leaves behind is no part of the next.
            with parts.measuring(name, who), ExitStack() as stack:
                server = stack.enter_context(running())
                client = stack.enter_context(CLIENTS[who](server))
                bench = Bench(server, client, sheet, long=options.long, scale=options.scale, repeat=options.repeat)
                bench.look_around()
                SCENARIOS[name][0](bench)
    return parts.end()


def _options() -> argparse.Namespace:
    made = parser(__doc__, SCENARIOS, long="gigabytes, and ten minutes on the slowest lines")
    made.add_argument("--client", nargs="+", choices=CLIENTS, default=list(CLIENTS), help="who measures")
    made.add_argument("--anywhere", action="store_true", help="let every client measure every part it can")
    return made.parse_args()


if __name__ == "__main__":
    sys.exit(main())
