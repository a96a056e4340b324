"""The namespace ``dag``: nodes of the IPLD data model, and whole DAGs as CAR files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Iterable
    from os import PathLike

    from ipfs_comm.ipld import CID
    from ipfs_comm.node.api.core import Bytes, CIDLike
    from ipfs_comm.node.stream import Stream

#: One CAR: its bytes, a file, or its pieces.
CarSource: TypeAlias = "Bytes | PathLike[str] | BinaryIO | Iterable[Bytes] | AsyncIterable[Bytes]"


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
class DagImportRoot:
    """A root that was to be pinned; ``pin_error_msg`` says why it was not."""

    cid: CID
    pin_error_msg: str = ""


@dataclass(frozen=True, slots=True)
class DagImportStats:
    """How many blocks were imported, and how many bytes they have together."""

    block_count: int
    block_bytes_count: int


@dataclass(frozen=True, slots=True)
class DagImportResult:
    """One thing that an import tells: a root that was pinned (or not), or the statistics."""

    root: DagImportRoot | None = None
    stats: DagImportStats | None = None


@dataclass(frozen=True, slots=True)
class DagStat:
    """One DAG: bytes and number of its blocks, each counted once."""

    cid: CID
    size: int
    num_blocks: int


@dataclass(frozen=True, slots=True)
class DagStatResult:
    """Several DAGs.

    Attributes
    ----------
    unique_blocks : int
        Blocks of all of them, each counted once.
    total_size : int
        Bytes of these.
    shared_size : int
        Bytes that are spared because DAGs share blocks.
    ratio : float
        Bytes without sharing, divided by bytes with it.
    dag_stats : tuple of DagStat
        In the order of the roots.
    """

    unique_blocks: int
    total_size: int
    shared_size: int
    ratio: float
    dag_stats: tuple[DagStat, ...]


class DagAPI(Protocol):
    """Nodes of the IPLD data model, and whole DAGs."""

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
        offline: bool = False,
        timeout: float | None = None,
    ) -> CID:
        """Encode ``value`` by ``store_codec`` (older name ``format``; default dag-cbor), store it, return its CID."""

    async def get(
        self,
        cid: CIDLike,
        *,
        path: str = "",
        local_resolve: bool = False,
        offline: bool = False,
        timeout: float | None = None,
    ) -> DagGetResult:
        """Return the value at ``path`` under ``cid``; with ``local_resolve`` stop at the first link."""

    async def resolve(
        self, cid: CIDLike, *, path: str = "", offline: bool = False, timeout: float | None = None
    ) -> DagResolveResult:
        """Return the last CID on a path, and what remains of the path inside that block."""

    def tree(
        self,
        cid: CIDLike,
        *,
        path: str = "",
        recursive: bool = False,
        max_size: int | None = None,
        offline: bool = False,
        timeout: float | None = None,
    ) -> Stream[str, list[str]]:
        """Stream the paths in a node, relative to ``path``; with ``recursive`` those behind its links, too."""

    def export(
        self, root: CIDLike, *, max_size: int | None = None, offline: bool = False, timeout: float | None = None
    ) -> Stream[bytes, bytes]:
        """Stream a CARv1 of a whole DAG: depth first, each block once."""

    def import_(
        self,
        source: CarSource | Iterable[CarSource] | AsyncIterable[CarSource],
        *,
        pin_roots: bool = True,
        stats: bool = False,
        timeout: float | None = None,
    ) -> Stream[DagImportResult, list[DagImportResult]]:
        """Store the blocks of one CAR or of several, each verified, and pin their roots."""

    async def stat(
        self, roots: CIDLike | Iterable[CIDLike], *, offline: bool = False, timeout: float | None = None
    ) -> DagStatResult:
        """Count the blocks and bytes of one DAG or of several."""
