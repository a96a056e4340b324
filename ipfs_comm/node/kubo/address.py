"""Where a daemon's RPC API is, and with what one is let in."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote, urlsplit

from ipfs_comm._shown import shown
from ipfs_comm.errors import InvalidInputError

__all__ = ["Address", "Credentials"]

#: Most characters of an address, and of what lets one in.
_MOST: Final = 4096
_PORT: Final = 5001
_HOST: Final = re.compile(r"[A-Za-z0-9_.\-]{1,253}|[0-9a-fA-F:.]{2,45}")
_SCHEMES: Final = ("basic", "bearer")
_FORMS: Final = (
    "give http://127.0.0.1:5001, https://host, /ip4/127.0.0.1/tcp/5001, /dns/host/tcp/443/https or /unix/path/to/socket"
)


def _refused(text: object, why: str) -> InvalidInputError:
    if isinstance(text, str):
        text = _without_secrets(text)
    return InvalidInputError(f"{shown(text)} is no address of a Kubo daemon's RPC API ({why}): {_FORMS}")


def _without_secrets(text: str) -> str:
    """Return what is no address as it may be told: a password can have any character, in what was mistyped too."""
    before, at, behind = text.rpartition("@")
    if at:
        scheme, colon, _ = before.partition("://")
        return f"{scheme if colon else ''}{colon}…@{behind}"
    scheme, colon, _ = text.strip().lower().partition(":")
    return f"{scheme}:…" if colon and scheme in _SCHEMES else text


@dataclass(frozen=True, slots=True)
class Credentials:
    """What goes into the Authorization header; it is never shown.

    Attributes
    ----------
    scheme : {"basic", "bearer"}
    secret : str
        ``user:password``, or the token.
    """

    scheme: str
    secret: str = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> Credentials:
        """Read ``basic:user:password`` or ``bearer:token``, as in Kubo's ``API.Authorizations``.

        Raises
        ------
        InvalidInputError
            It is neither; the text is not repeated.
        """
        scheme, colon, secret = text.partition(":") if isinstance(text, str) else ("", "", "")
        scheme = scheme.strip().lower()
        if not colon or scheme not in _SCHEMES or not secret or len(secret) > _MOST:
            raise InvalidInputError(
                "these are no credentials for a Kubo daemon: give basic:user:password or bearer:token, as its "
                "configuration has them in API.Authorizations"
            )
        if not secret.isprintable() or (scheme == "basic" and ":" not in secret):
            raise InvalidInputError(
                f"the secret of {scheme} credentials has "
                + ("no colon between user and password" if secret.isprintable() else "a character that no header may")
            )
        return cls(scheme, secret)

    @property
    def header(self) -> str:
        """The value of the Authorization header."""
        if self.scheme == "bearer":
            return f"Bearer {self.secret}"
        return f"Basic {base64.b64encode(self.secret.encode()).decode('ascii')}"


@dataclass(frozen=True, slots=True)
class Address:
    """One RPC endpoint.

    Attributes
    ----------
    host : str
        Name or IP address; empty for a socket.
    port : int
    secure : bool
        Speak TLS.
    socket : str
        Path of a Unix socket; empty for TCP.
    """

    host: str = ""
    port: int = _PORT
    secure: bool = False
    socket: str = ""

    @classmethod
    def parse(cls, text: str) -> tuple[Address, Credentials | None]:
        """Read a URL or a multiaddr; a URL may hold ``user:password@``.

        Raises
        ------
        InvalidInputError
            It is neither, or names something else than an RPC API.
        """
        text = text.strip() if isinstance(text, str) else text
        if not isinstance(text, str) or not text or len(text) > _MOST or not text.isprintable():
            raise _refused(text, "an address is text")
        return (cls._multiaddr(text), None) if text.startswith("/") else cls._url(text)

    @classmethod
    def _url(cls, text: str) -> tuple[Address, Credentials | None]:
        try:
            parts = urlsplit(text if "://" in text else f"http://{text}")
            host, port = parts.hostname or "", parts.port
        except ValueError as error:
            raise _refused(text, "its host or port is none") from error
        if parts.scheme not in ("http", "https"):
            raise _refused(text, f"its scheme is {shown(parts.scheme)}")
        if not _HOST.fullmatch(host):
            raise _refused(text, "it has no host")
        if parts.path.rstrip("/") not in ("", "/api/v0") or parts.query or parts.fragment:
            raise _refused(text, "what follows host and port can only be /api/v0")
        secure = parts.scheme == "https"
        credentials = None
        if parts.username is not None:
            credentials = Credentials.parse(f"basic:{unquote(parts.username)}:{unquote(parts.password or '')}")
        return cls(host, port if port is not None else 443 if secure else _PORT, secure), credentials

    @classmethod
    def _multiaddr(cls, text: str) -> Address:
        if text.startswith("/unix/"):
            return cls(port=0, socket=text.removeprefix("/unix"))
        host, port, secure = "", None, False
        parts = text.rstrip("/").split("/")[1:]
        while parts:
            protocol = parts.pop(0)
            if protocol in ("https", "tls"):
                secure = True
            elif protocol == "http":
                continue
            elif protocol in ("ip4", "ip6", "dns", "dns4", "dns6", "tcp") and parts:
                value = parts.pop(0)
                if protocol == "tcp":
                    port = int(value) if re.fullmatch(r"[0-9]{1,5}", value) else -1
                else:
                    host = value
            else:
                raise _refused(text, f"{shown(protocol)} is no part of one")
        if not _HOST.fullmatch(host):
            raise _refused(text, "it has no host")
        if port is None or not 0 < port < 65536:
            raise _refused(text, "it has no port")
        return cls(host, port, secure)

    @property
    def url(self) -> str:
        """The URL below which the RPC's commands are."""
        if self.socket:
            return "http://localhost/api/v0/"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.secure else 'http'}://{host}:{self.port}/api/v0/"

    def __str__(self) -> str:
        if self.socket:
            return f"/unix{self.socket}"
        return self.url.removesuffix("/api/v0/")
