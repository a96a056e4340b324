"""The tree of the MFS as one call sees and changes it: names to CIDs, and new directories up to a new root."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ipfs_comm.errors import NotFoundError, NotUnixFSError
from ipfs_comm.node.embedded.mfs.nodes import HoldingBuilder, HoldingReader
from ipfs_comm.unixfs import ImportOptions, directory_edit
from ipfs_comm.unixfs.directory import make_directory
from ipfs_comm.unixfs.hamt import Entry
from ipfs_comm.unixfs.options import MAX_INLINE

if TYPE_CHECKING:
    from ipfs_comm.ipld import CID
    from ipfs_comm.node.embedded.mfs.nodes import Nodes
    from ipfs_comm.node.mfs_path import Place
    from ipfs_comm.unixfs._reader import Node
    from ipfs_comm.unixfs.builder import Builder, Made
    from ipfs_comm.unixfs.format import Mtime
    from ipfs_comm.unixfs.options import Load, Put

#: Codecs of files: dag-pb and raw.
_FILES = (0x70, 0x55)


@dataclass(frozen=True, slots=True)
class Form:
    """What a call says of nodes: how new ones are made, and whether nobody else is asked for those that are missing.

    None is: what is changed as it was, what is new as the node's defaults have it.
    """

    cid_version: int | None = None
    hash_alg: str | None = None
    shard_split_threshold: int | None = None
    offline: bool = False

    def options(self, base: ImportOptions, like: CID | None) -> ImportOptions:
        """Return the options of a node that takes after `like`, or else `base`, where nothing else is asked for."""
        split = base.shard_split_threshold if self.shard_split_threshold is None else self.shard_split_threshold
        base = replace(base, raw_leaves=None, shard_split_threshold=split)
        if like is not None and like.is_identity and self.hash_alg is None and self.cid_version is None:
            # What was inlined stays so for as long as it is short enough.
            return replace(base, cid_version=1, hash_alg="sha2-256", inline_limit=MAX_INLINE).resolved()
        if like is None:
            inherited, named = base.cid_version, base.hash_alg
        else:
            inherited, named = like.version, "sha2-256" if like.is_identity else like.multihash.name
        if self.hash_alg is not None:
            # A hash that is asked for comes with the version that has one, as in Kubo.
            inherited, named = 1, self.hash_alg
        version = inherited if self.cid_version is None else self.cid_version
        return replace(base, cid_version=version, hash_alg=named).resolved()


class Tree:
    """A root that changes; nothing of it is recorded until the caller does.

    Parameters
    ----------
    root : CID
        Of a directory.
    load, put : callable
        Blocks in and out.
    base : ImportOptions
        What holds where neither a call nor a neighbour says something else.
    form : Form
        What the call says.
    nodes : Nodes
        Directories that are held.
    """

    def __init__(self, root: CID, load: Load, put: Put, base: ImportOptions, form: Form, nodes: Nodes) -> None:
        self.root = root
        self.reader = HoldingReader(load, nodes)
        self.form = form
        self._nodes = nodes
        self._put = put
        self._base = base

    def builder(self, like: CID | None, *, new: bool = False) -> Builder:
        """Return a maker of nodes like `like`, or of entirely new ones; `new` ones are as the call asks for."""
        form = self.form if new else Form(shard_split_threshold=self.form.shard_split_threshold)
        return HoldingBuilder(self._put, form.options(self._base, like), self._nodes)

    async def find(self, place: Place) -> CID | None:
        """Return what is at a place; None where nothing is.

        Raises
        ------
        NotUnixFSError
            The way leads through something that is no directory (code ``ERR_NOT_A_DIRECTORY``).
        """
        cid = self.root
        for name in place.names:
            found = await directory_edit.find(self.reader, await self._directory(cid, place), name)
            if found is None:
                return None
            cid = found
        return cid

    async def get(self, place: Place) -> CID:
        """Return what is at a place; raises NotFoundError where nothing is, and as `find`."""
        cid = await self.find(place)
        if cid is None:
            raise NotFoundError(f"{place} does not exist")
        return cid

    async def is_directory(self, cid: CID) -> bool:
        """Return whether a CID is a directory's; one that is nothing of UnixFS is none."""
        try:
            message = (await self.reader.node(cid)).message
        except NotUnixFSError:
            return False
        return message is not None and message.is_directory

    async def _directory(self, cid: CID, place: Place) -> Node:
        try:
            node = await self.reader.node(cid)
        except NotUnixFSError as error:
            raise NotUnixFSError(
                f"cannot access {place}: Not a directory, but {cid}, of an unsupported codec, on its way",
                code="ERR_NOT_A_DIRECTORY",
                detail={"path": str(place), "cid": str(cid)},
            ) from error
        if node.message is None or not node.message.is_directory:
            what = "a file" if cid.code in _FILES else f"{cid}, of an unsupported codec"
            raise NotUnixFSError(
                f"cannot access {place}: Not a directory, but {what}, on its way",
                code="ERR_NOT_A_DIRECTORY",
                detail={"path": str(place), "cid": str(cid)},
            )
        return node

    async def put(self, place: Place, made: Made, *, parents: bool = False) -> None:
        """Put something at a place, instead of what is there.

        Raises
        ------
        NotFoundError
            A directory on the way is not there, and ``parents`` is False.
        NotUnixFSError
            As for `find`.
        """
        if not place.names:
            self.root = made.cid
            return
        way = await self._way(place, parents=parents)
        entry = Entry(place.name, made.cid, made.size)
        for name, node, new in reversed(way):
            changed = await directory_edit.put(self.reader, self.builder(node.cid, new=new), node, entry)
            entry = Entry(name, changed.cid, changed.size)
        self.root = entry.cid

    async def remove(self, place: Place) -> None:
        """Take away what is at a place; raises NotFoundError where nothing is."""
        way = await self._way(place, parents=False)
        name, node, _ = way.pop()
        changed = await directory_edit.remove(self.reader, self.builder(node.cid), node, place.name)
        if changed is None:
            raise NotFoundError(f"{place} does not exist")
        for above, parent, _ in reversed(way):
            entry = Entry(name, changed.cid, changed.size)
            changed = await directory_edit.put(self.reader, self.builder(parent.cid), parent, entry)
            name = above
        self.root = changed.cid

    async def _way(self, place: Place, *, parents: bool) -> list[tuple[str, Node, bool]]:
        """Return the directories to a place, the root first: name, node, and whether it has yet to be made."""
        way = [("", await self._directory(self.root, place), False)]
        for name in place.names[:-1]:
            _, node, _ = way[-1]
            cid = await directory_edit.find(self.reader, node, name)
            if cid is not None:
                way.append((name, await self._directory(cid, place), False))
            elif parents:
                made = await self.empty_directory()
                way.append((name, await self.reader.node(made.cid), True))
            else:
                raise NotFoundError(
                    f"{place.parent} does not exist: make it first, or give parents=True",
                    detail={"path": str(place.parent)},
                )
        return way

    async def check_parent(self, place: Place, *, parents: bool) -> None:
        """Check that something can be put at a place; errors are those of `put`."""
        cid = self.root
        for name in place.names[:-1]:
            found = await directory_edit.find(self.reader, await self._directory(cid, place), name)
            if found is None:
                if parents:
                    return
                raise NotFoundError(f"{place.parent} does not exist", detail={"path": str(place.parent)})
            cid = found
        await self._directory(cid, place)

    async def empty_directory(self, *, mode: int | None = None, mtime: Mtime | None = None) -> Made:
        """Make an empty directory, in the form of the node's defaults where the call asks for none, as Kubo does."""
        return await make_directory(self.builder(None, new=True), (), mode=mode, mtime=mtime)

    async def cumulative_size(self, cid: CID) -> int:
        """Return the bytes of all blocks of what a CID stands for, as its root says."""
        try:
            return (await self.reader.node(cid)).cumulative_size
        except NotUnixFSError:
            return len(await self.reader.block(cid))
