"""``get``: a file or a whole tree, entry by entry, as a tree on disk, or as one archive."""

from __future__ import annotations

from contextlib import aclosing, nullcontext
from typing import TYPE_CHECKING, Any, cast

from ipfs_comm.errors import NotUnixFSError
from ipfs_comm.node import trees
from ipfs_comm.node.embedded.entries import find
from ipfs_comm.node.stream import Stream, Whole
from ipfs_comm.node.target import Target, target
from ipfs_comm.unixfs import exporter

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncGenerator

    from ipfs_comm.node.api import CIDLike
    from ipfs_comm.node.embedded.context import Context
    from ipfs_comm.unixfs.to_disk import Symlinks


def get(
    context: Context,
    path: CIDLike,
    *,
    to: str | os.PathLike[str] | None = None,
    symlinks: Symlinks = "inside",
    archive: bool = False,
    compress: bool = False,
    compression_level: int | None = None,
    max_size: int | None = None,
    offline: bool = False,
    timeout: float | None = None,
) -> Stream[Any, Any]:
    """Stream a file or a tree; nothing of a file is read before its ``content`` is.

    Parameters
    ----------
    path : CID or path
    to : path, optional
        Write it to disk: this is what it becomes, and nothing may be there yet. Nothing appears there before it is
        whole. Names that would lead elsewhere, and symlinks that do, are errors; see `ipfs_comm.unixfs.to_disk.write`.
    symlinks : {"inside", "any"}
        With ``to``: whether symlinks that are absolute or lead out of the tree are made all the same.
    archive : bool
        The bytes of a TAR archive instead of entries.
    compress : bool
        Compressed by gzip: the archive, or without ``archive`` the bytes of one file.
    compression_level : int, optional
        -1 to 9.
    max_size : int, optional
        Most bytes of an archive, before and after it is compressed, of all entries, and of one entry's content, where
        that is awaited whole; 1 GiB where not given. With ``to`` most bytes of all files; as many as the disk has room
        for where not given. A small DAG can claim any number of bytes, and iterating over them has no other end than
        the consumer's.
    offline : bool
        Ask nobody else for blocks that are not here.
    timeout : float, optional
        Seconds for any one entry, and for any one chunk of a file.

    Returns
    -------
    Stream of GetEntry
        A directory comes before what is in it. With ``to`` the same, without content, as it is written; awaited whole
        the ``Path``. With ``archive`` or ``compress`` a stream of bytes.

    Raises
    ------
    InvalidInputError
        For options that cannot be meant together, and a level that is none.
    LimitError
        It is awaited whole, or written to disk, and larger than ``max_size``; with ``to`` nothing is left there then.
    NoSpaceError
        With ``to``: the disk is full, or has less room than the next file needs.
    """
    wanted = target(path, offline=offline)
    what = f"get of {wanted.text}"
    if trees.packs(to, archive, compress, compression_level):
        whole = Whole(max_size, what)
        return Stream(
            lambda: _packed(context, wanted, archive, compress, compression_level, whole),
            whole.bytes,
            timeout=timeout,
            what=what,
        )

    async def found() -> trees.Tree:
        settled = await context.settle(wanted)
        load = context.loader(settled)
        return trees.Tree(await find(load, settled), _name(settled), load, lambda cid: context.read(load, cid))

    return trees.get(
        found,
        what,
        pool=lambda: nullcontext(context.disk),
        to=to,
        symlinks=symlinks,
        max_size=max_size,
        timeout=timeout,
    )


def _name(wanted: Target) -> str:
    return wanted.segments[-1] if wanted.segments else str(wanted.root)


async def _packed(
    context: Context, wanted: Target, archive: bool, compress: bool, level: int | None, whole: Whole
) -> AsyncGenerator[bytes, None]:
    from ipfs_comm.unixfs.tar import gzip, pack

    wanted = await context.settle(wanted)
    load = context.loader(wanted)
    root = await find(load, wanted)
    if archive:
        pieces = pack(load, root, _name(wanted), whole.expect, read=lambda cid: context.read(load, cid))
    elif (stat := await exporter.stat(load, root)).type == "directory":
        raise NotUnixFSError(
            f"{wanted.text} is a directory, so the file is not regular and cannot be compressed: give archive=True too",
            detail={"path": wanted.text},
        )
    else:
        whole.expect(stat.size)
        pieces = context.read(load, root)
    if compress:
        pieces = cast("AsyncGenerator[bytes | memoryview, None]", gzip(pieces, context.pool, level))
    async with aclosing(pieces):
        async for piece in pieces:
            yield bytes(piece)
