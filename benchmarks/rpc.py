"""What does a page gain over the original, js-ipfs behind ipfs-message-port-server?

Both do the same work in the same run, in turns, and must come to the same CIDs; ours also stands beside the raw
channel. See README.md.
"""

from __future__ import annotations

import argparse
import sys
import traceback
from time import monotonic
from typing import TYPE_CHECKING

from harness.bench import Bench
from harness.clients import in_jupyterlab
from harness.server import running
from harness.sheet import Sheet
from verbs import calls, entries, streams
from verbs.contest import contest

if TYPE_CHECKING:
    from collections.abc import Callable

    from verbs.contest import Contest

QUESTION = "What does a page gain over js-ipfs behind ipfs-message-port-server?"

#: What can be asked for.
PARTS: dict[str, Callable[[Contest], None]] = {
    "streams": streams.run,
    "blocks": calls.blocks,
    "nodes": calls.nodes,
    "entries": entries.run,
}


def main() -> int:
    """Measure what was asked for, print the table and keep it; return 1 if something could not be measured."""
    options = _options()
    sheet = Sheet(QUESTION, "rpc")
    failed = []
    with running() as server, in_jupyterlab(server) as client:
        bench = Bench(server, client, sheet, long=False, scale=options.scale, repeat=options.repeat)
        with contest(bench) as everybody:
            for name in options.rows:
                begun = monotonic()
                print(f"\n{name}", flush=True)
                try:
                    bench.look_around()
                    PARTS[name](everybody)
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
    parser.add_argument("--repeat", type=int, default=5, help="repetitions of each measurement (default 5)")
    parser.add_argument(
        "--scale", type=float, default=1.0, help="multiplies sizes, to try it out; at 1 only it is kept"
    )
    parser.add_argument("--dry", action="store_true", help="keep nothing")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
