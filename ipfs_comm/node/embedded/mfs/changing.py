"""What is made, or changed without its content: ``mkdir``, ``touch``, ``chmod``."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ipfs_comm.errors import InvalidInputError, LimitError, NotUnixFSError
from ipfs_comm.node.mfs_path import exists_already
from ipfs_comm.unixfs import directory_edit
from ipfs_comm.unixfs.builder import DAG_PB, RAW
from ipfs_comm.unixfs.exporter import MAX_TREE_DEPTH
from ipfs_comm.unixfs.format import DEFAULT_FILE_MODE, UnixFS
from ipfs_comm.unixfs.hamt import Entry

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from ipfs_comm.ipld import CID
    from ipfs_comm.node.embedded.mfs.tree import Tree
    from ipfs_comm.node.mfs_path import Place
    from ipfs_comm.node.permissions import Mode
    from ipfs_comm.unixfs._reader import Node
    from ipfs_comm.unixfs.builder import Made
    from ipfs_comm.unixfs.format import Mtime


async def mkdir(tree: Tree, place: Place, *, parents: bool, mode: int | None, mtime: Mtime | None) -> None:
    """Make a directory; see ``Files.mkdir``."""
    if not place.names:
        if parents:
            return
        raise InvalidInputError("cannot create directory '/': Already exists", code="ERR_ALREADY_EXISTS")
    there = await tree.find(place)
    if there is not None:
        if parents and await tree.is_directory(there):
            return
        raise exists_already(place)
    await tree.put(place, await tree.empty_directory(mode=mode, mtime=mtime), parents=parents)


async def touch(tree: Tree, place: Place, mtime: Mtime) -> None:
    """Set a modification time; see ``Files.touch``."""
    cid = await tree.find(place)
    if cid is not None:
        await tree.put(place, await _restated(tree, await tree.reader.node(cid), mtime=mtime))
        return
    await tree.check_parent(place, parents=False)
    await tree.put(place, await tree.builder(None, new=True).node(UnixFS.file(mtime=mtime)))


async def chmod(tree: Tree, place: Place, mode: Mode, *, recursive: bool) -> None:
    """Change permission bits; see ``Files.chmod``."""
    cid = await tree.get(place)
    node = await tree.reader.node(cid)
    if recursive and node.message is not None and node.message.is_directory:
        await tree.put(place, await _everything(tree, node, mode))
    else:
        await tree.put(place, await _restated(tree, node, mode=mode))


async def _restated(tree: Tree, node: Node, *, mode: Mode | None = None, mtime: Mtime | None = None) -> Made:
    """Return a node with another mode or time."""
    message = node.message
    if message is None:
        # A raw block has no place for metadata; Kubo makes the node that has one in the oldest form.
        builder = tree.builder(node.cid, new=True)
        if tree.form.cid_version is None and tree.form.hash_alg is None:
            oldest = replace(builder.options, cid_version=0, hash_alg="sha2-256", inline_limit=0)
            builder = builder.with_options(oldest)
        bits = None if mode is None else mode.applied(DEFAULT_FILE_MODE, directory=False)
        # Kubo writes the member for data even where that is empty.
        stated = replace(UnixFS.file(node.data, mode=bits, mtime=mtime), data=node.data)
        return await builder.node(stated, content=len(node.data))
    if message.type == "metadata":
        raise NotUnixFSError(f"{node.cid} is neither a file nor a directory", detail={"cid": str(node.cid)})
    if mode is not None:
        message = replace(message, mode=mode.applied(message.permissions, directory=message.is_directory))
    if mtime is not None:
        message = replace(message, mtime=mtime)
    return await tree.builder(node.cid, new=True).node(message, node.links)


@dataclass(slots=True)
class _Directory:
    """One that is being rebuilt: its name in the one above, what is still to come, what is done."""

    name: str
    node: Node
    waiting: AsyncGenerator[Entry, None]
    done: list[Entry] = field(default_factory=list)


async def _everything(tree: Tree, root: Node, mode: Mode) -> Made:
    """Return a directory in which everything has another mode; without recursion, depth first."""
    stack = [_Directory("", root, directory_edit.entries(tree.reader, root))]
    try:
        while True:
            here = stack[-1]
            entry = await anext(here.waiting, None)
            if entry is None:
                made = await _rebuilt(tree, here, mode)
                stack.pop()
                if not stack:
                    return made
                stack[-1].done.append(Entry(here.name, made.cid, made.size))
            elif not _has_mode(entry.cid):
                here.done.append(entry)
            else:
                node = await tree.reader.node(entry.cid)
                if node.message is not None and node.message.is_directory:
                    if len(stack) == MAX_TREE_DEPTH:
                        raise LimitError(
                            f"directories are nested more than {MAX_TREE_DEPTH} deep below {root.cid}",
                            detail={"cid": str(root.cid), "limit": MAX_TREE_DEPTH},
                        )
                    stack.append(_Directory(entry.name, node, directory_edit.entries(tree.reader, node)))
                elif node.message is not None and node.message.type == "symlink":
                    here.done.append(entry)
                else:
                    made = await _restated(tree, node, mode=mode)
                    here.done.append(Entry(entry.name, made.cid, made.size))
    finally:
        for left in stack:
            await left.waiting.aclose()


def _has_mode(cid: CID) -> bool:
    return cid.code in (RAW, DAG_PB)


async def _rebuilt(tree: Tree, here: _Directory, mode: Mode) -> Made:
    message = here.node.message
    assert message is not None, "only directories come here"
    bits = mode.applied(message.permissions, directory=True)
    builder = tree.builder(here.node.cid, new=True)
    return await directory_edit.rebuild(builder, here.node, here.done, mode=bits, mtime=message.mtime)
