"""What is read of the MFS, or below ``/ipfs``: ``stat``, ``ls``, ``read``."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, Literal

from ipfs_comm.errors import NotFoundError, NotUnixFSError
from ipfs_comm.ipld import codecs
from ipfs_comm.node import trees
from ipfs_comm.node.api import FileEntry, FileStat
from ipfs_comm.node.embedded import entries
from ipfs_comm.node.embedded.dag_walk import TURN
from ipfs_comm.node.embedded.mfs.tree import Form
from ipfs_comm.node.mfs_path import Place, readable
from ipfs_comm.unixfs import exporter

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from ipfs_comm.ipld import CID
    from ipfs_comm.node.api import CIDLike
    from ipfs_comm.node.embedded.context import Context, Load
    from ipfs_comm.node.embedded.mfs.root import Root
    from ipfs_comm.node.stream import Whole
    from ipfs_comm.node.target import Target

#: Codecs that UnixFS is made of.
_UNIXFS = (0x55, 0x70)


class Reading:
    """The verbs that read.

    Parameters
    ----------
    context : Context
    root : Root
    """

    def __init__(self, context: Context, root: Root) -> None:
        self._context = context
        self._root = root

    async def find(self, where: Place | Target, *, offline: bool) -> tuple[Load, CID]:
        """Return what is at a place, and how to load the blocks below it."""
        if isinstance(where, Place):
            tree = await self._root.tree(Form(offline=offline))
            return tree.reader.block, await tree.get(where)
        where = await self._context.settle(where)
        load = self._context.loader(where)
        return load, await entries.find(load, where)

    async def stat(self, path: CIDLike, *, with_local: bool, offline: bool) -> FileStat:
        """Describe one thing."""
        load, cid = await self.find(readable(path, offline=offline), offline=offline)
        found = await _stat(load, cid)
        kind: Literal["file", "directory"] = "directory" if found.type == "directory" else "file"
        local, size_local = await self._local(cid) if with_local else (None, None)
        return FileStat(
            cid,
            kind,
            found.size,
            found.cumulative_size,
            found.blocks,
            with_locality=with_local,
            local=local,
            size_local=size_local,
            mode=None if found.type == "object" else trees.mode(found),
            mtime=found.mtime,
        )

    async def _local(self, root: CID) -> tuple[bool, int]:
        """Return whether the whole DAG is in the store, and the bytes of the blocks that are, each counted once."""
        seen = {root}
        waiting = [root]
        everything, size = True, 0
        while waiting:
            cid = waiting.pop()
            if len(seen) % TURN == 0:
                await asyncio.sleep(0)
            try:
                block = cid.block_inside() if cid.is_identity else await self._context.store.get(cid)
            except NotFoundError:
                everything = False
                continue
            size += len(block)
            for _, link in codecs.get(cid.code).links(block):
                if link not in seen:
                    seen.add(link)
                    waiting.append(link)
        return everything, size

    async def ls(self, path: CIDLike, offline: bool) -> AsyncGenerator[FileEntry, None]:
        """List a directory, or the one file at the path."""
        where = readable(path, offline=offline)
        load, cid = await self.find(where, offline=offline)
        if (await _stat(load, cid)).type != "directory":
            name = where.name if isinstance(where, Place) else (where.segments or (str(where.start),))[-1]
            yield await _entry(load, cid, name)
            return
        async with aclosing(exporter.ls(load, cid)) as children:
            async for child in children:
                yield await _entry(load, child.cid, child.name)

    async def read(
        self, path: CIDLike, offset: int, length: int | None, offline: bool, whole: Whole
    ) -> AsyncGenerator[bytes, None]:
        """Stream a file's bytes."""
        where = readable(path, offline=offline)
        load, cid = await self.find(where, offline=offline)
        found = await _stat(load, cid)
        if found.type not in ("file", "raw"):
            text = str(where) if isinstance(where, Place) else where.text
            raise NotUnixFSError(
                f"{text} is not a file but a {found.type}", code="ERR_NOT_FILE", detail={"path": text, "cid": str(cid)}
            )
        rest = max(0, found.size - offset)
        whole.expect(rest if length is None else min(rest, length))
        async with aclosing(exporter.cat(load, cid, offset=offset, length=length)) as chunks:
            async for chunk in chunks:
                yield bytes(chunk)


async def _entry(load: Load, cid: CID, name: str) -> FileEntry:
    found = await _stat(load, cid)
    kind: Literal["file", "directory"] = "directory" if found.type == "directory" else "file"
    mode = None if found.type == "object" else trees.mode(found)
    return FileEntry(name, kind, found.size, cid, mode, found.mtime)


async def _stat(load: Load, cid: CID) -> exporter.Stat:
    """Return what UnixFS says of a CID; a node of another codec is an object, as large as its block."""
    if cid.code in _UNIXFS:
        return await exporter.stat(load, cid)
    size = len(await load(cid))
    return exporter.Stat(cid, "object", size, size, 0)
