"""What does a page gain over the original, js-ipfs behind ipfs-message-port-server?

Both do the same work in the same run, in turns, and must come to the same CIDs; ours also stands beside the raw
channel. See README.md.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from harness.bench import Bench
from harness.clients import in_jupyterlab
from harness.parts import Parts, parser
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
    options = parser(__doc__, PARTS).parse_args()
    sheet = Sheet(QUESTION, "rpc")
    parts = Parts(sheet, options)
    with running() as server, in_jupyterlab(server) as client:
        bench = Bench(server, client, sheet, long=False, scale=options.scale, repeat=options.repeat)
        with contest(bench) as everybody:
            for name in options.rows:
                with parts.measuring(name):
                    bench.look_around()
                    PARTS[name](everybody)
    return parts.end()


if __name__ == "__main__":
    sys.exit(main())
