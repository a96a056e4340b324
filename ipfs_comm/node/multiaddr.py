"""Multiaddresses of peers, checked."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Final

from ipfs_comm.errors import InvalidInputError, InvalidNameError
from ipfs_comm.ipns import Name

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["peer_address"]

_MAX_TEXT: Final = 1024
_HOST: Final = re.compile(r"[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*\.?", re.ASCII)


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 5 and int(text) < 1 << 16


def _is_ip(version: int) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        try:
            return ipaddress.ip_address(text).version == version
        except ValueError:
            return False

    return check


def _is_peer(text: str) -> bool:
    try:
        Name.parse(text)
    except InvalidNameError:
        return False
    return True


def _is_host(text: str) -> bool:
    return _HOST.fullmatch(text) is not None


#: How the value of a protocol is checked; None for protocols without one (those of multiaddr's table that dial).
_PROTOCOLS: Final[dict[str, Callable[[str], bool] | None]] = {
    "ip4": _is_ip(4),
    "ip6": _is_ip(6),
    "ip6zone": _is_host,
    "dns": _is_host,
    "dns4": _is_host,
    "dns6": _is_host,
    "dnsaddr": _is_host,
    "sni": _is_host,
    "tcp": _is_port,
    "udp": _is_port,
    "p2p": _is_peer,
    "ipfs": _is_peer,
    "onion3": lambda text: re.fullmatch(r"[a-z2-7]{56}:\d{1,5}", text, re.ASCII) is not None,
    "certhash": lambda text: text[:1] == "u" and text.isascii(),
    **dict.fromkeys(
        ("http", "https", "noise", "p2p-circuit", "quic", "quic-v1", "tls", "webrtc", "webrtc-direct", "webtransport")
    ),
    **dict.fromkeys(("ws", "wss")),
}


def peer_address(addr: str) -> str:
    """Return a peer's multiaddress as it is written now (``/p2p/`` for the older ``/ipfs/``).

    Raises
    ------
    InvalidInputError
        It is none, or does not end with a peer's ID.
    """
    if not isinstance(addr, str) or not addr.startswith("/") or len(addr) > _MAX_TEXT:
        raise _refusal(addr, "it does not begin with a slash, or is too long")
    parts = iter(addr[1:].removesuffix("/").split("/"))
    written: list[str] = []
    last = ""
    for last in parts:
        if last not in _PROTOCOLS:
            raise _refusal(addr, f"there is no protocol {last!r:.40}")
        check = _PROTOCOLS[last]
        written.append("p2p" if last == "ipfs" else last)
        if check is not None:
            value = next(parts, "")
            if not check(value):
                raise _refusal(addr, f"{value!r:.80} is no value of {last}")
            written.append(value)
    if last not in ("p2p", "ipfs"):
        raise _refusal(addr, "it does not end with the peer's ID (/p2p/12D3KooW…)")
    return "/" + "/".join(written)


def _refusal(addr: object, why: str) -> InvalidInputError:
    return InvalidInputError(f"{addr!r:.120} is no address of a peer: {why}", code="ERR_INVALID_MULTIADDR")
