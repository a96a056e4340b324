"""Daemons that are killed, cannot be reached well, or have no room: the error says so, and nothing half stays."""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import ExitStack, asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest
from kubo_support import ROOT, Repository, Restarted, active, until
from proxy_support import proxied
from volume_support import on_small_volume

from ipfs_comm import open_node
from ipfs_comm.errors import DeadlineError, IPFSCommError, NotFoundError, UnreachableError
from ipfs_comm.node.api import File
from ipfs_comm.node.kubo import files_writing

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator
    from pathlib import Path

    from kubo_support import Daemon

    from ipfs_comm.node import Node

PIECE = 2**20


async def until_its_end(stream: Any) -> None:
    async for _ in stream:
        pass


class Served(Restarted):
    """A daemon that can be killed and started again, and a node that goes on."""

    node: Any = None


@pytest.fixture
async def restarted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    monkeypatch.delenv("IPFS_COMM_KUBO_API", raising=False)
    repository = Repository(tmp_path / "repo")
    monkeypatch.setenv("IPFS_PATH", str(repository.folder))
    with ExitStack() as stack:
        made = Served(repository, stack)
        async with open_node("kubo") as node:
            made.node = node
            yield made


async def test_a_daemon_killed_in_mid_add_leaves_nothing_half(restarted: Served) -> None:
    node: Node = restarted.node
    kept = await node.add(b"kept")
    pinned = {entry.cid for entry in await node.pin.ls(type="recursive")}
    closed = False

    async def content() -> AsyncGenerator[bytes, None]:
        nonlocal closed
        try:
            for number in range(64):
                yield bytes([number]) * PIECE
                if number == 8:
                    restarted.kill()
        finally:
            closed = True

    with pytest.raises(UnreachableError, match="went away"):
        await node.add(content())
    await until(lambda: closed)
    restarted.start()
    assert {entry.cid for entry in await node.pin.ls(type="recursive")} == pinned
    assert await node.cat(kept.cid) == b"kept"
    again = await node.add(b"x" * 3 * PIECE)
    assert await node.cat(again.cid) == b"x" * 3 * PIECE


async def test_a_daemon_killed_in_mid_add_of_many_gives_what_it_had_done(restarted: Served) -> None:
    async def files() -> AsyncGenerator[File, None]:
        for number in range(1000):
            yield File(f"{number}", bytes([number % 251]) * 1000)
            if number == 500:
                restarted.kill()

    done = restarted.node.add_all(files())
    with pytest.raises(UnreachableError):
        await until_its_end(done)
    restarted.start()
    assert await restarted.node.cat((await restarted.node.add(b"again")).cid) == b"again"


async def test_a_daemon_killed_in_mid_cat_is_no_end_of_the_file(restarted: Served) -> None:
    node: Node = restarted.node
    added = await node.add(b"".join(bytes([number]) * PIECE for number in range(64)))
    stream = node.cat(added.cid)
    assert len(await anext(stream)) < 32 * PIECE
    restarted.kill()
    with pytest.raises(UnreachableError):
        await until_its_end(stream)
    restarted.start()
    assert len(await node.cat(added.cid)) == 64 * PIECE


async def test_a_daemon_that_is_stopped_in_mid_cat_is_no_end_of_the_file(restarted: Served) -> None:
    node: Node = restarted.node
    added = await node.add(b"".join(bytes([number]) * PIECE for number in range(64)))
    got = 0
    # It may end what it has begun, or break it off, and never the one for the other.
    with suppress(IPFSCommError):
        async for chunk in node.cat(added.cid):
            got += len(chunk)
            if got == len(chunk):
                restarted.daemon.process.terminate()
        assert got == 64 * PIECE


async def test_a_write_whose_time_is_over_waits_for_no_daemon_that_hangs(
    restarted: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files_writing, "PATIENCE", 0.2)
    process, hanging = restarted.daemon.process, asyncio.Event()

    async def content() -> AsyncGenerator[bytes, None]:
        yield b"x" * 3 * PIECE
        process.send_signal(signal.SIGSTOP)
        hanging.set()
        yield b"x" * PIECE

    try:
        writing = asyncio.ensure_future(restarted.node.files.write("/file", content(), create=True))
        await hanging.wait()
        writing.cancel()
        async with asyncio.timeout(10):
            with pytest.raises(asyncio.CancelledError):
                await writing
    finally:
        process.send_signal(signal.SIGCONT)
    # Stopped in the middle of it, Kubo takes half a minute to end.
    await until(lambda: not active(restarted.daemon, "files/rm"))
    assert "file" not in [entry.name for entry in await restarted.node.files.ls("/")]


@asynccontextmanager
async def through(proxy: Any) -> AsyncIterator[Node]:
    async with open_node("kubo", kubo_api=proxy.url) as node:
        yield node


async def test_a_slow_proxy_changes_nothing_but_time(daemon: Daemon) -> None:
    content = b"".join(bytes([number]) * PIECE for number in range(4))
    async with proxied(daemon.api, delay=0.005) as proxy, through(proxy) as node:
        added = await node.add(content)
        assert await node.cat(added.cid) == content
        assert [entry.cid async for entry in node.add_all([b"a", b"b"])]
        with pytest.raises(NotFoundError):
            await node.cat(f"{added.cid}/no/such", timeout=20)


async def test_a_deadline_counts_through_a_slow_proxy_and_ends_the_daemon_s_work(daemon: Daemon) -> None:
    async with proxied(daemon.api) as proxy, through(proxy) as node:
        added = await node.add(b"".join(bytes([number]) * PIECE for number in range(32)))
        proxy.delay = 1.0
        with pytest.raises(DeadlineError):
            await node.cat(added.cid, timeout=0.3)
        with pytest.raises(DeadlineError):
            await node.add(b"x" * 8 * PIECE, timeout=0.3)
        await until(lambda: not active(daemon, "cat"))
        await until(lambda: not active(daemon, "add"))


FULL = """
import asyncio, os, sys
sys.path[:0] = sys.argv[2:4]
from pathlib import Path
from kubo_support import Repository, running
from ipfs_comm import open_node
from ipfs_comm.errors import NoSpaceError

async def main():
    with running(Repository(Path(sys.argv[1]) / "repo")) as daemon:
        async with open_node("kubo", kubo_api=daemon.api) as node:
            small = await node.add(b"small")
            pinned = len(await node.pin.ls())

            async def much():
                for number in range(64):
                    yield os.urandom(2**20)

            try:
                await node.add(much())
            except NoSpaceError as error:
                print("no space:", error.code)
            print(await node.cat(small.cid), len(await node.pin.ls()) == pinned)
            async for _ in node.repo.gc():
                pass
            print(await node.cat((await node.add(b"room again")).cid))

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="mounting a small volume for one program is Linux's")
def test_a_daemon_whose_disk_is_full_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "small"
    folder.mkdir()
    said = on_small_volume(folder, 24 * 2**20, FULL, str(ROOT / "tests"), str(ROOT))
    assert said.splitlines() == ["no space: ERR_NO_SPACE", "b'small' True", "b'room again'"]
