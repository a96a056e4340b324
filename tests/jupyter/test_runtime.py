"""The loop on its own thread, and the ways to it."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from ipfs_comm.errors import NotSupportedError
from ipfs_comm.kernel.runtime import Runtime

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


@pytest.fixture
def runtime() -> Iterator[Runtime]:
    runtime = Runtime("tested")
    yield runtime
    runtime.close()


async def test_work_runs_on_the_thread_of_the_runtime(runtime: Runtime) -> None:
    async def where() -> str:
        return threading.current_thread().name

    assert await runtime.call(where) == "tested"
    assert runtime.wait(runtime.submit(where())) == "tested"


async def test_cancelling_the_caller_cancels_the_work(runtime: Runtime) -> None:
    started, cancelled = threading.Event(), threading.Event()

    async def work() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    task = asyncio.create_task(runtime.call(work))
    assert await asyncio.to_thread(started.wait, 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(cancelled.wait, 5)


async def test_an_error_of_the_work_is_raised_where_it_is_awaited(runtime: Runtime) -> None:
    async def fail() -> None:
        raise LookupError("not here")

    with pytest.raises(LookupError, match="not here"):
        await runtime.call(fail)


def test_closing_ends_what_runs_and_the_thread() -> None:
    runtime = Runtime("tested")
    ended: list[str] = []
    started = threading.Event()

    async def forever() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("task")

    async def finish() -> None:
        ended.append("finish")

    runtime.submit(forever())
    assert started.wait(5)
    runtime.close(finish)
    assert ended == ["finish", "task"]
    assert "tested" not in [thread.name for thread in threading.enumerate()]
    with pytest.raises(NotSupportedError, match="%load_ext ipfs_comm"):
        _ = runtime.loop


def test_a_finish_that_takes_too_long_is_an_error_and_the_thread_ends_all_the_same() -> None:
    runtime = Runtime("tested")
    assert runtime.loop.is_running() or runtime.loop

    async def never() -> None:
        await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        runtime.close(never, timeout=0.5)
    assert "tested" not in [thread.name for thread in threading.enumerate()]


async def test_a_wait_on_the_thread_of_the_loop_is_refused(runtime: Runtime) -> None:
    async def wait() -> None:
        future = runtime.submit(asyncio.sleep(0))
        runtime.wait(future)

    with pytest.raises(NotSupportedError, match=r"await ipfs\."):
        await runtime.call(wait)


async def test_without_threads_the_running_loop_is_used() -> None:
    runtime = Runtime(threads=False)

    async def here() -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    assert await runtime.call(here) is asyncio.get_running_loop()

    async def later() -> AsyncIterator[int]:
        yield 1

    assert [item async for item in later()] == [1]
