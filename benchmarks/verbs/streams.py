"""A large file in and out."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from harness.bench import MIB, rate

if TYPE_CHECKING:
    from verbs.contest import Contest

__all__ = ["run"]

SIZE = 64
#: How a page has the bytes: the row's name, and how many times faster than in the SharedWorker it is to be.
WAYS = {
    "array": ("as an array", 6.0),
    "blob": ("as a Blob", 0.0),
    "iterable": ("from an async iterable", 4.0),
    "subarrays": ("as subarrays of 1 MiB", 0.0),
}
CAT, RAW = 1.25, 0.85
#: The original clones 4 GiB for the subarrays of 64 MiB, which takes it a quarter of a minute.
SLOW = {"subarrays": 3}


def run(contest: Contest) -> None:
    """Add a file in every way that a page may have its bytes, and read one back."""
    bench = contest.bench
    total = bench.sized(SIZE)
    added: dict[str, dict[str, list[float]]] = {way: defaultdict(list) for way in WAYS}
    read: dict[str, list[float]] = defaultdict(list)
    raw: dict[str, list[float]] = defaultdict(list)
    for way in WAYS:
        # What is compiled, opened and grown the first time belongs to nobody's figure.
        contest.turns(("addBytes", {"how": way, "total": 4 * MIB, "seed": contest.seed(way, 0)}))
    for turn in range(1, bench.repeat + 1):
        for way in WAYS:
            if turn > SLOW.get(way, turn):
                continue
            file = {"total": total, "seed": contest.seed(way, turn)}
            for who, (said,) in contest.turns(("addBytes", {"how": way, **file})).items():
                added[way][who].append(rate(said))
                cid = said["cids"][0]
            raw["up"].append(contest.raw("up", total))
            if way == "array":
                for who, (said,) in contest.turns(("catBytes", {"cid": cid, **file})).items():
                    read[who].append(rate(said))
                raw["down"].append(contest.raw("down", total))
    for way, (name, target) in WAYS.items():
        # One round trip carries an array, so the channel alone bounds it; the chunks of an iterable are asked for.
        asked = RAW if way in ("array", "iterable") else 0.0
        title = f"add {total >> 20} MiB {name}"
        contest.rows(title, "MiB/s", added[way], target=target, raw=raw["up"], raw_target=asked)
    title = f"cat {total >> 20} MiB"
    contest.rows(title, "MiB/s", read, target=CAT, raw=raw["down"], raw_target=RAW)
