"""Names of hosts become addresses once, and none of them in a network that a stranger must not reach through here.

Imported with aiohttp, on first use.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Final
from urllib.request import getproxies

from aiohttp.abc import AbstractResolver
from aiohttp.resolver import DefaultResolver

from ipfs_comm.exchange._request import RefusedError
from ipfs_comm.exchange.addresses import host_of, is_public, names_private

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aiohttp.abc import ResolveResult

__all__ = ["Guard"]

#: Seconds for which a gateway whose name leads into a private network is left alone.
_REST: Final = 60.0


class Guard(AbstractResolver):
    """A resolver that drops every address which is not public; the connection goes to the addresses that it gives.

    Parameters
    ----------
    gateways : iterable of str
        Those that are private by their own text (``http://localhost:8080``) may be where they are.
    inner : aiohttp.abc.AbstractResolver, optional
        Who asks the name servers.
    """

    def __init__(self, gateways: Iterable[str], inner: AbstractResolver | None = None) -> None:
        self._inner = inner or DefaultResolver()
        # Whoever set up a proxy has said so himself, and the proxy is asked for names, not for addresses.
        self._proxies = {host_of(proxy) for proxy in getproxies().values()}
        self._private = {host for host in map(host_of, gateways) if names_private(host)}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the public addresses of `host`, or all of them where it may be anywhere.

        Raises
        ------
        RefusedError
            If it has none that is public.
        OSError
            If the name cannot be resolved.
        """
        name = host.rstrip(".").lower()
        if name.endswith(".localhost"):
            # This machine too (RFC 6761), as not every resolver knows; a gateway there redirects to such names.
            name = host = "localhost"
        found = await self._inner.resolve(host, port, family)
        if name in self._proxies or any(f".{name}".endswith(f".{above}") for above in self._private):
            return found
        public = [one for one in found if is_public(one["host"])]
        if found and not public:
            raise RefusedError(
                f"{host[:80]} resolves to {found[0]['host']}, which is in no public network: if a private gateway "
                "is meant, list it by that address",
                after=_REST,
            )
        return public

    async def close(self) -> None:
        """Give back what the inner resolver holds."""
        await self._inner.close()
