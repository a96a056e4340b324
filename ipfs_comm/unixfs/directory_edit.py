"""Single entries of directories of either kind: found, put, taken away; sharded and unsharded as they grow and shrink.

A directory becomes sharded by the entry that takes it over the threshold, and a single node again by the removal that
takes it below, as in Kubo.
"""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING

from ipfs_comm.errors import NotUnixFSError
from ipfs_comm.ipld.codecs.dag_pb import PBLink
from ipfs_comm.unixfs import hamt, hamt_edit
from ipfs_comm.unixfs._links import Links
from ipfs_comm.unixfs.directory import fits_one_node, make_directory, make_of_links
from ipfs_comm.unixfs.hamt import Entry

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from ipfs_comm.ipld import CID
    from ipfs_comm.unixfs._reader import Node, Reader
    from ipfs_comm.unixfs.builder import Builder, Made
    from ipfs_comm.unixfs.format import Mtime, UnixFS


def _message(node: Node) -> UnixFS:
    if node.message is None or not node.message.is_directory:
        raise NotUnixFSError(f"{node.cid} is no directory", detail={"cid": str(node.cid)})
    return node.message


def _is_sharded(node: Node) -> bool:
    return _message(node).type == "hamt-sharded-directory"


async def find(reader: Reader, node: Node, name: str) -> CID | None:
    """Return what a name in a directory leads to; None where it does not have it.

    Raises
    ------
    NotUnixFSError
        It is no directory, or a forged one.
    """
    if _is_sharded(node):
        return await hamt.find(reader, node, name)
    if isinstance(node.links, Links):
        link = node.links.find(name)
        return None if link is None else link.hash
    return next((link.hash for link in node.links if link.name == name), None)


async def entries(reader: Reader, node: Node) -> AsyncGenerator[Entry, None]:
    """Yield the entries of a directory, in the order of its links; errors as for `find`."""
    if _is_sharded(node):
        async with aclosing(hamt.entries(reader, node)) as found:
            async for entry in found:
                yield entry
        return
    for link in node.links:
        yield Entry(link.name or "", link.hash, link.tsize or 0)


async def put(reader: Reader, builder: Builder, node: Node, entry: Entry) -> Made:
    """Add an entry to a directory, or replace the one of that name.

    Parameters
    ----------
    reader : Reader
    builder : Builder
        Its options have the threshold of sharding, and the CID version and hash of what is rewritten.
    node : Node
        The directory.
    entry : Entry

    Returns
    -------
    Made
        The new directory, with mode and mtime of the old one.

    Raises
    ------
    NotUnixFSError, LimitError
        As for `ipfs_comm.unixfs.hamt_edit.put`.
    """
    message = _message(node)
    if not _is_sharded(node):
        links = Links.of(node.links).put(PBLink(entry.cid, entry.name, entry.tsize))
        return await make_of_links(builder, links, mode=message.mode, mtime=message.mtime)
    old = await hamt.find(reader, node, entry.name)
    if old is not None and len(bytes(entry.cid)) < len(bytes(old)):
        few = await _few(reader, builder, node, entry.name, entry)
        if few is not None:
            return await make_directory(builder, few, mode=message.mode, mtime=message.mtime)
    return await hamt_edit.put(reader, builder, node, entry)


async def remove(reader: Reader, builder: Builder, node: Node, name: str) -> Made | None:
    """Take an entry out of a directory; None where it is not there. Parameters and errors are those of `put`."""
    message = _message(node)
    if not _is_sharded(node):
        links = Links.of(node.links)
        kept = links.without(name)
        if len(kept) == len(links):
            return None
        return await make_of_links(builder, kept, mode=message.mode, mtime=message.mtime)
    if await hamt.find(reader, node, name) is None:
        return None
    few = await _few(reader, builder, node, name)
    if few is not None:
        return await make_directory(builder, few, mode=message.mode, mtime=message.mtime)
    return await hamt_edit.remove(reader, builder, node, name)


async def rebuild(
    builder: Builder, node: Node, content: list[Entry], *, mode: int | None = None, mtime: Mtime | None = None
) -> Made:
    """Make a directory of the same kind as `node`, with other entries, mode and mtime."""
    if not _is_sharded(node):
        return await make_directory(builder, content, mode=mode, mtime=mtime)
    shaped = builder.with_options(replace(builder.options, hamt_fanout=hamt.shape_of(node).fanout))
    return await hamt.build(shaped, content, mode=mode, mtime=mtime, blocks=0)


async def _few(
    reader: Reader, builder: Builder, node: Node, without: str, instead: Entry | None = None
) -> list[Entry] | None:
    """Return the entries of a sharded directory after a change if they fit one node again, else None.

    Stops reading as soon as they do not, so what this costs is bounded by the threshold.
    """
    message = _message(node)
    if builder.options.shard_split_threshold == 0:
        return None
    left = [] if instead is None else [instead]
    room = fits_one_node(builder, mode=message.mode, mtime=message.mtime)
    if instead is not None and not room(instead):
        return None
    async with aclosing(hamt.entries(reader, node)) as found:
        async for entry in found:
            if entry.name == without:
                continue
            left.append(entry)
            if not room(entry):
                return None
    return left
