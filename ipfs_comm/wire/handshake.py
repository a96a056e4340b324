"""What two ends say to each other before a link is open, as plain state. `docs/protocol.md`, section 2."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from ipfs_comm._version import __version__
from ipfs_comm.errors import LinkError, ProtocolError, VersionError
from ipfs_comm.wire.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

__all__ = [
    "AGENT",
    "VERSIONS",
    "Offer",
    "accept_offer",
    "check_welcome",
    "read_hello",
    "refusal_error",
    "refuse",
]

VERSIONS: Final = (1,)
AGENT: Final = f"ipfs-comm/{__version__}"
MAX_WINDOW: Final = 2**32 - 1

_LINK_NAME: Final = re.compile(r"[A-Za-z0-9_-]{22}")
_MAX_TEXT: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What an opener asks for."""

    service: str
    params: Mapping[str, Any] = field(default_factory=dict)
    carriers: tuple[str, ...] = ()
    link: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    versions: tuple[int, ...] = VERSIONS
    agent: str = AGENT
    window: int = Limits().window
    #: Whether the link is there already and only needs a carrier.
    resume: bool = False

    def info(self) -> dict[str, Any]:
        """Return the body of HELLO."""
        info: dict[str, Any] = {
            "versions": list(self.versions),
            "link": self.link,
            "carriers": list(self.carriers),
            "service": self.service,
            "params": dict(self.params),
            "agent": self.agent,
            "window": self.window,
        }
        return {**info, "resume": True} if self.resume else info


def read_hello(info: Mapping[str, Any]) -> Offer:
    """Parse the body of HELLO.

    Raises
    ------
    ProtocolError
        A member is missing or of the wrong type.
    """
    versions = _list_of(info, "versions", int)
    carriers = _list_of(info, "carriers", str)
    link, service, params = info.get("link"), info.get("service"), info.get("params", {})
    resume = info.get("resume", False)
    if not isinstance(link, str) or not _LINK_NAME.fullmatch(link):
        raise ProtocolError("HELLO names no link of 22 url-safe base64 characters")
    if not isinstance(service, str) or not isinstance(params, dict):
        raise ProtocolError("HELLO names no service, or its params are no object")
    if not isinstance(resume, bool):
        raise ProtocolError("the member resume of HELLO is neither true nor false")
    return Offer(
        service=service,
        params=params,
        carriers=tuple(carriers),
        link=link,
        versions=tuple(versions),
        agent=str(info.get("agent", ""))[:_MAX_TEXT],
        window=_window(info),
        resume=resume,
    )


def _list_of(info: Mapping[str, Any], name: str, kind: type) -> list[Any]:
    items = info.get(name)
    if not isinstance(items, list) or len(items) > _MAX_TEXT or not all(type(item) is kind for item in items):
        raise ProtocolError(f"the member {name} of HELLO is missing or of the wrong type")
    return items


def _window(info: Mapping[str, Any]) -> int:
    window = info.get("window")
    if type(window) is not int or not 0 <= window <= MAX_WINDOW:
        raise ProtocolError("the member window is missing or out of range")
    return window


def accept_offer(offer: Offer, carrier: str, services: Collection[str], window: int) -> dict[str, Any]:
    """Return the body of WELCOME, which grants `window` bytes.

    Raises
    ------
    VersionError
        No version in common; the message says which side to upgrade, and how.
    LinkError
        No such service (``ERR_SERVICE``).
    """
    common = set(offer.versions) & set(VERSIONS)
    if not common:
        raise VersionError(_version_advice(offer))
    if offer.service not in services:
        known = ", ".join(sorted(services)) or "none"
        raise LinkError(
            f"there is no service {offer.service[:_MAX_TEXT]!r} here; there are: {known}", code="ERR_SERVICE"
        )
    return {"version": max(common), "link": offer.link, "carrier": carrier, "agent": AGENT, "window": window}


def _version_advice(offer: Offer) -> str:
    ours, theirs = _and(VERSIONS), _and(offer.versions)
    if not offer.versions or max(offer.versions) < min(VERSIONS):
        remedy = "the page is older: run `pip install --upgrade ipfs-comm` where JupyterLab runs, then reload the page"
    else:
        remedy = "the kernel is older: run `%pip install --upgrade ipfs-comm` in the notebook, then restart the kernel"
    page = offer.agent or "unknown program"
    return f"the kernel's {AGENT} speaks version {ours} of the wire, the page's {page} speaks {theirs}; {remedy}"


def _and(versions: Collection[int]) -> str:
    return " and ".join(map(str, sorted(versions))) or "none"


def refuse(error: LinkError) -> dict[str, Any]:
    """Return the body of REFUSE."""
    return {"code": error.code, "message": str(error), "versions": list(VERSIONS)}


def refusal_error(info: Mapping[str, Any]) -> LinkError:
    """Return the error that a REFUSE means."""
    code, message = info.get("code"), info.get("message")
    if not isinstance(code, str) or not isinstance(message, str):
        return ProtocolError("REFUSE has no code or no message")
    kind = {"ERR_VERSION": VersionError, "ERR_PROTOCOL": ProtocolError}.get(code, LinkError)
    return kind(message, code=code)


def check_welcome(info: Mapping[str, Any], offer: Offer) -> int:
    """Return the window that a WELCOME grants.

    Raises
    ------
    ProtocolError
        It answers another offer, or a member is wrong.
    """
    if info.get("link") != offer.link or info.get("version") not in offer.versions:
        raise ProtocolError("WELCOME answers something that was not offered")
    return _window(info)
