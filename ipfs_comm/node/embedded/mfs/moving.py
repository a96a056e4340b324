"""What goes from one place to another, or away: ``cp``, ``mv``, ``rm``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ipfs_comm.errors import InvalidInputError, InvalidPathError, IPFSCommError, NotFoundError, NotUnixFSError
from ipfs_comm.node.embedded import entries
from ipfs_comm.node.mfs_path import Place, exists_already, is_root, not_removed, place, places, readable
from ipfs_comm.unixfs.builder import Made

if TYPE_CHECKING:
    from ipfs_comm.ipld import CID
    from ipfs_comm.node.embedded.context import Context
    from ipfs_comm.node.embedded.mfs.root import Root
    from ipfs_comm.node.embedded.mfs.tree import Form, Tree


async def cp(context: Context, root: Root, paths: tuple[Any, ...], *, parents: bool, force: bool, form: Form) -> None:
    """Copy; see ``Files.cp``. What comes from outside the MFS is looked up before anybody has to wait."""
    *given, last = places(paths, least=2, what="cp")
    destination = place(last)
    sources: list[tuple[str, Place | CID]] = []
    for path in given:
        where = readable(path, offline=form.offline)
        if isinstance(where, Place):
            sources.append((where.name, where))
        else:
            where = await context.settle(where)
            load = context.loader(where)
            cid = await entries.find(load, where)
            # A CID that nobody has must not come into the tree, where it would stand in the way of every listing.
            await load(cid)
            sources.append(((where.segments or (str(where.root),))[-1], cid))

    async def edit(tree: Tree) -> None:
        target = await _destination(tree, destination, several=len(sources) > 1, parents=parents)
        for name, where in sources:
            cid = await tree.get(where) if isinstance(where, Place) else where
            to = _below(destination, name) if target else destination
            occupant = await tree.find(to)
            if occupant is not None and (not force or await tree.is_directory(occupant)):
                raise exists_already(to)
            await tree.put(to, Made(cid, await tree.cumulative_size(cid), 0, 0), parents=parents)

    await root.change(edit, form)


async def mv(root: Root, paths: tuple[Any, ...], *, parents: bool, form: Form) -> None:
    """Move; see ``Files.mv``."""
    *given, last = places(paths, least=2, what="mv")
    destination = place(last)
    sources = [place(path) for path in given]
    if not all(source.names for source in sources):
        raise InvalidInputError("the root of the MFS cannot be moved: move what is in it", code="ERR_INVALID_PARAMS")

    async def edit(tree: Tree) -> None:
        inside = await _destination(tree, destination, several=len(sources) > 1, parents=parents)
        for source in sources:
            cid = await tree.get(source)
            to = _below(destination, source.name) if inside else destination
            if to.names == source.names:
                continue
            if source.holds(to):
                raise InvalidInputError(
                    f"{source} cannot be moved to {to}, which is inside it", code="ERR_INVALID_PARAMS"
                )
            occupant = await tree.find(to)
            if occupant is not None and (inside or await tree.is_directory(occupant)):
                raise exists_already(to)
            await tree.put(to, Made(cid, await tree.cumulative_size(cid), 0, 0), parents=parents)
            await tree.remove(source)

    await root.change(edit, form)


def _below(destination: Place, name: str) -> Place:
    if not name:
        raise InvalidPathError(f"the root of the MFS has no name to go by in {destination}: give the new name")
    return destination.child(name)


async def _destination(tree: Tree, destination: Place, *, several: bool, parents: bool) -> bool:
    """Return whether what is copied or moved goes into the destination, rather than becoming it.

    Raises
    ------
    InvalidInputError
        Several things would go into what is no directory.
    """
    there = await tree.find(destination)
    if there is not None:
        if await tree.is_directory(there):
            return True
        if several or destination.inside:
            raise NotUnixFSError(f"{destination} is not a directory", code="ERR_NOT_A_DIRECTORY")
        return False
    if several and not parents:
        raise InvalidInputError(
            f"destination did not exist: {destination}; make it first, or give parents=True", code="ERR_INVALID_PARAMS"
        )
    return several or destination.inside


async def rm(root: Root, paths: tuple[Any, ...], *, recursive: bool, force: bool, form: Form) -> None:
    """Remove; see ``Files.rm``."""
    given = places(paths, least=1, what="rm")
    problems: list[IPFSCommError] = []

    async def edit(tree: Tree) -> None:
        problems.clear()
        for path in given:
            try:
                await _remove(tree, place(path), recursive=recursive, force=force)
            except (InvalidInputError, NotFoundError, NotUnixFSError) as problem:
                problems.append(problem)

    await root.change(edit, form)
    if problems:
        raise not_removed(problems, len(given))


async def _remove(tree: Tree, where: Place, *, recursive: bool, force: bool) -> None:
    if not where.names:
        raise is_root()
    cid = await tree.find(where)
    if cid is None:
        if force:
            return
        raise NotFoundError(f"{where} does not exist", detail={"path": str(where)})
    if not recursive and not force and await tree.is_directory(cid):
        raise InvalidInputError(
            f"{where} is a directory, use -r to remove directories: give recursive=True", code="ERR_WAS_DIR"
        )
    await tree.remove(where)
