"""The namespace ``files``: the mutable file system (MFS)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipfs_comm.ipld import CID
    from ipfs_comm.node.api.core import CIDLike, Content, ModeLike, MtimeLike
    from ipfs_comm.node.stream import Stream
    from ipfs_comm.unixfs.format import Mtime


@dataclass(frozen=True, slots=True)
class FileStat:
    """A file or directory of the MFS or of a DAG; sizes in bytes, ``blocks`` as js-ipfs counts them."""

    cid: CID
    type: Literal["file", "directory"]
    size: int
    cumulative_size: int
    blocks: int
    with_locality: bool = False
    local: bool | None = None
    size_local: int | None = None
    mode: int | None = None
    mtime: Mtime | None = None


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One entry of a directory of the MFS, or the file itself; ``size`` is that of its content, in bytes."""

    name: str
    type: Literal["file", "directory"]
    size: int
    cid: CID
    mode: int | None = None
    mtime: Mtime | None = None


class FilesAPI(Protocol):
    """The mutable file system.

    Paths begin with ``/``; ``/ipfs/<cid>/a/b`` reads from outside it. What is changed is durable when the call
    returns. ``cid_version`` and ``hash_alg`` are of what is new; where not given, a file is as the directory around it,
    a directory as the root.
    """

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
        """Describe ``/path`` of the MFS, or ``/ipfs/<cid>/path``."""

    def ls(
        self, path: CIDLike = "/", *, max_size: int | None = None, offline: bool = False, timeout: float | None = None
    ) -> Stream[FileEntry, list[FileEntry]]:
        """List a directory, or the one file that ``path`` names."""

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
        """Stream the bytes of a file."""

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
        """Write content into a file, from byte ``offset`` on."""

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
        """Make a directory, with ``parents`` also those that it lies in."""

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
        """Copy files and directories, also from ``/ipfs/<cid>/path``, to the last of ``paths``."""

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
        """Move files and directories to the last of ``paths``."""

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
        """Remove files, with ``recursive`` also directories; ``force`` passes over what is not there."""

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
        """Set the modification time, now where not given; an empty file is made where nothing is."""

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
        """Change permission bits to a number, octal digits, or by symbols such as ``a+x``."""

    async def flush(self, path: str = "/", *, offline: bool = False, timeout: float | None = None) -> CID:
        """Make sure that everything is durable; return the CID of what is at ``path``."""
