"""A large file in and out."""

from __future__ import annotations

import os
from collections import defaultdict
from typing import TYPE_CHECKING

from harness.bench import CREDIT, MIB, rate
from harness.sheet import Row, middle

from daemon.contest import DIRECT, KERNEL, PAGE, STDIO

if TYPE_CHECKING:
    from daemon.contest import Contest

__all__ = ["beside_direct", "beside_raw"]

SHORT, LONG = 256, 1024
#: Beside calling the daemon without us, and beside the channel to the page.
ASKED, RAW = 0.9, 0.85
COMMAND_LINE = "ipfs on the command line"
VERBS = ("add", "cat")


def beside_direct(contest: Contest) -> None:
    """Add and read a file in one process of Node: through ports, without them, and on the command line."""
    bench = contest.bench
    total = bench.sized(LONG if bench.long else SHORT)
    speeds: dict[str, dict[str, list[float]]] = {verb: defaultdict(list) for verb in VERBS}
    for turn in range(bench.repeat + 1):
        for who, said in _turn(contest, "stream", turn, total).items():
            for verb, answer in zip(VERBS, said, strict=True):
                speeds[verb][who].append(rate(answer))
        if turn:
            for verb, seconds in zip(VERBS, _command_line(contest, total), strict=True):
                speeds[verb][COMMAND_LINE].append(total / MIB / seconds)
        else:
            # What is compiled, opened and grown the first time belongs to nobody's figure.
            speeds = {verb: defaultdict(list) for verb in VERBS}
    for verb, figures in speeds.items():
        for ours in (STDIO, KERNEL):
            for reference, target in ((DIRECT, ASKED), (COMMAND_LINE, 0.0)):
                place = "" if reference == DIRECT else ", beside the command line"
                row = f"{verb} {total >> 20} MiB through {ours} in Node{place}"
                mine, other = middle(figures[ours]), middle(figures[reference])
                bench.add(Row(row, "MiB/s", "higher", mine, other, reference, target, samples={"samples": figures}))


def beside_raw(contest: Contest) -> None:
    """Add and read a file in a page, beside streams of the same run with no port and no daemon."""
    bench = contest.bench
    total = bench.sized(LONG if bench.long else SHORT)
    speeds: dict[str, list[float]] = defaultdict(list)
    raw: dict[str, list[float]] = defaultdict(list)
    with bench.media() as (_, medium, ours, port):
        fragments = {way: bench.fragment(ours, port, way, 32 * MIB) for way in ("up", "down")}
        for turn in range(bench.repeat + 1):
            (said,) = _turn(contest, "page", turn, total).values()
            # The first turn warms everybody up.
            for verb, way, answer in zip(VERBS, ("up", "down"), said, strict=True) if turn else ():
                speeds[verb].append(rate(answer))
                stream = {"medium": medium, "total": total, "fragment": fragments[way], "credit": CREDIT}
                raw[verb].append(rate(bench.call(way, **stream)))
    for verb in VERBS:
        mine, other = middle(speeds[verb]), middle(raw[verb])
        samples = {"samples": {PAGE: speeds[verb], "raw": raw[verb]}}
        row = f"{verb} {total >> 20} MiB through a page, beside the raw channel"
        counts = other >= bench.floor
        bench.add(Row(row, "MiB/s", "higher", mine, other, "raw stream", RAW, counts, samples=samples))


def _turn(contest: Contest, what: str, turn: int, total: int) -> dict[str, list[dict[str, float]]]:
    # The first is there to warm everybody up.
    file = {"total": total if turn else min(total, 4 * MIB), "seed": contest.seed(what, turn)}
    return contest.turns(("addBytes", {"how": "iterable", **file}), ("catBytes", file))


def _command_line(contest: Contest, total: int) -> tuple[float, float]:
    """Return the seconds of ``ipfs add`` and ``ipfs cat``."""
    file = contest.bench.server.scratch / "content"
    with file.open("wb") as opened:
        for _ in range(0, total, MIB):
            opened.write(os.urandom(MIB))
    added, cid = contest.kubo.add(file)
    read = contest.kubo.cat(cid)
    contest.kubo.clear()
    return added, read
