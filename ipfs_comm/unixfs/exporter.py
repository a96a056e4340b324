"""DAGs back to files and directories: cat, ls, stat, walk; every DAG is hostile until read."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from ipfs_comm._shown import shown
from ipfs_comm.blockstore.base import MAX_BLOCK_SIZE
from ipfs_comm.errors import InvalidInputError, LimitError, NotUnixFSError
from ipfs_comm.ipld import path as content_path
from ipfs_comm.unixfs import hamt
from ipfs_comm.unixfs._ahead import Ahead
from ipfs_comm.unixfs._reader import Node, Reader
from ipfs_comm.unixfs.builder import DAG_PB, RAW
from ipfs_comm.unixfs.hamt import Entry as DirEntry
from ipfs_comm.unixfs.resolver import Resolved, Step, resolve

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from ipfs_comm.ipld import CID
    from ipfs_comm.unixfs.format import Mtime
    from ipfs_comm.unixfs.options import Load

__all__ = ["DirEntry", "Resolved", "Stat", "Step", "WalkEntry", "cat", "ls", "resolve", "stat", "walk"]

#: The deepest file DAG that is read. Chains this long are read in seconds; no honest file comes near.
MAX_FILE_DEPTH: Final = 131_072
#: Links waiting to be followed while a file is read, over all levels.
MAX_PENDING: Final = 1_048_576
#: The deepest tree of directories that is walked.
MAX_TREE_DEPTH: Final = 1024
#: The longest path in a tree that is walked, in characters: what `ipfs_comm.ipld.path` would parse.
MAX_PATH: Final = content_path.MAX_LENGTH
#: Bytes of blocks asked for before they are needed, and how many of them there are at most.
_AHEAD_BYTES: Final = 8 * 1024 * 1024
_AHEAD: Final = 32
#: What a block counts for at least. One that has links may be larger than what its parent says it holds.
_WEIGHT_RAW: Final = _AHEAD_BYTES // _AHEAD
_WEIGHT_NODE: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Stat:
    """What a root says about what it is.

    Attributes
    ----------
    cid : CID
    type : {"file", "directory", "symlink", "raw", "object"}
        Raw for a raw block, which is a file without a UnixFS message; object for a node of another codec in a
        directory, which only `walk` tells.
    size : int
        Bytes of a file's content or of a symlink's target; 0 for a directory.
    cumulative_size : int
        Bytes of all blocks of the DAG.
    blocks : int
        Links of the root.
    mode : int or None
        None where the node has none; see `ipfs_comm.unixfs.format.UnixFS.permissions` for the defaults.
    mtime : Mtime or None
    target : str or None
        Of a symlink.
    sharded : bool
        Whether it is a HAMT directory.
    fanout : int or None
        Of a HAMT directory.
    """

    cid: CID
    type: Literal["file", "directory", "symlink", "raw", "object"]
    size: int
    cumulative_size: int
    blocks: int
    mode: int | None = None
    mtime: Mtime | None = None
    target: str | None = None
    sharded: bool = False
    fanout: int | None = None


@dataclass(frozen=True, slots=True)
class WalkEntry:
    """One thing in a tree of directories: its path below the root (empty for the root itself) and what it is."""

    path: str
    name: str
    stat: Stat

    @property
    def cid(self) -> CID:
        """What the path leads to."""
        return self.stat.cid


async def stat(load: Load, cid: CID) -> Stat:
    """Return what a UnixFS root says about itself; loads one block.

    Raises
    ------
    NotUnixFSError
        It is neither file, directory nor symlink.
    NotFoundError
        Nobody has the block.
    """
    return _stat_of(await Reader(load).node(cid))


def _stat_of(node: Node) -> Stat:
    message = node.message
    if message is None:
        return Stat(node.cid, "raw", len(node.data), node.block_size, 0)
    if message.type == "metadata":
        raise NotUnixFSError(
            f"{node.cid} is UnixFS metadata, which is neither a file nor a directory", detail={"cid": str(node.cid)}
        )
    if message.is_directory:
        kind: Literal["file", "directory", "symlink"] = "directory"
    elif message.type == "symlink":
        kind = "symlink"
    else:
        kind = "file"
    sharded = message.type == "hamt-sharded-directory"
    return Stat(
        node.cid,
        kind,
        0 if kind == "directory" else message.content_size,
        node.cumulative_size,
        len(node.links),
        None if message.mode is None else message.permissions,
        message.mtime,
        node.data.decode("utf-8", "surrogateescape") if kind == "symlink" else None,
        sharded,
        message.fanout if sharded else None,
    )


async def ls(load: Load, cid: CID) -> AsyncGenerator[DirEntry, None]:
    """Iterate over a directory's entries, in the order of its links (a sharded one: of the hashes of names).

    Parameters
    ----------
    load : async callable
    cid : CID
        Of a directory.

    Yields
    ------
    DirEntry
        ``name``, ``cid`` and ``tsize`` (cumulative size in bytes, as the directory says); what an entry is, `stat`
        tells.

    Raises
    ------
    NotUnixFSError
        It is no directory, or a forged one.
    """
    reader = Reader(load)
    async with aclosing(_entries(reader, await reader.node(cid))) as entries:
        async for entry in entries:
            yield entry


def _entries(reader: Reader, node: Node) -> AsyncGenerator[DirEntry, None]:
    kind = None if node.message is None else node.message.type
    if kind == "directory":
        return _plain(node)
    if kind == "hamt-sharded-directory":
        return hamt.entries(reader, node)
    raise NotUnixFSError(
        f"{node.cid} is no directory but a {kind or 'raw block'}: read it with cat", detail={"cid": str(node.cid)}
    )


async def _plain(node: Node) -> AsyncGenerator[DirEntry, None]:
    for link in node.links:
        yield DirEntry(link.name or "", link.hash, link.tsize or 0)


async def walk(load: Load, cid: CID) -> AsyncGenerator[WalkEntry, None]:
    """Iterate over everything in a tree, the root first, directories before what is in them.

    Symlinks are told, not followed. Nodes of other codecs are told as objects, not followed.

    Raises
    ------
    NotUnixFSError
    LimitError
        Directories are nested more than `MAX_TREE_DEPTH` deep, or a path has more than `MAX_PATH` characters.
    """
    reader = Reader(load)
    root = await reader.node(cid)
    found = _stat_of(root)
    yield WalkEntry("", "", found)
    if found.type != "directory":
        return
    stack: list[tuple[str, AsyncGenerator[DirEntry, None]]] = [("", _entries(reader, root))]
    try:
        while stack:
            path, entries = stack[-1]
            entry = await anext(entries, None)
            if entry is None:
                stack.pop()
                continue
            here = f"{path}/{entry.name}" if path else entry.name
            if len(here) > MAX_PATH:
                raise LimitError(
                    f"a path in {cid} has more than {MAX_PATH} characters: {here[:200]}…",
                    detail={"cid": str(cid), "limit": MAX_PATH},
                )
            if entry.cid.code not in (RAW, DAG_PB):
                yield WalkEntry(here, entry.name, Stat(entry.cid, "object", 0, entry.tsize, 0))
                continue
            node = await reader.node(entry.cid)
            found = _stat_of(node)
            yield WalkEntry(here, entry.name, found)
            if found.type == "directory":
                if len(stack) == MAX_TREE_DEPTH:
                    raise LimitError(
                        f"directories of {cid} are nested more than {MAX_TREE_DEPTH} deep",
                        detail={"cid": str(cid), "limit": MAX_TREE_DEPTH},
                    )
                stack.append((here, _entries(reader, node)))
    finally:
        for _, entries in stack:
            await entries.aclose()


async def cat(
    load: Load, cid: CID, *, offset: int = 0, length: int | None = None
) -> AsyncGenerator[bytes | memoryview, None]:
    """Iterate over a file's bytes.

    Only the blocks that hold them are loaded, a few ahead of need once the first bytes were taken.

    Parameters
    ----------
    load : async callable
    cid : CID
        Of a file or a raw block.
    offset : int
        First byte, from 0 to the size of the file.
    length : int, optional
        Most bytes; to the end where not given.

    Yields
    ------
    bytes-like
        Non-empty pieces, each at most a block.

    Raises
    ------
    InvalidInputError
        `offset` or `length` is negative, or `offset` lies beyond the end.
    NotUnixFSError
        It is no file, or its parts do not have the sizes that it claims (code ``ERR_UNDER_READ`` or ``ERR_OVER_READ``).
    LimitError
        The DAG is deeper or wider than any honest file's.
    NotFoundError
        Nobody has a block that is needed.
    """
    if offset < 0:
        where = f"from byte {shown(offset)}"
        raise InvalidInputError(f"cannot read {cid} {where}: offset must be greater than or equal to 0")
    if length is not None and length < 0:
        many = f"{shown(length)} bytes"
        raise InvalidInputError(f"cannot read {many} of {cid}: length must be greater than or equal to 0")
    reader = Reader(load)
    root = await reader.node(cid)
    _check_file(root, cid)
    size = root.content_size
    if offset > size:
        raise InvalidInputError(
            f"cannot read {cid} from byte {shown(offset)}: offset must be less than the file size, which is {size}"
        )
    end = size if length is None else min(size, offset + length)
    if offset < end:
        async with aclosing(_Walk(reader, cid, offset, end).read(root)) as pieces:
            async for piece in pieces:
                yield piece


def _check_file(node: Node, root: CID) -> None:
    message = node.message
    detail = {"cid": str(node.cid), "root": str(root)}
    if message is None:
        return
    if message.is_directory:
        raise NotUnixFSError(
            f"this dag node is a directory: {node.cid}; list it with ls, or add a file's name to the path",
            detail=detail,
        )
    if message.type not in ("file", "raw"):
        raise NotUnixFSError(f"{node.cid} is a {message.type}, which has no bytes to read", detail=detail)
    if len(message.blocksizes) != len(node.links):
        raise NotUnixFSError(
            f"{node.cid} is no valid file: inconsistent block sizes and dag links, {len(message.blocksizes)} "
            f"and {len(node.links)}",
            detail=detail,
        )


class _Part:
    """A node that is still to be read.

    Where its bytes begin in the file, how many its parent says they are, and how deep it is.
    """

    __slots__ = ("cid", "depth", "size", "start")

    def __init__(self, cid: CID, start: int, size: int, depth: int) -> None:
        self.cid = cid
        self.start = start
        self.size = size
        self.depth = depth

    @property
    def weight(self) -> int:
        """About the bytes that it takes in memory until it is due."""
        return min(max(self.size, _WEIGHT_RAW if self.cid.code == RAW else _WEIGHT_NODE), MAX_BLOCK_SIZE)


class _Walk:
    """One reading of bytes `start` to `end` of a file, depth first, without recursion."""

    def __init__(self, reader: Reader, root: CID, start: int, end: int) -> None:
        self._reader = reader
        self._root = root
        self._start = start
        self._end = end
        # Last to be read first; a node leaves when it is read, so a chain needs one place however long it is.
        self._parts: list[_Part] = []
        self._ahead: Ahead[_Part] = Ahead(reader)
        # Bytes that what was asked for may take, and those that it may take by now: more the more was read.
        self._held = 0
        self._allowed = 0

    async def read(self, root: Node) -> AsyncGenerator[bytes | memoryview, None]:
        try:
            node, part = root, _Part(root.cid, 0, root.content_size, 0)
            while True:
                piece = self._open(node, part)
                if piece:
                    yield piece
                    self._allowed = min(self._allowed * 2 + _WEIGHT_NODE, _AHEAD_BYTES)
                if not self._parts:
                    return
                self._ask()
                part = self._parts.pop()
                node = await self._ahead.take(part)
                self._held -= part.weight
                self._check(node, part)
        finally:
            await self._ahead.close()

    def _ask(self) -> None:
        """Ask for what is due next, many at once, which a store reads faster than one after another."""
        if self._parts[-1] in self._ahead and self._held > self._allowed // 2:
            return
        wanted: dict[_Part, CID] = {}
        for part in reversed(self._parts):
            if wanted and self._held >= self._allowed:
                break
            if part not in self._ahead:
                wanted[part] = part.cid
                self._held += part.weight
        if wanted:
            self._ahead.ask(wanted)

    def _check(self, node: Node, part: _Part) -> None:
        _check_file(node, self._root)
        found = node.content_size
        if found != part.size:
            under = found < part.size
            raise NotUnixFSError(
                f"the file {self._root} lies about its sizes: {node.cid} holds {found} bytes where {part.size} "
                "were claimed, so reading it would give too "
                f"{'few' if under else 'many'} bytes",
                code="ERR_UNDER_READ" if under else "ERR_OVER_READ",
                detail={"cid": str(node.cid), "root": str(self._root), "size": found, "claimed": part.size},
            )

    def _open(self, node: Node, part: _Part) -> bytes | memoryview:
        """Put a node's children where they are due; return the bytes that it holds itself, cut to what is wanted."""
        at = part.start + len(node.data)
        due: list[_Part] = []
        for link, size in zip(node.links, node.message.blocksizes if node.message else (), strict=True):
            if at >= self._end:
                break
            # A child without bytes is never loaded: otherwise a small DAG could cost any number of loads and give
            # nothing.
            if size and at + size > self._start:
                due.append(_Part(link.hash, at, size, part.depth + 1))
            at += size
        if due:
            self._limit(part.depth + 1, len(self._parts) + len(due))
            due.reverse()
            self._parts += due
        first = max(self._start - part.start, 0)
        last = min(self._end - part.start, len(node.data))
        if first >= last:
            return b""
        return node.data if last - first == len(node.data) else memoryview(node.data)[first:last]

    def _limit(self, depth: int, pending: int) -> None:
        if depth > MAX_FILE_DEPTH or pending > MAX_PENDING:
            raise LimitError(
                f"the file {self._root} is no honest one: its DAG is more than {MAX_FILE_DEPTH} levels deep or "
                f"has more than {MAX_PENDING} links waiting",
                detail={"cid": str(self._root), "depth": MAX_FILE_DEPTH, "links": MAX_PENDING},
            )
