"""Processes that fork while they have a node, each a subject of a test in ``test_forks.py``: ``forks.py WHAT REPO``."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ipfs_comm import open_node
from ipfs_comm.blockstore import _fork
from ipfs_comm.errors import IPFSCommError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ipfs_comm.node.api import Node

#: Seconds for what takes moments.
DEADLINE = 30
FORKS = 10


def open_in(repo: Path) -> list[str]:
    """Return which files of a repository this process has open."""
    found: list[str] = []
    for link in Path("/proc/self/fd").iterdir():
        try:
            place = link.readlink()
        except OSError:
            continue
        if place.is_relative_to(repo):
            found.append(place.name)
    return found


def locks_of_sqlite(repo: Path) -> int:
    """Return how many locks this process has on the databases."""
    inodes = {path.stat().st_ino for path in repo.glob("*.sqlite*")}
    lines = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
    return sum(
        line[1] == "POSIX" and line[4] == f"{os.getpid()}" and int(line[5].split(":")[2]) in inodes
        for line in lines
        if len(line) == 8
    )


def tell(**what: Any) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def child_of(work: Callable[[], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
    """Return what `work` tells in a forked child that ends as programs end."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        signal.alarm(DEADLINE)
        with os.fdopen(writing, "w") as pipe:
            json.dump(asyncio.run(work()), pipe)  # type: ignore[arg-type]  # a coroutine function, all of them
        sys.exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        text = pipe.read()
    status = os.waitpid(pid, 0)[1]
    assert status == 0, (status, text)
    found: dict[str, Any] = json.loads(text)
    return found


class InThread:
    """A node on a loop of its own thread, as in a kernel."""

    def __init__(self, repo: Path) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self._opened = open_node(repo=repo, offline=True)
        self.node: Node = self.run(self._opened.__aenter__())

    def run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(DEADLINE)

    def keep_adding(self) -> Any:
        async def add() -> None:
            while True:
                await self.node.add(os.urandom(100_000))

        return asyncio.run_coroutine_threadsafe(add(), self.loop)

    def close(self) -> None:
        self.run(self._opened.__aexit__(None, None, None))


def inherited(repo: Path) -> None:
    """Every call on an inherited node is a typed error, and the child has nothing open; the parent goes on."""
    mine = InThread(repo)
    node = mine.node
    cid = mine.run(node.add(b"of the parent")).cid
    mine.run(node.files.write("/file", b"x", create=True))

    async def call() -> dict[str, Any]:
        calls: dict[str, Callable[[], Any]] = {
            "add": lambda: node.add(b"of the child"),
            "cat": lambda: node.cat(cid),
            "ls": lambda: node.ls(cid),
            "block.put": lambda: node.block.put(b"x"),
            "block.rm": lambda: node.block.rm(cid),
            "dag.put": lambda: node.dag.put({"a": 1}),
            "dag.get": lambda: node.dag.get(cid),
            "files.write": lambda: node.files.write("/new", b"x", create=True),
            "files.ls": lambda: node.files.ls("/"),
            "files.rm": lambda: node.files.rm("/file"),
            "pin.add": lambda: node.pin.add(cid),
            "pin.ls": lambda: node.pin.ls(),
            "pin.rm": lambda: node.pin.rm(cid),
            "key.gen": lambda: node.key.gen("k"),
            "key.list": lambda: node.key.list(),
            "name.publish": lambda: node.name.publish(cid),
            "repo.gc": lambda: node.repo.gc(),
            "repo.stat": lambda: node.repo.stat(),
            "repo.verify": lambda: node.repo.verify(),
            "config.get_all": lambda: node.config.get_all(),
            "id": lambda: node.id(),
        }
        errors: dict[str, str] = {}
        for name, start in calls.items():
            try:
                async with asyncio.timeout(5):
                    await start()
            except IPFSCommError as error:
                errors[name] = error.code
            except Exception as error:
                errors[name] = repr(error)
            else:
                errors[name] = "nothing"
        await node.close()  # type: ignore[attr-defined]  # not part of the API
        return {"errors": errors, "open": open_in(repo), "locks": locks_of_sqlite(repo)}

    adding = mine.keep_adding()
    told = child_of(call)
    adding.cancel()
    content = mine.run(_cat(node, cid))
    mine.close()
    tell(**told, content=content.decode(), left=open_in(repo))


async def _cat(node: Node, cid: Any) -> bytes:
    return await node.cat(cid)


def elsewhere(repo: Path) -> None:
    """A child does not use its parent's connections, nor close them."""

    class Source:
        closed = False

        async def fetch(self, cid: Any, *, context: Any) -> bytes:
            return b"of the source"

        async def close(self) -> None:
            self.closed = True

    source = Source()
    opened = open_node(repo=":memory:", exchange=source)
    loop = asyncio.new_event_loop()
    node = loop.run_until_complete(opened.__aenter__())
    cid = loop.run_until_complete(node.add(b"of the source", only_hash=True)).cid

    async def call() -> dict[str, Any]:
        codes: list[str] = []
        try:
            await node.block.get(cid)
        except IPFSCommError as error:
            codes.append(error.code)
        await node.close()  # type: ignore[attr-defined]  # not part of the API
        return {"errors": codes, "closed": source.closed, "hashed": str((await node.add(b"x", only_hash=True)).cid)}

    told = child_of(call)
    mine = loop.run_until_complete(node.add(b"x", only_hash=True)).cid
    loop.run_until_complete(opened.__aexit__(None, None, None))
    loop.close()
    tell(**told, as_here=told["hashed"] == str(mine))


def fresh(repo: Path) -> None:
    """Children open nodes of their own, while the parent writes; all find what all have written."""
    mine = InThread(repo)
    adding = mine.keep_adding()
    locks: list[int] = []
    added: list[str] = []

    async def add() -> dict[str, Any]:
        async with open_node(repo=repo, offline=True) as node:
            result = await node.add(f"child {os.getpid()}".encode())
            assert await node.cat(result.cid)
            return {"cid": str(result.cid), "locks": locks_of_sqlite(repo)}

    for _ in range(FORKS):
        told = child_of(add)
        added.append(told["cid"])
        locks.append(told["locks"])
    adding.cancel()
    found = [mine.run(_cat(mine.node, cid)).decode() for cid in added]
    mine.close()
    tell(found=found, locks=locks, left=open_in(repo))


def busy(repo: Path) -> None:
    """A child that was forked while a thread would not leave SQLite is told to begin otherwise."""
    mine = InThread(repo)
    cid = mine.run(mine.node.add(b"of the parent")).cid
    _fork.PATIENCE = 0.1  # type: ignore[misc]  # final for all but this

    async def add() -> dict[str, Any]:
        try:
            async with open_node(repo=repo, offline=True) as node:
                await node.add(b"of the child")
        except IPFSCommError as error:
            return {"error": str(error), "locks": locks_of_sqlite(repo)}
        return {"error": "none"}

    inside = threading.Lock()
    _fork.waits_for(inside)
    with inside:
        told = child_of(add)
    content = mine.run(_cat(mine.node, cid))
    mine.close()
    tell(**told, content=content.decode())


def _sleep(number: int) -> list[str]:
    """Wait until one is killed; tell at once that one is there."""
    tell(child=os.getpid(), open=open_in(Path(sys.argv[2])))
    signal.pause()
    return []


def pool(repo: Path) -> None:
    """A pool of forked processes that outlives us: we are killed in the middle of an add."""
    mine = InThread(repo)
    cid = mine.run(mine.node.add(b"acknowledged")).cid
    mine.keep_adding()
    workers = multiprocessing.get_context("fork").Pool(3)
    workers.map_async(_sleep, range(3), chunksize=1)
    tell(cid=str(cid))
    signal.pause()


if __name__ == "__main__":
    {"inherited": inherited, "elsewhere": elsewhere, "fresh": fresh, "busy": busy, "pool": pool}[sys.argv[1]](
        Path(sys.argv[2])
    )
