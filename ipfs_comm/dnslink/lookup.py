"""Who is asked for TXT records: the system's resolver, or a server by DNS queries over HTTPS.

Specifications: RFC 1035; RFC 8484, "DNS Queries over HTTPS (DoH)".
"""

from __future__ import annotations

import asyncio
import ipaddress
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol
from urllib.parse import urlsplit

from ipfs_comm._importing import imported
from ipfs_comm._version import __version__
from ipfs_comm.errors import InvalidInputError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["HTTPSLookup", "Lookup", "Records", "SystemLookup", "checked_url"]

#: Longest message of DNS, in bytes.
MAX_MESSAGE: Final = 65_535
_MEDIA_TYPE: Final = "application/dns-message"


class Records(NamedTuple):
    """What was answered.

    Attributes
    ----------
    texts : tuple of bytes
        TXT records, each whole; none where the name has none, or does not exist.
    ttl : float
        Seconds for which the answer may be kept.
    """

    texts: tuple[bytes, ...]
    ttl: float


class Lookup(Protocol):
    """Somebody who can be asked for TXT records."""

    async def txt(self, name: str, *, seconds: float) -> Records:
        """Return the TXT records of a name.

        Raises
        ------
        NotFoundError
            Nobody answered within ``seconds``, or not with what DNS allows; the message says who was asked.
        """

    async def close(self) -> None:
        """Give back connections; a second call does nothing."""


class SystemLookup:
    """The resolver that this machine is configured for.

    Parameters
    ----------
    nameservers : sequence of str, optional
        Addresses to ask in place of the configured ones.
    port : int
        Where these listen.
    """

    def __init__(self, nameservers: Sequence[str] = (), port: int = 53) -> None:
        self._nameservers = list(nameservers)
        self._port = port
        self._resolver: Any = None

    async def txt(self, name: str, *, seconds: float) -> Records:
        """Return the TXT records of a name; see `Lookup`."""
        asking = await imported("dns.asyncresolver")
        from dns.exception import DNSException
        from dns.resolver import NXDOMAIN

        try:
            if self._resolver is None:
                self._resolver = asking.Resolver(configure=not self._nameservers)
                if self._nameservers:
                    self._resolver.nameservers, self._resolver.port = self._nameservers, self._port
            answer = await self._resolver.resolve(
                f"{name}.", "TXT", lifetime=seconds, search=False, raise_on_no_answer=False
            )
        except NXDOMAIN:
            return Records((), 0.0)
        except (DNSException, OSError) as error:
            raise _silent(name, f"the system's resolver: {_short(error)}") from None
        if answer.rrset is None:
            return Records((), 0.0)
        return Records(tuple(b"".join(record.strings) for record in answer.rrset), float(answer.rrset.ttl))

    async def close(self) -> None:
        """There is nothing to give back."""


class HTTPSLookup:
    """A server that takes DNS queries over HTTPS.

    Parameters
    ----------
    url : str
        Its address, as ``checked_url`` takes it.
    """

    def __init__(self, url: str) -> None:
        self.url = checked_url(url)
        self._session: Any = None

    async def txt(self, name: str, *, seconds: float) -> Records:
        """Return the TXT records of a name; see `Lookup`."""
        aiohttp = await imported("aiohttp")
        message = await imported("dns.message")
        from dns.exception import DNSException

        query = message.make_query(f"{name}.", "TXT", id=0)
        try:
            async with asyncio.timeout(seconds):
                data = await self._ask(aiohttp, query.to_wire())
            return _records(message.from_wire(data), query)
        except TimeoutError:
            raise _silent(name, f"{self.url} did not answer within {seconds:.3g} s") from None
        except (aiohttp.ClientError, OSError) as error:
            raise _silent(name, f"{self.url} cannot be reached: {_short(error)}") from None
        except (DNSException, ValueError) as error:
            raise _silent(name, f"{self.url} answered with no message of DNS: {_short(error)}") from None

    async def _ask(self, aiohttp: Any, query: bytes) -> bytes:
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                headers={"User-Agent": f"ipfs_comm/{__version__}"},
                trust_env=True,
            )
        # By POST, as Kubo asks: the servers that its users have configured take it.
        headers = {"Accept": _MEDIA_TYPE, "Accept-Encoding": "identity", "Content-Type": _MEDIA_TYPE}
        async with self._session.post(self.url, data=query, headers=headers, allow_redirects=False) as response:
            if response.status != 200:
                raise ValueError(f"HTTP {response.status}")
            if response.content_type != _MEDIA_TYPE:
                raise ValueError(f"its type is {response.content_type[:40]!r}, not {_MEDIA_TYPE}")
            data = bytearray()
            async for piece in response.content.iter_any():
                data += piece
                if len(data) > MAX_MESSAGE:
                    raise ValueError(f"it has more than {MAX_MESSAGE} bytes")
        return bytes(data)

    async def close(self) -> None:
        """Close the connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()


def _records(response: Any, query: Any) -> Records:
    """Return the TXT records of an answer, at the end of its aliases.

    Raises
    ------
    ValueError
        It is no answer to the query, or says that the server failed.
    DNSException
        Its aliases have no end.
    """
    from dns import rcode

    if not query.is_response(response):
        raise ValueError("it answers something else")
    if response.rcode() == rcode.NXDOMAIN:
        return Records((), 0.0)
    if response.rcode() != rcode.NOERROR:
        raise ValueError(f"it says {rcode.to_text(response.rcode())}")
    chain = response.resolve_chaining()
    if chain.answer is None:
        return Records((), 0.0)
    return Records(tuple(b"".join(record.strings) for record in chain.answer), float(chain.minimum_ttl))


def checked_url(url: object) -> str:
    """Return the address of a server for DNS over HTTPS, without the ``{?dns}`` that templates end with.

    Raises
    ------
    InvalidInputError
        It is none: ``https://host/path`` is needed, and ``http://`` will do for this machine alone.
    """
    if not isinstance(url, str):
        raise InvalidInputError(f"{url!r:.80} is no address of a DNS server: give text such as https://host/dns-query")
    text = url.strip().removesuffix("{?dns}")
    try:
        parts = urlsplit(text)
        host, _port = parts.hostname or "", parts.port
    except ValueError as error:
        raise InvalidInputError(f"{url!r:.120} is no address of a DNS server: {error}") from None
    why = ""
    if parts.scheme not in ("https", "http"):
        why = "it must begin with https://"
    elif not host or any(character.isspace() or not character.isprintable() for character in text):
        why = "it names no host"
    elif parts.username is not None or parts.password is not None:
        why = "a name or password in it would stand in every error"
    elif parts.fragment or len(text) > 1024:
        why = "it has a fragment, or is too long"
    elif parts.scheme == "http" and not _is_here(host):
        why = "without https anyone on the way could answer; http:// is for servers on this machine"
    if why:
        raise InvalidInputError(f"{url!r:.120} is no address of a DNS server: {why}")
    return text


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _silent(name: str, why: str) -> NotFoundError:
    return NotFoundError(
        f"could not resolve name: nobody answered for the TXT records of {name}: {why}", detail={"name": name}
    )


def _short(error: Exception) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:200]}" if text else type(error).__name__
