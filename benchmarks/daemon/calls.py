"""Small calls: one after the other, and sixteen under way."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from harness.sheet import Row, middle

from daemon.contest import DIRECT, KERNEL, STDIO

if TYPE_CHECKING:
    from daemon.contest import Contest

__all__ = ["run"]

COUNT, SIZE = 256, 1024
IN_FLIGHT = 16


def run(contest: Contest) -> None:
    """Put blocks of 1 KiB, and get each of them once."""
    bench = contest.bench
    count = max(IN_FLIGHT, int(COUNT * bench.scale))
    names = (
        "block.put of 1 KiB, one at a time",
        "block.get of 1 KiB, one at a time",
        f"block.get of 1 KiB, {IN_FLIGHT} in flight",
    )
    figures: dict[str, dict[str, list[float]]] = {name: defaultdict(list) for name in names}
    for turn in range(bench.repeat + 1):
        given = {"seed": contest.seed("calls", turn), "size": SIZE}
        half = {"count": count, **given}
        said = contest.turns(
            ("putBlocks", {**given, "count": 2 * count}),
            ("getBlocks", {**half, "from": 0, "inFlight": 1}),
            ("getBlocks", {**half, "from": count, "inFlight": IN_FLIGHT}),
        )
        # The first turn warms everybody up.
        for who, answers in said.items() if turn else ():
            for name, answer in zip(names, answers, strict=True):
                figures[name][who].append(answer["count"] * 1000 / answer["ms"])
    for name, rates in figures.items():
        for ours in (STDIO, KERNEL):
            row = f"{name}, through {ours} in Node"
            samples = {"samples": rates}
            bench.add(Row(row, "1/s", "higher", middle(rates[ours]), middle(rates[DIRECT]), DIRECT, samples=samples))
