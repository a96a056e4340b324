"""How close does the embedded node come to the machine's hashing and disk, and how does Kubo?

Each row stands beside what the machine itself does with the same bytes in the same run, or beside Kubo, the start of
its process subtracted. Ours and the reference take turns. See README.md.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import traceback
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from embedded import codecs, entries, growth, start, streams
from embedded.bench import MIB, Bench
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
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", nargs="+", choices=PARTS, default=list(PARTS), help="the parts to measure")
    parser.add_argument("--long", action="store_true", help="1 GiB instead of 128 MiB, and ten times as many things")
    parser.add_argument("--repeat", type=int, default=5, help="repetitions of each measurement (default 5)")
    parser.add_argument(
        "--scale", type=float, default=1.0, help="multiplies sizes, to try it out; at 1 only it is kept"
    )
    parser.add_argument("--dry", action="store_true", help="keep nothing")
    options = parser.parse_args()
    size = max(1, int((1024 if options.long else 128) * options.scale)) * MIB
    sheet = Sheet(QUESTION, "node")
    failed = []
    for name in options.rows:
        began = perf_counter()
        with tempfile.TemporaryDirectory(prefix="ipfs-comm-bench-") as folder:
            bench = Bench(sheet, Path(folder), size=size, repeat=options.repeat, scale=options.scale, long=options.long)
            print(f"\n{name}", flush=True)
            try:
                asyncio.run(PARTS[name](bench))
            except Exception:
                # The other rows are still worth having.
                traceback.print_exc()
                failed.append(name)
        print(f"{name} took {perf_counter() - began:.0f} s", flush=True)
        if not options.dry and options.scale == 1:
            # Whoever ends a run that takes long keeps what was measured by then.
            sheet.save()
    for what in failed:
        print(f"not measured: {what}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
