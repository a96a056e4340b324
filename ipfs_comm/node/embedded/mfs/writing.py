"""``files.write``: content into a file of the MFS, from a byte on."""

from __future__ import annotations

import time
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ipfs_comm.errors import NotFoundError, NotUnixFSError
from ipfs_comm.node.embedded.mfs.tree import Form
from ipfs_comm.unixfs import exporter
from ipfs_comm.unixfs.builder import RAW
from ipfs_comm.unixfs.file_edit import FileEditor
from ipfs_comm.unixfs.format import Mtime, UnixFS
from ipfs_comm.unixfs.importer import pieces_of
from ipfs_comm.unixfs.source import Source

if TYPE_CHECKING:
    from ipfs_comm.ipld import CID
    from ipfs_comm.node.embedded.context import Context
    from ipfs_comm.node.embedded.mfs.root import Root
    from ipfs_comm.node.embedded.mfs.tree import Tree
    from ipfs_comm.node.mfs_path import Place
    from ipfs_comm.unixfs.builder import Builder, Made
    from ipfs_comm.unixfs.importer import Content


@dataclass(frozen=True, slots=True)
class Plan:
    """How one call writes."""

    offset: int = 0
    length: int | None = None
    create: bool = False
    parents: bool = False
    truncate: bool = False
    raw_leaves: bool | None = None
    reduce: bool | None = None
    mode: int | None = None
    mtime: Mtime | None = None
    form: Form = Form()  # noqa: RUF009 (it is frozen)


def now() -> Mtime:
    """Return this moment."""
    secs, nsecs = divmod(time.time_ns(), 1_000_000_000)
    return Mtime(secs, nsecs)


async def write(context: Context, root: Root, place: Place, content: Content, plan: Plan) -> None:
    """Write content; see ``Files.write``.

    The content is read while nobody else waits, into a new version of the file as it was then. Where somebody else
    has changed that file meanwhile, the bytes that were written go into theirs as well.
    """
    async with aclosing(Source(pieces_of(content), plan.length)) as source:
        tree = await root.tree(plan.form)
        based = await _existing(tree, place, plan)
        made = await _written(context, tree, place, based, source, plan)
    count = source.taken

    async def edit(tree: Tree) -> None:
        found = await _existing(tree, place, plan)
        version = made
        if found != based:
            load = tree.reader.block
            again = exporter.cat(load, made.cid, offset=plan.offset, length=count)
            async with aclosing(Source(again)) as source:
                version = await _written(context, tree, place, found, source, plan)
        await tree.put(place, version, parents=plan.parents)

    await root.change(edit, plan.form)


async def _existing(tree: Tree, place: Place, plan: Plan) -> CID | None:
    """Return the file that is written to, None for a new one; raises what makes writing impossible."""
    cid = await tree.find(place)
    if cid is None:
        if not plan.create or place.inside:
            raise NotFoundError(
                f"file does not exist: {place}; give create=True to make it", detail={"path": str(place)}
            )
        await tree.check_parent(place, parents=plan.parents)
    elif place.inside or await tree.is_directory(cid):
        raise NotUnixFSError(f"{place} is not a file but a directory", code="ERR_NOT_FILE", detail={"path": str(place)})
    return cid


async def _written(
    context: Context, tree: Tree, place: Place, existing: CID | None, source: Source, plan: Plan
) -> Made:
    """Return the file with the source's bytes in it."""
    builder = tree.builder(existing, new=True)
    if plan.raw_leaves is not None:
        builder = builder.with_options(replace(builder.options, raw_leaves=plan.raw_leaves))
    editor = FileEditor(
        tree.reader, builder, context.pool, restate=existing is not None and _differs(existing, builder)
    )
    cid = (await builder.node(UnixFS.file())).cid if existing is None else existing
    node = await editor.open(cid)
    size, mtime = node.content_size, None if node.message is None else node.message.mtime
    begun = cid
    if plan.truncate and size:
        cid, size = (await editor.emptied(cid)).cid, 0
    if plan.offset > size:
        cid = (await editor.widened(cid, plan.offset - size)).cid
        size = plan.offset
    if plan.offset < size and not await source.done():
        cid = (await editor.overwritten(cid, plan.offset, source)).cid
    if not await source.done():
        cid = (await editor.appended(cid, source)).cid
    written = plan.mtime
    if written is None and mtime is not None and cid != begun:
        written = now()
    return await editor.finished(cid, mode=plan.mode, mtime=written, reduce=plan.reduce)


def _differs(existing: CID, builder: Builder) -> bool:
    """Tell whether a file is to have another CID version or hash than it has; a raw block has no choice."""
    if existing.code == RAW or existing.is_identity:
        return False
    return (existing.version, existing.multihash.name) != (builder.options.cid_version, builder.options.hash_alg)
