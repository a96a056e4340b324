"""Small records of a repository beside its blocks: pins, the root of the MFS, names of keys, settings."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, TypeAlias

from ipfs_comm.errors import InvalidInputError, RepositoryError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

#: What a transaction changes, by space and key; None for a record to be removed.
Changes: TypeAlias = dict[tuple[str, str], bytes | None]

#: Records read at once.
PAGE: Final = 500
#: Longest key and longest value, in characters and bytes: larger things are blocks.
MAX_KEY: Final = 4096
MAX_VALUE: Final = 1 << 20


class State(ABC):
    """Records by space and key, shared by all who have the repository open.

    A space is the name of a subject ("pins", "mfs"); what a key and a value mean is its owner's affair. Reading sees
    what the last finished transaction left. Every method may be called from any task of the loop that opened the
    state; nothing here blocks that loop.
    """

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._holder: asyncio.Task[object] | None = None

    @abstractmethod
    def _usable(self) -> None:
        """Raise RepositoryError where nothing can be done with this state here any more."""

    @abstractmethod
    async def get(self, space: str, key: str) -> bytes | None:
        """Return a record, or None where there is none.

        Raises
        ------
        RepositoryError
            The state is closed, damaged, or belongs to the process that this one was forked from.
        """

    @abstractmethod
    async def get_many(self, space: str, keys: Sequence[str]) -> list[bytes | None]:
        """Return records of one space, None for each that there is not."""

    @abstractmethod
    async def page(self, space: str, prefix: str, after: str | None, limit: int) -> list[tuple[str, bytes]]:
        """Return the next records of a space whose keys have a prefix, in the order of their keys."""

    async def items(self, space: str, prefix: str = "") -> AsyncGenerator[tuple[str, bytes], None]:
        """Iterate over the records of a space whose keys have a prefix, in the order of their keys.

        Records are read in pages: what changes meanwhile may or may not be met, memory does not grow with their number.
        """
        after = None
        while page := await self.page(space, prefix, after, PAGE):
            after = page[-1][0]
            for item in page:
                yield item
            if len(page) < PAGE:
                return

    async def verify(self) -> None:
        """Look whether all records are whole.

        Raises
        ------
        RepositoryError
            They are not; the message says what to do.
        """
        return

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Hold the state alone, over all tasks and processes, for an ``async with``.

        What was put and deleted is applied at once and durable when the block is left in order, and forgotten when it
        is left by an exception. Keep it short: everybody else waits.

        Raises
        ------
        RepositoryError
            Another process has held the state for too long, or it cannot be written.
        NoSpaceError
            The disk is full; nothing was changed then.
        """
        self._usable()
        task = asyncio.current_task()
        if task is not None and self._holder is task:
            raise InvalidInputError("a transaction of the repository's state inside another one of the same task")
        async with self._turn, self._alone():
            self._holder = task
            try:
                transaction = Transaction(self)
                yield transaction
                if transaction.changes:
                    await self._apply(transaction.changes)
            finally:
                self._holder = None

    @abstractmethod
    def _alone(self) -> AbstractAsyncContextManager[None]:
        """Keep all other processes out."""

    @abstractmethod
    async def _apply(self, changes: Mapping[tuple[str, str], bytes | None]) -> None:
        """Make all changes durable, or none."""

    @abstractmethod
    async def close(self) -> None:
        """Give every handle, lock and thread back. Closing twice is allowed."""


class Transaction:
    """The state as it will be when the transaction ends in order; changes wait in memory until then."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.changes: Changes = {}

    async def get(self, space: str, key: str) -> bytes | None:
        """Return a record as this transaction sees it, or None."""
        if (space, key) in self.changes:
            return self.changes[space, key]
        return await self._state.get(space, key)

    async def get_many(self, space: str, keys: Sequence[str]) -> list[bytes | None]:
        """Return records of one space as this transaction sees them, None for each that there is not."""
        found = await self._state.get_many(space, keys)
        return [self.changes.get((space, key), value) for key, value in zip(keys, found, strict=True)]

    async def put(self, space: str, key: str, value: bytes) -> None:
        """Add or replace a record.

        Raises
        ------
        InvalidInputError
            For a key of more than 4096 characters, and a value of more than 1 MiB.
        """
        if len(key) > MAX_KEY or len(value) > MAX_VALUE:
            raise InvalidInputError(
                f"a record of {space} with a key of {len(key)} characters and {len(value)} bytes: at most "
                f"{MAX_KEY} characters and {MAX_VALUE} bytes can be kept"
            )
        self.changes[space, key] = bytes(value)

    async def delete(self, space: str, key: str) -> None:
        """Remove a record, if it is there."""
        self.changes[space, key] = None

    async def items(self, space: str, prefix: str = "") -> AsyncGenerator[tuple[str, bytes], None]:
        """Iterate over the records as this transaction sees them, in the order of their keys."""
        mine = sorted(key for where, key in self.changes if where == space and key.startswith(prefix))
        at = 0
        async for key, value in self._state.items(space, prefix):
            while at < len(mine) and mine[at] < key:
                if (changed := self.changes[space, mine[at]]) is not None:
                    yield mine[at], changed
                at += 1
            if (space, key) not in self.changes:
                yield key, value
        for added in mine[at:]:
            if (changed := self.changes[space, added]) is not None:
                yield added, changed


class MemoryState(State):
    """Records in this process's memory, gone when the state is closed."""

    def __init__(self) -> None:
        super().__init__()
        self._spaces: dict[str, dict[str, bytes]] = {}
        # Keys in order, made when they are asked for and forgotten when they change.
        self._sorted: dict[str, list[str]] = {}
        self._closed = False

    def _usable(self) -> None:
        if self._closed:
            raise RepositoryError("this in-memory state is closed: open a new node")

    async def get(self, space: str, key: str) -> bytes | None:
        """Return a record, or None."""
        self._usable()
        return self._spaces.get(space, {}).get(key)

    async def get_many(self, space: str, keys: Sequence[str]) -> list[bytes | None]:
        """Return records of one space."""
        self._usable()
        records = self._spaces.get(space, {})
        return [records.get(key) for key in keys]

    async def page(self, space: str, prefix: str, after: str | None, limit: int) -> list[tuple[str, bytes]]:
        """Return the next records of a space."""
        from bisect import bisect_left, bisect_right

        self._usable()
        records = self._spaces.get(space, {})
        if space not in self._sorted:
            self._sorted[space] = sorted(records)
        keys = self._sorted[space]
        first = bisect_left(keys, prefix) if after is None else bisect_right(keys, after)
        return [(key, records[key]) for key in keys[first : first + limit] if key.startswith(prefix)]

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        self._usable()
        yield

    async def _apply(self, changes: Mapping[tuple[str, str], bytes | None]) -> None:
        self._usable()
        for (space, key), value in changes.items():
            records = self._spaces.setdefault(space, {})
            if value is None:
                records.pop(key, None)
            else:
                records[key] = value
            self._sorted.pop(space, None)

    async def close(self) -> None:
        """Forget all records."""
        self._closed = True
        self._spaces.clear()
        self._sorted.clear()
