"""What the parts share: unique bytes, a folder on disk, a sheet, and Kubo's command line."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from time import perf_counter
from typing import TYPE_CHECKING, Self

from harness.sheet import Row, Sheet, middle
from kubo_support import BINARY, KuboError, Repository

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

MIB = 1 << 20
#: Bytes of a chunk, and how rows call it.
CHUNKS = {MIB: "1 MiB", 256 * 1024: "256 KiB"}
THREADS = (1, 2)
#: Seconds for one command of Kubo's.
LIMIT = 1800.0


class Bench:
    """What the parts share.

    Parameters
    ----------
    sheet : Sheet
    folder : Path
        For files and repositories; everything in it is of this run.
    size : int
        Bytes of unique content.
    repeat : int
    scale : float
        Multiplies counts of things.
    long : bool
        Counts as large as people ask about, rather than a tenth.
    """

    def __init__(self, sheet: Sheet, folder: Path, *, size: int, repeat: int, scale: float, long: bool) -> None:
        self.sheet, self.folder, self.repeat = sheet, folder, repeat
        self._scale = scale * (1.0 if long else 0.1)
        self._numbers = count()
        self.content = os.urandom(size)

    def many(self, number: int) -> int:
        """Return that number, or a part of it in a short form."""
        return max(100, int(number * self._scale))

    def place(self, name: str) -> Path:
        """Return a path that nothing is at."""
        return self.folder / f"{name}-{next(self._numbers)}"

    def file(self) -> Path:
        """Return a file of the content."""
        path = self.folder / "content"
        if not path.exists():
            path.write_bytes(self.content)
        return path

    def pieces(self, size: int = MIB) -> Iterator[memoryview]:
        """Cut the content without copying it."""
        view = memoryview(self.content)
        for at in range(0, len(view), size):
            yield view[at : at + size]

    def rate(self, seconds: float) -> float:
        """Return MiB/s."""
        return len(self.content) / MIB / seconds

    def hashed(self, threads: int, chunk: int) -> float:
        """Return seconds of SHA-256 over all chunks of the content."""
        view = memoryview(self.content)

        def part(first: int) -> None:
            for at in range(first * chunk, len(view), threads * chunk):
                hashlib.sha256(view[at : at + chunk]).digest()

        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(len, ["start"] * threads))
            began = perf_counter()
            list(pool.map(part, range(threads)))
            return perf_counter() - began

    def written(self) -> float:
        """Return seconds for the content into one file, on the disk for good."""
        path = self.place("plain")
        began = perf_counter()
        with path.open("wb", buffering=0) as opened:
            for piece in self.pieces():
                opened.write(piece)
            os.fdatasync(opened.fileno())
        taken = perf_counter() - began
        path.unlink()
        return taken

    def add(
        self,
        row: str,
        unit: str,
        ours: Sequence[float],
        reference: Sequence[float],
        name: str,
        *,
        target: float = 0.0,
        note: str = "",
    ) -> None:
        """Take a row of medians; what is told by the second is better higher, anything else lower."""
        better = "higher" if unit.endswith("/s") else "lower"
        samples = {"samples": list(ours), "reference_samples": list(reference)}
        middles = middle(list(ours)), middle(list(reference))
        self.sheet.add(Row(row, unit, better, *middles, name, target=target, note=note, samples=samples))

    def bound(self, row: str, unit: str, ours: Sequence[float], bound: float, *, note: str = "") -> None:
        """Take a row of a median that shall stay below a bound."""
        self.add(row, unit, ours, [bound], "bound", target=1, note=note)


class Kubo:
    """A fresh repository of Kubo's, and what its commands take without the start of their process.

    Parameters
    ----------
    folder : Path
        Made here, gone with the ``with``.
    profile : str
        That of its datastore: ``flatfs`` (its default), ``badgerds`` or ``pebbleds``.
    settings : mapping, optional
        Members of its configuration by their dotted names.
    """

    def __init__(self, folder: Path, profile: str = "flatfs", settings: dict[str, object] | None = None) -> None:
        self._folder = folder
        folder.mkdir()
        self.repository = Repository(folder / "repo", settings, profile=profile)
        self._empty = folder / "empty"
        self._empty.write_bytes(b"")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        shutil.rmtree(self._folder)

    def seconds(self, *arguments: str | os.PathLike[str]) -> float:
        """Return how long one command takes, its output thrown away."""
        began = perf_counter()
        done = subprocess.run(
            [BINARY, "--offline", *arguments],
            env=self.repository.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=False,
            timeout=LIMIT,
        )
        taken = perf_counter() - began
        if done.returncode:
            raise KuboError(f"ipfs {' '.join(map(str, arguments))}: {done.stderr.decode('utf-8', 'replace').strip()}")
        return taken

    def start(self) -> float:
        """Return how long a command takes that has nothing to do but to open the repository."""
        return self.seconds("add", "-Q", self._empty)

    def net(self, *arguments: str | os.PathLike[str]) -> float:
        """Return how long one command takes beyond its start."""
        start = self.start()
        taken = self.seconds(*arguments) - start
        if taken <= 0:
            raise RuntimeError(f"ipfs {arguments[0]} takes no longer than its start: measure more of it")
        return taken
