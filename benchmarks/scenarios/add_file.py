"""What does ``ipfs.add(file)`` of a large file cost, through the unmodified client and into a store on disk?"""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from harness.bench import MIB, rate
from harness.meter import Peak
from harness.sheet import Row

from scenarios.memory import BOUND

if TYPE_CHECKING:
    from pathlib import Path

    from harness.bench import Bench


def run(bench: Bench) -> None:
    """Add a file that the user chose in the page, and watch the memory of each process."""
    total = bench.sized(4096 if bench.long else 512)
    path, repo = bench.server.scratch / "large", bench.server.scratch / "large-repo"
    _write(path, total)
    try:
        with bench.kernel("ours") as kernel:
            bench.call("execute", connection=kernel.connection, code=f"%ipfs repo {repo}")
            with bench.connected(kernel, "ipfs") as client:
                bench.client.choose_file(path)
                # The repository is made and the client warm before anything is measured.
                bench.call("calls", client=client, inFlight=1, ms=200)
                bench.call("collect")
                with Peak(bench.roles(kernel)) as peak:
                    found = bench.call("addFile", client=client)
    finally:
        path.unlink()
        shutil.rmtree(repo, ignore_errors=True)
    note = f"[{rate(found):.0f} MiB/s]"
    for role, size in peak.added.items():
        name = f"{bench.client.name}: add(file) of {total >> 20} MiB, memory added to the {role}"
        bench.add(Row(name, "MiB", "lower", max(0.0, size / MIB), BOUND, "bound", 1, note=note))


def _write(path: Path, size: int) -> None:
    """Write a file without two equal blocks."""
    noise = bytearray(os.urandom(MIB))
    with path.open("wb") as file:
        for number in range(size // MIB):
            for at in range(0, MIB, 4096):
                noise[at : at + 8] = (number * MIB + at).to_bytes(8, "little")
            file.write(noise)
