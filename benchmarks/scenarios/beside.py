"""How long does a small call take beside a full stream, and what does the stream lose?"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.bench import CREDIT, interleave, rate
from harness.sheet import Row, middle

if TYPE_CHECKING:
    from harness.bench import Bench

SIZES = {"JupyterLab": 192, "Node": 384}
#: Milliseconds that a call may take.
BOUND = 25.0
#: Milliseconds between calls.
PAUSE = 10


def run(bench: Bench) -> None:
    """Measure calls on one port while another port of the same link streams."""
    with bench.media() as (raw, raw_medium, ours, port), bench.medium("raw", raw) as second:
        branch = bench.name("branch")
        bench.call("branch", name=branch, of=port)
        for direction in ("down", "up"):
            total = bench.sized(SIZES[bench.client.name])
            fragment = bench.fragment(ours, branch, direction, total // 2)
            bare = Streams(bench, direction, raw_medium, second, total, fragment, CREDIT)
            mine = Streams(bench, direction, branch, port, total, 256 * 1024, 4 * CREDIT)
            alone, both, own = interleave(bench.repeat, bare.alone, bare.beside, mine.beside)
            counts = middle(alone) >= bench.floor
            name = f"{bench.client.name}: {direction}, small calls beside"
            note = f"[a raw echo beside a raw stream: {middle(bare.times):.1f} ms, {middle(both):.0f} MiB/s]"
            samples = {"samples": {"ours": own, "raw": alone, "times": mine.times}}
            call = middle(mine.times)
            bench.add(Row(f"{name}: a call", "ms", "lower", call, BOUND, "bound", 1, counts, note, samples))
            bench.add(
                Row(f"{name}: the stream", "MiB/s", "higher", middle(own), middle(alone), "raw stream", 0.9, counts)
            )


@dataclass
class Streams:
    """A stream on one medium, alone or with calls on another beside it; the calls' times in ms."""

    bench: Bench
    direction: str
    medium: str
    probe: str
    total: int
    fragment: int
    credit: int
    times: list[float] = field(default_factory=list)

    def alone(self) -> float:
        """Return the MiB/s of the stream alone."""
        return rate(self.bench.call(self.direction, medium=self.medium, **self._size()))

    def beside(self) -> float:
        """Return the MiB/s of the stream with calls beside it."""
        found = self.bench.call(
            "beside", medium=self.medium, direction=self.direction, stream=self._size(), probe=self.probe, pause=PAUSE
        )
        self.times += found["times"]
        return rate(found)

    def _size(self) -> dict[str, int]:
        return {"total": self.total, "fragment": self.fragment, "credit": self.credit}
