"""Rows, how they are printed, and where they are kept."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any

from harness.server import REPO

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Row", "Sheet", "middle"]

RESULTS = REPO / "benchmarks" / "results.json"
DETAILS = REPO / "build" / "bench"


def middle(values: list[float]) -> float:
    """Return the median; of nothing it is not a number."""
    return median(values) if values else float("nan")


@dataclass
class Row:
    """One figure of ours beside one that it is measured by.

    Attributes
    ----------
    target : float
        The ratio that is asked for; 0 where nothing is.
    counts : bool
        Whether the machine was good enough for the row to be kept.
    note : str
        Under which conditions; printed and kept with the details only.
    samples : dict
        All that was measured, likewise.
    """

    row: str
    unit: str
    better: str
    ours: float
    reference: float
    reference_name: str
    target: float = 0.0
    counts: bool = True
    note: str = ""
    samples: dict[str, Any] = field(default_factory=dict)

    @property
    def ratio(self) -> float:
        """How many times better ours is."""
        over, under = (self.ours, self.reference) if self.better == "higher" else (self.reference, self.ours)
        if under:
            return over / under
        return 1.0 if over == under else float(10**6)

    @property
    def verdict(self) -> str:
        """One word."""
        if not self.counts:
            return "does not count"
        if not self.target:
            return ""
        return "met" if round(self.ratio, 2) >= self.target else "MISSED"


def _short(value: float) -> float:
    return round(value, 2) if abs(value) < 100 else round(value, 1)


class Sheet:
    """The rows of one script.

    Parameters
    ----------
    question : str
        What the script asks.
    name : str
        Of the file with the details, in ``build/bench``.
    """

    def __init__(self, question: str, name: str) -> None:
        self.question, self.name = question, name
        self.rows: list[Row] = []

    def add(self, row: Row) -> None:
        """Take a row and print it."""
        self.rows.append(row)
        asked = f" (asked {row.target:g})" if row.target else ""
        print(
            f"{row.row:66} {_short(row.ours):>8} {row.unit:13} {row.reference_name}: {_short(row.reference)}"
            f"  x{row.ratio:.2f}{asked} {row.verdict} {row.note}".rstrip(),
            flush=True,
        )

    def save(self) -> None:
        """Put the rows that count in place of those with their names, and the details beside."""
        kept = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else []
        fresh = [self._plain(row) for row in self.rows if row.counts]
        names = {(row["question"], row["row"]) for row in fresh}
        kept = [row for row in kept if (row["question"], row["row"]) not in names]
        _write(RESULTS, kept + fresh)
        details = [{**self._plain(row), "counts": row.counts, "note": row.note, **row.samples} for row in self.rows]
        _write(DETAILS / f"{self.name}.json", details)

    def _plain(self, row: Row) -> dict[str, Any]:
        return {
            "question": self.question,
            "row": row.row,
            "unit": row.unit,
            "better": row.better,
            "ours": _short(row.ours),
            "reference": _short(row.reference),
            "reference_name": row.reference_name,
            "ratio": round(row.ratio, 2),
            "target": row.target,
        }


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(rows, indent=1) + "\n", "utf-8")
