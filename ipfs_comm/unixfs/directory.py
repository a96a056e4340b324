"""Directories: from paths and contents to a tree of nodes, sharded where they are large."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from ipfs_comm._shown import shown
from ipfs_comm.blockstore._pool import Pool
from ipfs_comm.errors import InvalidInputError, InvalidPathError
from ipfs_comm.ipld.codecs.dag_pb import PBLink
from ipfs_comm.unixfs import hamt
from ipfs_comm.unixfs.builder import Builder, Made, written_mode
from ipfs_comm.unixfs.format import Mtime, UnixFS, link_size
from ipfs_comm.unixfs.hamt import Entry
from ipfs_comm.unixfs.importer import Content, import_by, resolved
from ipfs_comm.unixfs.options import ImportOptions, Progress, Put

if TYPE_CHECKING:
    from ipfs_comm.ipld import CID
    from ipfs_comm.unixfs._links import Links

__all__ = [
    "Directory",
    "Entry",
    "ImportedEntry",
    "TreeEntry",
    "build_tree",
    "directory_at",
    "finish",
    "make_directory",
    "make_of_links",
    "make_symlink",
    "split_path",
]

#: The most names in one path.
MAX_PATH_DEPTH: Final = 512


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """One thing to add.

    Parameters
    ----------
    path : str
        Names separated by ``/``; empty for content without a name.
    content : bytes-like or (async) iterable of bytes-like, optional
        None for a directory or a symlink.
    target : str, optional
        Makes it a symlink to there.
    mode : int, optional
    mtime : Mtime, optional
    """

    path: str = ""
    content: Content | None = None
    target: str | None = None
    mode: int | None = None
    mtime: Mtime | None = None


@dataclass(frozen=True, slots=True)
class ImportedEntry:
    """One file, symlink or directory that was made.

    Attributes
    ----------
    path : str
        Empty for the directory that wraps everything, and for content without a name.
    cid : CID
    size : int
        Cumulative, in bytes.
    type : {"file", "directory", "symlink"}
    mode : int or None
    mtime : Mtime or None
    """

    path: str
    cid: CID
    size: int
    type: Literal["file", "directory", "symlink"]
    mode: int | None = None
    mtime: Mtime | None = None


@dataclass(slots=True)
class Directory:
    """A directory whose entries are still to come; `finish` makes it, and those in it."""

    path: str
    children: dict[str, Directory | Made] = field(default_factory=dict)
    mode: int | None = None
    mtime: Mtime | None = None


async def build_tree(
    entries: Iterable[TreeEntry] | AsyncIterable[TreeEntry],
    *,
    put: Put,
    options: ImportOptions | None = None,
    wrap: bool = False,
    progress: Progress | None = None,
    pool: Pool | None = None,
) -> AsyncGenerator[ImportedEntry, None]:
    """Import files as they come, then make the directories that hold them.

    Parameters
    ----------
    entries : (async) iterable of TreeEntry
        Pulled one by one; a file's content is read before the next entry is asked for.
    put, options, progress, pool
        As for `ipfs_comm.unixfs.importer.import_file`.
    wrap : bool
        Put everything into one more directory, with the path ``""``; an entry ``TreeEntry("")`` without content gives
        it mode and mtime.

    Yields
    ------
    ImportedEntry
        Files and symlinks at once, in order; at the end the directories, those inside others first.

    Raises
    ------
    InvalidPathError
        A path that cannot be meant, or that goes through a file.
    InvalidInputError, LimitError
        As for `import_file`.
    """
    chosen = options or ImportOptions()
    builder = Builder(put, resolved(chosen, described=False))
    described = builder.with_options(resolved(chosen, described=True))
    working = pool or Pool(2, "ipfs_comm-hash")
    root = Directory("")
    try:
        async with aclosing(_each(entries)) as source:
            async for entry in source:
                names = split_path(entry.path)
                if entry.content is None and entry.target is None:
                    if names or wrap:
                        found = directory_at(root, names, entry.path)
                        found.mode, found.mtime = written_mode(entry.mode), entry.mtime
                    else:
                        made = await make_directory(builder, (), mode=entry.mode, mtime=entry.mtime)
                        yield ImportedEntry("", made.cid, made.size, "directory", written_mode(entry.mode), entry.mtime)
                    continue
                parent = directory_at(root, names[:-1], entry.path)
                plain = entry.mode is None and entry.mtime is None
                made, kind = await _import_entry(entry, builder if plain else described, progress, working)
                name = names[-1] if names else str(made.cid)
                if isinstance(parent.children.get(name), Directory):
                    raise InvalidPathError(
                        f"{shown(entry.path)} is added as a file and as a directory: use two names",
                        detail={"path": entry.path},
                    )
                if names or wrap:
                    parent.children[name] = made
                yield ImportedEntry("/".join(names), made.cid, made.size, kind, written_mode(entry.mode), entry.mtime)
    finally:
        if pool is None:
            working.close()
    async for made_directory in finish(builder, root, wrap):
        yield made_directory


async def _each(entries: Iterable[TreeEntry] | AsyncIterable[TreeEntry]) -> AsyncGenerator[TreeEntry, None]:
    if isinstance(entries, AsyncIterable):
        async for entry in entries:
            yield entry
    else:
        for entry in entries:
            yield entry


async def _import_entry(
    entry: TreeEntry, builder: Builder, progress: Progress | None, pool: Pool
) -> tuple[Made, Literal["file", "symlink"]]:
    if entry.target is not None:
        if entry.content is not None:
            raise InvalidInputError(f"{shown(entry.path)} has both content and a symlink's target: give one")
        return await make_symlink(builder, entry.target, mode=entry.mode, mtime=entry.mtime), "symlink"
    assert entry.content is not None, "directories were handled before"
    return await import_by(builder, entry.content, pool, entry.mode, entry.mtime, entry.path, progress), "file"


async def finish(builder: Builder, root: Directory, wrap: bool) -> AsyncGenerator[ImportedEntry, None]:
    """Make the directories below `root` from the leaves up, and with ``wrap`` itself at the end.

    Those below one entry of the root follow each other, and that entry follows them. Without recursion: paths are as
    deep as their author likes.
    """
    order: list[tuple[Directory | None, str, Directory]] = []
    stack: list[tuple[Directory | None, str, Directory]] = [(None, "", root)]
    while stack:
        step = stack.pop()
        order.append(step)
        stack.extend((step[2], name, child) for name, child in step[2].children.items() if isinstance(child, Directory))
    for parent, name, found in reversed(order):
        if parent is None and not wrap:
            return
        links: list[Entry] = []
        blocks = 0
        for key, child in found.children.items():
            assert isinstance(child, Made), "what is deeper was made before"
            links.append(Entry(key, child.cid, child.size))
            blocks += child.blocks
        made = await make_directory(builder, links, mode=found.mode, mtime=found.mtime, blocks=blocks)
        found.children.clear()
        if parent is not None:
            parent.children[name] = made
        yield ImportedEntry(found.path, made.cid, made.size, "directory", found.mode, found.mtime)


def directory_at(root: Directory, names: Sequence[str], path: str) -> Directory:
    """Return the directory of these names below `root`, made where it is not there yet; `path` is for errors.

    Raises
    ------
    InvalidPathError
        One of them is a file.
    """
    here = root
    for name in names:
        child = here.children.get(name)
        if child is None:
            child = here.children[name] = Directory(f"{here.path}/{name}" if here.path else name)
        elif not isinstance(child, Directory):
            raise InvalidPathError(
                f"{shown(path)} goes through {shown(name)}, which is added as a file: use two names",
                detail={"path": path},
            )
        here = child
    return here


def split_path(path: str) -> list[str]:
    """Return the names in a path; empty ones (leading, doubled, trailing slashes) are left out.

    Raises
    ------
    InvalidPathError
        ``.`` or ``..``, or more than `MAX_PATH_DEPTH` names.
    """
    names = [name for name in path.split("/") if name]
    if len(names) > MAX_PATH_DEPTH:
        raise InvalidPathError(
            f"a path of {len(names)} names is too deep: at most {MAX_PATH_DEPTH}", detail={"limit": MAX_PATH_DEPTH}
        )
    if "." in names or ".." in names:
        raise InvalidPathError(
            f"the path {shown(path)} has a name that is '.' or '..': give the path itself", detail={"path": path}
        )
    return names


async def make_directory(
    builder: Builder, entries: Sequence[Entry], *, mode: int | None = None, mtime: Mtime | None = None, blocks: int = 0
) -> Made:
    """Make and keep one directory: a single node, or shards where its estimated size exceeds the threshold.

    Parameters
    ----------
    builder : Builder
    entries : sequence of Entry
        With distinct names, in any order.
    mode, mtime
        Written where given.
    blocks : int
        Blocks below the entries.
    """
    message = UnixFS("directory", mode=written_mode(mode), mtime=mtime)
    room = fits_one_node(builder, mode=mode, mtime=mtime)
    # Every entry is counted: a threshold of 0 is exceeded by the first one, and by an empty block where those count.
    if not all([room(None), *map(room, entries)]):
        return await hamt.build(builder, entries, mode=message.mode, mtime=mtime, blocks=blocks)
    links = [PBLink(entry.cid, entry.name, entry.tsize) for entry in entries]
    return await builder.node(message, links, blocks=blocks)


async def make_of_links(builder: Builder, links: Links, *, mode: int | None = None, mtime: Mtime | None = None) -> Made:
    """Make and keep the directory of these links, as `make_directory` would of their entries."""
    if not fits_one_node(builder, mode=mode, mtime=mtime, links=links)(None):
        entries = [Entry(link.name or "", link.hash, link.tsize or 0) for link in links]
        return await make_directory(builder, entries, mode=mode, mtime=mtime)
    return await builder.node(UnixFS("directory", mode=written_mode(mode), mtime=mtime), links)


def fits_one_node(
    builder: Builder, *, mode: int | None = None, mtime: Mtime | None = None, links: Links | None = None
) -> Callable[[Entry | None], bool]:
    """Return a function that counts entries, and tells whether a directory of those so far is a single node.

    Without an entry it only tells; ``links`` are counted already. The estimate is that of
    `ImportOptions.hamt_estimation`.
    """
    options = builder.options
    by_links = options.hamt_estimation == "links"
    data = len(UnixFS("directory", mode=written_mode(mode), mtime=mtime).encode())
    size = 0 if by_links else 1 + (1 if data < 128 else 2) + data
    most = options.max_directory_links
    count = 0
    if links is not None:
        size += links.names_and_cids if by_links else links.size
        count = len(links)

    def room(entry: Entry | None) -> bool:
        nonlocal size, count
        if entry is not None:
            name, cid = len(entry.name.encode("utf-8", "surrogateescape")), len(bytes(entry.cid))
            size += name + cid if by_links else link_size(name, cid, entry.tsize)
            count += 1
        return size <= options.shard_split_threshold and (most is None or count <= most)

    return room


async def make_symlink(builder: Builder, target: str, *, mode: int | None = None, mtime: Mtime | None = None) -> Made:
    """Make and keep one symlink (UnixFS v1, section Symlink)."""
    message = UnixFS("symlink", target.encode("utf-8", "surrogateescape"), mode=written_mode(mode), mtime=mtime)
    return await builder.node(message)
