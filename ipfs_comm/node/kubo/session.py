"""The HTTP session of an `aioipfs` client to one daemon, made for streams."""

from __future__ import annotations

import ssl
import warnings
from typing import TYPE_CHECKING, Any, Final

import aiohttp

from ipfs_comm.node.kubo.trailer import TrailingResponse

with warnings.catch_warnings():
    # It imports distutils, which setuptools still has.
    warnings.simplefilter("ignore")
    import aioipfs  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from collections.abc import Callable

    from ipfs_comm.node.kubo.address import Address, Credentials

__all__ = ["Client", "UncheckedError"]

#: Seconds for a connection to be made.
CONNECT: Final = 10.0
#: Bytes of a header or trailer: what goes wrong may be told with long paths.
MAX_HEADER: Final = 32 * 2**10
#: Bytes that aiohttp reads ahead of whoever reads an answer, twice that at most.
AHEAD: Final = 2**20
#: Connections at a time; what comes beyond waits.
CONNECTIONS: Final = 128


class UncheckedError(Exception):
    """A connection is to be made to where some time ago the right daemon was."""


class Client(aioipfs.AsyncIPFS):  # type: ignore[misc]  # it has no types
    """aioipfs's client with a session for streams: no deadline but ours, sockets, credentials on every call.

    Parameters
    ----------
    address : Address
    credentials : Credentials, optional
    before_connecting : callable, optional
        Called before a connection is made, with what the request has as its ``trace_request_ctx``; raises where it may
        not be.
    """

    def __init__(
        self, address: Address, credentials: Credentials | None, before_connecting: Callable[[bool], None] | None = None
    ) -> None:
        self._address = address
        self._credentials = credentials
        self._before_connecting = before_connecting
        # One of our own, for aiohttp's is made when it is imported: SSL_CERT_FILE may be set later.
        self._tls: ssl.SSLContext | bool = ssl.create_default_context() if address.secure else True
        scheme = "https" if address.secure else "http"
        super().__init__(host=address.host or "localhost", port=address.port or 80, scheme=scheme)
        #: For the one question whether it is there: no call can keep it waiting, and nobody needs to be let in for it.
        self.aside = aiohttp.ClientSession(connector=self._connector(), trust_env=False)

    async def close(self) -> None:
        """Close every connection; what still runs over one ends with an error."""
        await self.aside.close()
        await super().close()

    def _connector(self) -> aiohttp.BaseConnector:
        if self._address.socket:
            return aiohttp.UnixConnector(self._address.socket, limit=CONNECTIONS)
        return aiohttp.TCPConnector(limit=CONNECTIONS, ssl=self._tls)

    def get_session(self, conn_timeout: float = 0, read_timeout: float = 0) -> aiohttp.ClientSession:
        """Return the session for all calls, which aioipfs asks for when it is made; its timeouts are not ours."""
        del conn_timeout, read_timeout
        trace = aiohttp.TraceConfig()
        if (before := self._before_connecting) is not None:

            async def check(_session: Any, context: Any, _parameters: Any) -> None:
                before(context.trace_request_ctx)

            trace.on_connection_create_start.append(check)
        # A few bytes that are packed can be any number of them.
        headers = {"Accept-Encoding": "identity"}
        if self._credentials is not None:
            headers["Authorization"] = self._credentials.header
        return aiohttp.ClientSession(
            connector=self._connector(),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=None, connect=None, sock_connect=CONNECT, sock_read=None),
            headers=headers,
            response_class=TrailingResponse,
            read_bufsize=AHEAD,
            max_line_size=MAX_HEADER,
            max_field_size=MAX_HEADER,
            trace_configs=[trace] if before is not None else None,
            trust_env=False,
        )
