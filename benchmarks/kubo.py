"""What does the port cost in front of a Kubo daemon?

Through ports and through Kubo's own client in the same process of Node, on the same daemon in turns; in a page beside
the raw channel of the same run; and beside ``ipfs`` on the command line. See README.md.
"""

from __future__ import annotations

import argparse
import sys
import traceback
from time import monotonic
from typing import TYPE_CHECKING

from daemon import calls, streams
from daemon.contest import in_node_process, in_page
from harness.bench import Bench
from harness.sheet import Sheet

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from daemon.contest import Contest
    from harness.clients import Client
    from harness.server import Server

QUESTION = "What does the port cost in front of a Kubo daemon?"

#: What can be asked for: where it is measured, and what.
PARTS: dict[str, tuple[Callable[..., AbstractContextManager[Contest]], Callable[[Contest], None]]] = {
    "node": (in_node_process, streams.beside_direct),
    "calls": (in_node_process, calls.run),
    "page": (in_page, streams.beside_raw),
}


def main() -> int:
    """Measure what was asked for, print the table and keep it; return 1 if something could not be measured."""
    options = _options()
    sheet = Sheet(QUESTION, "kubo")
    failed = []

    def make(server: Server, client: Client) -> Bench:
        return Bench(server, client, sheet, long=options.long, scale=options.scale, repeat=options.repeat)

    for name in options.rows:
        begun = monotonic()
        print(f"\n{name}", flush=True)
        where, measure = PARTS[name]
        try:
            with where(make) as contest:
                measure(contest)
        except Exception:
            # The other rows are still worth having.
            traceback.print_exc()
            failed.append(name)
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
    parser.add_argument("--rows", nargs="+", choices=PARTS, default=list(PARTS), help="the parts to measure")
    parser.add_argument("--long", action="store_true", help="1 GiB instead of 256 MiB")
    parser.add_argument("--repeat", type=int, default=5, help="repetitions of each measurement (default 5)")
    parser.add_argument(
        "--scale", type=float, default=1.0, help="multiplies sizes, to try it out; at 1 only it is kept"
    )
    parser.add_argument("--dry", action="store_true", help="keep nothing")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
