"""The one event loop of a kernel on which node and server run, and the ways to it from elsewhere.

User code has a loop of its own, which a busy cell blocks. So there is one asyncio loop on one daemon thread; a
coroutine is handed to it and its result handed back. Where there are no threads (Pyodide) it is the loop that runs
already. A forked child has the memory of all this and not the thread: it is told so, and owns nothing.
"""

from __future__ import annotations

import asyncio
import os
import queue
import sys
import threading
from typing import TYPE_CHECKING, Any, TypeVar

from ipfs_comm.errors import IPFSCommError, NotSupportedError

if TYPE_CHECKING:
    import concurrent.futures
    from collections.abc import Awaitable, Callable, Coroutine

__all__ = ["Runtime"]

T = TypeVar("T")

#: Seconds for which a wait sleeps at a time, so that an interrupt is noticed on every platform.
SLICE = 0.25


class Runtime:
    """One event loop, started at the first need.

    Parameters
    ----------
    name : str
        Name of the thread.
    threads : bool, optional
        Whether to run on a thread; by default where the platform has them.
    """

    def __init__(self, name: str = "ipfs_comm", *, threads: bool | None = None) -> None:
        self.threads = sys.platform != "emscripten" if threads is None else threads
        self._name = name
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._closed = False
        self._ending: asyncio.Future[None] | None = None

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop, running.

        Raises
        ------
        NotSupportedError
            In a forked child, and after `close`.
        """
        if self._pid != os.getpid():
            raise NotSupportedError(
                "this process was forked from the kernel, and the kernel's IPFS node stayed there: "
                "open a node of this process with `async with ipfs_comm.open_node() as ipfs`"
            )
        if self._closed:
            raise NotSupportedError(
                "this node was closed by %unload_ext: run `%load_ext ipfs_comm` and use the new `ipfs`"
            )
        if self._loop is None:
            with self._lock:
                if self._loop is None:
                    self._loop = self._start() if self.threads else asyncio.get_event_loop()
        return self._loop

    def owned(self) -> bool:
        """Return whether this process may use what runs here: it is no forked child, and nothing is closed yet."""
        return self._pid == os.getpid() and not self._closed

    def _start(self) -> asyncio.AbstractEventLoop:
        loop = asyncio.new_event_loop()

        def run() -> None:
            asyncio.set_event_loop(loop)
            try:
                loop.run_forever()
            finally:
                loop.run_until_complete(loop.shutdown_asyncgens())
                loop.close()

        self._thread = threading.Thread(target=run, name=self._name, daemon=True)
        # Debuggers stop every thread at a breakpoint; the page should be answered meanwhile.
        self._thread.pydev_do_not_trace = True  # type: ignore[attr-defined]  # debugpy looks for the attribute
        self._thread.start()
        return loop

    def submit(self, work: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        """Start `work` on the loop, from any thread; cancelling the future cancels it."""
        try:
            return asyncio.run_coroutine_threadsafe(work, self.loop)
        except IPFSCommError:
            work.close()
            raise

    async def call(self, work: Callable[[], Awaitable[T]]) -> T:
        """Await ``work()`` on the loop, from a coroutine on any loop. Cancelling the caller cancels the work."""
        loop = self.loop
        if asyncio.get_running_loop() is loop:
            return await work()

        async def run() -> T:
            return await work()

        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(run(), loop))

    def wait(
        self, future: concurrent.futures.Future[T], jobs: queue.SimpleQueue[Callable[[], None] | None] | None = None
    ) -> T:
        """Wait for `future` on this thread; an interrupt cancels it.

        Parameters
        ----------
        future : concurrent.futures.Future
            From `submit`.
        jobs : queue.SimpleQueue, optional
            Functions that the work wants to have called on this thread meanwhile.

        Raises
        ------
        NotSupportedError
            Where the loop itself would have to wait: on the loop's thread, or where there are no threads.
        """
        if not self.threads or threading.current_thread() is self._thread:
            future.cancel()
            raise NotSupportedError(
                "there is no other thread here to wait for the IPFS node: write `await ipfs.…` instead of `ipfs.sync.…`"
            )
        inbox = jobs if jobs is not None else queue.SimpleQueue()
        future.add_done_callback(lambda _future: inbox.put(None))
        try:
            while not future.done():
                try:
                    job = inbox.get(timeout=SLICE)
                except queue.Empty:
                    continue
                if job is not None:
                    job()
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def close(self, finish: Callable[[], Awaitable[None]] | None = None, *, timeout: float = 5.0) -> None:
        """Run `finish` on the loop, cancel what still runs there, and stop it.

        Parameters
        ----------
        finish : callable, optional
            Makes the last coroutine.
        timeout : float
            Seconds that all of this may take; then the daemon thread is left to the end of the process.

        Raises
        ------
        TimeoutError
            When that time is over.
        Exception
            What `finish` raised; the loop is stopped all the same.
        """
        if not self.owned():
            return
        loop = self._loop
        self._closed = True
        if loop is None:
            return

        async def end() -> None:
            try:
                if finish is not None:
                    async with asyncio.timeout(timeout * 0.7):
                        await finish()
            finally:
                if self.threads:
                    others = asyncio.all_tasks(loop) - {asyncio.current_task(loop)}
                    for task in others:
                        task.cancel()
                    if others:
                        await asyncio.wait(others, timeout=timeout * 0.2)
                    loop.call_soon(loop.stop)

        work = end()
        if not self.threads:
            self._ending = asyncio.ensure_future(work, loop=loop)
            return
        done = asyncio.run_coroutine_threadsafe(work, loop)
        if self._thread is threading.current_thread():
            return
        try:
            done.result(timeout)
        finally:
            if self._thread is not None:
                self._thread.join(timeout * 0.1)
