"""Who measures which verb, in turns, and that all of them come to the same CIDs."""

from __future__ import annotations

import contextlib
import zlib
from collections import deque
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from harness.bench import CREDIT, MIB, Bench, rate
from harness.meter import settle
from harness.original import in_shared_worker, in_worker_thread
from harness.sheet import Row, middle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.clients import Client

__all__ = ["OLD", "OURS", "SHARED", "THREAD", "Contest", "contest"]

OURS, OLD = "our client", "client 0.13.1"
SHARED, THREAD = "SharedWorker", "worker thread"
#: How rows name them.
REFERENCES = {SHARED: "js-ipfs in a SharedWorker, IndexedDB", THREAD: "js-ipfs in a worker thread of Node, memory"}


@dataclass(frozen=True)
class Contestant:
    """A client, and the name that its commands take."""

    client: Client
    name: str

    def do(self, command: str, **args: Any) -> Any:
        """Run a command of `verbs_end.js`."""
        return self.client.call(command, client=self.name, **args)


class Contest:
    """All contestants of a run, and the raw channel beside ours.

    Parameters
    ----------
    bench : Bench
        Of JupyterLab.
    contestants : dict
        By name: two clients on our node, and one on each original.
    raw : callable
        Takes a direction and bytes, and returns the MiB/s of the raw channel.
    """

    def __init__(self, bench: Bench, contestants: dict[str, Contestant], raw: Callable[[str, int], float]) -> None:
        self.bench, self.raw = bench, raw
        self._contestants = contestants
        self._order = deque(contestants)

    def seed(self, what: str, turn: int) -> int:
        """Return what the bytes of a measurement are made from: no two measurements of one contestant share blocks."""
        return zlib.crc32(f"{what} {turn}".encode()) % 30_000 + 1

    def turns(self, *command: tuple[str, dict[str, Any]]) -> dict[str, list[Any]]:
        """Have every contestant run `command`s, one contestant after the other; return what each says to each.

        Raises
        ------
        ValueError
            If they come to different CIDs.
        """
        found: dict[str, list[Any]] = {}
        for who in self._order:
            contestant = self._contestants[who]
            contestant.client.call("collectGarbage")
            settle()
            found[who] = [contestant.do(verb, **args) for verb, args in command]
        # Nobody always comes after the same one.
        self._order.rotate(1)
        for number, (verb, args) in enumerate(command):
            cids = {who: said[number].get("cids") for who, said in found.items()}
            if any(mine != cids[OURS] for mine in cids.values()):
                who, other = next((who, mine) for who, mine in cids.items() if mine != cids[OURS])
                raise ValueError(f"{verb} {args}: {who} came to {other[-1]} and {OURS} to {cids[OURS][-1]}")
        return found

    def rows(
        self,
        name: str,
        unit: str,
        figures: dict[str, list[float]],
        *,
        better: str = "higher",
        target: float = 0.0,
        raw: list[float] | None = None,
        raw_target: float = 0.0,
    ) -> None:
        """Add the rows of one verb: each client of ours beside each original, and beside the raw channel."""
        counts = raw is None or middle(raw) >= self.bench.floor
        samples = {"samples": {**figures, **({"raw": raw} if raw is not None else {})}}
        add = partial(self._add, counts=counts, samples=samples)
        for ours in (OURS, OLD):
            row = name if ours == OURS else f"{name}, {ours}"
            mine = middle(figures[ours])
            for other, reference in REFERENCES.items():
                asked = target if other == SHARED else 0.0
                place = "" if other == SHARED else ", beside Node"
                add(f"{row}{place}", unit, better, mine, middle(figures[other]), reference, asked)
            if raw is not None:
                add(f"{row}, beside the raw channel", unit, better, mine, middle(raw), "raw stream", raw_target)

    def ratio_rows(
        self, name: str, unit: str, ours: dict[str, list[float]], reference: dict[str, list[float]] | float, **row: Any
    ) -> None:
        """Add rows that hold a client of ours to itself, or to a bound."""
        for who in (OURS, OLD):
            theirs = reference if isinstance(reference, float) else middle(reference[who])
            full = name if who == OURS else f"{name}, {who}"
            self._add(full, unit, row.get("better", "higher"), middle(ours[who]), theirs, row["beside"], row["target"])

    def _add(
        self,
        name: str,
        unit: str,
        better: str,
        ours: float,
        reference: float,
        reference_name: str,
        target: float,
        *,
        counts: bool = True,
        samples: dict[str, Any] | None = None,
    ) -> None:
        self.bench.add(Row(name, unit, better, ours, reference, reference_name, target, counts, samples=samples or {}))


@contextlib.contextmanager
def contest(bench: Bench) -> Iterator[Contest]:
    """Start everybody: two kernels of ours with a repository on disk each, a raw one, and both originals."""
    scratch = bench.server.scratch
    with contextlib.ExitStack() as stack:
        contestants = {SHARED: Contestant(stack.enter_context(in_shared_worker(scratch)), "")}
        for who in (OURS, OLD):
            kernel = stack.enter_context(bench.kernel("ours"))
            if who == OURS:
                first = kernel
            code = f"%ipfs repo {scratch / who.replace(' ', '-')}"
            bench.call("execute", connection=kernel.connection, code=code)
            name = stack.enter_context(bench.connected(kernel, "ipfs", own=who == OURS))
            contestants[who] = Contestant(bench.client, name)
        contestants[THREAD] = Contestant(stack.enter_context(in_worker_thread(scratch)), "")
        with bench.medium("port", first) as port:
            fragments = {way: bench.fragment(first, port, way, 32 * MIB) for way in ("down", "up")}
        medium = stack.enter_context(bench.medium("raw", stack.enter_context(bench.kernel("raw"))))

        def raw(direction: str, total: int) -> float:
            stream = {"medium": medium, "total": total, "fragment": fragments[direction], "credit": CREDIT}
            return rate(bench.call(direction, **stream))

        yield Contest(bench, contestants, raw)
