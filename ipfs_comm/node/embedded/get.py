"""``get``: a file or a whole tree, entry by entry."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from ipfs_comm.node.api import CIDLike, GetEntry
from ipfs_comm.node.embedded.context import Context, Load, Target, target
from ipfs_comm.node.embedded.entries import find, kind, mode
from ipfs_comm.node.stream import Stream, as_bytes, as_list
from ipfs_comm.unixfs import exporter

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from ipfs_comm.ipld import CID


def get(context: Context, path: CIDLike, *, timeout: float | None = None) -> Stream[GetEntry, list[GetEntry]]:
    """Stream a file or a tree; nothing of a file is read before its ``content`` is.

    Parameters
    ----------
    path : CID or path
    timeout : float, optional
        Seconds for any one entry, and for any one chunk of a file.

    Returns
    -------
    Stream of GetEntry
        A directory comes before what is in it.
    """
    wanted = target(path)
    return Stream(lambda: _entries(context, wanted, timeout), as_list, timeout=timeout, what=f"get of {wanted.text}")


async def _entries(context: Context, wanted: Target, timeout: float | None) -> AsyncGenerator[GetEntry, None]:
    load = context.loader(wanted)
    root = await find(load, wanted)
    name = wanted.segments[-1] if wanted.segments else str(wanted.root)
    async with aclosing(exporter.walk(load, root)) as found:
        async for entry in found:
            stat = entry.stat
            path = f"{name}/{entry.path}" if entry.path else name
            content = None if stat.type == "directory" else _content(load, stat.cid, path, timeout)
            yield GetEntry(entry.name or name, path, stat.cid, kind(stat), stat.size, mode(stat), stat.mtime, content)


def _content(load: Load, cid: CID, path: str, timeout: float | None) -> Stream[bytes, bytes]:
    async def chunks() -> AsyncGenerator[bytes, None]:
        async with aclosing(exporter.cat(load, cid)) as pieces:
            async for piece in pieces:
                yield bytes(piece)

    return Stream(chunks, as_bytes, timeout=timeout, what=f"get of {path}")
