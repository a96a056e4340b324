"""What several tests of this room use."""

from __future__ import annotations

import asyncio
from typing import Any


async def nothing_left(before: set[asyncio.Task[Any]]) -> None:
    """Fail unless every task that was not there before ends within two seconds."""
    left = {task for task in asyncio.all_tasks() - before if task is not asyncio.current_task()}
    if left:
        _, left = await asyncio.wait(left, timeout=2)
    assert not left
