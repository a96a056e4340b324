"""How fast is a stream, and what does it cost the processors?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.bench import CREDIT, MIB, interleave, rate
from harness.meter import CPU
from harness.sheet import Row, middle

if TYPE_CHECKING:
    from harness.bench import Bench, Kernel

#: MiB of a stream; a websocket client is faster than a page.
SIZES = {"JupyterLab": 128, "Node": 256}
ORDINARY = 64
THEIRS = 32


def run(bench: Bench) -> None:
    """Measure streams of ports and of the unmodified client beside the raw medium and an ordinary comm."""
    with bench.media() as (raw, raw_medium, ours, port), bench.medium("comm", raw) as comm:
        for direction in ("down", "up"):
            _direction(bench, direction, {"raw": (raw, raw_medium), "ours": (ours, port), "comm": (raw, comm)})


def _direction(bench: Bench, direction: str, media: dict[str, tuple[Kernel, str]]) -> None:
    name = f"{bench.client.name}: {direction}"
    total = bench.sized(SIZES[bench.client.name])
    ours, port = media["ours"]
    fragment = bench.fragment(ours, port, direction, total // 2)
    spent: dict[str, list[dict[str, float]]] = {}

    def stream(what: str, size: int, **options: Any) -> float:
        kernel, medium = media[what]
        options = {"fragment": fragment, "credit": CREDIT, **options}
        with CPU(bench.roles(kernel)) as cpu:
            found = bench.call(direction, medium=medium, total=size, **options)
        spent.setdefault(what, []).append({role: s * 1000 / (found["bytes"] / MIB) for role, s in cpu.spent.items()})
        return rate(found)

    # The unmodified client asks for 256 KiB at a time and gives as much.
    piece = {"piece": 256 * 1024} if direction == "up" else {}
    command = "add" if direction == "up" else "cat"
    stream("raw", total // 2)
    bare, mine, ordinary, theirs = [], [], [], []
    with bench.connected(ours, "spring") as client:
        bare, mine, ordinary, theirs = interleave(
            bench.repeat,
            lambda: stream("raw", total),
            lambda: stream("ours", total, fragment=256 * 1024, credit=4 * CREDIT),
            lambda: stream("comm", bench.sized(ORDINARY), fragment=256 * 1024),
            lambda: rate(bench.call(command, client=client, total=bench.sized(THEIRS), **piece)),
        )
    counts = middle(bare) >= bench.floor
    note = f"[packets of {fragment // 1024} KiB]"
    samples = {"samples": {"ours": mine, "raw": bare, "comm": ordinary, "client": theirs}}
    add = bench.add
    add(Row(name, "MiB/s", "higher", middle(mine), middle(bare), "raw stream", 0.95, counts, note, samples))
    target = 2.0 if direction == "up" else 0.0
    add(
        Row(
            f"{name}, beside a comm",
            "MiB/s",
            "higher",
            middle(mine),
            middle(ordinary),
            "ordinary comm",
            target,
            counts,
        )
    )
    add(
        Row(
            f"{name}, {command}() of the unmodified client, no store",
            "MiB/s",
            "higher",
            middle(theirs),
            middle(bare),
            "raw stream",
            counts=counts,
        )
    )
    for role in ("kernel", "server", "page"):
        costs = {what: middle([cpu[role] for cpu in spent[what]]) for what in ("ours", "raw")}
        add(
            Row(
                f"{name}, processor time of the {'client' if bench.client.name == 'Node' and role == 'page' else role}",
                "ms/MiB",
                "lower",
                costs["ours"],
                costs["raw"],
                "raw stream",
                counts=counts,
            )
        )
