"""``name``: what a key's name stands for, published and resolved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import timedelta

    from ipfs_comm.node.api.core import CIDLike
    from ipfs_comm.node.stream import Stream


@dataclass(frozen=True, slots=True)
class NamePublishResult:
    """A name (``k51…``) and the path that it stands for now."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class NamePubsubState:
    """Whether names are also published and followed by pubsub."""

    enabled: bool


@dataclass(frozen=True, slots=True)
class NamePubsubCancelResult:
    """Whether there was something to end."""

    canceled: bool


class NamePubsubAPI(Protocol):
    """IPNS names that are followed by pubsub."""

    async def cancel(self, name: str, *, timeout: float | None = None) -> NamePubsubCancelResult:
        """Follow a name no more."""

    async def state(self, *, timeout: float | None = None) -> NamePubsubState:
        """Return whether names are followed by pubsub."""

    async def subs(self, *, timeout: float | None = None) -> list[str]:
        """Return the names that are followed."""


class NameAPI(Protocol):
    """IPNS names, and names of domains (DNSLink)."""

    @property
    def pubsub(self) -> NamePubsubAPI:
        """Names that are followed by pubsub."""

    async def publish(
        self,
        value: CIDLike,
        *,
        resolve: bool = True,
        lifetime: str | float | timedelta = "48h",
        ttl: str | float | timedelta | None = None,
        key: str = "self",
        allow_offline: bool = True,
        sequence: int | None = None,
        v1compat: bool = True,
        offline: bool = False,
        timeout: float | None = None,
    ) -> NamePublishResult:
        """Sign that the name of ``key`` stands for ``value`` for a ``lifetime`` such as ``"1h30m"``."""

    def resolve(
        self,
        name: CIDLike | None = None,
        *,
        recursive: bool = True,
        nocache: bool = False,
        offline: bool = False,
        timeout: float | None = None,
    ) -> Stream[str, str]:
        """Stream the paths that a name (this node's where not given) stands for, the best last; await that one."""

    async def get(self, name: str, *, offline: bool = False, timeout: float | None = None) -> bytes:
        """Return the record that a key's name has now, signed: for keeping, or to be `put` elsewhere."""

    async def put(
        self,
        name: str,
        record: bytes,
        *,
        allow_offline: bool = True,
        offline: bool = False,
        timeout: float | None = None,
    ) -> NamePublishResult:
        """Publish a record that was signed elsewhere, if it is later than the one that there is."""
