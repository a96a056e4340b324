"""``ls``: the entries of a directory, or of all directories in it."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import aclosing
from typing import TYPE_CHECKING, Final

from ipfs_comm.node.api import CIDLike, LsEntry
from ipfs_comm.node.embedded.entries import find
from ipfs_comm.node.stream import Stream, Whole
from ipfs_comm.node.target import Target, target
from ipfs_comm.node.trees import kind, mode
from ipfs_comm.unixfs import exporter

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from ipfs_comm.node.embedded.context import Context, Load
    from ipfs_comm.unixfs.exporter import DirEntry

_RAW: Final = 0x55
#: Entries that are asked what they are before they are due.
AHEAD: Final = 16


def ls(
    context: Context,
    path: CIDLike,
    *,
    recursive: bool = False,
    max_size: int | None = None,
    offline: bool = False,
    timeout: float | None = None,
) -> Stream[LsEntry, list[LsEntry]]:
    """List a directory, or the one file that ``path`` names.

    Parameters
    ----------
    path : CID or path
    recursive : bool
        What is in the directories below too, after each of them.
    max_size : int, optional
        Most bytes of all entries where they are awaited whole; 1 GiB where not given.
    offline : bool
        Ask nobody else for blocks that are not here.
    timeout : float, optional
        Seconds for any one entry.

    Returns
    -------
    Stream of LsEntry
        In the order of the directory's links (a sharded one's: of the hashes of names); their ``path`` begins as the
        caller's did, without ``/ipfs/``. As in Kubo, the size of a raw block is what the directory says of it, so that
        no file of one block is loaded.
    """
    return asked(
        path, lambda wanted: entries(context, wanted, recursive), max_size=max_size, offline=offline, timeout=timeout
    )


def asked(
    path: CIDLike,
    listed: Callable[[Target], AsyncGenerator[LsEntry, None]],
    *,
    max_size: int | None,
    offline: bool,
    timeout: float | None,
) -> Stream[LsEntry, list[LsEntry]]:
    """Return the stream of entries that ``listed`` generates; other parameters as for `ls`."""
    wanted = target(path, offline=offline)
    what = f"ls of {wanted.text}"
    return Stream(lambda: listed(wanted), Whole(max_size, what).list(_weight), timeout=timeout, what=what)


def _weight(entry: LsEntry) -> int:
    return len(entry.path) + len(entry.name)


async def entries(context: Context, wanted: Target, recursive: bool) -> AsyncGenerator[LsEntry, None]:
    """Generate the entries of what a path leads to; errors are those of `ls`."""
    wanted = await context.settle(wanted)
    load = context.loader(wanted)
    cid = await find(load, wanted)
    path = "/".join((str(wanted.root), *wanted.segments))
    found = await exporter.stat(load, cid)
    if found.type != "directory":
        yield _entry(found, path)
        return
    if recursive:
        async with aclosing(exporter.walk(load, cid)) as tree:
            async for entry in tree:
                if entry.path:
                    yield _entry(entry.stat, f"{path}/{entry.path}")
        return
    ahead: deque[asyncio.Task[LsEntry] | LsEntry] = deque()
    try:
        async with aclosing(exporter.ls(load, cid)) as children:
            async for child in children:
                below = f"{path}/{child.name}"
                if child.cid.code == _RAW:
                    plain = LsEntry(child.name, below, child.cid, "file", child.tsize)
                    if not ahead:
                        yield plain
                        continue
                    ahead.append(plain)
                else:
                    ahead.append(asyncio.ensure_future(look(load, child, below)))
                if len(ahead) > AHEAD:
                    yield await _told(ahead)
        while ahead:
            yield await _told(ahead)
    finally:
        tasks = [task for task in ahead if isinstance(task, asyncio.Task)]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _told(ahead: deque[asyncio.Task[LsEntry] | LsEntry]) -> LsEntry:
    """Return what is first in the queue; it stays there, to be cancelled, until it is known."""
    first = ahead[0]
    entry = first if isinstance(first, LsEntry) else await first
    ahead.popleft()
    return entry


async def look(load: Load, child: DirEntry, path: str) -> LsEntry:
    """Return an entry for what a directory links to, by its block."""
    return _entry(await exporter.stat(load, child.cid), path, child.name)


def _entry(stat: exporter.Stat, path: str, name: str | None = None) -> LsEntry:
    shown = path.rpartition("/")[2] if name is None else name
    return LsEntry(shown, path, stat.cid, kind(stat), stat.size, mode(stat), stat.mtime)
