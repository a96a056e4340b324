"""How close does the embedded node come to the machine's hashing and disk, and how does Kubo?

Each row stands beside what the machine itself does with the same bytes in the same run, or beside Kubo, the start of
its process subtracted. Ours and the reference take turns. See README.md.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from embedded import codecs, entries, growth, start, streams
from embedded.bench import MIB, Bench
from harness.parts import Parts, parser
from harness.sheet import Sheet

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

QUESTION = "How close does the embedded node come to the machine's hashing and disk?"

#: What can be asked for.
PARTS: dict[str, Callable[[Bench], Awaitable[None]]] = {
    "hashing": streams.hashing,
    "durable": streams.durable,
    "reading": streams.reading,
    "blocks": entries.blocks,
    "files": entries.files,
    "listing": entries.listing,
    "collecting": entries.collecting,
    "growth": growth.growth,
    "cbor": codecs.cbor,
    "loading": start.loading,
}


def main() -> int:
    """Measure what was asked for, print the table and keep it; return 1 if something could not be measured."""
    long = "1 GiB instead of 128 MiB, and ten times as many things"
    options = parser(__doc__, PARTS, long=long).parse_args()
    size = max(1, int((1024 if options.long else 128) * options.scale)) * MIB
    sheet = Sheet(QUESTION, "node")
    parts = Parts(sheet, options)
    for name in options.rows:
        with parts.measuring(name), tempfile.TemporaryDirectory(prefix="ipfs-comm-bench-") as folder:
            bench = Bench(sheet, Path(folder), size=size, repeat=options.repeat, scale=options.scale, long=options.long)
            asyncio.run(PARTS[name](bench))
    return parts.end()


if __name__ == "__main__":
    sys.exit(main())
