"""Files and trees, wherever their blocks come from: as entries, on the caller's disk, and from it."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ipfs_comm.errors import InvalidInputError
from ipfs_comm.node.api import File, GetEntry
from ipfs_comm.node.stream import Stream, Whole
from ipfs_comm.unixfs import exporter, from_disk
from ipfs_comm.unixfs.format import DEFAULT_DIRECTORY_MODE, DEFAULT_FILE_MODE
from ipfs_comm.unixfs.from_disk import DiskRules, OnDisk

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
    from contextlib import AbstractContextManager

    from ipfs_comm.blockstore._pool import Pool
    from ipfs_comm.ipld import CID
    from ipfs_comm.unixfs.exporter import Stat, WalkEntry
    from ipfs_comm.unixfs.options import Load
    from ipfs_comm.unixfs.to_disk import Symlinks

__all__ = ["Tree", "get", "kind", "mode", "packs", "unfolded"]


@dataclass(frozen=True, slots=True)
class Tree:
    """A file or tree that was found.

    Attributes
    ----------
    root : CID
    name : str
        What its root is called.
    load : async callable
        Gives its blocks.
    read : callable
        Gives the bytes of a file in it.
    """

    root: CID
    name: str
    load: Load
    read: Callable[[CID], AsyncGenerator[bytes | memoryview, None]]


def kind(stat: Stat) -> Literal["file", "dir"]:
    """Return how listings call what ``stat`` describes."""
    return "dir" if stat.type == "directory" else "file"


def mode(stat: Stat) -> int | None:
    """Return permission bits: those of the node, else the default of its type; a raw block has none."""
    if stat.type == "raw" or stat.mode is not None:
        return stat.mode
    return DEFAULT_DIRECTORY_MODE if stat.type == "directory" else DEFAULT_FILE_MODE


def packs(to: object, archive: bool, compress: bool, compression_level: int | None) -> bool:
    """Tell whether ``get`` is asked for the bytes of an archive or of a compressed file.

    Raises
    ------
    InvalidInputError
        For options that cannot be meant together, and a level that is none.
    """
    if not archive and not compress and compression_level is None:
        return False
    from ipfs_comm.unixfs.tar import checked_level

    checked_level(compression_level)
    if to is not None:
        raise InvalidInputError("get: to writes a tree, archive and compress make bytes: give one of them")
    return archive or compress


def get(
    find: Callable[[], Awaitable[Tree]],
    what: str,
    *,
    pool: Callable[[], AbstractContextManager[Pool]],
    to: str | os.PathLike[str] | None,
    symlinks: Symlinks,
    max_size: int | None,
    timeout: float | None,
) -> Stream[GetEntry, Any]:
    """Stream a tree, directories before what is in them; nothing of a file is read before its content is.

    Parameters
    ----------
    find : coroutine function
        Finds the tree; called when the first entry is wanted.
    what : str
        What is being done, for errors.
    pool : callable
        Gives where the disk is waited for, as long as the tree is written.
    to, symlinks, max_size, timeout
        As for the verb ``get``.
    """
    if to is not None:
        place = Path(to)

        async def written(entries: AsyncIterator[GetEntry]) -> Path:
            async for _ in entries:
                pass
            return place

        return Stream(lambda: _written(find, place, symlinks, pool, max_size), written, timeout=timeout, what=what)
    return Stream(
        lambda: _entries(find, timeout, max_size),
        Whole(max_size, what).list(lambda entry: len(entry.path) + len(entry.name)),
        timeout=timeout,
        what=what,
    )


async def _entries(
    find: Callable[[], Awaitable[Tree]], timeout: float | None, max_size: int | None
) -> AsyncGenerator[GetEntry, None]:
    tree = await find()
    async with aclosing(exporter.walk(tree.load, tree.root)) as found:
        async for entry in found:
            content = None
            if entry.stat.type != "directory":
                what = f"get of {_path(entry, tree.name)}"
                content = _content(tree, entry, what, timeout, Whole(max_size, what))
            yield _entry(entry, tree.name, content)


def _path(entry: WalkEntry, name: str) -> str:
    return f"{name}/{entry.path}" if entry.path else name


def _entry(entry: WalkEntry, name: str, content: Stream[bytes, bytes] | None) -> GetEntry:
    stat = entry.stat
    path = _path(entry, name)
    return GetEntry(entry.name or name, path, stat.cid, kind(stat), stat.size, mode(stat), stat.mtime, content)


def _content(tree: Tree, entry: WalkEntry, what: str, timeout: float | None, whole: Whole) -> Stream[bytes, bytes]:
    return Stream(lambda: _bytes(tree, entry, whole), whole.bytes, timeout=timeout, what=what)


async def _bytes(tree: Tree, entry: WalkEntry, whole: Whole) -> AsyncGenerator[bytes, None]:
    whole.expect(entry.stat.size)
    async with aclosing(tree.read(entry.cid)) as pieces:
        async for piece in pieces:
            yield bytes(piece)


async def _written(
    find: Callable[[], Awaitable[Tree]],
    place: Path,
    symlinks: Symlinks,
    pool: Callable[[], AbstractContextManager[Pool]],
    max_size: int | None,
) -> AsyncGenerator[GetEntry, None]:
    from ipfs_comm.unixfs import to_disk

    tree = await find()
    with pool() as disk:
        writing = to_disk.write(
            tree.load, tree.root, place, pool=disk, symlinks=symlinks, max_size=max_size, read=tree.read
        )
        async with aclosing(writing) as written:
            async for entry in written:
                yield _entry(entry, tree.name, None)


async def unfolded(files: AsyncGenerator[File, None], rules: DiskRules, pool: Pool) -> AsyncGenerator[File, None]:
    """Generate what is to be added, trees on disk as all that is in them: directories before it, names in order.

    Parameters
    ----------
    files : async generator of File
        As `ipfs_comm.node.inputs` makes them; closed at the end.
    rules : DiskRules
        What is taken from a disk.
    pool : Pool
        Where the disk is waited for.

    Raises
    ------
    NotFoundError, InvalidInputError, LimitError
        As from `ipfs_comm.unixfs.from_disk.entries`.
    """
    async with aclosing(files):
        async for file in files:
            content = file.content
            if not isinstance(content, OnDisk):
                yield file
                continue
            name = file.path or content.name
            async with aclosing(from_disk.entries(content, name, rules, pool)) as found:
                async for entry in found:
                    yield replace(
                        file,
                        path=entry.path,
                        content=entry.content,  # type: ignore[arg-type]  # the content of a file on disk is asynchronous
                        target=entry.target,
                        mode=file.mode if entry.mode is None and entry.target is None else entry.mode,
                        mtime=file.mtime if entry.mtime is None else entry.mtime,
                    )
