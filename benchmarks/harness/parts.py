"""The parts of one script: its options, each part printed and kept as it ends, and what is said at the end."""

from __future__ import annotations

import argparse
import traceback
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from harness.sheet import Sheet

__all__ = ["Parts", "parser"]


def parser(about: str | None, parts: Iterable[str], *, long: str | None = None) -> argparse.ArgumentParser:
    """Return a parser of the options that all scripts have.

    Parameters
    ----------
    about : str
        The script's own docstring.
    parts : iterable of str
        What can be asked for; all of it where nothing is.
    long : str, optional
        What ``--long`` means; without it there is no such option.
    """
    made = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = list(parts)
    made.add_argument("--rows", nargs="+", choices=names, default=names, help="the parts to measure")
    if long is not None:
        made.add_argument("--long", action="store_true", help=long)
    made.add_argument("--repeat", type=int, default=5, help="repetitions of each measurement (default 5)")
    made.add_argument(
        "--scale",
        type=float,
        default=1.0,
        help="multiplies sizes and durations, to try it out; only at 1 anything is kept",
    )
    made.add_argument("--dry", action="store_true", help="keep nothing")
    return made


class Parts:
    """The run of a script, part by part: one that fails leaves the others their turn.

    Parameters
    ----------
    sheet : Sheet
    options : argparse.Namespace
        What `parser` read.
    """

    def __init__(self, sheet: Sheet, options: argparse.Namespace) -> None:
        self._sheet = sheet
        self._keep = not options.dry and options.scale == 1
        self._failed: list[str] = []

    @contextmanager
    def measuring(self, name: str, where: str = "") -> Iterator[None]:
        """Measure one part in the body of a ``with``: what it raises is printed, and what there is by then is kept.

        Parameters
        ----------
        name : str
        where : str, optional
            Behind the name, where several measure a part of that name.
        """
        begun = monotonic()
        what = f"{name} in {where}" if where else name
        print(f"\n{what}", flush=True)
        try:
            yield
        except Exception:
            # The other rows are still worth having.
            traceback.print_exc()
            self._failed.append(what)
        print(f"({monotonic() - begun:.0f} s)", flush=True)
        if self._keep:
            # Whoever ends a run that takes long keeps what was measured by then.
            self._sheet.save()

    def end(self) -> int:
        """Say how many rows there are and what is wrong with them; return 1 if something could not be measured."""
        rows = self._sheet.rows
        missed = sum(row.verdict == "MISSED" for row in rows)
        void = sum(not row.counts for row in rows)
        print(f"\n{len(rows)} rows, {missed} below what is asked, {void} that do not count")
        for what in self._failed:
            print(f"not measured: {what}")
        return 1 if self._failed else 0
