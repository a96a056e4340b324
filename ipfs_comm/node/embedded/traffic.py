"""What is asked of others and what came from them: the figures behind ``bitswap`` and ``stats``."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ipfs_comm.ipld import CID

#: Seconds over which a rate is taken, and the pieces of it that are told apart.
WINDOW: Final = 10.0
PIECES: Final = 40


class Traffic:
    """Counts the blocks that a node fetches, each by its own bytes, without what the transport adds."""

    def __init__(self) -> None:
        self._wanted: Counter[CID] = Counter()
        #: Blocks that came, and their bytes.
        self.blocks = 0
        self.size = 0
        self._recent: deque[tuple[float, int]] = deque()

    @property
    def wanted(self) -> list[CID]:
        """The blocks that are waited for."""
        return list(self._wanted)

    @contextmanager
    def waiting(self, cid: CID) -> Iterator[None]:
        """Count a block as wanted for a ``with``."""
        self._wanted[cid] += 1
        try:
            yield
        finally:
            self._wanted[cid] -= 1
            if not self._wanted[cid]:
                del self._wanted[cid]

    def came(self, size: int) -> None:
        """Count a block that came."""
        self.blocks += 1
        self.size += size
        now = asyncio.get_running_loop().time()
        piece = now - now % (WINDOW / PIECES)
        if self._recent and self._recent[-1][0] == piece:
            size += self._recent.pop()[1]
        self._recent.append((piece, size))
        self._forget(now)

    def rate(self) -> float:
        """Return bytes a second, over the last ten."""
        self._forget(asyncio.get_running_loop().time())
        return sum(size for _, size in self._recent) / WINDOW

    def _forget(self, now: float) -> None:
        while self._recent and self._recent[0][0] <= now - WINDOW:
            self._recent.popleft()
