"""What goes from one place of a daemon's mutable file system to another, or away: ``cp``, ``mv``, ``rm``."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from ipfs_comm.errors import InvalidInputError, InvalidPathError, IPFSCommError, NotFoundError, NotUnixFSError
from ipfs_comm.node.kubo.errors import refusal
from ipfs_comm.node.kubo.files_reading import described, found_at
from ipfs_comm.node.kubo.paths import place, written
from ipfs_comm.node.mfs_path import Place, exists_already, is_root, not_removed, places, readable

if TYPE_CHECKING:
    from ipfs_comm.node.kubo.context import Context


async def cp(
    context: Context, paths: tuple[Any, ...], *, parents: bool, force: bool, flush: bool, offline: bool
) -> None:
    """Copy; see ``Files.cp``."""
    *given, last = places(paths, least=2, what="cp")
    destination = place(last)
    sources: list[tuple[str, str]] = []
    for path in given:
        where = readable(path, offline=offline)
        if isinstance(where, Place):
            sources.append((where.name, str(place(path))))
        else:
            where = await context.blocks.settle(where)
            sources.append(((where.segments or (str(where.root),))[-1], written(where)))
    inside = await _goes_inside(context, destination, several=len(sources) > 1, parents=parents)
    for name, source in sources:
        to = _below(destination, name) if inside else destination
        if (there := await found_at(context, to)) is not None and (not force or there.type == "directory"):
            raise exists_already(to)
        await context.rpc.call(
            "files/cp",
            source,
            str(to),
            parents=parents or None,
            force=force or None,
            flush=flush,
            **context.offline_if(offline),
        )


async def mv(context: Context, paths: tuple[Any, ...], *, parents: bool, flush: bool) -> None:
    """Move; see ``Files.mv``."""
    *given, last = places(paths, least=2, what="mv")
    destination = place(last)
    sources = [place(path) for path in given]
    if not all(source.names for source in sources):
        raise InvalidInputError("the root of the MFS cannot be moved: move what is in it", code="ERR_INVALID_PARAMS")
    inside = await _goes_inside(context, destination, several=len(sources) > 1, parents=parents)
    for source in sources:
        to = _below(destination, source.name) if inside else destination
        if to.names == source.names:
            await described(context, source)
            continue
        if source.holds(to):
            raise InvalidInputError(f"{source} cannot be moved to {to}, which is inside it", code="ERR_INVALID_PARAMS")
        await described(context, source)
        if (there := await found_at(context, to)) is not None and (inside or there.type == "directory"):
            raise exists_already(to)
        if parents and to.parent.names:
            await context.rpc.call("files/mkdir", str(to.parent), parents=True, flush=flush)
        await context.rpc.call("files/mv", str(source), str(to), flush=flush)
        if source.parent.name == to.parent.name and source.name == to.name:
            # Kubo takes directories of one name for one directory, and leaves the source there.
            await _remove(context, source, recursive=True, force=True)


def _below(destination: Place, name: str) -> Place:
    if not name:
        raise InvalidPathError(f"the root of the MFS has no name to go by in {destination}: give the new name")
    return destination.child(name)


async def _goes_inside(context: Context, destination: Place, *, several: bool, parents: bool) -> bool:
    """Return whether what is copied or moved goes into the destination, rather than becoming it."""
    there = await found_at(context, destination)
    if there is not None:
        if there.type == "directory":
            return True
        if several or destination.inside:
            raise NotUnixFSError(f"{destination} is not a directory", code="ERR_NOT_A_DIRECTORY")
        return False
    if several and not parents:
        raise InvalidInputError(
            f"destination did not exist: {destination}; make it first, or give parents=True", code="ERR_INVALID_PARAMS"
        )
    return several or destination.inside


async def rm(context: Context, paths: tuple[Any, ...], *, recursive: bool, force: bool) -> None:
    """Remove; see ``Files.rm``."""
    given = places(paths, least=1, what="rm")
    problems: list[IPFSCommError] = []
    for path in given:
        try:
            await _remove(context, place(path), recursive=recursive, force=force)
        except (InvalidInputError, NotFoundError, NotUnixFSError) as problem:
            problems.append(problem)
    if problems:
        raise not_removed(problems, len(given))


async def _remove(context: Context, where: Place, *, recursive: bool, force: bool) -> None:
    if not where.names:
        raise is_root()
    reasons: list[str] = []
    try:
        # What is wrong comes as text, and after it an error that says no more than that something is.
        removing = context.rpc.lines("files/rm", str(where), recursive=recursive or None, force=force or None)
        async with aclosing(removing) as lines:
            async for reason in lines:
                reasons.append(str(reason)[:1000])  # noqa: PERF401 (those that come before the error are needed)
    except IPFSCommError as error:
        if not reasons:
            raise
        raise refusal("files/rm", 500, reasons[0], context.rpc.address) from error
