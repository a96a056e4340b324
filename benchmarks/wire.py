"""How much of what the channel has do ports give?

Each row stands beside a raw echo or stream on the same carrier in the same run (a hook on the control channel's own
thread, no port layer, packets of the same size), beside an ordinary comm, or beside a bound. See README.md.
"""

from __future__ import annotations

import argparse
import sys
import traceback
from contextlib import ExitStack
from time import monotonic
from typing import TYPE_CHECKING

from harness.bench import Bench
from harness.clients import CLIENTS
from harness.server import running
from harness.sheet import Sheet
from scenarios import add_file, beside, calls, connect, distance, memory, round_trip, slow, tasks, throughput

if TYPE_CHECKING:
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
    failed = []
    for who in options.client:
        wanted = [name for name in options.rows if options.anywhere or who in SCENARIOS[name][1]]
        for name in wanted:
            begun = monotonic()
            print(f"\n{name}", flush=True)
            try:
                # A server and a client of its own: what one scenario leaves behind is no part of the next.
                with ExitStack() as stack:
                    server = stack.enter_context(running())
                    client = stack.enter_context(CLIENTS[who](server))
                    bench = Bench(server, client, sheet, long=options.long, scale=options.scale, repeat=options.repeat)
                    bench.look_around()
                    SCENARIOS[name][0](bench)
            except Exception:
                # The other rows are still worth having.
                traceback.print_exc()
                failed.append(f"{name} in {who}")
            print(f"({monotonic() - begun:.0f} s)", flush=True)
            if not options.dry and options.scale == 1:
                sheet.save()
    missed = [row.row for row in sheet.rows if row.verdict == "MISSED"]
    void = [row.row for row in sheet.rows if not row.counts]
    print(f"\n{len(sheet.rows)} rows, {len(missed)} below what is asked, {len(void)} that do not count")
    for what in failed:
        print(f"not measured: {what}")
    return 1 if failed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", nargs="+", choices=SCENARIOS, default=list(SCENARIOS), help="the parts to measure")
    parser.add_argument("--client", nargs="+", choices=CLIENTS, default=list(CLIENTS), help="who measures")
    parser.add_argument("--anywhere", action="store_true", help="let every client measure every part it can")
    parser.add_argument("--long", action="store_true", help="gigabytes, and ten minutes on the slowest lines")
    parser.add_argument("--repeat", type=int, default=5, help="repetitions of each measurement (default 5)")
    parser.add_argument(
        "--scale",
        type=float,
        default=1.0,
        help="multiplies sizes and durations, to try it out; but at 1 nothing is kept",
    )
    parser.add_argument("--dry", action="store_true", help="keep nothing")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
