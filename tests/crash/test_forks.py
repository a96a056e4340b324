"""A forked child neither uses nor gives up what its parent has, and keeps nobody waiting when the parent is gone."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ipfs_comm import open_node

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = Path(__file__).with_name("forks.py")
#: Seconds for a program to come to its end, and for a node to open and collect garbage once nobody is in its way.
DEADLINE = 60
UNHINDERED = 20

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform cannot fork")


def told_by(what: str, repo: Path) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, str(PROGRAM), what, str(repo)], check=False, capture_output=True, timeout=DEADLINE
    )
    assert done.returncode == 0, done.stderr.decode()
    assert not done.stderr, done.stderr.decode()
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_a_child_gets_a_typed_error_of_every_call_and_has_nothing_open(tmp_path: Path) -> None:
    told = told_by("inherited", tmp_path / "repo")
    assert set(told["errors"].values()) == {"ERR_REPO"}, told["errors"]
    assert told["open"] == []
    assert told["locks"] == 0


def test_a_parent_goes_on_after_its_child_has_ended(tmp_path: Path) -> None:
    told = told_by("inherited", tmp_path / "repo")
    assert told["content"] == "of the parent"
    assert told["left"] == []


def test_a_child_leaves_the_connections_to_others_alone(tmp_path: Path) -> None:
    told = told_by("elsewhere", tmp_path / "repo")
    assert told["errors"] == ["ERR_NOT_SUPPORTED"]
    assert told["closed"] is False
    # What needs none works: its own threads hash.
    assert told["as_here"]


def test_children_of_a_writing_process_open_nodes_of_their_own(tmp_path: Path) -> None:
    told = told_by("fresh", tmp_path / "repo")
    assert len(told["found"]) == len(told["locks"])
    assert all(text.startswith("child ") for text in told["found"])
    # Their databases are locked by them, not by what they remember of their parent.
    assert all(told["locks"])
    assert told["left"] == []


def test_a_child_that_was_forked_inside_sqlite_opens_nothing(tmp_path: Path) -> None:
    told = told_by("busy", tmp_path / "repo")
    assert '"spawn"' in told["error"]
    assert told["locks"] == 0
    assert told["content"] == "of the parent"


def test_a_store_that_is_closed_and_still_held_does_not_hinder_a_child(tmp_path: Path) -> None:
    script = f"""
import os
from pathlib import Path
from ipfs_comm.blockstore._files import Files
closed, open_still = Files(Path({str(tmp_path / "closed")!r})), Files(Path({str(tmp_path / "open")!r}))
closed.close()
if os.fork():
    os._exit(os.waitstatus_to_exitcode(os.wait()[1]))
inherited = [os.readlink(f"/proc/self/fd/{{fd}}") for fd in range(3, 100) if os.path.exists(f"/proc/self/fd/{{fd}}")]
os._exit(sum({str(tmp_path)!r} in path for path in inherited))
"""
    done = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True, timeout=DEADLINE)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.fixture
def orphans(tmp_path: Path) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A CID that a process has acknowledged before it was killed, and its forked children, which live."""
    program = subprocess.Popen(
        [sys.executable, str(PROGRAM), "pool", str(tmp_path / "repo")], stdout=subprocess.PIPE, start_new_session=True
    )
    try:
        assert program.stdout is not None
        told = [json.loads(program.stdout.readline()) for _ in range(4)]
        program.send_signal(signal.SIGKILL)
        assert program.wait(DEADLINE) == -signal.SIGKILL
        children = [line for line in told if "child" in line]
        for child in children:
            os.kill(child["child"], 0)
        yield next(line["cid"] for line in told if "cid" in line), children
    finally:
        os.killpg(program.pid, signal.SIGKILL)
        program.stdout.close()


async def test_children_that_outlive_a_killed_parent_keep_nobody_waiting(
    tmp_path: Path, orphans: tuple[str, list[dict[str, Any]]]
) -> None:
    cid, children = orphans
    assert [child["open"] for child in children] == [[], [], []]
    async with asyncio.timeout(UNHINDERED), open_node(repo=tmp_path / "repo", offline=True) as node:
        assert await node.cat(cid) == b"acknowledged"
        added = await node.add(b"after all")
        await node.files.write("/file", b"x", create=True)
        await node.repo.gc(quiet=True)
        assert await node.cat(added.cid) == b"after all"
        assert await node.repo.verify() == []
        # What the dead one had not ended is taken over, not left aside.
        assert len(list((tmp_path / "repo" / "segments").iterdir())) == 1
