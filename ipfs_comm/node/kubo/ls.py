"""``ls``: the entries of a directory, streamed by the daemon."""

from __future__ import annotations

import re
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from ipfs_comm.errors import DaemonError
from ipfs_comm.node.api import CIDLike, LsEntry, Mtime
from ipfs_comm.node.embedded import ls as over_blocks
from ipfs_comm.node.embedded.entries import find
from ipfs_comm.node.kubo.answers import Said
from ipfs_comm.node.kubo.explain import explaining
from ipfs_comm.unixfs import exporter
from ipfs_comm.unixfs.format import DEFAULT_DIRECTORY_MODE, DEFAULT_FILE_MODE

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from ipfs_comm.ipld import CID
    from ipfs_comm.node.embedded.context import Target
    from ipfs_comm.node.kubo.context import Context
    from ipfs_comm.node.stream import Stream

_RAW: Final = 0x55
#: Kubo's numbers for what an entry is.
_DIRECTORY: Final = 1
_KNOWN: Final = (1, 2, 4)
#: Go's bits of a mode beside the nine that it shares with everybody, and where they belong.
_GO_BITS: Final = ((1 << 23, 0o4000), (1 << 22, 0o2000), (1 << 20, 0o1000))
_TIME: Final = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}:\d{2})", re.ASCII)
_NO_TIME: Final = "0001-01-01T00:00:00Z"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


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
    return over_blocks.asked(
        path, lambda wanted: _entries(context, wanted, recursive), max_size=max_size, offline=offline, timeout=timeout
    )


async def _entries(context: Context, wanted: Target, recursive: bool) -> AsyncGenerator[LsEntry, None]:
    wanted = await context.blocks.settle(wanted)
    load = context.blocks.loader(wanted)
    cid = await find(load, wanted)
    if recursive or (await exporter.stat(load, cid)).type != "directory":
        # A daemon lists one directory at a time, and of a file its blocks.
        async with aclosing(over_blocks.entries(context.blocks, wanted, recursive)) as entries:
            async for entry in entries:
                yield entry
        return

    async def again() -> None:
        alone = replace(wanted, offline=True)
        async with aclosing(over_blocks.entries(context.blocks, alone, recursive=False)) as entries:
            async for _ in entries:
                pass

    path = "/".join((str(wanted.root), *wanted.segments))
    listed = context.rpc.lines(
        "ls", f"/ipfs/{cid}", stream=True, size=True, resolve_type=True, **context.offline_if(wanted.offline)
    )
    async with aclosing(_links(listed)) as links:
        while True:
            async with explaining(again):
                link = await anext(links, None)
            if link is None:
                return
            yield await _entry(context, wanted, link, path)


async def _links(listed: AsyncGenerator[object, None]) -> AsyncGenerator[Said, None]:
    async with aclosing(listed) as lines:
        async for line in lines:
            for found in Said("ls", line).each("Objects"):
                for link in found.each("Links"):
                    yield link


async def _entry(context: Context, wanted: Target, link: Said, path: str) -> LsEntry:
    name, cid, kind = link.text("Name", ""), link.cid("Hash"), link.whole("Type")
    below = f"{path}/{name}"
    size = link.whole("Size")
    if kind not in _KNOWN:
        # What it is, or that it is nothing to be listed, its block tells.
        return await over_blocks.look(context.blocks.loader(wanted), exporter.DirEntry(name, cid, size), below)
    plain = "dir" if kind == _DIRECTORY else "file"
    return LsEntry(name, below, cid, plain, size, _mode(link, cid, kind), _mtime(link))  # type: ignore[arg-type]  # a literal


def _mode(link: Said, cid: CID, kind: int) -> int | None:
    told = link.whole("Mode")
    bits = told & 0o777 | sum(unix for go, unix in _GO_BITS if told & go)
    if bits or cid.code == _RAW:
        return bits or None
    return DEFAULT_DIRECTORY_MODE if kind == _DIRECTORY else DEFAULT_FILE_MODE


def _mtime(link: Said) -> Mtime | None:
    text = link.text("ModTime", _NO_TIME)
    if text == _NO_TIME:
        return None
    found = _TIME.fullmatch(text)
    try:
        if found is None:
            raise ValueError(text)
        since = datetime.fromisoformat(found[1] + found[3].replace("Z", "+00:00")) - _EPOCH
    except (ValueError, OverflowError):
        raise DaemonError(f"ls: {text[:80]!r} is no time in the daemon's answer") from None
    return Mtime(since.days * 86_400 + since.seconds, int((found[2] or "").ljust(9, "0")))
