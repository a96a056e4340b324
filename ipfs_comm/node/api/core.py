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
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Literal, Protocol, TypeAlias, overload

from ipfs_comm.ipld import CID
from ipfs_comm.node.api.bitswap import BitswapAPI  # noqa: TC001 (the kernel's proxy reads the annotations at run time)
from ipfs_comm.node.api.block import BlockAPI  # noqa: TC001 (the kernel's proxy reads the annotations at run time)
from ipfs_comm.node.api.config import BootstrapAPI, ConfigAPI  # noqa: TC001 (the kernel's proxy reads the annotations at run time)
from ipfs_comm.node.api.dag import DagAPI  # noqa: TC001 (the kernel's proxy reads the annotations at run time)
from ipfs_comm.node.api.dht import DhtAPI  # noqa: TC001 (the kernel's proxy reads the annotations at run time)
from ipfs_comm.node.api.files import FilesAPI  # noqa: TC001 (the kernel's proxy reads the annotations at run time)
from ipfs_comm.node.api.key import KeyAPI  # noqa: TC001 (the kernel's proxy reads the annotations at run time)
from ipfs_comm.node.api.name import NameAPI  # noqa: TC001 (the kernel's proxy reads the annotations at run time)
from ipfs_comm.node.api.object import ObjectAPI  # noqa: TC001 (the kernel's proxy reads the annotations at run time)
from ipfs_comm.node.api.pin import PinAPI  # noqa: TC001 (the kernel's proxy reads the annotations at run time)
from ipfs_comm.node.api.pubsub import PubsubAPI  # noqa: TC001 (the kernel's proxy reads the annotations at run time)
from ipfs_comm.node.api.refs import RefsAPI  # noqa: TC001 (the kernel's proxy reads the annotations at run time)
from ipfs_comm.node.api.repo import RepoAPI  # noqa: TC001 (the kernel's proxy reads the annotations at run time)
from ipfs_comm.node.api.stats import StatsAPI  # noqa: TC001 (the kernel's proxy reads the annotations at run time)
from ipfs_comm.node.api.swarm import SwarmAPI  # noqa: TC001 (the kernel's proxy reads the annotations at run time)
from ipfs_comm.unixfs.format import Mtime as Mtime

if TYPE_CHECKING:
    from pathlib import Path

    from ipfs_comm.node.api.capabilities import Capabilities
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
    """Something to add: a path, and content unless it is a directory or a symlink.

    Attributes
    ----------
    path : str
        Where it goes; empty for content without a name.
    content : bytes, str, path, file object or (async) iterable of bytes, optional
        None makes an empty directory.
    mode : int or str, optional
        Permission bits; a str is octal.
    mtime : Mtime, datetime, mapping, (secs, nsecs) or seconds, optional
    target : str, optional
        Makes it a symlink to there, without content or mode.
    """

    path: str = ""
    content: Content | None = None
    mode: ModeLike | None = None
    mtime: MtimeLike | None = None
    target: str | None = None


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
class IDResult:
    """Who this node is; ``ephemeral`` where that ends with the process, for nothing may be written."""

    id: str
    public_key: str
    addresses: tuple[str, ...]
    agent_version: str
    protocol_version: str
    protocols: tuple[str, ...]
    ephemeral: bool = False


#: The version of interface-ipfs-core whose API this is, and whose tests it is held to.
INTERFACE: Final = "0.158.1"


@dataclass(frozen=True, slots=True)
class VersionResult:
    """Versions of the node, of its repository's format, and of the API that it has."""

    version: str
    repo: str
    commit: str = ""
    interface_ipfs_core: str = ""


@dataclass(frozen=True, slots=True)
class PingResult:
    """One answer of a peer, after ``time`` milliseconds; or a text that tells of it."""

    success: bool
    time: float
    text: str


class Node(Protocol):
    """The core API. Every implementation passes ``ipfs_comm.testing.node``."""

    @property
    def dag(self) -> DagAPI:
        """Nodes of the IPLD data model."""

    @property
    def block(self) -> BlockAPI:
        """Raw blocks."""

    @property
    def object(self) -> ObjectAPI:
        """Nodes of dag-pb."""

    @property
    def files(self) -> FilesAPI:
        """The mutable file system."""

    @property
    def pin(self) -> PinAPI:
        """Roots that garbage collection keeps."""

    @property
    def repo(self) -> RepoAPI:
        """The repository as a whole."""

    @property
    def refs(self) -> RefsAPI:
        """The links of DAGs."""

    @property
    def key(self) -> KeyAPI:
        """The node's keys."""

    @property
    def name(self) -> NameAPI:
        """IPNS names."""

    @property
    def config(self) -> ConfigAPI:
        """Settings."""

    @property
    def bootstrap(self) -> BootstrapAPI:
        """The list of peers to begin with."""

    @property
    def stats(self) -> StatsAPI:
        """Figures of the node."""

    @property
    def swarm(self) -> SwarmAPI:
        """Connections with peers."""

    @property
    def bitswap(self) -> BitswapAPI:
        """The exchange of blocks."""

    @property
    def pubsub(self) -> PubsubAPI:
        """Topics, and who listens to them."""

    @property
    def dht(self) -> DhtAPI:
        """The network's hash table."""

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
        pin_name: str | None = None,
        progress: Progress | None = None,
        raw_leaves: bool | None = None,
        replication_min: int | None = None,
        replication_max: int | None = None,
        trickle: bool = False,
        wrap_with_directory: bool = False,
        preload: bool = True,
        shard_split_threshold: int | None = None,
        file_import_concurrency: int = 50,
        block_write_concurrency: int = 10,
        hamt_estimation: str | None = None,
        profile: str = "kubo",
        inline: bool = False,
        inline_limit: int | None = None,
        mode: ModeLike | None = None,
        mtime: MtimeLike | None = None,
        hidden: bool = False,
        preserve_mode: bool = False,
        preserve_mtime: bool = False,
        dereference_args: bool = False,
        timeout: float | None = None,
        **more: Any,
    ) -> Stream[AddResult, list[AddResult]]:
        """Add files and directories while they arrive; entries come as soon as they are durable.

        ``pin_name`` is the name of the pins that this makes; ``replication_min`` and ``replication_max`` as for
        ``pin.add``.
        """

    def cat(
        self,
        path: CIDLike,
        *,
        offset: int = 0,
        length: int | None = None,
        max_size: int | None = None,
        offline: bool = False,
        timeout: float | None = None,
    ) -> Stream[bytes, bytes]:
        """Stream the bytes of a file; ``offline``, here and elsewhere, asks nobody else for blocks not here.

        Awaited whole, here and elsewhere, a result may have ``max_size`` bytes, 1 GiB where not given; entries count
        with their text and 256 bytes each. Iterating over it has no limit.
        """

    @overload
    def get(
        self, path: CIDLike, *, max_size: int | None = ..., offline: bool = ..., timeout: float | None = ...
    ) -> Stream[GetEntry, list[GetEntry]]: ...

    @overload
    def get(
        self,
        path: CIDLike,
        *,
        to: str | PathLike[str],
        symlinks: Literal["inside", "any"] = ...,
        max_size: int | None = ...,
        offline: bool = ...,
        timeout: float | None = ...,
    ) -> Stream[GetEntry, Path]: ...

    @overload
    def get(
        self,
        path: CIDLike,
        *,
        archive: bool = ...,
        compress: bool = ...,
        compression_level: int | None = ...,
        max_size: int | None = ...,
        offline: bool = ...,
        timeout: float | None = ...,
    ) -> Stream[bytes, bytes]: ...

    def get(
        self,
        path: CIDLike,
        *,
        to: str | PathLike[str] | None = None,
        symlinks: Literal["inside", "any"] = "inside",
        archive: bool = False,
        compress: bool = False,
        compression_level: int | None = None,
        max_size: int | None = None,
        offline: bool = False,
        timeout: float | None = None,
    ) -> Stream[Any, Any]:
        """Stream a file or a whole tree, entry by entry, parents first.

        With ``to`` it is written there, whole or not at all, ``max_size`` bytes of files at most, and awaiting gives
        the ``Path``. With ``archive`` the
        stream is a TAR, with ``compress`` gzip of that or of one file.
        """

    def ls(
        self,
        path: CIDLike,
        *,
        recursive: bool = False,
        max_size: int | None = None,
        offline: bool = False,
        timeout: float | None = None,
    ) -> Stream[LsEntry, list[LsEntry]]:
        """List a directory, or the one file that ``path`` names; ``recursive`` goes into the directories in it."""

    async def resolve(
        self,
        path: CIDLike,
        *,
        recursive: bool = True,
        cid_base: str | None = None,
        offline: bool = False,
        timeout: float | None = None,
    ) -> str:
        """Return the shortest immutable path to what ``path``, perhaps a name's, leads to."""

    async def id(self, *, peer_id: str | None = None, timeout: float | None = None) -> IDResult:
        """Return who this node is."""

    async def version(self, *, timeout: float | None = None) -> VersionResult:
        """Return the versions of this node."""

    async def dns(
        self,
        domain: str,
        *,
        recursive: bool = True,
        nocache: bool = False,
        offline: bool = False,
        timeout: float | None = None,
    ) -> str:
        """Return the path that a domain stands for by its TXT records (DNSLink); ``recursive`` follows names on."""

    def ping(
        self, peer_id: str, *, count: int = 10, timeout: float | None = None
    ) -> Stream[PingResult, list[PingResult]]:
        """Stream how long a peer takes to answer."""

    async def is_online(self, *, timeout: float | None = None) -> bool:
        """Return whether the node is connected with the network of its peers."""

    async def stop(self, *, timeout: float | None = None) -> None:
        """End the node: later calls fail with ERR_NOT_STARTED, until another is opened."""

    async def capabilities(self, *, timeout: float | None = None) -> Capabilities:
        """Return what may be called here, what of that this node cannot do, and how much at a time."""
