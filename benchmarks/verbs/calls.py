"""Blocks and nodes: one call after the other, and sixteen under way."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from verbs.contest import Contest

__all__ = ["blocks", "nodes"]

BLOCK = 256 * 1024
BLOCKS, NODES = 128, 256
IN_FLIGHT = 16
#: What one round trip bounds; what many under way gain beside the original, and beside one.
ALONE, TOGETHER, GAIN = 0.85, 1.5, 3.0


def blocks(contest: Contest) -> None:
    """Put blocks of 256 KiB and get each of them once."""
    _measure(contest, "block", "Blocks", BLOCKS, {"size": BLOCK}, together=TOGETHER)


def nodes(contest: Contest) -> None:
    """Put small dag-cbor nodes and get each of them once."""
    _measure(contest, "dag", "Nodes", NODES, {}, put=ALONE)


def _measure(
    contest: Contest, name: str, what: str, most: int, extra: dict[str, Any], *, put: float = 0.0, together: float = 0.0
) -> None:
    bench = contest.bench
    count = max(IN_FLIGHT, int(most * bench.scale))
    figures: dict[str, dict[str, list[float]]] = {key: defaultdict(list) for key in ("put", "alone", "together")}
    for turn in range(bench.repeat + 1):
        # An original in memory gives its blocks away for good: each is asked for once.
        given = {"seed": contest.seed(name, turn), **extra}
        half = {"count": count, **given}
        said = contest.turns(
            (f"put{what}", {**given, "count": 2 * count}),
            (f"get{what}", {**half, "from": 0, "inFlight": 1}),
            (f"get{what}", {**half, "from": count, "inFlight": IN_FLIGHT}),
        )
        # The first turn warms everybody up.
        for who, answers in said.items() if turn else ():
            for key, answer in zip(figures, answers, strict=True):
                figures[key][who].append(answer["count"] * 1000 / answer["ms"])
    size = f" of {extra['size'] >> 10} KiB" if extra else ""
    contest.rows(f"{name}.put{size}, one at a time", "1/s", figures["put"], target=put)
    contest.rows(f"{name}.get{size}, one at a time", "1/s", figures["alone"], target=ALONE)
    contest.rows(f"{name}.get{size}, {IN_FLIGHT} in flight", "1/s", figures["together"], target=together)
    contest.ratio_rows(
        f"{name}.get{size}, {IN_FLIGHT} in flight, beside one",
        "1/s",
        figures["together"],
        figures["alone"],
        beside="one in flight",
        target=GAIN,
    )
