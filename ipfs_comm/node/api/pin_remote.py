"""The namespace ``pin.remote``: pins at services that speak the IPFS Pinning Service API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ipfs_comm.ipld import CID
    from ipfs_comm.node.api.core import CIDLike
    from ipfs_comm.node.stream import Stream


@dataclass(frozen=True, slots=True)
class RemotePin:
    """One pin at a service; ``status`` is ``queued``, ``pinning``, ``pinned`` or ``failed``."""

    status: str
    cid: CID
    name: str


@dataclass(frozen=True, slots=True)
class RemotePinCount:
    """How many pins a service has of each status."""

    queued: int
    pinning: int
    pinned: int
    failed: int


@dataclass(frozen=True, slots=True)
class RemotePinStat:
    """Whether a service answers (``valid`` or ``invalid``), and if so how many pins it has."""

    status: str
    pin_count: RemotePinCount | None = None


@dataclass(frozen=True, slots=True)
class RemotePinService:
    """A service that is known here; its key is told to nobody. ``stat`` where it was asked for."""

    service: str
    endpoint: str
    stat: RemotePinStat | None = None


class PinRemoteServiceAPI(Protocol):
    """The pinning services that are known here."""

    async def add(self, name: str, endpoint: str, key: str, *, timeout: float | None = None) -> None:
        """Remember a service: its address, and the access token that it gave."""

    async def ls(self, *, stat: bool = False, timeout: float | None = None) -> list[RemotePinService]:
        """Return the services; with ``stat`` each is asked how many pins it has."""

    async def rm(self, name: str, *, timeout: float | None = None) -> None:
        """Forget a service and its key; one that is not known is no error."""


class PinRemoteAPI(Protocol):
    """Pins at remote services; ``service`` names one, as ``pin.remote.service.add`` knows it."""

    @property
    def service(self) -> PinRemoteServiceAPI:
        """The services that are known here."""

    async def add(
        self,
        cid: CIDLike,
        *,
        service: str | None = None,
        name: str | None = None,
        origins: Iterable[str] | None = None,
        background: bool = False,
        offline: bool = False,
        timeout: float | None = None,
    ) -> RemotePin:
        """Ask a service to keep a DAG, and wait until it does, unless in the ``background``.

        The service fetches the DAG from whoever has it; ``origins`` are multiaddresses of such peers.
        """

    def ls(
        self,
        *,
        service: str | None = None,
        cid: CIDLike | Iterable[CIDLike] | None = None,
        name: str | None = None,
        status: str | Iterable[str] | None = None,
        timeout: float | None = None,
    ) -> Stream[RemotePin, list[RemotePin]]:
        """List the pins of a service: of these CIDs, of this name, of these statuses (``pinned`` if not given)."""

    async def rm(
        self,
        *,
        service: str | None = None,
        cid: CIDLike | Iterable[CIDLike] | None = None,
        name: str | None = None,
        status: str | Iterable[str] | None = None,
        timeout: float | None = None,
    ) -> None:
        """Remove the one pin that `ls` would list; none is no error, several are one."""

    async def rm_all(
        self,
        *,
        service: str | None = None,
        cid: CIDLike | Iterable[CIDLike] | None = None,
        name: str | None = None,
        status: str | Iterable[str] | None = None,
        timeout: float | None = None,
    ) -> None:
        """Remove all pins that `ls` would list."""
