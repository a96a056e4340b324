"""``ls``: the entries of a directory."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from ipfs_comm.node.api import CIDLike, LsEntry
from ipfs_comm.node.embedded.context import Context, Load, Target, target
from ipfs_comm.node.embedded.entries import find, kind, mode
from ipfs_comm.node.stream import Stream, as_list
from ipfs_comm.unixfs import exporter

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from ipfs_comm.ipld import CID


def ls(context: Context, path: CIDLike, *, timeout: float | None = None) -> Stream[LsEntry, list[LsEntry]]:
    """List a directory, or the one file that ``path`` names.

    Parameters
    ----------
    path : CID or path
    timeout : float, optional
        Seconds for any one entry.

    Returns
    -------
    Stream of LsEntry
        In the order of the directory's links; their ``path`` begins as the caller's did, without ``/ipfs/``.
    """
    wanted = target(path)
    return Stream(lambda: _entries(context, wanted), as_list, timeout=timeout, what=f"ls of {wanted.text}")


async def _entries(context: Context, wanted: Target) -> AsyncGenerator[LsEntry, None]:
    load = context.loader(wanted)
    cid = await find(load, wanted)
    path = "/".join((str(wanted.root), *wanted.segments))
    if (await exporter.stat(load, cid)).type != "directory":
        yield await _entry(load, cid, path)
        return
    async with aclosing(exporter.ls(load, cid)) as children:
        async for child in children:
            yield await _entry(load, child.cid, f"{path}/{child.name}")


async def _entry(load: Load, cid: CID, path: str) -> LsEntry:
    stat = await exporter.stat(load, cid)
    return LsEntry(path.rpartition("/")[2], path, cid, kind(stat), stat.size, mode(stat), stat.mtime)
