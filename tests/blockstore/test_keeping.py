from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest

from ipfs_comm.blockstore import Keeping, keeping
from ipfs_comm.errors import RepositoryError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(params=["one process", "two stores of one directory", "without locks of files"])
def two(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Keeping, Keeping]:
    if request.param == "one process":
        alone = Keeping()
        return alone, alone
    if request.param == "without locks of files":
        monkeypatch.setattr("ipfs_comm.blockstore._locks._fcntl", None)
    return Keeping(tmp_path), Keeping(tmp_path)


async def entered(task: asyncio.Task[None], event: asyncio.Event) -> bool:
    """Tell whether the task gets in while we wait for a moment."""
    try:
        async with asyncio.timeout(0.1):
            await event.wait()
    except TimeoutError:
        return False
    return True


async def collect(lock: Keeping, inside: asyncio.Event, leave: asyncio.Event) -> None:
    async with lock.alone():
        inside.set()
        await leave.wait()


async def test_many_write_at_once(two: tuple[Keeping, Keeping]) -> None:
    async with AsyncExitStack() as stack:
        for lock in (*two, *two):
            await stack.enter_async_context(lock.shared())
    async with two[0].alone():
        pass


async def test_a_collector_waits_for_writers(two: tuple[Keeping, Keeping]) -> None:
    inside, leave = asyncio.Event(), asyncio.Event()
    async with two[0].shared(), two[1].shared():
        task = asyncio.create_task(collect(two[1], inside, leave))
        assert not await entered(task, inside)
    await inside.wait()
    leave.set()
    await task


async def test_writers_and_collectors_wait_for_a_collector(
    two: tuple[Keeping, Keeping], monkeypatch: pytest.MonkeyPatch
) -> None:
    inside, leave = asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(collect(two[0], inside, leave))
    await inside.wait()
    monkeypatch.setattr(keeping, "PATIENCE", 0.1)
    with pytest.raises(RepositoryError, match="has held"):
        async with two[1].shared():
            pass
    with pytest.raises(RepositoryError, match="has held"):
        async with two[1].alone():
            pass
    leave.set()
    await task
    async with two[1].shared():
        pass


async def test_a_writer_lets_a_waiting_collector_go_first_for_a_while_only(
    two: tuple[Keeping, Keeping], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "COURTESY", 0.2)
    inside, leave = asyncio.Event(), asyncio.Event()
    async with two[0].shared():
        task = asyncio.create_task(collect(two[1], inside, leave))
        assert not await entered(task, inside)
        began = time.monotonic()
        async with two[0].shared():
            assert time.monotonic() - began >= 0.2
            assert not inside.is_set()
    await inside.wait()
    leave.set()
    await task


async def test_a_collector_that_gives_up_lets_everybody_in(two: tuple[Keeping, Keeping]) -> None:
    inside, leave = asyncio.Event(), asyncio.Event()
    async with two[0].shared():
        task = asyncio.create_task(collect(two[1], inside, leave))
        assert not await entered(task, inside)
        task.cancel()
        await asyncio.wait({task})
        async with two[0].shared(), two[1].shared():
            pass
    async with two[1].alone():
        pass
