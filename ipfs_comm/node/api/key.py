"""``key``: the node's keys, which are what names are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class KeyResult:
    """A key: its name here, and its ID, which is the IPNS name that it decides upon (``k51…``)."""

    name: str
    id: str


@dataclass(frozen=True, slots=True)
class KeyRenameResult:
    """A key that has another name now; ``overwrite`` tells whether it took the place of another."""

    id: str
    was: str
    now: str
    overwrite: bool


class KeyAPI(Protocol):
    """Keys by name; ``self`` is the node's own, made when it is first needed."""

    async def gen(
        self, name: str, *, type: str = "ed25519", size: int = 2048, timeout: float | None = None
    ) -> KeyResult:
        """Make a key of ``type`` ed25519, rsa (of ``size`` bits), secp256k1 or ecdsa."""

    async def list(self, *, timeout: float | None = None) -> list[KeyResult]:
        """Return all keys, ``self`` first."""

    async def info(self, name: str, *, timeout: float | None = None) -> KeyResult:
        """Return one key, by its name or its ID."""

    async def rm(self, name: str, *, timeout: float | None = None) -> KeyResult:
        """Forget a key for good; what it published can be published by nobody then."""

    async def rename(
        self, old_name: str, new_name: str, *, force: bool = False, timeout: float | None = None
    ) -> KeyRenameResult:
        """Give a key another name; with ``force`` even that of another key, which is lost then."""

    async def export(
        self, name: str, password: str | None = None, *, format: str | None = None, timeout: float | None = None
    ) -> str | bytes:
        """Return a private key as ``format`` pem-pkcs8 (default for RSA), libp2p-key (for others), or one in clear."""

    async def import_(
        self, name: str, data: str | bytes, password: str | None = None, *, timeout: float | None = None
    ) -> KeyResult:
        """Add a key that was exported in any of the formats, here, by js-ipfs or by Kubo."""

    async def sign(self, data: bytes, *, key: str = "self", timeout: float | None = None) -> bytes:
        """Return the signature of ``libp2p-key signed message:`` and data, by a key of this name or ID."""

    async def verify(self, data: bytes, signature: bytes, *, key: str = "self", timeout: float | None = None) -> bool:
        """Return whether `sign` made a signature, by a key of this name or ID, which can be anybody's."""
