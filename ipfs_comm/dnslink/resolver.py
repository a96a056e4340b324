"""The path that a domain stands for: who is asked about it, what is kept of the answers, and for how long."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING, Final, NamedTuple

from ipfs_comm.dnslink.lookup import HTTPSLookup, SystemLookup
from ipfs_comm.dnslink.names import PREFIX, links_of, spelled
from ipfs_comm.errors import InvalidInputError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ipfs_comm.dnslink.lookup import Lookup

__all__ = ["LOOKUP_TIME", "DNSLink", "Link"]

#: Seconds for one question.
LOOKUP_TIME: Final = 5.0
#: Answers that are kept, and for how many seconds at most.
MAX_KEPT: Final = 1024
MAX_TTL: Final = 3600.0
#: Servers that may be configured, each for a part of the names.
MAX_SERVERS: Final = 64


class Link(NamedTuple):
    """What a domain stands for.

    Attributes
    ----------
    path : str
        ``/ipfs/…`` or ``/ipns/…``.
    expires : float
        Until when it may be believed without asking, in the loop's time.
    """

    path: str
    expires: float


class DNSLink:
    """Resolves domains, one step each.

    Parameters
    ----------
    system : Lookup, optional
        Who is asked where no server is configured; the system's resolver where not given.
    """

    def __init__(self, system: Lookup | None = None) -> None:
        self._system: Lookup = SystemLookup() if system is None else system
        self._servers: dict[str, HTTPSLookup] = {}
        self._kept: OrderedDict[tuple[str, str], Link] = OrderedDict()

    async def resolve(
        self,
        domain: str,
        *,
        servers: Mapping[str, str] | None = None,
        max_ttl: float = MAX_TTL,
        nocache: bool = False,
    ) -> str:
        """Return the path that a domain stands for, which may begin at another name.

        The one content path among the TXT records of ``_dnslink.<domain>`` counts, as in Kubo.

        Parameters
        ----------
        domain : str
        servers : mapping of str to str, optional
            Addresses of servers for DNS over HTTPS by the end of the names that they are asked about, as Kubo's
            setting ``DNS.Resolvers``: ``{"eth.": "https://…", ".": "https://…"}``; the longest that fits counts.
            The system's resolver is asked for all others.
        max_ttl : float
            Seconds for which an answer is kept at most.
        nocache : bool
            Ask even if an answer is kept.

        Raises
        ------
        InvalidNameError
            It is no domain.
        InvalidInputError
            The servers cannot be meant.
        NotFoundError
            It has no such record, more than one, or nobody answered.
        """
        name = spelled(domain)
        server = _server_of(name, servers or {})
        now = asyncio.get_running_loop().time()
        kept = self._kept.get((name, server))
        if kept is not None and now < kept.expires and not nocache:
            return kept.path
        lookup = await self._lookup(server)
        asked = f"{PREFIX}{name.removeprefix(PREFIX)}"
        records = await lookup.txt(asked, seconds=LOOKUP_TIME)
        paths = links_of(records.texts)
        if len(paths) == 1:
            self._keep((name, server), Link(paths[0], now + min(max(records.ttl, 0.0), max_ttl, MAX_TTL)))
            return paths[0]
        why = (
            f'"{name}" has more than one content path among the TXT records of {asked}: its owner has to remove some'
            if paths
            else f'"{name}" is missing a DNSLink record: it needs a TXT record dnslink=/ipfs/<cid> at {asked}'
        )
        raise NotFoundError(f"could not resolve name: {why}", detail={"name": name})

    def _keep(self, key: tuple[str, str], link: Link) -> None:
        self._kept.pop(key, None)
        self._kept[key] = link
        if len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)

    async def _lookup(self, server: str) -> Lookup:
        if not server:
            return self._system
        if server not in self._servers:
            if len(self._servers) == MAX_SERVERS:
                await self._servers.pop(next(iter(self._servers))).close()
            self._servers[server] = HTTPSLookup(server)
        return self._servers[server]

    async def close(self) -> None:
        """Give back connections."""
        self._kept.clear()
        servers, self._servers = self._servers, {}
        for server in servers.values():
            await server.close()
        await self._system.close()


def _server_of(name: str, servers: Mapping[str, str]) -> str:
    """Return the address of the server for a name; empty for the system's resolver.

    Raises
    ------
    InvalidInputError
        The servers are no mapping of ends of names to addresses.
    """
    if not hasattr(servers, "items") or len(servers) > MAX_SERVERS:
        raise InvalidInputError(f"DNS.Resolvers is an object of at most {MAX_SERVERS} addresses by the end of names")
    best, length = "", -1
    for end, url in servers.items():
        suffix = end.strip(".").lower()
        if (
            isinstance(url, str)
            and (not suffix or name == suffix or name.endswith(f".{suffix}"))
            and len(suffix) > length
        ):
            best, length = url, len(suffix)
    return "" if best in ("", "auto") else best
