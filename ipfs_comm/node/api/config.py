"""``config`` and ``bootstrap``: what is kept for a node to be told how to behave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

#: What JSON can hold.
JSON: TypeAlias = Any


@dataclass(frozen=True, slots=True)
class ConfigProfile:
    """A set of settings under one name."""

    name: str
    description: str


@dataclass(frozen=True, slots=True)
class ConfigProfileResult:
    """The whole configuration before a profile, and after it."""

    original: dict[str, JSON]
    updated: dict[str, JSON]


@dataclass(frozen=True, slots=True)
class BootstrapResult:
    """The peers that were added, removed or listed, as multiaddresses."""

    peers: tuple[str, ...]


class ConfigProfilesAPI(Protocol):
    """Sets of settings."""

    async def list(self, *, timeout: float | None = None) -> list[ConfigProfile]:
        """Return the profiles that there are."""

    async def apply(self, name: str, *, dry_run: bool = False, timeout: float | None = None) -> ConfigProfileResult:
        """Change the configuration as a profile says; with ``dry_run`` only tell how."""


class ConfigAPI(Protocol):
    """A JSON object by dotted keys."""

    @property
    def profiles(self) -> ConfigProfilesAPI:
        """Sets of settings."""

    async def get(self, key: str, *, timeout: float | None = None) -> JSON:
        """Return the value at a key such as ``"Addresses.Swarm"``."""

    async def get_all(self, *, timeout: float | None = None) -> dict[str, JSON]:
        """Return the whole configuration."""

    async def set(self, key: str, value: JSON, *, timeout: float | None = None) -> None:
        """Change or add the value at a key."""

    async def replace(self, config: dict[str, JSON], *, timeout: float | None = None) -> None:
        """Put another configuration in the place of this one."""


class BootstrapAPI(Protocol):
    """The list of peers that a node on the network would begin with."""

    async def add(self, addr: str, *, timeout: float | None = None) -> BootstrapResult:
        """Add a peer; one that is there already stays once."""

    async def list(self, *, timeout: float | None = None) -> BootstrapResult:
        """Return all peers."""

    async def rm(self, addr: str, *, timeout: float | None = None) -> BootstrapResult:
        """Remove a peer."""

    async def reset(self, *, timeout: float | None = None) -> BootstrapResult:
        """Put the default peers in the place of the list, and return them."""

    async def clear(self, *, timeout: float | None = None) -> BootstrapResult:
        """Empty the list, and return what was in it."""
