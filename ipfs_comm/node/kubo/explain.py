"""Why a daemon refused, in this package's words: what it says is one text, and asking its blocks tells the rest."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from ipfs_comm.errors import DaemonError, DeadlineError, IPFSCommError, LimitError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

__all__ = ["explaining"]


@asynccontextmanager
async def explaining(again: Callable[[], Awaitable[object]]) -> AsyncIterator[None]:
    """Where the body is refused by the daemon, raise the error that the same has on the embedded node.

    Parameters
    ----------
    again : coroutine function
        Does the same over the blocks that the daemon has itself, far enough to meet what is wrong. Where it meets
        nothing, what the daemon said is raised.
    """
    try:
        yield
    except LimitError:
        raise
    except IPFSCommError as refusal:
        try:
            await again()
        except (DaemonError, DeadlineError):
            raise refusal from None
        except IPFSCommError as error:
            raise error from refusal
        raise
