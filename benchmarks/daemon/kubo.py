"""A daemon of its own, emptied between turns, and what its command line takes."""

from __future__ import annotations

import contextlib
import subprocess
from time import perf_counter
from typing import TYPE_CHECKING

from kubo_support import BINARY, Daemon, KuboError, Repository, running

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["Kubo", "kubo"]

#: Seconds for one command.
LIMIT = 600.0


class Kubo:
    """A running daemon.

    Attributes
    ----------
    api : str
        URL of its RPC.
    """

    def __init__(self, daemon: Daemon, folder: Path) -> None:
        self._daemon = daemon
        self.api = daemon.api
        self._empty = folder / "empty"
        self._empty.write_bytes(b"")

    def clear(self) -> None:
        """Have it keep nothing: what is there already would be added faster."""
        if pins := [line["Cid"] for line in self._daemon.lines("pin/ls", type="recursive", stream=True)]:
            self._daemon.call("pin/rm", *pins)
        self._daemon.call("repo/gc", quiet=True)

    def add(self, file: Path) -> tuple[float, str]:
        """Return how many seconds ``ipfs add`` takes beyond its start, and the CID."""
        start, _ = self._run("add", "-Q", self._empty)
        taken, said = self._run("add", "-Q", file)
        return _beyond(taken, start), said.strip()

    def cat(self, cid: str) -> float:
        """Return how many seconds ``ipfs cat`` takes beyond its start."""
        _, empty = self._run("add", "-Q", self._empty)
        start, _ = self._run("cat", empty.strip())
        taken, _ = self._run("cat", cid, keep=False)
        return _beyond(taken, start)

    def _run(self, *arguments: str | os.PathLike[str], keep: bool = True) -> tuple[float, str]:
        """Run one command through the daemon; return its seconds and what it printed, if that is kept."""
        began = perf_counter()
        done = subprocess.run(
            [BINARY, *arguments],
            env=self._daemon.repository.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if keep else subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=False,
            timeout=LIMIT,
        )
        taken = perf_counter() - began
        if done.returncode:
            raise KuboError(f"ipfs {' '.join(map(str, arguments))}: {done.stderr.decode('utf-8', 'replace').strip()}")
        return taken, (done.stdout or b"").decode()


def _beyond(taken: float, start: float) -> float:
    # On a busy machine the start of one process may take longer than the whole of another.
    return taken - min(start, taken / 2)


@contextlib.contextmanager
def kubo(folder: Path) -> Iterator[Kubo]:
    """Run a daemon with Kubo's defaults, offline, on an empty repository in `folder`."""
    folder.mkdir()
    with running(Repository(folder / "repo")) as daemon:
        yield Kubo(daemon, folder)
