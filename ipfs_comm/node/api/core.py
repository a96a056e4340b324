"""The IPFS core API in Python: what any node offers, and the results that it gives.

Names, options and defaults are those of the js-ipfs core API, in snake_case and keyword-only. ``timeout`` is in
seconds: how long a call may take, and for
a stream how long any one of its items may take. Cancelling the task that waits cancels the work. Where a CID is asked
for, a ``CID``, its text, its bytes or a
``multiformats.CID`` will do; where a path is asked for, a CID, ``/ipfs/<cid>/a/b`` or ``<cid>/a/b``.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from os import PathLike
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, Protocol, TypeAlias

from ipfs_comm.ipld import CID
from ipfs_comm.unixfs.format import Mtime as Mtime

if TYPE_CHECKING:
    from ipfs_comm.errors import IPFSCommError
    from ipfs_comm.node.stream import Stream

#: Anything that names one block: a CID, its text, its bytes, or another library's CID object.
CIDLike: TypeAlias = CID | str | bytes | Any
Bytes: TypeAlias = bytes | bytearray | memoryview
ModeLike: TypeAlias = int | str
#: Called with the bytes of one path so far, and that path.
Progress: TypeAlias = Callable[[int, str], object]


MtimeLike: TypeAlias = Mtime | datetime | Mapping[str, int] | Sequence[int] | int | float
Content: TypeAlias = Bytes | str | PathLike[str] | BinaryIO | Iterable[Bytes | str] | AsyncIterable[Bytes | str]


@dataclass(frozen=True, slots=True)
class File:
    """Something to add: a path, and content unless it is a directory.

    Attributes
    ----------
    path : str
        Where it goes; empty for content without a name.
    content : bytes, str, path, file object or (async) iterable of bytes, optional
        None makes an empty directory.
    mode : int or str, optional
        Permission bits; a str is octal.
    mtime : Mtime, datetime, mapping, (secs, nsecs) or seconds, optional
    """

    path: str = ""
    content: Content | None = None
    mode: ModeLike | None = None
    mtime: MtimeLike | None = None


#: What ``add`` takes; a mapping has the members of ``File``.
AddInput: TypeAlias = Content | File | Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AddResult:
    """One file or directory that was added; ``size`` is that of its whole DAG, in bytes."""

    path: str
    cid: CID
    size: int
    mode: int | None = None
    mtime: Mtime | None = None


@dataclass(frozen=True, slots=True)
class LsEntry:
    """One entry of a directory, or the file itself; ``size`` is that of the file, in bytes."""

    name: str
    path: str
    cid: CID
    type: Literal["file", "dir"]
    size: int
    mode: int | None = None
    mtime: Mtime | None = None


@dataclass(frozen=True, slots=True)
class GetEntry:
    """One file or directory of a tree; ``content`` streams the bytes of a file, and is None for a directory."""

    name: str
    path: str
    cid: CID
    type: Literal["file", "dir"]
    size: int
    mode: int | None = None
    mtime: Mtime | None = None
    content: Stream[bytes, bytes] | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class RefEntry:
    """One reference, as text; ``err`` says why it could not be followed."""

    ref: str
    err: str = ""


@dataclass(frozen=True, slots=True)
class BlockStat:
    """The size of one block, in bytes."""

    cid: CID
    size: int


@dataclass(frozen=True, slots=True)
class BlockRemoval:
    """One block that was to be removed; ``error`` says why it was not."""

    cid: CID
    error: IPFSCommError | None = None


@dataclass(frozen=True, slots=True)
class DagGetResult:
    """A value of the IPLD data model, and what of the path lies beyond it."""

    value: Any
    remainder_path: str = ""


@dataclass(frozen=True, slots=True)
class DagResolveResult:
    """The last block on a path, and what of the path lies inside it."""

    cid: CID
    remainder_path: str = ""


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
class IDResult:
    """Who this node is."""

    id: str
    public_key: str
    addresses: tuple[str, ...]
    agent_version: str
    protocol_version: str
    protocols: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VersionResult:
    """Versions of the node and of its repository's format."""

    version: str
    repo: str
    commit: str = ""


class DagAPI(Protocol):
    """Nodes of the IPLD data model."""

    async def put(
        self,
        value: Any,
        *,
        store_codec: str | None = None,
        format: str | None = None,
        input_codec: str | None = None,
        hash_alg: str = "sha2-256",
        version: int = 1,
        pin: bool = False,
        only_hash: bool = False,
        timeout: float | None = None,
    ) -> CID:
        """Encode ``value`` by ``store_codec`` (older name ``format``; default dag-cbor), store it, return its CID."""

    async def get(
        self, cid: CIDLike, *, path: str = "", local_resolve: bool = False, timeout: float | None = None
    ) -> DagGetResult:
        """Return the value at ``path`` under ``cid``; with ``local_resolve`` stop at the first link."""

    async def resolve(self, cid: CIDLike, *, path: str = "", timeout: float | None = None) -> DagResolveResult:
        """Return the last CID on a path, and what remains of the path inside that block."""


class BlockAPI(Protocol):
    """Raw blocks."""

    async def put(
        self,
        block: Bytes,
        *,
        format: str | None = None,
        mhtype: str = "sha2-256",
        version: int | None = None,
        pin: bool = False,
        timeout: float | None = None,
    ) -> CID:
        """Store the bytes of one block as they are; version 0 and dag-pb unless something else is asked for."""

    async def get(self, cid: CIDLike, *, timeout: float | None = None) -> bytes:
        """Return the bytes of a block."""

    def rm(
        self,
        cids: CIDLike | Iterable[CIDLike],
        *,
        force: bool = False,
        quiet: bool = False,
        timeout: float | None = None,
    ) -> Stream[BlockRemoval, list[BlockRemoval]]:
        """Remove blocks; ``force`` passes over those that are not there, ``quiet`` tells of errors only."""

    async def stat(self, cid: CIDLike, *, timeout: float | None = None) -> BlockStat:
        """Return the size of a block."""


class FilesAPI(Protocol):
    """The mutable file system."""

    async def stat(
        self,
        path: CIDLike,
        *,
        hash: bool = False,
        size: bool = False,
        with_local: bool = False,
        timeout: float | None = None,
    ) -> FileStat:
        """Describe ``/path`` of the MFS, or ``/ipfs/<cid>/path``."""


class Node(Protocol):
    """The core API. Every implementation passes ``ipfs_comm.testing.node``."""

    @property
    def dag(self) -> DagAPI:
        """Nodes of the IPLD data model."""

    @property
    def block(self) -> BlockAPI:
        """Raw blocks."""

    @property
    def files(self) -> FilesAPI:
        """The mutable file system."""

    async def add(self, entry: AddInput, *, timeout: float | None = None, **options: Any) -> AddResult:
        """Add one file or directory; options as for ``add_all``."""

    def add_all(
        self,
        source: Iterable[AddInput] | AsyncIterable[AddInput],
        *,
        chunker: str = "size-262144",
        cid_version: int = 0,
        hash_alg: str = "sha2-256",
        only_hash: bool = False,
        pin: bool = True,
        progress: Progress | None = None,
        raw_leaves: bool | None = None,
        trickle: bool = False,
        wrap_with_directory: bool = False,
        preload: bool = True,
        shard_split_threshold: int | None = None,
        file_import_concurrency: int = 50,
        timeout: float | None = None,
        **more: Any,
    ) -> Stream[AddResult, list[AddResult]]:
        """Add files and directories while they arrive; entries come as soon as they are durable."""

    def cat(
        self, path: CIDLike, *, offset: int = 0, length: int | None = None, timeout: float | None = None
    ) -> Stream[bytes, bytes]:
        """Stream the bytes of a file."""

    def get(self, path: CIDLike, *, timeout: float | None = None) -> Stream[GetEntry, list[GetEntry]]:
        """Stream a file or a whole tree, entry by entry, parents first."""

    def ls(self, path: CIDLike, *, timeout: float | None = None) -> Stream[LsEntry, list[LsEntry]]:
        """List a directory, or the one file that ``path`` names."""

    async def id(self, *, timeout: float | None = None) -> IDResult:
        """Return who this node is."""

    async def version(self, *, timeout: float | None = None) -> VersionResult:
        """Return the versions of this node."""
