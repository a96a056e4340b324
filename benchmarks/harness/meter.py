"""What processes spend: processor time, and memory at its highest."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Self, TypeAlias

import psutil

__all__ = ["CPU", "Peak", "Roles", "settle"]

#: A role (kernel, server, page) and how to find its processes.
Roles: TypeAlias = Mapping[str, Callable[[], list[psutil.Process]]]

#: Seconds between looks at the memory.
PACE = 0.02
#: Seconds between looks at what is still done, what share of them is nothing, and how long to look.
LOOK, NOTHING, LONG = 0.1, 0.2, 3.0


class CPU:
    """Processor time by role, in seconds, over a ``with``."""

    def __init__(self, roles: Roles) -> None:
        self._roles = roles
        self.spent: dict[str, float] = {}

    def __enter__(self) -> Self:
        self._before = self._read()
        return self

    def __exit__(self, *_: object) -> None:
        after = self._read()
        self.spent = {role: after[role] - self._before[role] for role in after}

    def _read(self) -> dict[str, float]:
        return {role: sum(_cpu(process) for process in find()) for role, find in self._roles.items()}


class Peak:
    """The highest resident memory of each role above what it was at first, in bytes, over a ``with``."""

    def __init__(self, roles: Roles) -> None:
        # The processes are those of the beginning: looking for new ones takes longer than looking at these.
        self._processes = {role: find() for role, find in roles.items()}
        self.added: dict[str, int] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._base = self._read()
        self._highest = dict(self._base)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self.added = {role: self._highest[role] - self._base[role] for role in self._base}

    def _watch(self) -> None:
        while not self._over.wait(PACE):
            for role, size in self._read().items():
                self._highest[role] = max(self._highest[role], size)

    def _read(self) -> dict[str, int]:
        return {role: sum(_rss(process) for process in found) for role, found in self._processes.items()}


def settle() -> None:
    """Wait until none of this script's processes works on what was asked before.

    Stores write and heaps are swept after the answer.
    """
    until = time.monotonic() + LONG
    everybody = psutil.Process().children(recursive=True)
    while time.monotonic() < until:
        with CPU({"everybody": lambda: everybody}) as cpu:
            time.sleep(LOOK)
        if cpu.spent["everybody"] <= NOTHING * LOOK:
            return


def _cpu(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)


def _rss(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0
