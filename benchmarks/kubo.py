"""What does the port cost in front of a Kubo daemon?

Through ports and through Kubo's own client in the same process of Node, on the same daemon in turns; in a page beside
the raw channel of the same run; and beside ``ipfs`` on the command line. See README.md.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from daemon import calls, streams
from daemon.contest import in_node_process, in_page
from harness.bench import Bench
from harness.parts import Parts, parser
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
    options = parser(__doc__, PARTS, long="1 GiB instead of 256 MiB").parse_args()
    sheet = Sheet(QUESTION, "kubo")
    parts = Parts(sheet, options)

    def make(server: Server, client: Client) -> Bench:
        return Bench(server, client, sheet, long=options.long, scale=options.scale, repeat=options.repeat)

    for name in options.rows:
        where, measure = PARTS[name]
        with parts.measuring(name), where(make) as contest:
            measure(contest)
    return parts.end()


if __name__ == "__main__":
    sys.exit(main())
