"""``cat``: the bytes of a file."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from ipfs_comm._shown import shown
from ipfs_comm.errors import InvalidInputError, NotUnixFSError
from ipfs_comm.node.embedded.entries import find
from ipfs_comm.node.stream import Stream, Whole
from ipfs_comm.node.target import Target, target
from ipfs_comm.unixfs import exporter

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from ipfs_comm.node.api import CIDLike
    from ipfs_comm.node.embedded.context import Context


def cat(
    context: Context,
    path: CIDLike,
    *,
    offset: int = 0,
    length: int | None = None,
    max_size: int | None = None,
    offline: bool = False,
    timeout: float | None = None,
) -> Stream[bytes, bytes]:
    """Stream the bytes of a file, reading only the blocks that hold them.

    Parameters
    ----------
    path : CID or path
    offset : int
        Where to begin, in bytes; nothing comes where that is beyond the end, as in Kubo.
    length : int, optional
        How many bytes; to the end where not given.
    max_size : int, optional
        Most bytes where it is awaited whole; 1 GiB where not given.
    offline : bool
        Ask nobody else for blocks that are not here.
    timeout : float, optional
        Seconds for any one chunk.

    Raises
    ------
    InvalidInputError
        For a negative offset or length.
    LimitError
        It is awaited whole, and has more bytes than ``max_size``.
    """
    for name, value in (("offset", offset), ("length", 0 if length is None else length)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise InvalidInputError(f"cat: {name} is {shown(value)}: a whole number of bytes from zero is needed")
    wanted = target(path, offline=offline)
    what = f"cat of {wanted.text}"
    whole = Whole(max_size, what)
    return Stream(lambda: _chunks(context, wanted, offset, length, whole), whole.bytes, timeout=timeout, what=what)


async def _chunks(
    context: Context, wanted: Target, offset: int, length: int | None, whole: Whole
) -> AsyncGenerator[bytes, None]:
    wanted = await context.settle(wanted)
    load = context.loader(wanted)
    cid = await find(load, wanted)
    stat = await exporter.stat(load, cid)
    if stat.type == "directory":
        raise NotUnixFSError(
            f"this dag node is a directory: {wanted.text}; list it with ls, or cat a file in it",
            code="ERR_IS_DIRECTORY",
            detail={"path": wanted.text},
        )
    if offset > stat.size:
        return
    rest = stat.size - offset
    whole.expect(rest if length is None else min(rest, length))
    async with aclosing(context.read(load, cid, offset=offset, length=length)) as chunks:
        async for chunk in chunks:
            yield bytes(chunk)
