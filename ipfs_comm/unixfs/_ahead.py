"""Nodes that are asked for before they are due, many at once."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ipfs_comm.unixfs._reader import parse

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from ipfs_comm.ipld import CID
    from ipfs_comm.unixfs._reader import Node, Reader

K = TypeVar("K", bound=Hashable)


class Ahead(Generic[K]):
    """What one reading of a DAG has asked for; to be closed.

    Parameters
    ----------
    reader : Reader
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._asked: dict[K, _Burst[K]] = {}

    def __contains__(self, key: K) -> bool:
        return key in self._asked

    def __len__(self) -> int:
        return len(self._asked)

    def ask(self, wanted: Mapping[K, CID]) -> None:
        """Begin to load nodes, each of which is to be taken by its key."""
        self._asked.update(dict.fromkeys(wanted, _Burst(self._reader, wanted)))

    async def take(self, key: K) -> Node:
        """Return a node that was asked for; what keeps it from being read is raised here, and hinders no other."""
        node = await self._asked[key].take(key)
        del self._asked[key]
        return node

    async def close(self) -> None:
        """End what is under way."""
        for burst in set(self._asked.values()):
            await burst.close()
        self._asked.clear()


class _Burst(Generic[K]):
    """Nodes that were asked for at once: what is at hand comes together, the rest one by one."""

    def __init__(self, reader: Reader, wanted: Mapping[K, CID]) -> None:
        self._reader = reader
        self._wanted = wanted
        self._blocks: dict[K, bytes] = {}
        self._tasks: dict[K, asyncio.Task[Node]] = {}
        self._reading: asyncio.Task[None] | None = None
        if reader.many is None:
            self._load(wanted)
        else:
            self._reading = asyncio.ensure_future(self._read())

    def _load(self, keys: Iterable[K]) -> None:
        for key in keys:
            self._tasks[key] = asyncio.ensure_future(self._reader.node(self._wanted[key]))

    async def _read(self) -> None:
        assert self._reader.many is not None, "who has none loads one by one"
        keys = [key for key, cid in self._wanted.items() if not cid.is_identity]
        found = await self._reader.many([self._wanted[key] for key in keys])
        self._blocks = {key: block for key, block in zip(keys, found, strict=True) if block is not None}
        self._load([key for key in self._wanted if key not in self._blocks])

    async def take(self, key: K) -> Node:
        if self._reading is not None:
            await self._reading
        block = self._blocks.pop(key, None)
        return await self._tasks[key] if block is None else parse(self._wanted[key], block)

    async def close(self) -> None:
        if self._reading is not None:
            await _ended([self._reading])
        await _ended(self._tasks.values())


async def _ended(tasks: Collection[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
