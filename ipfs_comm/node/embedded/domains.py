"""The names of domains, which DNS knows: asked as the node's configuration says, unless the node is offline."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ipfs_comm.dnslink import DNSLink
from ipfs_comm.dnslink.resolver import MAX_TTL
from ipfs_comm.errors import InvalidInputError, NotFoundError, NotSupportedError
from ipfs_comm.node.duration import duration

if TYPE_CHECKING:
    from ipfs_comm.node.embedded.settings import Settings


class Domains:
    """What the domains of the world stand for, as far as this node may ask.

    Parameters
    ----------
    settings : Settings
        ``DNS.Resolvers``: addresses of servers for DNS over HTTPS by the end of names; ``DNS.MaxCacheTTL``: for how
        long answers are kept at most, such as ``"5m"``. As in Kubo.
    offline : bool
        Ask nobody.
    dnslink : DNSLink, optional
        Who resolves; one of its own where not given.
    """

    def __init__(self, settings: Settings, *, offline: bool = False, dnslink: DNSLink | None = None) -> None:
        self._settings = settings
        self._offline = offline
        self._pid = os.getpid()
        self._dnslink = DNSLink() if dnslink is None else dnslink

    async def resolve(self, domain: str, *, offline: bool = False, nocache: bool = False) -> str:
        """Return the path that a domain stands for, one step.

        Raises
        ------
        NotFoundError
            It has no such record, nobody answered, or nobody may be asked.
        InvalidNameError
            It is no domain.
        InvalidInputError
            The configuration cannot be meant.
        NotSupportedError
            This process was forked from that of the node.
        """
        if offline or self._offline:
            why = "this call is offline" if offline else "this node is offline"
            raise NotFoundError(
                f"could not resolve name: {domain} is a domain's name, which only DNS knows, and {why}",
                detail={"name": domain},
            )
        if os.getpid() != self._pid:
            raise NotSupportedError(
                f"this node's connections are those of process {self._pid}, from which this one ({os.getpid()}) was "
                f"forked: open a node of its own here, and ask that for {domain}",
                detail={"name": domain},
            )
        servers, max_ttl = _chosen(await self._settings.read())
        return await self._dnslink.resolve(domain, servers=servers, max_ttl=max_ttl, nocache=nocache)

    async def close(self) -> None:
        """Give back connections."""
        await self._dnslink.close()


def _chosen(config: dict[str, Any]) -> tuple[dict[str, str], float]:
    settings = config.get("DNS")
    if not isinstance(settings, dict):
        return {}, MAX_TTL
    servers = settings.get("Resolvers")
    longest = settings.get("MaxCacheTTL")
    if servers is not None and not isinstance(servers, dict):
        raise InvalidInputError("the setting DNS.Resolvers is no object of addresses by the end of names")
    return servers or {}, MAX_TTL if longest is None else duration("DNS.MaxCacheTTL", longest).total_seconds()
