"""Read-ahead on an iterable as plain state: how many items to ask for before they are wanted, and those that came.

Pulled one by one, a stream costs a round trip an item. So items are asked for ahead, under a credit that begins small
and doubles when the consumer had to wait for an item. A wait has two causes. If the credit was too small for the round
trip, the item came about as fast as any can, and more credit helps. If the road or the producer is slower than the
consumer, items queue, and each takes longer than the fastest did; more credit would only lengthen that queue, which an
early return cannot take back. So the credit grows while items take little more than the least time.

There is no clock and no port in here; times are seconds of one monotonic clock.
"""

from __future__ import annotations

from collections import deque
from typing import Final, Generic, TypeVar

from ipfs_comm.errors import LimitError, ProtocolError

__all__ = ["FIRST_CREDIT", "MAX_CREDIT", "MAX_CREDIT_BYTES", "MAX_KEPT_BYTES", "ReadAhead"]

T = TypeVar("T")

#: Items of the first credit.
FIRST_CREDIT: Final = 2
#: The same at most where the producer says that it has more at hand: asking for those makes no work.
AT_HAND: Final = 64
#: The most that is asked for ahead or kept, a stream: items, and bytes as the items seen let expect.
MAX_CREDIT: Final = 4_096
MAX_CREDIT_BYTES: Final = 16 << 20
#: Items that come larger than any before can be more than was expected; beyond this the stream ends with ERR_LIMIT.
MAX_KEPT_BYTES: Final = 256 << 20
#: How much longer than the least time an item may take before the stream counts as queueing: a factor, and seconds.
QUEUEING: Final = 1.5
SLACK: Final = 0.03


class ReadAhead(Generic[T]):
    """One stream's credit, the items that came, and its end.

    Parameters
    ----------
    ahead : int
        How many items the producer has at hand; 1 if it can be asked for several and that is not known, 0 if it cannot:
        then none is asked for before it is wanted.
    """

    __slots__ = (
        "_ahead",
        "_asked",
        "_begun",
        "_credit",
        "_item_size",
        "_kept",
        "_least",
        "_since_growth",
        "_wanted",
        "ended",
        "error",
        "kept_bytes",
    )

    def __init__(self, *, ahead: int) -> None:
        self._ahead = bool(ahead)
        self._kept: deque[tuple[T, int]] = deque()
        #: When each item that has not come was asked for.
        self._asked: deque[float] = deque()
        self._wanted = self._begun = False
        self._credit = max(FIRST_CREDIT, min(ahead, AT_HAND))
        self._since_growth = self._credit
        self._least = float("inf")
        self._item_size = 1.0
        #: Bytes of the items that wait to be taken.
        self.kept_bytes = 0
        #: Whether nothing more comes.
        self.ended = False
        #: How it ended; None for an end in order.
        self.error: Exception | None = None

    @property
    def limit(self) -> int:
        """How many items may be asked for and kept together."""
        if not self._ahead:
            return 0
        return max(1, min(self._credit, int(MAX_CREDIT_BYTES / self._item_size)))

    @property
    def coming(self) -> int:
        """How many items are asked for and have not come."""
        return len(self._asked)

    @property
    def kept(self) -> int:
        """How many items wait to be taken."""
        return len(self._kept)

    def want(self) -> None:
        """Say that the consumer wants an item; before the first time none is asked for."""
        self._wanted = self._begun = True

    def ask(self, now: float) -> int:
        """Return how many items to ask for now; they count as asked for."""
        if self.ended or not self._begun:
            return 0
        limit = self.limit
        under_way = len(self._asked) + len(self._kept)
        due = max(limit, int(self._wanted)) - under_way
        if self._kept and self._ahead:
            room = (MAX_CREDIT_BYTES - self.kept_bytes) / self._item_size
            due = min(due, int(room) - len(self._asked))
        # In lots, so that not every item taken costs a packet.
        if due <= 0 or (4 * due < limit and under_way >= self._wanted):
            return 0
        self._asked.extend([now] * due)
        return due

    def arrive(self, item: T, size: int, now: float, *, last: bool = False) -> bool:
        """Take an item of ``size`` bytes that came, ``last`` if nothing comes after it.

        Returns
        -------
        bool
            Whether it is kept. One that nobody asked for is not, and ends the stream with a ProtocolError in its
            place; so does one too many bytes, with a LimitError. After the end nothing is.
        """
        if self.ended:
            return False
        if not self._asked and not last:
            self.end(ProtocolError("the other end sent an item of an iterable that nobody had asked for"))
            return False
        if self._kept and self.kept_bytes + size > MAX_KEPT_BYTES:
            self.end(
                LimitError(
                    f"an iterable's items that wait to be read would have more than {MAX_KEPT_BYTES} bytes: "
                    "send large items in pieces, or without an `ahead`"
                )
            )
            return False
        if self._asked:
            self._learn(now - self._asked.popleft(), size)
        self._kept.append((item, size))
        self.kept_bytes += size
        if last:
            self.end()
        return True

    def _learn(self, took: float, size: int) -> None:
        self._item_size = max(size, self._item_size - (self._item_size - size) / 8, 1.0)
        self._least = min(self._least, took)
        self._since_growth += 1
        waited = self._wanted and not self._kept
        if waited and 2 * self._since_growth >= self._credit and took <= QUEUEING * self._least + SLACK:
            self._credit = min(2 * self._credit, MAX_CREDIT)
            self._since_growth = 0

    def end(self, error: Exception | None = None) -> None:
        """Say that nothing comes after what is kept; only the first end counts."""
        if not self.ended:
            self.ended = True
            self.error = error
            self._asked.clear()

    @property
    def ready(self) -> bool:
        """Whether an item is here."""
        return bool(self._kept)

    def take(self) -> T:
        """Return the next item; there must be one."""
        item, size = self._kept.popleft()
        self.kept_bytes -= size
        self._wanted = False
        return item

    def drop(self, error: Exception | None = None) -> list[T]:
        """End the stream here and now; return the items that nobody will take, for whom ``error`` stands."""
        self.end(error)
        if self._kept:
            self.error = error
        dropped = [item for item, _ in self._kept]
        self._kept.clear()
        self.kept_bytes = 0
        return dropped
