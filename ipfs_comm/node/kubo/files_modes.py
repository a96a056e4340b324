"""What is changed of a file or directory without its content: ``touch``, ``chmod``."""

from __future__ import annotations

import time
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from ipfs_comm.errors import LimitError
from ipfs_comm.node.api import FileStat, Mtime
from ipfs_comm.node.kubo.files_reading import UNIXFS, described, entries, found_at
from ipfs_comm.node.kubo.files_writing import touched
from ipfs_comm.node.kubo.multipart import Body
from ipfs_comm.unixfs.exporter import MAX_TREE_DEPTH
from ipfs_comm.unixfs.format import DEFAULT_FILE_MODE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ipfs_comm.node.api import FileEntry
    from ipfs_comm.node.kubo.context import Context
    from ipfs_comm.node.mfs_path import Place
    from ipfs_comm.node.permissions import Mode


async def touch(context: Context, where: Place, mtime: Mtime | None, made: Mapping[str, Any], *, flush: bool) -> None:
    """Set a time of modification; see ``Files.touch``."""
    if await found_at(context, where) is None:
        await context.rpc.call("files/write", str(where), body=Body.of(b""), create=True, flush=flush, **made)
    await touched(context, where, None, mtime or Mtime(*divmod(time.time_ns(), 10**9)), flush=flush)


async def chmod(context: Context, where: Place, mode: Mode, *, recursive: bool, flush: bool) -> None:
    """Change permission bits; see ``Files.chmod``."""
    found = await described(context, where)
    if recursive and found.type == "directory":
        await _below(context, where, found, mode, MAX_TREE_DEPTH)
    await _change(context, where, found, mode)
    if flush:
        await context.rpc.call("files/flush", str(where))


async def _below(context: Context, where: Place, found: FileStat | FileEntry, mode: Mode, depth: int) -> None:
    """Change everything in a directory, what is in one before itself."""
    if not depth:
        raise LimitError(
            f"directories are nested more than {MAX_TREE_DEPTH} deep at {where}", detail={"limit": MAX_TREE_DEPTH}
        )
    least = found.blocks if isinstance(found, FileStat) else 0
    async with aclosing(entries(context, found.cid, offline=False, least=least)) as children:
        async for child, symlink in children:
            here = where.child(child.name)
            if child.cid.code not in UNIXFS or symlink:
                continue
            if child.type == "directory":
                await _below(context, here, child, mode, depth - 1)
            await _change(context, here, child, mode)


async def _change(context: Context, where: Place, found: FileStat | FileEntry, mode: Mode) -> None:
    directory = found.type == "directory"
    bits = mode.applied(DEFAULT_FILE_MODE if found.mode is None else found.mode, directory=directory)
    await touched(context, where, bits, None, flush=False)
