"""A process that is killed at one step after another of what it does to a repository: ``steps.py FOLDER KILLS SEED``.

A step is a line of the code that keeps blocks and records. One process loads everything once and forks: a child for
each step, that is killed there, and one that looks at what it has left.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import shutil
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipfs_comm
from ipfs_comm import open_node
from ipfs_comm.blockstore import _files, _segment

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import FrameType

    from ipfs_comm.node.api import Node

PACKAGE = Path(ipfs_comm.__file__).parent
#: Whose lines are counted.
COUNTED = tuple(f"{PACKAGE / place}" for place in ("blockstore/", "node/embedded/gc", "node/embedded/pin"))
#: Segments fill and are emptied in these few calls.
SEGMENT_LIMIT = 40_000
#: Seconds for one child.
DEADLINE = 60
CHUNKS = {"chunker": "size-4096"}

State = tuple[frozenset[bytes], frozenset[tuple[str, bytes]]]


def content(name: str) -> bytes:
    # All begin alike, so that they share blocks.
    return random.Random("shared").randbytes(8192) + random.Random(name).randbytes(9000)


async def before(node: Node) -> None:
    for name in ("first", "second", "third"):
        await node.add(content(name), **CHUNKS)
    await node.add(content("garbage"), pin=False, **CHUNKS)
    await node.files.write("/file", content("file"), create=True)


def calls() -> list[Callable[[Node], Awaitable[object]]]:
    async def unpin(node: Node, name: str) -> None:
        await node.pin.rm((await node.add(content(name), only_hash=True, **CHUNKS)).cid)

    return [
        lambda node: node.add(content("fourth"), **CHUNKS),
        lambda node: unpin(node, "first"),
        lambda node: node.files.write("/file", content("patch"), offset=5000),
        lambda node: unpin(node, "second"),
        lambda node: node.repo.gc(quiet=True),
        lambda node: node.files.mv("/file", "/moved"),
        lambda node: node.add(content("second"), **CHUNKS),
        lambda node: node.files.rm("/moved"),
        lambda node: node.repo.gc(quiet=True),
    ]


async def seen(node: Node) -> State:
    """Return what pins and files hold, every byte of it read."""
    pins = [await node.cat(pin.cid) async for pin in node.pin.ls(type="recursive")]
    files = [(entry.name, await node.files.read(f"/{entry.name}")) async for entry in node.files.ls("/")]
    return frozenset(pins), frozenset(files)


async def states(repo: Path) -> list[State]:
    """Return what is to be seen before the first call, and after each."""
    async with open_node(repo=repo, offline=True) as node:
        found = [await seen(node)]
        for call in calls():
            await call(node)
            found.append(await seen(node))
    return found


async def change(repo: Path, acknowledge: Callable[[], object]) -> None:
    async with open_node(repo=repo, offline=True) as node:
        for call in calls():
            await call(node)
            acknowledge()


async def check(repo: Path, expected: list[State]) -> None:
    async with open_node(repo=repo, offline=True) as node:
        found = await seen(node)
        assert found in expected, f"state {found}"
        assert await node.repo.verify() == []
        await node.repo.gc(quiet=True)
        assert await seen(node) == found
        await node.add(content("new"), **CHUNKS)


def count_steps(at: Callable[[int], None]) -> None:
    """Call `at` with the number of each step, on whatever thread."""
    number = itertools.count()

    def traced(frame: FrameType, event: str, argument: Any) -> Any:
        if event == "call":
            return traced if frame.f_code.co_filename.startswith(COUNTED) else None
        if event == "line":
            at(next(number))
        return traced

    threading.settrace(traced)
    sys.settrace(traced)


def forked(work: Callable[[], object]) -> int:
    """Return the status of a child that does something."""
    pid = os.fork()
    if pid == 0:
        signal.alarm(DEADLINE)
        try:
            work()
        except BaseException:
            sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]  # there is one
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def perform(repo: Path, log: Path, step: int) -> None:
    """Do all calls, a byte of the log for each that has returned, and be killed at a step."""
    with log.open("wb", buffering=0) as acknowledged:
        count_steps(lambda number: os.kill(os.getpid(), signal.SIGKILL) if number == step else None)
        asyncio.run(change(repo, lambda: acknowledged.write(b".")))


def count(repo: Path, log: Path) -> None:
    last = 0

    def at(number: int) -> None:
        nonlocal last
        last = max(last, number)

    count_steps(at)
    asyncio.run(change(repo, lambda: None))
    log.write_text(f"{last}")


def main(folder: Path, kills: int, seed: str) -> None:
    _files.SEGMENT_LIMIT = _segment.SEGMENT_LIMIT = SEGMENT_LIMIT  # type: ignore[misc]  # final for all but this
    template, repo, log = folder / "template", folder / "repo", folder / "log"

    async def prepare() -> None:
        async with open_node(repo=template, offline=True) as node:
            await before(node)

    # In children, so that no thread is here when there is a fork.
    assert forked(lambda: asyncio.run(prepare())) == 0
    shutil.copytree(template, repo)
    assert forked(lambda: count(repo, log)) == 0
    steps = int(log.read_text())
    shutil.rmtree(repo)
    shutil.copytree(template, repo)
    expected = asyncio.run(states(repo))
    shutil.rmtree(repo)
    rng = random.Random(seed)
    for step in sorted(rng.sample(range(steps), min(kills, steps))):
        shutil.copytree(template, repo)
        # Where threads took turns otherwise there may be fewer steps than were counted.
        assert forked(lambda step=step: perform(repo, log, step)) in (-signal.SIGKILL, 0)  # type: ignore[misc]  # mypy infers no lambda with a default
        done = log.stat().st_size
        possible = expected[done : done + 2]
        assert forked(lambda possible=possible: asyncio.run(check(repo, possible))) == 0, f"step {step} of {steps}"  # type: ignore[misc]  # mypy infers no lambda with a default
        shutil.rmtree(repo)
    sys.stdout.write(f"{steps}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
