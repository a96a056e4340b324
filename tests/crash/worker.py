"""One of several processes that change a repository until they are killed, and check what is left of their work.

Every call is written to a journal before it begins and after it has returned. Whoever comes next reads the journal, and
finds all that was acknowledged; of the one call that was under way, either everything or nothing.
Run as ``worker.py work|check REPO JOURNALS SLOT SEED``.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ipfs_comm import open_node
from ipfs_comm.blockstore import _files, _segment
from ipfs_comm.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipfs_comm.node.api import Node

#: Small segments, so that they fill, and are emptied, all the time.
SEGMENT_LIMIT = 512 * 1024
CHUNK = 4096
MOST_PINS = 10
MOST_FILES = 6
MOST_PATCHES = 4
#: Seconds that any one call may take: others collect garbage meanwhile.
TIMEOUT = 60

#: Content is what a list of (offset, seed, shared chunks, further bytes) makes, one written over the other.
Content = list[list[Any]]


def say(what: object) -> None:
    """Tell the driver."""
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


def rendered(content: Content) -> bytes:
    whole = b""
    for offset, seed, shared, further in content:
        data = b"".join(random.Random(f"shared {n}").randbytes(CHUNK) for n in shared)
        data += random.Random(seed).randbytes(further)
        whole = whole[:offset].ljust(offset, b"\0") + data + whole[offset + len(data) :]
    return whole


def made_up(rng: random.Random, offset: int = 0) -> list[Any]:
    # The blocks in front are everybody's, so that one's garbage is what another one needs.
    return [offset, f"{rng.random()}", rng.choices(range(8), k=rng.randrange(6)), rng.randrange(1, 6 * CHUNK)]


@dataclass
class Model:
    """What one slot's pins and files are, after everything in its journal."""

    pins: dict[str, Content] = field(default_factory=dict)
    unpinned: set[str] = field(default_factory=set)
    files: dict[str, Content] = field(default_factory=dict)

    def apply(self, call: dict[str, Any]) -> None:
        match call["op"]:
            case "add" | "pin":
                self.pins[call["cid"]] = call["content"]
            case "unpin":
                del self.pins[call["cid"]]
                self.unpinned.add(call["cid"])
            case "write" | "cp":
                self.files[call["path"]] = call["content"]
            case "rm":
                del self.files[call["path"]]
            case "mv":
                self.files[call["to"]] = self.files.pop(call["path"])

    def after(self, call: dict[str, Any]) -> Model:
        copy = Model(dict(self.pins), set(self.unpinned), dict(self.files))
        copy.apply(call)
        return copy


class Journal:
    """What was begun and what was acknowledged, in a file that outlives its writer."""

    def __init__(self, path: Path) -> None:
        self.model = Model()
        self.under_way: dict[str, Any] | None = None
        self.acknowledged = 0
        if path.exists():
            # What follows the last newline was never written whole.
            for line in path.read_bytes().split(b"\n")[:-1]:
                self._take(json.loads(line))
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def _take(self, record: dict[str, Any]) -> None:
        if "op" in record:
            self.under_way = record
        else:
            assert self.under_way is not None
            if record["end"] == "done":
                self.model.apply(self.under_way)
                self.acknowledged += 1
            self.under_way = None

    def write(self, record: dict[str, Any]) -> None:
        line = json.dumps(record).encode() + b"\n"
        assert os.write(self._fd, line) == len(line)
        self._take(record)
        # The driver waits for what it wants to interrupt.
        say(record.get("op", record.get("end")))


async def found(node: Node, slot: int, model: Model) -> list[str]:
    """Return what of a model does not hold."""
    wrong: list[str] = []
    pinned = {str(pin.cid) async for pin in node.pin.ls(type="recursive")}
    wrong += [f"the pin of {cid} is lost" for cid in model.pins.keys() - pinned]
    wrong += [f"{cid} is pinned again" for cid in model.unpinned & pinned]
    # What is not pinned any more, somebody may have collected.
    for cid in model.pins.keys() & pinned:
        if await node.cat(cid, timeout=TIMEOUT) != rendered(model.pins[cid]):
            wrong.append(f"{cid} has another content")
    there = {entry.name: entry async for entry in node.files.ls(folder(slot))}
    names = {path.rsplit("/", 1)[1] for path in model.files}
    if there.keys() != names:
        wrong.append(f"{folder(slot)} has {sorted(there)}, not {sorted(names)}")
        return wrong
    for path, content in model.files.items():
        if await node.files.read(path, timeout=TIMEOUT) != rendered(content):
            wrong.append(f"{path} has another content")
    return wrong


def folder(slot: int) -> str:
    return f"/slot{slot}"


async def settle(node: Node, journal: Journal, slot: int) -> None:
    """Find out whether the call that was under way has happened, and that everything before it has."""
    await node.files.mkdir(folder(slot), parents=True, timeout=TIMEOUT)
    wrong = await found(node, slot, journal.model)
    call = journal.under_way
    if call is None:
        assert not wrong, wrong
        return
    if not wrong:
        # Pins that are there already and nobody was told of: they are looked for where all pins are known.
        pinned = {str(pin.cid) async for pin in node.pin.ls(type="recursive")}
        if call["op"] not in ("add", "pin") or call["cid"] not in pinned:
            journal.write({"end": "undone"})
            return
    still_wrong = await found(node, slot, journal.model.after(call))
    assert not still_wrong, {"call": call, "before": wrong, "after": still_wrong}
    journal.write({"end": "done"})


async def verify(node: Node) -> None:
    damaged = await node.repo.verify(timeout=TIMEOUT)
    assert not damaged, damaged


def next_call(rng: random.Random, model: Model, slot: int) -> dict[str, Any]:
    pins, files = sorted(model.pins), sorted(model.files)
    choices = ["add", "pin", "write", "gc"]
    patchable = [path for path in files if len(model.files[path]) < MOST_PATCHES]
    choices += ["unpin", "cp"] * bool(pins) + ["mv", "rm"] * bool(files) + ["patch"] * bool(patchable)
    if len(pins) >= MOST_PINS:
        choices = ["unpin"]
    elif len(files) >= MOST_FILES:
        choices = ["rm"]
    path = f"{folder(slot)}/{rng.randrange(10**9)}"
    match op := rng.choice(choices):
        case "add" | "pin":
            return {"op": op, "content": [made_up(rng)]}
        case "unpin":
            return {"op": op, "cid": rng.choice(pins)}
        case "write":
            return {"op": op, "path": path, "content": [made_up(rng)], "offset": None}
        case "patch":
            path = rng.choice(patchable)
            patch = made_up(rng, rng.randrange(4 * CHUNK))
            return {"op": "write", "path": path, "content": [*model.files[path], patch], "offset": patch[0]}
        case "cp":
            cid = rng.choice(pins)
            return {"op": op, "path": path, "cid": cid, "content": model.pins[cid]}
        case "rm":
            return {"op": op, "path": rng.choice(files)}
        case "mv":
            return {"op": op, "path": rng.choice(files), "to": path}
        case _:
            return {"op": op}


async def perform(node: Node, call: dict[str, Any]) -> str:
    """Do a call; return how it ended."""
    options = {"chunker": f"size-{CHUNK}", "timeout": TIMEOUT}
    match call["op"]:
        case "add":
            await node.add(rendered(call["content"]), **options)
        case "pin":
            added = await node.add(rendered(call["content"]), pin=False, **options)
            try:
                await node.pin.add(added.cid, timeout=TIMEOUT)
            except NotFoundError:
                # Another slot collected it before it was pinned, as it may.
                return "undone"
        case "unpin":
            await node.pin.rm(call["cid"], timeout=TIMEOUT)
        case "write":
            whole = call["offset"] is None
            patch = rendered([[0, *call["content"][-1][1:]]])
            await node.files.write(
                call["path"], patch, create=whole, truncate=whole, offset=call["offset"] or 0, timeout=TIMEOUT
            )
        case "cp":
            await node.files.cp(f"/ipfs/{call['cid']}", call["path"], timeout=TIMEOUT)
        case "rm":
            await node.files.rm(call["path"], timeout=TIMEOUT)
        case "mv":
            await node.files.mv(call["path"], call["to"], timeout=TIMEOUT)
        case "gc":
            await node.repo.gc(quiet=True, timeout=TIMEOUT)
    return "done"


async def work(repo: Path, journals: Path, slot: int, seed: str) -> None:
    rng = random.Random(seed)
    journal = Journal(journals / f"{slot}.jsonl")
    while True:
        say("open")
        async with open_node(repo=repo, offline=True) as node:
            say("settle")
            await settle(node, journal, slot)
            await verify(node)
            for _ in range(rng.randrange(40, 120)):
                call = next_call(rng, journal.model, slot)
                if call["op"] in ("add", "pin"):
                    content = rendered(call["content"])
                    made = await node.add(content, only_hash=True, chunker=f"size-{CHUNK}", timeout=TIMEOUT)
                    call["cid"] = str(made.cid)
                journal.write(call)
                journal.write({"end": await perform(node, call)})
            say("close")


async def check(repo: Path, journals: Path, slots: Sequence[int]) -> None:
    """Look at everything while nobody else does: nothing is missing, nothing is too much, nothing is locked."""
    async with AsyncExitStack() as stack:
        node = await stack.enter_async_context(open_node(repo=repo, offline=True))
        pins: set[str] = set()
        acknowledged = 0
        # What garbage collection leaves must be enough.
        for collected in (False, True):
            if collected:
                await node.repo.gc(quiet=True, timeout=TIMEOUT)
            pins.clear()
            acknowledged = 0
            for slot in slots:
                journal = Journal(journals / f"{slot}.jsonl")
                await settle(node, journal, slot)
                pins |= journal.model.pins.keys()
                acknowledged += journal.acknowledged
            await verify(node)
        there = {str(pin.cid) async for pin in node.pin.ls(type="recursive")}
        assert there == pins, {"too much": there - pins, "missing": pins - there}
    assert _free(repo), "a lock is held though nobody is there"
    say(json.dumps({"acknowledged": acknowledged, "pins": len(pins)}))


def _free(repo: Path) -> bool:
    import fcntl

    for path in (*repo.glob("*.lock"), *repo.glob("*.turn"), *(repo / "segments").iterdir()):
        with path.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
    return True


if __name__ == "__main__":
    _files.SEGMENT_LIMIT = _segment.SEGMENT_LIMIT = SEGMENT_LIMIT  # type: ignore[misc]  # final for all but this
    what, place, journals_at, who, seed = sys.argv[1:]
    if what == "work":
        asyncio.run(work(Path(place), Path(journals_at), int(who), seed))
    else:
        asyncio.run(check(Path(place), Path(journals_at), range(int(who))))
