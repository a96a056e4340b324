"""The namespace ``pin``: roots that garbage collection keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from ipfs_comm.node.api.pin_remote import PinRemoteAPI  # noqa: TC001 (the kernel's proxy reads the annotations at run time)

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Iterable, Mapping

    from ipfs_comm.ipld import CID
    from ipfs_comm.node.api.core import CIDLike
    from ipfs_comm.node.stream import Stream


@dataclass(frozen=True, slots=True)
class PinEntry:
    """One block that is kept.

    Attributes
    ----------
    cid : CID
    type : str
        ``recursive``, ``direct`` or ``indirect``; ``indirect through <root>`` where a path was asked for.
    metadata : mapping, optional
        What was given with the pin.
    name : str, optional
        What the pin is called.
    """

    cid: CID
    type: str
    metadata: Mapping[str, Any] | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class PinInput:
    """One root to pin or unpin: a CID or path, and what else is to be known of it."""

    path: Any
    recursive: bool = True
    metadata: Mapping[str, Any] | None = None
    name: str | None = None


#: One root for ``pin.add_all`` and ``pin.rm_all``; a mapping has ``cid`` or ``path``, and the rest of ``PinInput``.
PinSource: TypeAlias = "CIDLike | PinInput | PinEntry | Mapping[str, Any]"


class PinAPI(Protocol):
    """Roots that garbage collection keeps."""

    @property
    def remote(self) -> PinRemoteAPI:
        """Pins at remote services."""

    async def add(
        self,
        path: CIDLike,
        *,
        recursive: bool = True,
        name: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        replication_min: int | None = None,
        replication_max: int | None = None,
        offline: bool = False,
        timeout: float | None = None,
    ) -> CID:
        """Keep a block, and unless ``recursive`` is False everything under it, fetching what is not here.

        ``replication_min`` and ``replication_max`` are how many peers of an IPFS Cluster keep it, -1 for all of them.
        """

    def add_all(
        self,
        source: Iterable[PinSource] | AsyncIterable[PinSource],
        *,
        offline: bool = False,
        timeout: float | None = None,
    ) -> Stream[CID, list[CID]]:
        """Keep many roots."""

    def ls(
        self,
        paths: CIDLike | Iterable[CIDLike] | None = None,
        *,
        type: str = "all",
        name: str | None = None,
        offline: bool = False,
        timeout: float | None = None,
    ) -> Stream[PinEntry, list[PinEntry]]:
        """List what is kept: all of a type, with ``name`` in its name, or what keeps each of ``paths``."""

    async def rm(
        self, path: CIDLike, *, recursive: bool = True, offline: bool = False, timeout: float | None = None
    ) -> CID:
        """Stop keeping a root."""

    async def update(
        self, old: CIDLike, new: CIDLike, *, unpin: bool = True, offline: bool = False, timeout: float | None = None
    ) -> CID:
        """Keep another root in the place of one, with its name and metadata."""

    def rm_all(
        self,
        source: Iterable[PinSource] | AsyncIterable[PinSource],
        *,
        offline: bool = False,
        timeout: float | None = None,
    ) -> Stream[CID, list[CID]]:
        """Stop keeping many roots."""
