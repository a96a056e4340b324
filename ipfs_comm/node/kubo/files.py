"""``files``: the daemon's mutable file system."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ipfs_comm.errors import InvalidInputError
from ipfs_comm.node.api import File
from ipfs_comm.node.checks import bytes_from
from ipfs_comm.node.inputs import entry_of, mode_of, mtime_of
from ipfs_comm.node.kubo import files_modes, files_moving, files_reading
from ipfs_comm.node.kubo.answers import Said
from ipfs_comm.node.kubo.files_reading import described, found_at
from ipfs_comm.node.kubo.files_writing import Plan, touched, write
from ipfs_comm.node.kubo.paths import place, refused
from ipfs_comm.node.mfs_path import Place, readable
from ipfs_comm.node.permissions import Mode
from ipfs_comm.node.stream import Stream, Whole, deadline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipfs_comm.ipld import CID
    from ipfs_comm.node.api import CIDLike, Content, FileEntry, FileStat, ModeLike, MtimeLike
    from ipfs_comm.node.kubo.context import Context
    from ipfs_comm.node.target import Target


class Files:
    """The mutable file system of a daemon.

    One call is one change of it where Kubo has a command for that; those that are several commands say so.
    ``shard_split_threshold`` is a setting of the daemon's (``Import.UnixFSHAMTDirectorySizeThreshold``) and no option
    of a call: it is refused. ``flush=False`` leaves a change in the daemon's memory until ``flush``.

    Parameters
    ----------
    context : Context
    """

    def __init__(self, context: Context) -> None:
        self._context = context

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
        """Describe ``/path`` of the MFS, or ``/ipfs/<cid>/path``; ``hash`` and ``size`` change nothing."""
        where = _readable(path, offline)
        async with deadline(timeout, f"files.stat of {path!s:.200}"):
            return await described(self._context, where, with_local=with_local, offline=offline)

    def ls(
        self, path: CIDLike = "/", *, max_size: int | None = None, offline: bool = False, timeout: float | None = None
    ) -> Stream[FileEntry, list[FileEntry]]:
        """Stream a directory's entries, or the one file that ``path`` names."""
        where = _readable(path, offline)
        what = f"files.ls of {path!s:.200}"
        gather = Whole(max_size, what).list(_weight)
        return Stream(lambda: files_reading.listed(self._context, where, offline), gather, timeout=timeout, what=what)

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
        """Stream the bytes of a file of the MFS, or of ``/ipfs/<cid>/path``."""
        where = _readable(path, offline)
        bytes_from("offset", offset)
        if length is not None:
            bytes_from("length", length)
        what = f"files.read of {path!s:.200}"
        whole = Whole(max_size, what).bytes
        return Stream(
            lambda: files_reading.read(self._context, where, offset, length, offline), whole, timeout=timeout, what=what
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
        """Write content into a file, from byte ``offset`` on; all of it or nothing.

        ``cid_version`` and ``hash_alg`` are of a file that is made; one that is there stays as it was.
        """
        where = place(path)
        refused(
            "files.write",
            shard_split_threshold=shard_split_threshold,
            reduce_single_leaf_to_self=reduce_single_leaf_to_self,
        )
        plan = Plan(
            bytes_from("offset", offset),
            None if length is None else bytes_from("length", length),
            create,
            parents,
            truncate,
            mode_of(mode),
            mtime_of(mtime),
            {"raw_leaves": raw_leaves, "cid_version": cid_version, "hash": hash_alg, "flush": flush},
        )
        given = entry_of(File("", content)).content
        if given is None:
            raise InvalidInputError(f"files.write to {where} without content: give bytes, b'' for none")
        self._context.writing("files.write")
        async with deadline(timeout, f"files.write to {where}"):
            await write(self._context, where, given, plan)

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
        """Make a directory, with ``parents`` also those that it lies in; ``mode`` and ``mtime`` are set after that."""
        where, bits, time = place(path), mode_of(mode), mtime_of(mtime)
        refused("files.mkdir", shard_split_threshold=shard_split_threshold)
        self._context.writing("files.mkdir")
        async with deadline(timeout, f"files.mkdir of {where}"):
            there = (
                parents and (bits is not None or time is not None) and await found_at(self._context, where) is not None
            )
            await self._context.rpc.call(
                "files/mkdir", str(where), parents=parents or None, cid_version=cid_version, hash=hash_alg, flush=flush
            )
            if not there:
                await touched(self._context, where, bits, time, flush=flush)

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
        """Copy files and directories, also from ``/ipfs/<cid>/path``, to the last of ``paths``, one after another."""
        refused("files.cp", cid_version=cid_version, hash_alg=hash_alg, shard_split_threshold=shard_split_threshold)
        self._context.writing("files.cp")
        async with deadline(timeout, "files.cp"):
            await files_moving.cp(self._context, paths, parents=parents, force=force, flush=flush, offline=offline)

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
        """Move files and directories to the last of ``paths``, one after another."""
        refused("files.mv", cid_version=cid_version, hash_alg=hash_alg, shard_split_threshold=shard_split_threshold)
        self._context.writing("files.mv")
        async with deadline(timeout, "files.mv"):
            await files_moving.mv(self._context, paths, parents=parents, flush=flush)

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
        """Remove files, with ``recursive`` also directories; Kubo always makes this durable at once."""
        refused("files.rm", shard_split_threshold=shard_split_threshold)
        self._context.writing("files.rm")
        async with deadline(timeout, "files.rm"):
            await files_moving.rm(self._context, paths, recursive=recursive, force=force)

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
        """Set the modification time, now where not given; an empty file is made where nothing is.

        ``cid_version`` and ``hash_alg`` are of the file that is made.
        """
        where, time = place(path), mtime_of(mtime)
        refused("files.touch", shard_split_threshold=shard_split_threshold)
        self._context.writing("files.touch")
        async with deadline(timeout, f"files.touch of {where}"):
            made = {"cid_version": cid_version, "hash": hash_alg}
            await files_modes.touch(self._context, where, time, made, flush=flush)

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
        """Change permission bits; with ``recursive`` one after another, those below a directory before its own."""
        where, chosen = place(path), Mode(mode)
        refused("files.chmod", cid_version=cid_version, hash_alg=hash_alg, shard_split_threshold=shard_split_threshold)
        self._context.writing("files.chmod")
        async with deadline(timeout, f"files.chmod of {where}"):
            await files_modes.chmod(self._context, where, chosen, recursive=recursive, flush=flush)

    async def flush(self, path: str = "/", *, offline: bool = False, timeout: float | None = None) -> CID:
        """Make everything at a path durable; return the CID of what is there."""
        where = place(path)
        async with deadline(timeout, f"files.flush of {where}"):
            if self._context.read_only:
                return (await described(self._context, where, offline=offline)).cid
            return Said("files/flush", await self._context.rpc.call("files/flush", str(where))).cid("Cid")


def _readable(path: CIDLike, offline: bool) -> Place | Target:
    where = readable(path, offline=offline)
    return place(path) if isinstance(where, Place) else where


def _weight(entry: FileEntry) -> int:
    return len(entry.name)
