"""The links of a directory as a daemon's ``ls`` tells them, and its modes and times as POSIX has them."""

from __future__ import annotations

import re
from contextlib import aclosing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from ipfs_comm.node.api import Mtime
from ipfs_comm.node.kubo.answers import Said, check_count
from ipfs_comm.unixfs.builder import RAW
from ipfs_comm.unixfs.format import DEFAULT_DIRECTORY_MODE, DEFAULT_FILE_MODE

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from ipfs_comm.ipld import CID
    from ipfs_comm.node.kubo.context import Context

__all__ = ["DIRECTORY", "FILE", "SHARD", "SYMLINK", "links", "mode_of", "mtime_of"]

#: UnixFS's numbers for what a link leads to.
DIRECTORY: Final = 1
FILE: Final = 2
SYMLINK: Final = 4
SHARD: Final = 5
#: Go's bits of a mode beside the nine that it shares with everybody, and where they belong.
_GO_BITS: Final = ((1 << 23, 0o4000), (1 << 22, 0o2000), (1 << 20, 0o1000))
#: RFC 3339, as Go writes it.
_TIME: Final = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}:\d{2})", re.ASCII)
#: What Go's time.Time says that was never set.
_NO_TIME: Final = "0001-01-01T00:00:00Z"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


async def links(context: Context, directory: CID, *, offline: bool, least: int = 0) -> AsyncGenerator[Said, None]:
    """Generate the links of a directory, with sizes, types, modes and times, while the daemon reads them.

    Parameters
    ----------
    context : Context
    directory : CID
    offline : bool
        The daemon asks nobody else for its blocks.
    least : int
        How many there are at least. Of a sharded directory the root tells it: one for each of its own links.

    Raises
    ------
    DaemonError
        They end before that.
    """
    count = 0
    lines = context.rpc.lines(
        "ls", f"/ipfs/{directory}", stream=True, size=True, resolve_type=True, **context.offline_if(offline)
    )
    async with aclosing(lines) as told:
        async for line in told:
            for listed in Said("ls", line).each("Objects"):
                for link in listed.each("Links"):
                    yield link
                    count += 1
    check_count("ls", count, least, directory)


def mode_of(cid: CID, told: int, *, directory: bool) -> int | None:
    """Return permission bits; the usual ones where there are none and the block has a place for them.

    Parameters
    ----------
    cid : CID
        Of what they belong to: a raw block has none.
    told : int
        As Go has them.
    directory : bool
    """
    bits = told & 0o7777 | sum(unix for go, unix in _GO_BITS if told & go)
    if bits or cid.code == RAW:
        return bits or None
    return DEFAULT_DIRECTORY_MODE if directory else DEFAULT_FILE_MODE


def mtime_of(link: Said) -> Mtime | None:
    """Return a link's time of modification.

    Raises
    ------
    ValueError, OverflowError
        It is none, or of a year that Go writes and nobody reads.
    """
    text = link.text("ModTime", _NO_TIME)
    if text == _NO_TIME:
        return None
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError(text)
    since = datetime.fromisoformat(found[1] + found[3].replace("Z", "+00:00")) - _EPOCH
    return Mtime(since.days * 86_400 + since.seconds, int((found[2] or "").ljust(9, "0")))
