"""How much one port has under way: calls, bytes and calls a second, beside what its policy allows."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Protocol

from ipfs_comm.blockstore.base import MAX_BLOCK_SIZE
from ipfs_comm.errors import LimitError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from ipfs_comm.rpc.policy import Policy

__all__ = ["Budget", "Outlet"]


class Outlet(Protocol):
    """Where answers leave: a link."""

    @property
    def bytes_queued(self) -> int:
        """Bytes that wait here to be sent."""

    async def drained(self, most: int) -> None:
        """Wait until no more than so many bytes wait here, or the link is over."""


class Budget:
    """The account of one port.

    Parameters
    ----------
    policy : callable
        Returns the policy that counts now.
    outlet : Outlet, optional
        Where answers leave; without it they are not waited for.
    """

    def __init__(self, policy: Callable[[], Policy], outlet: Outlet | None = None) -> None:
        self._policy = policy
        self._outlet = outlet
        #: Bytes that came with calls under way.
        self.held = 0
        self._making = 0
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._tokens = 0.0
        self._filled_at: float | None = None

    def take(self, calls: int, size: int) -> None:
        """Account for a call of ``size`` bytes beside ``calls`` that are under way; `give` takes the bytes back.

        Raises
        ------
        LimitError
            It is one too many.
        """
        policy = self._policy()
        if calls >= policy.max_calls:
            raise LimitError(
                f"this port has {calls} calls under way, as many as it may (max_calls): wait for some of them to end",
                detail={"limit": policy.max_calls},
            )
        if self.held + size > policy.max_bytes:
            raise LimitError(
                f"the calls of this port that are under way hold {self.held} bytes, and with {size} more it would be "
                f"over {policy.max_bytes} (max_bytes): send content as a stream, or wait for some of them to end",
                detail={"held": self.held, "size": size, "limit": policy.max_bytes},
            )
        if policy.max_rate is not None:
            self._take_token(policy.max_rate)
        self.held += size

    def _take_token(self, rate: float) -> None:
        now = asyncio.get_running_loop().time()
        most = max(1.0, rate)
        since = most / rate if self._filled_at is None else now - self._filled_at
        self._filled_at = now
        self._tokens = min(most, self._tokens + since * rate)
        if self._tokens < 1:
            wait = (1 - self._tokens) / rate
            raise LimitError(
                f"this port may begin {rate:g} calls a second (max_rate): try again in {wait:.3g} s",
                detail={"limit": rate, "retry_after": wait},
            )
        self._tokens -= 1

    def give(self, size: int) -> None:
        """Take note that a call of ``size`` bytes is over."""
        self.held -= size

    @asynccontextmanager
    async def answering(self, *, streams: bool) -> AsyncIterator[None]:
        """Run the body, which makes an answer, when there is room for one among those that wait to be sent.

        An answer is taken for the largest block there can be. Calls that read a stream of the page's do not count: they
        can last, and may wait for others.
        """
        if streams:
            yield
            return
        most = self._policy().max_bytes
        while self._making >= max(1, most // MAX_BLOCK_SIZE) or self._queued() > most:
            if self._outlet is not None and self._queued() > most:
                await self._outlet.drained(most)
                continue
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            try:
                await waiter
            except BaseException:
                # Whoever was told to go on and does not tells the next one.
                self._next()
                raise
            finally:
                if waiter in self._waiters:
                    self._waiters.remove(waiter)
        self._making += 1
        try:
            yield
        finally:
            self._making -= 1
            self._next()

    def room(self) -> Awaitable[None] | None:
        """Return what to wait for before more is sent that nobody asked for by name; None where there is room."""
        most = self._policy().max_bytes
        return self._outlet.drained(most) if self._outlet is not None and self._queued() > most else None

    def _queued(self) -> int:
        return 0 if self._outlet is None else self._outlet.bytes_queued

    def _next(self) -> None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return
