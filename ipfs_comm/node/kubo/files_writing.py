"""``files.write``: content into a file of a daemon's mutable file system, all of it or nothing."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import aclosing, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from ipfs_comm.errors import IPFSCommError, NotFoundError, NotSupportedError, NotUnixFSError
from ipfs_comm.node.kubo.files_reading import found_at
from ipfs_comm.node.kubo.multipart import Body
from ipfs_comm.unixfs.importer import pieces_of
from ipfs_comm.unixfs.source import Source

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ipfs_comm.node.api import Mtime
    from ipfs_comm.node.kubo.context import Context
    from ipfs_comm.node.mfs_path import Place

__all__ = ["Plan", "touched", "write"]

#: Bytes of content that one command writes. Kubo gathers as many before it makes chunks of them, and of more it makes
#: chunks as they happen to come in over the network: the CID would be another every time.
_PIECE: Final = 1 << 21
#: Seconds for the daemon to take away what a write has begun that failed or was cancelled.
PATIENCE: Final = 5.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How one call writes.

    Attributes
    ----------
    made : mapping
        Options of the command that the verb passes on.
    """

    offset: int = 0
    length: int | None = None
    create: bool = False
    parents: bool = False
    truncate: bool = False
    mode: int | None = None
    mtime: Mtime | None = None
    made: Mapping[str, Any] = field(default_factory=dict)


async def write(context: Context, where: Place, content: Any, plan: Plan) -> None:
    """Write content; see ``Files.write``.

    A short content is one command. A longer one is many, into a copy beside the file, which then takes the file's
    place: what breaks off on its way is never seen.
    """
    if where.inside:
        raise await _no_file(context, where)
    async with aclosing(Source(pieces_of(content), plan.length)) as source:
        first = await source.take(_PIECE)
        if await source.done() and plan.mode is None and plan.mtime is None:
            await _send(context, where, first, plan, create=plan.create, parents=plan.parents)
        else:
            await _replaced(context, where, first, source, plan)


async def _no_file(context: Context, where: Place) -> IPFSCommError:
    if await found_at(context, where) is None:
        return NotFoundError(f"file does not exist: {where}/", detail={"path": str(where)})
    return NotUnixFSError(f"{where}/ is not a file but a directory", code="ERR_NOT_FILE", detail={"path": str(where)})


async def _send(
    context: Context, where: Place, content: bytes, plan: Plan, *, create: bool = False, parents: bool = False
) -> None:
    await context.rpc.call(
        "files/write",
        str(where),
        body=Body.of(content),
        offset=plan.offset or None,
        create=create or None,
        parents=parents or None,
        truncate=plan.truncate or None,
        **plan.made,
    )


async def _replaced(context: Context, where: Place, first: bytes, source: Source, plan: Plan) -> None:
    """Write into a copy of a file, and put that into the file's place."""
    there = await found_at(context, where)
    if there is not None and there.type == "directory":
        raise NotUnixFSError(f"{where} is not a file but a directory", code="ERR_NOT_FILE", detail={"path": str(where)})
    if there is None and not plan.create:
        raise NotFoundError(f"file does not exist: {where}; give create=True to make it", detail={"path": str(where)})
    copy = where.parent.child(f".{where.name[:64]}.{secrets.token_hex(8)}")
    made = await _missing(context, where.parent) if there is None and plan.parents else None
    flush = bool(plan.made.get("flush", True))
    try:
        if there is not None:
            await context.rpc.call("files/cp", str(where), str(copy), flush=flush)
        size = 0 if there is None or plan.truncate else there.size
        at, ahead, now = plan.offset, first, plan
        while True:
            # What is written over and what is appended are cut where the one ends, as Kubo does where it has it all.
            most = min(_PIECE, size - at) if at < size else _PIECE
            piece, ahead = ahead[:most], ahead[most:]
            if len(piece) < most:
                piece += await source.take(most - len(piece))
            await _send(context, copy, piece, now, create=there is None, parents=plan.parents)
            at += len(piece)
            now = replace(plan, offset=at, truncate=False)
            if not ahead and await source.done():
                break
        await touched(context, copy, plan.mode, plan.mtime, flush=flush)
        await context.rpc.call("files/mv", str(copy), str(where), flush=flush)
    except BaseException:
        # What went wrong is what is to be told, and soon; a daemon that is gone cannot take anything away either.
        with suppress(IPFSCommError, TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await context.rpc.call("files/rm", str(made or copy), recursive=True, force=True)
        raise


async def _missing(context: Context, where: Place) -> Place | None:
    """Return the uppermost directory on the way to a place that is not there."""
    missing: Place | None = None
    while where.names and await found_at(context, where) is None:
        missing, where = where, where.parent
    return missing


async def touched(context: Context, where: Place, mode: int | None, mtime: Mtime | None, *, flush: bool = True) -> None:
    """Set permission bits and a time of modification where they are given.

    Raises
    ------
    NotSupportedError
        The time is the first second of 1970, which Kubo takes for none.
    """
    if mtime is not None:
        if not mtime.secs:
            raise NotSupportedError(
                f"{where}: a Kubo daemon takes an mtime of 0 seconds for the present time: give another"
            )
        await context.rpc.call("files/touch", str(where), mtime=mtime.secs, mtime_nsecs=mtime.nsecs or None)
    if mode is not None:
        await context.rpc.call("files/chmod", f"{mode & 0o7777:o}", str(where))
    if flush and (mode is not None or mtime is not None):
        await context.rpc.call("files/flush", str(where))
