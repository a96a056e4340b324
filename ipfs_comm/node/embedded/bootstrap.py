"""``bootstrap``: add, list, rm, reset, clear; a list only, since this node dials nobody."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Any, Final

from ipfs_comm.errors import InvalidInputError, InvalidNameError, LimitError
from ipfs_comm.ipns import Name
from ipfs_comm.node.api import BootstrapResult
from ipfs_comm.node.embedded.settings import BOOTSTRAP
from ipfs_comm.node.stream import deadline

if TYPE_CHECKING:
    from collections.abc import Callable

    from ipfs_comm.node.embedded.context import Context

#: Most peers in the list.
MAX_PEERS: Final = 1000
_MAX_TEXT: Final = 1024
_HOST: Final = re.compile(r"[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*\.?", re.ASCII)


class Bootstrap:
    """The peers that a node on the network would begin with: the setting ``Bootstrap``."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def add(self, addr: str, *, timeout: float | None = None) -> BootstrapResult:
        """Add a peer; one that is there already stays once.

        Parameters
        ----------
        addr : str
            A multiaddress that ends with the peer's ID: ``/ip4/…/tcp/4001/p2p/12D3KooW…``.
        timeout : float, optional
            Seconds.

        Raises
        ------
        InvalidInputError
            For text that is no such address.
        LimitError
            The list is full.
        """
        added = check_address(addr)

        def change(peers: list[str]) -> list[str]:
            if len(peers) >= MAX_PEERS:
                raise LimitError(f"the list of peers has {len(peers)} already: remove some with bootstrap.rm")
            return peers if added in peers else [*peers, added]

        async with deadline(timeout, "bootstrap.add"):
            await self._change(change)
        return BootstrapResult((added,))

    async def list(self, *, timeout: float | None = None) -> BootstrapResult:
        """Return all peers."""
        async with deadline(timeout, "bootstrap.list"):
            return BootstrapResult(tuple(_peers(await self._context.settings.read())))

    async def rm(self, addr: str, *, timeout: float | None = None) -> BootstrapResult:
        """Remove a peer; the result is empty where it was not in the list.

        Raises
        ------
        InvalidInputError
            For text that is no address of a peer.
        """
        wanted = check_address(addr)
        async with deadline(timeout, "bootstrap.rm"):
            before = await self._change(lambda peers: [peer for peer in peers if peer != wanted])
        return BootstrapResult((wanted,) if wanted in before else ())

    async def reset(self, *, timeout: float | None = None) -> BootstrapResult:
        """Put the default peers in the place of the list, and return them."""
        async with deadline(timeout, "bootstrap.reset"):
            await self._change(lambda _peers: [*BOOTSTRAP])
        return BootstrapResult(BOOTSTRAP)

    async def clear(self, *, timeout: float | None = None) -> BootstrapResult:
        """Empty the list, and return what was in it."""
        async with deadline(timeout, "bootstrap.clear"):
            return BootstrapResult(tuple(await self._change(lambda _peers: [])))

    async def _change(self, change: Callable[[Any], Any]) -> Any:
        before: Any = []

        def changed(config: dict[str, Any]) -> dict[str, Any]:
            before.extend(_peers(config))
            return {**config, "Bootstrap": change([*before])}

        await self._context.settings.change(changed)
        return before


def _peers(config: dict[str, Any]) -> Any:
    peers = config.get("Bootstrap")
    return [peer for peer in peers if isinstance(peer, str)] if isinstance(peers, list) else []


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


def check_address(addr: str) -> str:
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
