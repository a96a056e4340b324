"""Directories of small files."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from verbs.contest import Contest

__all__ = ["run"]

COUNTS = (1_000, 3_000)
SIZE = 256
#: Cost of three times as many entries: linear, and what noise may add.
LINEAR = 3.6
#: The original needs seconds for each.
REPEAT = 3


def run(contest: Contest) -> None:
    """Add many small files at once, and list the directory that they are in."""
    bench = contest.bench
    few, many = (max(20, int(count * bench.scale)) for count in COUNTS)
    added: dict[str, list[float]] = defaultdict(list)
    listed: dict[int, dict[str, list[float]]] = {few: defaultdict(list), many: defaultdict(list)}
    large = {"count": many, "size": SIZE}
    (said, *_) = next(iter(contest.turns(("addFiles", {**large, "seed": contest.seed("many", 0)})).values()))
    root = said["cids"][-1]
    for turn in range(min(bench.repeat, REPEAT) + 1):
        small = {"count": few, "size": SIZE}
        ours = contest.turns(("addFiles", {**small, "seed": contest.seed("few", turn)}))
        cid = next(iter(ours.values()))[0]["cids"][-1]
        lists = contest.turns(("listFiles", {"cid": cid, **small}), ("listFiles", {"cid": root, **large}))
        # The first turn warms everybody up.
        for who in ours if turn else ():
            added[who].append(ours[who][0]["ms"])
            for count, answer in zip(listed, lists[who], strict=True):
                listed[count][who].append(answer["ms"])
    contest.rows(f"addAll of {few} small files", "ms", added, better="lower", target=1.0)
    for count, figures in listed.items():
        contest.rows(f"ls of {count} entries", "ms", figures, better="lower", target=1.0)
    growth = {
        who: [large / small for large, small in zip(listed[many][who], listed[few][who], strict=True)] for who in added
    }
    contest.ratio_rows(
        f"ls of {many} entries, beside {few}", "times", growth, LINEAR, better="lower", beside="bound", target=1.0
    )
