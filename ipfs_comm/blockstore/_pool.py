"""A small pool for work that would block the loop; the work runs inline where there are no threads."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from concurrent import futures
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
R = TypeVar("R")

#: Pyodide and its like can import `threading` but start no thread.
HAVE_THREADS: Final = sys.platform not in ("emscripten", "wasi")

#: Freed memory that glibc keeps for what comes next, about.
_KEPT: Final = 4 * 1024 * 1024


def _keep_freed() -> None:
    """Let blocks that are read and written one after another use the same memory.

    The largest piece that was ever freed tells glibc how much to keep of what is freed after it. Otherwise every block
    goes back to the system, which clears and maps its pages anew for the next one: a third of the time of a read.
    """
    bytes(_KEPT)


class Pool:
    """Threads that start on first use and are all gone after `close`; a forked child gets its own.

    Parameters
    ----------
    workers : int
        Most threads.
    name : str
        Prefix of their names.
    """

    def __init__(self, workers: int = 2, name: str = "ipfs_comm") -> None:
        self._workers = workers
        self._name = name
        self._executor: futures.ThreadPoolExecutor | None = None
        self._pid = os.getpid()

    @property
    def workers(self) -> int:
        """How many pieces of work can run at once."""
        return self._workers if HAVE_THREADS else 1

    def begin(self, work: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> futures.Future[R]:
        """Start `work`; where there are no threads, it has ended when this returns."""
        if HAVE_THREADS:
            if self._executor is None or self._pid != os.getpid():
                # The threads of the process that this one was forked from are not here.
                self._pid = os.getpid()
                self._executor = futures.ThreadPoolExecutor(self._workers, self._name)
                _keep_freed()
            try:
                return self._executor.submit(work, *args, **kwargs)
            except RuntimeError:
                # The interpreter is exiting and has ended all threads; what is left to do is to close in order.
                if not sys.is_finalizing() and threading.main_thread().is_alive():
                    raise
        future: futures.Future[R] = futures.Future()
        try:
            future.set_result(work(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future

    def submit(self, work: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[R]:
        """Start `work` and return a future of the running loop."""
        return asyncio.wrap_future(self.begin(work, *args, **kwargs), loop=asyncio.get_running_loop())

    async def run(self, work: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Return what `work` returns; cancelling the caller does not stop work that has begun."""
        return await self.submit(work, *args, **kwargs)

    def close(self) -> None:
        """Wait for running work, drop what has not begun, end the threads."""
        executor, self._executor = self._executor, None
        if executor is not None and self._pid == os.getpid():
            executor.shutdown(wait=True, cancel_futures=True)
