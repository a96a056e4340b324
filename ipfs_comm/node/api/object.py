"""The namespace ``object``: dag-pb nodes, as they were before ``dag``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ipfs_comm.ipld import CID
    from ipfs_comm.ipld.codecs.dag_pb import PBLink, PBNode
    from ipfs_comm.node.api.core import Bytes, CIDLike

#: A node, its form in the data model ``{"Data": bytes, "Links": […]}``, or its data alone.
NodeLike: TypeAlias = "PBNode | Mapping[str, Any] | Bytes"
#: A link, or its form in the data model ``{"Hash": CID, "Name": str, "Tsize": int}``.
LinkLike: TypeAlias = "PBLink | Mapping[str, Any]"


@dataclass(frozen=True, slots=True)
class ObjectStat:
    """Sizes of a dag-pb node, in bytes.

    Attributes
    ----------
    hash : CID
        Of the node, version 1.
    num_links : int
    block_size : int
        Of the whole block.
    links_size : int
        Of the block without its data.
    data_size : int
    cumulative_size : int
        Of the block and of everything that its links say they lead to.
    """

    hash: CID
    num_links: int
    block_size: int
    links_size: int
    data_size: int
    cumulative_size: int


class ObjectPatchAPI(Protocol):
    """Changed copies of dag-pb nodes."""

    async def add_link(
        self, cid: CIDLike, link: LinkLike, *, offline: bool = False, timeout: float | None = None
    ) -> CID:
        """Return the CID of the node with one link more."""

    async def rm_link(
        self, cid: CIDLike, link: LinkLike | str, *, offline: bool = False, timeout: float | None = None
    ) -> CID:
        """Return the CID of the node without the links of that name."""

    async def append_data(
        self, cid: CIDLike, data: Bytes, *, offline: bool = False, timeout: float | None = None
    ) -> CID:
        """Return the CID of the node with more data at its end."""

    async def set_data(self, cid: CIDLike, data: Bytes, *, offline: bool = False, timeout: float | None = None) -> CID:
        """Return the CID of the node with other data."""


class ObjectAPI(Protocol):
    """Nodes of dag-pb."""

    @property
    def patch(self) -> ObjectPatchAPI:
        """Changed copies of nodes."""

    async def new(self, template: str | None = None, *, timeout: float | None = None) -> CID:
        """Store an empty node, or with the template ``"unixfs-dir"`` an empty directory."""

    async def put(
        self, node: NodeLike, *, pin: bool = False, offline: bool = False, timeout: float | None = None
    ) -> CID:
        """Store a node."""

    async def get(self, cid: CIDLike, *, offline: bool = False, timeout: float | None = None) -> PBNode:
        """Return a node."""

    async def data(self, cid: CIDLike, *, offline: bool = False, timeout: float | None = None) -> bytes:
        """Return the data of a node."""

    async def links(self, cid: CIDLike, *, offline: bool = False, timeout: float | None = None) -> list[PBLink]:
        """Return the links of a node of any codec."""

    async def stat(self, cid: CIDLike, *, offline: bool = False, timeout: float | None = None) -> ObjectStat:
        """Return the sizes of a node."""
