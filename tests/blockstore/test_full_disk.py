"""A disk that is full for real: typed errors, and nothing lost that was acknowledged."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import volume_support

if TYPE_CHECKING:
    from pathlib import Path

MIB = 1 << 20

#: Fills the volume up to a few bytes before each attempt at one verb; what was acknowledged must outlive that.
FILLING = r"""
import asyncio, json, os, sys
from pathlib import Path
from ipfs_comm.errors import IPFSCommError, NoSpaceError
from ipfs_comm.node.open import open_node

folder, verb = Path(sys.argv[1]), sys.argv[2]
repo, filler = folder / "repo", folder / "filler"


def fill(leave):
    with filler.open("ab", buffering=0) as file:
        step = 1 << 20
        while step:
            try:
                if file.write(bytes(step)) < step:
                    raise OSError
            except OSError:
                step //= 2
        file.truncate(max(0, file.tell() - leave))


async def attempt(node, number, kept):
    content = os.urandom(300_000)
    if verb == "add":
        kept.append(((await node.add(content)).cid, content))
    elif verb == "pin":
        loose = number["loose"].pop()
        await node.pin.add(loose[0])
        kept.append(loose)
    elif verb == "write":
        path = f"/f{len(number['files'])}"
        await node.files.write(path, content, create=True)
        number["files"][path] = content
    else:
        await node.repo.gc()


async def main():
    outcomes, kept = [], []
    number = {"loose": [], "files": {}}
    async with open_node(repo=repo, offline=True, storage_reserve=0) as node:
        for size in (10, 5000, 300_000):
            content = os.urandom(size)
            kept.append(((await node.add(content)).cid, content))
        for _ in range(30):
            content = os.urandom(20_000)
            number["loose"].append(((await node.add(content, pin=False)).cid, content))
    for leave in (0, 100, 4096, 20_000, 70_000, 200_000, 700_000, 2_000_000):
        try:
            async with open_node(repo=repo, offline=True, storage_reserve=0) as node:
                await node.repo.stat()
                assert len([entry async for entry in node.pin.ls(type="recursive")]) >= 3
                fill(leave)
                try:
                    for _ in range(3):
                        await attempt(node, number, kept)
                finally:
                    for cid, content in kept:
                        assert await node.cat(cid) == content
            outcomes.append("done")
        except NoSpaceError as error:
            assert str(folder) in str(error), error
            outcomes.append("full")
        finally:
            filler.unlink(missing_ok=True)
        if verb == "gc":
            async with open_node(repo=repo, offline=True, storage_reserve=0) as node:
                await node.add(os.urandom(600_000), pin=False)
    # With the disk full before anything is opened, too.
    fill(0)
    try:
        async with open_node(repo=repo, offline=True, storage_reserve=0) as node:
            for cid, content in kept:
                assert await node.cat(cid) == content
        outcomes.append("done")
    except NoSpaceError:
        outcomes.append("full")
    filler.unlink()
    async with open_node(repo=repo, offline=True, storage_reserve=0) as node:
        for cid, content in kept:
            assert await node.cat(cid) == content
            await node.pin.ls(cid)
        for path, content in number["files"].items():
            assert await node.files.read(path) == content
        assert await node.repo.verify() == []
        await attempt(node, number, kept)
        await node.repo.gc()
        for cid, content in kept:
            assert await node.cat(cid) == content
    print(json.dumps(outcomes))


asyncio.run(main())
"""


@pytest.mark.parametrize("verb", ["add", "pin", "write", "gc"])
def test_nothing_acknowledged_is_lost_on_a_full_disk(tmp_path: Path, verb: str) -> None:
    outcomes = json.loads(volume_support.on_small_volume(tmp_path, 16 * MIB, FILLING, verb))
    assert "done" in outcomes[:-1]
    if verb in ("add", "write"):
        assert outcomes[0] == "full"


LIMITED = r"""
import asyncio, os, resource, sys
from ipfs_comm.errors import NoSpaceError
from ipfs_comm.node.open import open_node


async def main():
    kept = []
    async with open_node(repo=sys.argv[1], offline=True) as node:
        kept.append(((await node.add(b"x" * 100_000)).cid, b"x" * 100_000))
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, resource.RLIM_INFINITY))
        for _ in range(3):
            try:
                await node.add(os.urandom(5_000_000))
            except NoSpaceError as error:
                assert sys.argv[1] in str(error)
            else:
                raise AssertionError("it was not refused")
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        await node.repo.gc()
        content = os.urandom(5_000_000)
        kept.append(((await node.add(content)).cid, content))
    async with open_node(repo=sys.argv[1], offline=True) as node:
        assert await node.repo.verify() == []
        for cid, content in kept:
            assert await node.cat(cid) == content


asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of files")
def test_a_file_that_may_not_grow_is_a_full_disk(tmp_path: Path) -> None:
    command = [sys.executable, "-c", LIMITED, str(tmp_path / "repo")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert (done.returncode, done.stderr) == (0, "")
