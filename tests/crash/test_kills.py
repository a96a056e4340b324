"""Processes that share a repository and are killed: nothing acknowledged is lost, and nothing is corrupt."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

WORKER = Path(__file__).with_name("worker.py")
SLOTS = 3
#: What a process is killed in: its opening, its looking at what is there, a call, its closing, or whatever it does.
MOMENTS = ("open", "settle", "add", "pin", "unpin", "write", "gc", "gc", "close", "any", "any", "any")
#: Seconds that a process may take to come to a moment, before it is killed in whatever it does.
PATIENCE = 5.0
#: Seconds that looking at everything may take.
CHECK = 60.0


@dataclass
class Slot:
    """One of the processes, replaced whenever it has been killed."""

    errors: Path
    process: asyncio.subprocess.Process
    reading: asyncio.Task[None]
    begun: Counter[str] = field(default_factory=Counter)
    moved: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    async def start(cls, number: int, repo: Path, journals: Path, seed: str, environment: Mapping[str, str]) -> Slot:
        errors = journals / f"{number}.errors"
        with errors.open("wb") as file:
            process = await asyncio.create_subprocess_exec(
                sys.executable, str(WORKER), "work", str(repo), str(journals), str(number), seed,
                stdout=asyncio.subprocess.PIPE, stderr=file, env=environment,
            )  # fmt: skip
        slot = cls(errors, process, asyncio.create_task(asyncio.sleep(0)))
        slot.reading = asyncio.create_task(slot._read())
        return slot

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.begun[line.decode().strip()] += 1
            self.begun["any"] += 1
            self.moved.set()
        self.moved.set()

    async def reached(self, moment: str) -> None:
        """Wait until the process begins something of this kind, or has had long enough to."""
        before = self.begun[moment]
        try:
            async with asyncio.timeout(PATIENCE):
                while self.begun[moment] == before and not self.reading.done():
                    self.moved.clear()
                    await self.moved.wait()
        except TimeoutError:
            return

    async def kill(self, delay: float) -> None:
        """Kill the process after so many seconds; it must not have ended by itself."""
        await asyncio.wait({self.reading}, timeout=delay)
        if self.process.returncode is None and not self.reading.done():
            self.process.send_signal(signal.SIGKILL)
        code = await self.process.wait()
        await self.reading
        assert code == -signal.SIGKILL, self.errors.read_text()

    async def end(self) -> None:
        """Have no process any more, however it ended."""
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()
        await self.reading


async def shared_and_killed(tmp_path: Path, kills: int, seed: str, **environment: str) -> dict[str, int]:
    rng = random.Random(seed)
    repo, journals = tmp_path / "repo", tmp_path / "journals"
    journals.mkdir()
    env = {**os.environ, **environment}
    slots: list[Slot] = []
    try:
        slots += [await Slot.start(n, repo, journals, f"{seed} {n}", env) for n in range(SLOTS)]
        for kill in range(kills):
            victim = rng.randrange(SLOTS)
            await slots[victim].reached(rng.choice(MOMENTS))
            await slots[victim].kill(rng.random() ** 3 * 0.1)
            slots[victim] = await Slot.start(victim, repo, journals, f"{seed} {kill} {victim}", env)
        # The last ones have to find everything in order as well.
        for slot in slots:
            await slot.reached("gc")
            await slot.kill(0)
    finally:
        for slot in slots:
            await slot.end()
    checking = await asyncio.create_subprocess_exec(
        sys.executable, str(WORKER), "check", str(repo), str(journals), str(SLOTS), seed,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=env,
    )  # fmt: skip
    out, errors = await asyncio.wait_for(checking.communicate(), CHECK)
    assert checking.returncode == 0, errors.decode()
    found: dict[str, int] = json.loads(out.splitlines()[-1])
    return found


async def test_nothing_acknowledged_is_lost_when_one_of_three_processes_is_killed(tmp_path: Path) -> None:
    found = await shared_and_killed(tmp_path, 10, f"{random.random()}")
    assert found["acknowledged"] > 10


async def test_nor_on_a_network_file_system(tmp_path: Path) -> None:
    found = await shared_and_killed(tmp_path, 4, f"{random.random()}", IPFS_COMM_NETWORK_REPO="1")
    assert found["acknowledged"] > 4


@pytest.mark.heavy
@pytest.mark.parametrize("network", ["0", "1"], ids=["local", "network"])
@pytest.mark.timeout(3600)
async def test_nothing_acknowledged_is_lost_by_many_kills(
    tmp_path: Path, network: str, record_property: Callable[[str, object], None]
) -> None:
    kills = int(os.environ.get("IPFS_COMM_KILLS", "200"))
    found = await shared_and_killed(tmp_path, kills, f"{random.random()}", IPFS_COMM_NETWORK_REPO=network)
    record_property("acknowledged", found["acknowledged"])
    assert found["acknowledged"] > kills
