"""``files``: the verbs of the mutable file system, each one change of the one root."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from ipfs_comm.errors import InvalidInputError
from ipfs_comm.node.api import File
from ipfs_comm.node.checks import bytes_from
from ipfs_comm.node.embedded.mfs import changing, moving
from ipfs_comm.node.embedded.mfs.reading import Reading
from ipfs_comm.node.embedded.mfs.root import Root
from ipfs_comm.node.embedded.mfs.tree import Form, Tree
from ipfs_comm.node.embedded.mfs.writing import Plan, now, write
from ipfs_comm.node.inputs import entry_of, mode_of, mtime_of
from ipfs_comm.node.mfs_path import place
from ipfs_comm.node.permissions import Mode
from ipfs_comm.node.stream import Stream, Whole, deadline

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from ipfs_comm.ipld import CID
    from ipfs_comm.node.api import CIDLike, Content, FileEntry, FileStat, ModeLike, MtimeLike
    from ipfs_comm.node.embedded.context import Context


class Files:
    """The mutable file system of the embedded node.

    Every change is durable when its call returns, and recorded at once for all who have the repository open;
    ``flush=False`` is accepted and changes nothing about that. Where js-ipfs and Kubo differ, a test of
    interface-ipfs-core decides, else Kubo. Options that several verbs share:

    - ``offline`` (bool): ask nobody else for blocks that are not here.
    - ``timeout`` (float): seconds.
    - ``cid_version`` (0 or 1), ``hash_alg`` (str): of new files and directories, and of the one that is changed. Where
      not given, what is changed stays as it was, and what is new is as the node's defaults have it (version 0).
    - ``shard_split_threshold`` (int): bytes beyond which a directory is sharded.

    Errors that all of them raise: `InvalidPathError` for a path that cannot be meant, `NotFoundError` where nothing is
    at a path, `NotUnixFSError` where a path leads through a file, `InvalidInputError` for an option that cannot be
    meant.

    Parameters
    ----------
    context : Context
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._root = Root(context)
        self._reading = Reading(context, self._root)

    async def stat(
        self,
        path: CIDLike,
        *,
        hash: bool = False,
        size: bool = False,
        with_local: bool = False,
        offline: bool = False,
        timeout: float | None = None,
    ) -> FileStat:
        """Describe ``/path`` of the MFS, or ``/ipfs/<cid>/path``.

        Parameters
        ----------
        path : CID or path
        hash, size : bool
            Accepted as in js-ipfs, where a caller that wants one member gets all of them too.
        with_local : bool
            Tell how much of the DAG is in the repository; reads all of it that is there.
        offline : bool, optional
        timeout : float, optional
        """
        async with deadline(timeout, f"files.stat of {path!s:.200}"):
            return await self._reading.stat(path, with_local=with_local, offline=offline)

    def ls(
        self, path: CIDLike = "/", *, max_size: int | None = None, offline: bool = False, timeout: float | None = None
    ) -> Stream[FileEntry, list[FileEntry]]:
        """List a directory, or the one file that ``path`` names.

        Returns
        -------
        Stream of FileEntry
            In the order of the directory's links: of names, or where it is sharded of their hashes.
        """
        what = f"files.ls of {path!s:.200}"
        gather = Whole(max_size, what).list(_weight)
        return Stream(lambda: self._reading.ls(path, offline), gather, timeout=timeout, what=what)

    def read(
        self,
        path: CIDLike,
        *,
        offset: int = 0,
        length: int | None = None,
        max_size: int | None = None,
        offline: bool = False,
        timeout: float | None = None,
    ) -> Stream[bytes, bytes]:
        """Stream the bytes of a file, loading only the blocks that hold them.

        Parameters
        ----------
        path : CID or path
        offset : int
            Where to begin, in bytes; not beyond the end.
        length : int, optional
            How many bytes; to the end where not given.
        max_size : int, optional
            Most bytes where it is awaited whole; 1 GiB where not given.
        offline : bool, optional
        timeout : float, optional
            Seconds for any one piece.
        """
        bytes_from("offset", offset)
        if length is not None:
            bytes_from("length", length)
        what = f"files.read of {path!s:.200}"
        whole = Whole(max_size, what)
        return Stream(
            lambda: self._reading.read(path, offset, length, offline, whole), whole.bytes, timeout=timeout, what=what
        )

    async def write(
        self,
        path: str,
        content: Content,
        *,
        offset: int = 0,
        length: int | None = None,
        create: bool = False,
        parents: bool = False,
        truncate: bool = False,
        raw_leaves: bool | None = None,
        reduce_single_leaf_to_self: bool | None = None,
        mode: ModeLike | None = None,
        mtime: MtimeLike | None = None,
        cid_version: int | None = None,
        hash_alg: str | None = None,
        flush: bool = True,
        shard_split_threshold: int | None = None,
        offline: bool = False,
        timeout: float | None = None,
    ) -> None:
        """Write content into a file, from a byte on; what it costs is that of the bytes written.

        Parameters
        ----------
        path : str
        content : bytes, str, path, file object or (async) iterable of bytes
        offset : int
            Where to begin, in bytes; a gap after the end is filled with zeros.
        length : int, optional
            Most bytes of the content that are written.
        create : bool
            Make the file where it is not there.
        parents : bool
            Make the directories on the way too.
        truncate : bool
            Cut the file to nothing first.
        raw_leaves : bool, optional
            New leaves are raw blocks; where not given: if the file is of CID version 1.
        reduce_single_leaf_to_self : bool, optional
            A file of one leaf is that leaf; where not given: if the leaf is raw.
        mode : int or str, optional
        mtime : Mtime, datetime, mapping, (secs, nsecs) or seconds, optional
            Where not given, a file that has one gets the present time.
        cid_version, hash_alg, flush, shard_split_threshold, offline, timeout
            See the class.
        """
        where = place(path)
        plan = Plan(
            bytes_from("offset", offset),
            None if length is None else bytes_from("length", length),
            create,
            parents,
            truncate,
            raw_leaves,
            reduce_single_leaf_to_self,
            mode_of(mode),
            mtime_of(mtime),
            Form(cid_version, hash_alg, shard_split_threshold, offline),
        )
        given = entry_of(File("", content)).content
        if given is None:
            raise InvalidInputError(f"files.write to {where} without content: give bytes, b'' for none")
        async with self._keeping(timeout, f"files.write to {where}"):
            await write(self._context, self._root, where, given, plan)  # type: ignore[arg-type]  # entry_of made it so

    async def mkdir(
        self,
        path: str,
        *,
        parents: bool = False,
        mode: ModeLike | None = None,
        mtime: MtimeLike | None = None,
        cid_version: int | None = None,
        hash_alg: str | None = None,
        flush: bool = True,
        shard_split_threshold: int | None = None,
        offline: bool = False,
        timeout: float | None = None,
    ) -> None:
        """Make a directory.

        Parameters
        ----------
        path : str
        parents : bool
            Make those that it lies in too, and be content where it is there already.
        mode, mtime
            Of the directory itself.
        cid_version, hash_alg, flush, shard_split_threshold, offline, timeout
            See the class.
        """
        where, bits, time = place(path), mode_of(mode), mtime_of(mtime)

        async def edit(tree: Tree) -> None:
            await changing.mkdir(tree, where, parents=parents, mode=bits, mtime=time)

        async with self._keeping(timeout, f"files.mkdir of {where}"):
            await self._root.change(edit, Form(cid_version, hash_alg, shard_split_threshold, offline))

    async def cp(
        self,
        *paths: CIDLike | Sequence[CIDLike],
        parents: bool = False,
        recursive: bool = False,
        force: bool = False,
        cid_version: int | None = None,
        hash_alg: str | None = None,
        flush: bool = True,
        shard_split_threshold: int | None = None,
        offline: bool = False,
        timeout: float | None = None,
    ) -> None:
        """Copy files and directories; no content is copied, only where it hangs in the tree.

        Parameters
        ----------
        *paths : path, or list of them
            Sources, of the MFS or ``/ipfs/<cid>/path``, and at the end the destination: a directory that they go into,
            or, for one source, the new name.
        parents : bool
            Make the directories on the way to the destination.
        recursive : bool
            Accepted as in js-ipfs: a directory always comes with all that is in it.
        force : bool
            Replace files.
        cid_version, hash_alg, flush, shard_split_threshold, offline, timeout
            See the class; of directories that are made.
        """
        async with self._keeping(timeout, "files.cp"):
            form = Form(cid_version, hash_alg, shard_split_threshold, offline)
            await moving.cp(self._context, self._root, paths, parents=parents, force=force, form=form)

    async def mv(
        self,
        *paths: str | Sequence[str],
        parents: bool = False,
        recursive: bool = False,
        cid_version: int | None = None,
        hash_alg: str | None = None,
        flush: bool = True,
        shard_split_threshold: int | None = None,
        offline: bool = False,
        timeout: float | None = None,
    ) -> None:
        """Move files and directories, all of them or none.

        Parameters
        ----------
        *paths : str, or list of them
            Sources, and at the end the destination: a directory that they go into, a file that is replaced, or, for
            one source, the new name.
        parents : bool
            Make the directories on the way to the destination.
        recursive : bool
            Accepted as in js-ipfs: a directory always comes with all that is in it.
        cid_version, hash_alg, flush, shard_split_threshold, offline, timeout
            See the class; of directories that are made.
        """
        async with self._keeping(timeout, "files.mv"):
            form = Form(cid_version, hash_alg, shard_split_threshold, offline)
            await moving.mv(self._root, paths, parents=parents, form=form)

    async def rm(
        self,
        *paths: str | Sequence[str],
        recursive: bool = False,
        force: bool = False,
        flush: bool = True,
        shard_split_threshold: int | None = None,
        offline: bool = False,
        timeout: float | None = None,
    ) -> None:
        """Remove files and directories. Where some cannot be removed, the others are, and an error names them.

        Parameters
        ----------
        *paths : str, or list of them
        recursive : bool
            Remove directories with all that is in them.
        force : bool
            The same, and pass over what is not there.
        flush, shard_split_threshold, offline, timeout
            See the class.
        """
        async with self._keeping(timeout, "files.rm"):
            form = Form(shard_split_threshold=shard_split_threshold, offline=offline)
            await moving.rm(self._root, paths, recursive=recursive, force=force, form=form)

    async def touch(
        self,
        path: str,
        *,
        mtime: MtimeLike | None = None,
        cid_version: int | None = None,
        hash_alg: str | None = None,
        flush: bool = True,
        shard_split_threshold: int | None = None,
        offline: bool = False,
        timeout: float | None = None,
    ) -> None:
        """Set the modification time of a file or directory; an empty file is made where nothing is.

        Parameters
        ----------
        path : str
        mtime : Mtime, datetime, mapping, (secs, nsecs) or seconds, optional
            Now, where not given.
        cid_version, hash_alg, flush, shard_split_threshold, offline, timeout
            See the class.
        """
        where, time = place(path), mtime_of(mtime) or now()

        async def edit(tree: Tree) -> None:
            await changing.touch(tree, where, time)

        async with self._keeping(timeout, f"files.touch of {where}"):
            await self._root.change(edit, Form(cid_version, hash_alg, shard_split_threshold, offline))

    async def chmod(
        self,
        path: str,
        mode: Any,
        *,
        recursive: bool = False,
        cid_version: int | None = None,
        hash_alg: str | None = None,
        flush: bool = True,
        shard_split_threshold: int | None = None,
        offline: bool = False,
        timeout: float | None = None,
    ) -> None:
        """Change the permission bits of a file or directory.

        Parameters
        ----------
        path : str
        mode : int or str
            See `ipfs_comm.node.permissions.Mode`.
        recursive : bool
            Change all that is in a directory too.
        cid_version, hash_alg, flush, shard_split_threshold, offline, timeout
            See the class.
        """
        where, chosen = place(path), Mode(mode)

        async def edit(tree: Tree) -> None:
            await changing.chmod(tree, where, chosen, recursive=recursive)

        async with self._keeping(timeout, f"files.chmod of {where}"):
            await self._root.change(edit, Form(cid_version, hash_alg, shard_split_threshold, offline))

    async def flush(self, path: str = "/", *, offline: bool = False, timeout: float | None = None) -> CID:
        """Return the CID of what is at a path, after everything was made durable."""
        where = place(path)
        async with self._keeping(timeout, f"files.flush of {where}"):
            tree = await self._root.tree(Form(offline=offline))
            cid = await tree.get(where)
            if not where.names:
                await self._root.keep_empty()
            await self._context.store.sync()
            return cid

    @asynccontextmanager
    async def _keeping(self, timeout: float | None, what: str) -> AsyncIterator[None]:
        """Keep garbage collection out from the first block to the root that leads to it, under a deadline."""
        async with deadline(timeout, what), self._context.keeping():
            yield


def _weight(entry: FileEntry) -> int:
    return len(entry.name)
