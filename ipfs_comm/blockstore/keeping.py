"""Who keeps garbage collection waiting: many writers of blocks at once, or one collector alone."""

from __future__ import annotations

import os
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, TypeGuard

from ipfs_comm.blockstore import _locks, _repository
from ipfs_comm.errors import RepositoryError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

#: Seconds that a writer lets a collector go first that waits itself. Not longer: the collector may be waiting for an
#: outer call of the very same writer (a pin made while an ``add_all`` is being read).
COURTESY: Final = 2.0
#: Seconds that anybody waits for the others.
PATIENCE: Final = 600.0


class Keeping:
    """A lock with many writers or one collector, over all tasks, and with a directory over all processes.

    Writers hold it from before their first block until a pin, or another root, holds what they wrote. A collector that
    waits keeps new writers out for a while, so that it gets its turn.

    Parameters
    ----------
    directory : Path, optional
        A repository that is there already; without it there is only this process.
    """

    def __init__(self, directory: Path | None = None) -> None:
        self._directory = directory
        self._pid = os.getpid()
        self._files: tuple[int, int] | None = None
        self._writers = 0
        self._wanted = False
        self._collecting = False

    @property
    def path(self) -> str:
        """What the lock is of, for people to read."""
        return "the repository in memory" if self._directory is None else f"{self._directory / 'gc.lock'}"

    def _open(self) -> tuple[int, int] | None:
        if os.getpid() != self._pid:
            raise RepositoryError(
                f"{self.path} was opened by process {self._pid}, and this is a process forked from it "
                f"({os.getpid()}): open a node of its own here"
            )
        if self._files is None and self._directory is not None:
            try:
                turn = _locks.open_file(self._directory / "gc.turn", create=True)
                try:
                    self._files = turn, _locks.open_file(self._directory / "gc.lock", create=True)
                except BaseException:
                    os.close(turn)
                    raise
            except OSError as error:
                _repository.refuse(self._directory, error)
        return self._files

    @asynccontextmanager
    async def shared(self) -> AsyncIterator[None]:
        """Keep collectors waiting for an ``async with``.

        Raises
        ------
        RepositoryError
            A collector has not come to its end within ten minutes.
        """
        files = self._open()
        began = time.monotonic()
        await _locks.acquire(
            lambda: self._try_write(files, polite=time.monotonic() - began < COURTESY), self.path, within=PATIENCE
        )
        try:
            yield
        finally:
            self._writers -= 1
            if self._here(files) and not self._writers:
                _locks.unlock_shared(files[1])

    def _here(self, files: tuple[int, int] | None) -> TypeGuard[tuple[int, int]]:
        """Tell whether there are locks of files to give back: not in a child that was forked while they were held."""
        return files is not None and os.getpid() == self._pid

    def _try_write(self, files: tuple[int, int] | None, *, polite: bool) -> bool:
        if self._collecting or (polite and self._wanted):
            return False
        if files is not None:
            turn, lock = files
            if polite:
                if not _locks.try_lock_shared(turn):
                    return False
                _locks.unlock_shared(turn)
            if not self._writers and not _locks.try_lock_shared(lock):
                return False
        self._writers += 1
        return True

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Wait until nobody writes, and keep all others out for an ``async with``.

        Raises
        ------
        RepositoryError
            Writers, or another collector, have not come to their end within ten minutes.
        """
        files = self._open()
        await _locks.acquire(lambda: self._try_want(files), self.path, within=PATIENCE)
        try:
            await _locks.acquire(lambda: self._try_collect(files), self.path, within=PATIENCE)
            try:
                yield
            finally:
                self._collecting = False
                if self._here(files):
                    _locks.unlock(files[1])
        finally:
            self._wanted = False
            if self._here(files):
                _locks.unlock(files[0])

    def _try_want(self, files: tuple[int, int] | None) -> bool:
        if self._wanted or (files is not None and not _locks.try_lock(files[0])):
            return False
        self._wanted = True
        return True

    def _try_collect(self, files: tuple[int, int] | None) -> bool:
        if self._writers or (files is not None and not _locks.try_lock(files[1])):
            return False
        self._collecting = True
        return True

    def close(self) -> None:
        """Give the handles back; in a forked child, leave them to the parent."""
        files, self._files = self._files, None
        if files is not None and os.getpid() == self._pid:
            for fd in files:
                os.close(fd)
