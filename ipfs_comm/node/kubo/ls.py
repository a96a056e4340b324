"""``ls``: the entries of a directory, streamed by the daemon."""

from __future__ import annotations

from contextlib import aclosing, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ipfs_comm.errors import DaemonError
from ipfs_comm.node.api import CIDLike, LsEntry
from ipfs_comm.node.embedded import ls as embedded
from ipfs_comm.node.embedded.entries import find
from ipfs_comm.node.kubo.explain import explaining
from ipfs_comm.node.kubo.links import DIRECTORY, FILE, SYMLINK, links, mode_of, mtime_of
from ipfs_comm.unixfs import exporter

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from ipfs_comm.node.kubo.answers import Said
    from ipfs_comm.node.kubo.context import Context
    from ipfs_comm.node.stream import Stream
    from ipfs_comm.node.target import Target

#: What a link may lead to that needs no look at its block.
_KNOWN: Final = (DIRECTORY, FILE, SYMLINK)
#: What Kubo says where an entry's year is none of those that its JSON has.
_UNTELLABLE: Final = "year outside of range"


def ls(
    context: Context,
    path: CIDLike,
    *,
    recursive: bool = False,
    max_size: int | None = None,
    offline: bool = False,
    timeout: float | None = None,
) -> Stream[LsEntry, list[LsEntry]]:
    """List a directory, or the one file that ``path`` names; as ``ipfs_comm.node.embedded.ls`` does.

    The entries of a sharded directory come in the order in which the daemon finds them, which is no certain one.
    """
    return embedded.asked(
        path, lambda wanted: _entries(context, wanted, recursive), max_size=max_size, offline=offline, timeout=timeout
    )


async def _entries(context: Context, wanted: Target, recursive: bool) -> AsyncGenerator[LsEntry, None]:
    wanted = await context.blocks.settle(wanted)
    load = context.blocks.loader(wanted)
    cid = await find(load, wanted)
    found = await exporter.stat(load, cid)
    if recursive or found.type != "directory":
        # A daemon lists one directory at a time, and of a file its blocks.
        async with aclosing(embedded.entries(context.blocks, wanted, recursive)) as entries:
            async for entry in entries:
                yield entry
        return

    async def again() -> None:
        alone = replace(wanted, offline=True)
        async with aclosing(embedded.entries(context.blocks, alone, recursive=False)) as entries:
            async for _ in entries:
                pass

    path = "/".join((str(wanted.root), *wanted.segments))
    told = 0
    try:
        async with aclosing(links(context, cid, offline=wanted.offline, least=found.blocks)) as told_by_daemon:
            while True:
                async with explaining(again):
                    link = await anext(told_by_daemon, None)
                if link is None:
                    return
                yield await _entry(context, wanted, link, path)
                told += 1
    except DaemonError as refusal:
        if _UNTELLABLE not in str(refusal):
            raise
        if found.sharded:
            raise DaemonError(
                f"ls: an entry of {path} has a time that Kubo cannot list; list it with recursive=True, which reads "
                "the blocks"
            ) from refusal
    # The blocks tell the rest, in the same order.
    async with aclosing(embedded.entries(context.blocks, wanted, recursive=False)) as entries:
        async for entry in entries:
            if told:
                told -= 1
            else:
                yield entry


async def _entry(context: Context, wanted: Target, link: Said, path: str) -> LsEntry:
    name, cid, kind = link.text("Name", ""), link.cid("Hash"), link.whole("Type")
    below = f"{path}/{name}"
    size = link.whole("Size")
    if kind in _KNOWN:
        with suppress(ValueError, OverflowError):
            directory, mtime = kind == DIRECTORY, mtime_of(link)
            mode = mode_of(cid, link.whole("Mode"), directory=directory)
            return LsEntry(name, below, cid, "dir" if directory else "file", size, mode, mtime)
    # What it is, that it is nothing to be listed, or of which year, its block tells.
    return await embedded.look(context.blocks.loader(wanted), exporter.DirEntry(name, cid, size), below)
