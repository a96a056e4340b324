"""Calls to one Kubo daemon, over the session of an `aioipfs` client; nothing here knows what they mean.

The specification is Kubo's RPC API (https://docs.ipfs.tech/reference/kubo/rpc/, version 0.43): a POST to
``/api/v0/<command>``, arguments as repeated ``arg``, options by their names on the command line, content as
``multipart/form-data``. Answers are one JSON value, lines of JSON, or bytes; an error is a status of 4xx or 5xx with
``{"Message", "Code", "Type": "error"}``, or the trailer ``X-Stream-Error`` when the answer had begun.
"""

from __future__ import annotations

import asyncio
import json
import re
import ssl
import warnings
from contextlib import aclosing, asynccontextmanager, suppress
from math import inf
from typing import TYPE_CHECKING, Any, Final, NoReturn

import aiohttp

from ipfs_comm._shown import shown
from ipfs_comm.errors import CancelledByAbortError, LimitError, NotSupportedError, UnreachableError
from ipfs_comm.node.kubo.errors import refusal
from ipfs_comm.node.kubo.trailer import TrailingResponse

with warnings.catch_warnings():
    # It imports distutils, which setuptools still has.
    warnings.simplefilter("ignore")
    import aioipfs  # type: ignore[import-untyped]

if TYPE_CHECKING:
    import builtins
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable

    from ipfs_comm.node.kubo.address import Address, Credentials
    from ipfs_comm.node.kubo.multipart import Body

__all__ = ["Option", "Rpc"]

Scalar = str | int | float | bool
Option = Scalar | list[str] | None

#: Seconds for a connection to be made.
CONNECT: Final = 10.0
#: Seconds of silence after which the daemon is asked whether it is still there, and for it to say so.
QUIET: Final = 30.0
ALIVE: Final = 15.0
#: Seconds for which it counts that a daemon was found to be the right one.
FRESH: Final = 1.0
#: Bytes of one answer that is read whole, and of one line of those that are not.
MAX_ANSWER: Final = 64 * 2**20
MAX_LINE: Final = 16 * 2**20
#: Bytes of a header or trailer: what goes wrong may be told with long paths.
MAX_HEADER: Final = 32 * 2**10
#: Bytes of a refusal that are read: of what else it says, no one needs more.
MAX_REFUSAL: Final = 64 * 2**10
#: Bytes that aiohttp reads ahead of whoever reads an answer, twice that at most.
AHEAD: Final = 2**20
#: Connections at a time; what comes beyond waits.
CONNECTIONS: Final = 128

_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")


class _UncheckedError(Exception):
    """A connection is to be made to where some time ago the right daemon was."""


class _Client(aioipfs.AsyncIPFS):  # type: ignore[misc]  # it has no types
    """aioipfs's client with a session for streams: no deadline but ours, sockets, credentials on every call."""

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
        await self.aside.close()
        await super().close()

    def _connector(self) -> aiohttp.BaseConnector:
        if self._address.socket:
            return aiohttp.UnixConnector(self._address.socket, limit=CONNECTIONS)
        return aiohttp.TCPConnector(limit=CONNECTIONS, ssl=self._tls)

    def get_session(self, conn_timeout: float = 0, read_timeout: float = 0) -> aiohttp.ClientSession:
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


class Rpc:
    """One daemon, whether it is there at the moment or not.

    Parameters
    ----------
    address : Address
    credentials : Credentials, optional
        Sent with every call.
    locate : coroutine function, optional
        Returns where the daemon is now, when it has been found there and told who it is; raises UnreachableError where
        it is not. Asked before connections are made: the daemon may have been started again at another address, and
        somebody else may have taken the old one.
    """

    def __init__(
        self,
        address: Address,
        credentials: Credentials | None = None,
        *,
        locate: Callable[[], Awaitable[Address]] | None = None,
    ) -> None:
        self.address = address
        self._credentials = credentials
        self._locate = locate
        self._locating = asyncio.Lock()
        self._checked = asyncio.get_running_loop().time()
        self._client = self._connect()
        self._former: _Client | None = None
        self._closed = False

    def _connect(self) -> _Client:
        return _Client(self.address, self._credentials, self._check if self._locate is not None else None)

    async def close(self) -> None:
        """Close every connection: what still runs ends with an error, and nothing is called any more."""
        self._closed = True
        await self._client.close()
        if self._former is not None:
            await self._former.close()

    async def call(self, command: str, *arguments: str, body: Body | None = None, **options: Option) -> Any:
        """Call a command that answers with one JSON value; None where it answers with nothing.

        Parameters
        ----------
        command : str
            Its path, ``"pin/add"``.
        *arguments : str
        body : Body, optional
            Content to send.
        **options
            Of the command line, with underscores; those that are None are not sent, of a list each for itself.

        Raises
        ------
        UnreachableError
            The daemon is not there, or went away.
        IPFSCommError
            It refused; which of ours says ``ipfs_comm.node.kubo.errors``.
        LimitError
            The answer is larger than `MAX_ANSWER`.
        """
        content = await self.bytes(command, *arguments, body=body, max_size=MAX_ANSWER, **options)
        return self._json(command, content) if content.strip() else None

    async def bytes(
        self, command: str, *arguments: str, body: Body | None = None, max_size: int = MAX_ANSWER, **options: Option
    ) -> builtins.bytes:
        """Call a command and return its whole answer, of at most ``max_size`` bytes; else as `call`."""
        chunks: list[builtins.bytes] = []
        size = 0
        async with self.answer(command, *arguments, body=body, **options) as chunk_by_chunk:
            async for chunk in chunk_by_chunk:
                size += len(chunk)
                if size > max_size:
                    raise LimitError(f"{command}: the daemon's answer has more than {max_size} bytes")
                chunks.append(chunk)
        return b"".join(chunks)

    async def lines(
        self, command: str, *arguments: str, body: Body | None = None, **options: Option
    ) -> AsyncGenerator[Any, None]:
        """Call a command that answers with many JSON values; else as `call`. Closing this ends the daemon's work."""
        async with self.answer(command, *arguments, body=body, **options) as chunks:
            async for value in self.split(command, chunks):
                yield value

    async def split(self, command: str, chunks: AsyncIterator[builtins.bytes]) -> AsyncGenerator[Any, None]:
        """Read the JSON values of an answer, one a line."""
        rest: list[builtins.bytes] = []
        size = 0
        async for chunk in chunks:
            *whole, last = chunk.split(b"\n")
            for line in whole:
                content = b"".join([*rest, line]) if rest else line
                rest.clear()
                size = 0
                if content.strip():
                    yield self._json(command, content)
            if last:
                rest.append(last)
                size += len(last)
                if size > MAX_LINE:
                    raise LimitError(f"{command}: a line of the daemon's answer has more than {MAX_LINE} bytes")
        if content := b"".join(rest).strip():
            yield self._json(command, content)

    async def stream(
        self, command: str, *arguments: str, body: Body | None = None, **options: Option
    ) -> AsyncGenerator[builtins.bytes, None]:
        """Call a command that answers with bytes; else as `call`. Closing this ends the daemon's work."""
        async with self.answer(command, *arguments, body=body, **options) as chunks:
            async for chunk in chunks:
                yield chunk

    @asynccontextmanager
    async def answer(
        self, command: str, *arguments: str, body: Body | None = None, **options: Option
    ) -> AsyncIterator[AsyncIterator[builtins.bytes]]:
        """Call a command, and give the chunks of its answer for the time of an ``async with``.

        Leaving it before the answer's end closes the connection, and so ends the daemon's work.
        """
        query = [("arg", argument) for argument in arguments]
        for name, value in options.items():
            if value is not None:
                values = value if isinstance(value, list) else [value]
                query += [(name.replace("_", "-"), _text(one)) for one in values]
        try:
            response = await self._posted(command, query, body)
            try:
                if response.status != 200:
                    raise refusal(command, response.status, await self._refusal(response), self.address)
                async with aclosing(self._chunks(command, response, body)) as chunks:
                    yield chunks
            finally:
                # Does nothing where the answer has been read to its end: the connection is used again then.
                response.close()
        finally:
            if body is not None:
                await body.close()

    async def _posted(self, command: str, query: list[tuple[str, str]], body: Body | None) -> TrailingResponse:
        found = False
        while True:
            if self._closed:
                raise _closed(command)
            client = self._client
            posted = client.session.post(
                client.api_endpoint(command),
                params=query,
                data=body.chunks() if body is not None else None,
                headers={"Content-Type": body.content_type} if body is not None else None,
                allow_redirects=False,
                trace_request_ctx=found,
            )
            try:
                return await self._watched(posted)
            except _UncheckedError:
                # Nothing has been sent: there was no connection yet.
                await self._find()
                found = True
            except aiohttp.ClientConnectorError as error:
                if found or self._locate is None:
                    self._broken(command, error, body)
                self._checked = -inf
                await self._find()
                found = True
            except (aiohttp.ClientError, OSError) as error:
                self._broken(command, error, body)

    def _check(self, found: bool) -> None:
        """Check that a connection may be made, as it may by a call for which the daemon has just been found."""
        if not found and asyncio.get_running_loop().time() - self._checked > FRESH:
            raise _UncheckedError

    async def _find(self) -> None:
        """Find where the daemon is now."""
        async with self._locating:
            loop = asyncio.get_running_loop()
            if self._locate is None or loop.time() - self._checked <= FRESH:
                return
            address = await self._locate()
            self._checked = loop.time()
            if address == self.address:
                return
            self.address = address
            former, self._former, self._client = self._former, self._client, self._connect()
            # Calls that have just begun may still hold the last one; nobody holds the one before that.
            if former is not None:
                await former.close()

    async def _chunks(
        self, command: str, response: TrailingResponse, body: Body | None
    ) -> AsyncGenerator[builtins.bytes, None]:
        content = response.content
        while True:
            try:
                async with asyncio.timeout(QUIET) as quiet:
                    chunk = await content.readany()
            except (aiohttp.ClientError, OSError) as error:  # OSError: a TimeoutError too
                if not quiet.expired():
                    self._broken(command, error, body)
                await self.alive()
                continue
            except RuntimeError as error:
                # So aiohttp says that the session was closed.
                if not self._closed:
                    raise
                raise _closed(command) from error
            if not chunk:
                break
            yield chunk
        if said := response.trailers.get("x-stream-error"):
            raise refusal(command, response.status, said, self.address)
        # An answer that ends before the content does has nothing more to ask of it.
        if body is not None and body.error is not None and not isinstance(body.error, asyncio.CancelledError):
            raise body.error

    async def _refusal(self, response: TrailingResponse) -> str:
        content = b""
        with suppress(aiohttp.ClientError, TimeoutError):
            async with asyncio.timeout(QUIET):
                while len(content) < MAX_REFUSAL and (chunk := await response.content.read(MAX_REFUSAL)):
                    content += chunk
        return content.decode("utf-8", "replace")

    async def _watched(self, awaitable: Awaitable[TrailingResponse]) -> TrailingResponse:
        """Wait for the head of an answer, for as long as the daemon lives."""
        task = asyncio.ensure_future(awaitable)
        try:
            while not (await asyncio.wait({task}, timeout=QUIET))[0]:
                await self.alive()
        except BaseException:
            task.cancel()
            with suppress(asyncio.CancelledError, _UncheckedError, aiohttp.ClientError, OSError):
                (await task).close()
            raise
        return task.result()

    async def alive(self) -> None:
        """Check that the daemon answers at all.

        Raises
        ------
        UnreachableError
            It does not within `ALIVE` seconds.
        """
        client = self._client
        try:
            async with asyncio.timeout(ALIVE), client.aside.post(client.api_endpoint("version")):
                return
        except (aiohttp.ClientError, OSError) as error:  # OSError: a TimeoutError too
            raise self._gone("version", error) from error

    def _json(self, command: str, content: builtins.bytes) -> Any:
        try:
            value = _DECODER.decode(content.decode("utf-8"))
            if _SURROGATE.search(content):
                # Half of a pair is no text, and would fail wherever this goes.
                json.dumps(value, ensure_ascii=False).encode("utf-8")
        except (ValueError, RecursionError) as error:
            raise UnreachableError(
                f"{command}: what answers at {self.address} is no Kubo daemon, or something between changes what it "
                f"says: its answer is no JSON but {shown(content[:80])}",
                detail={"address": str(self.address), "command": command},
            ) from error
        if isinstance(value, dict) and value.get("Type") == "error" and isinstance(value.get("Message"), str):
            raise refusal(command, 500, value["Message"], self.address)
        return value

    def _broken(self, command: str, error: Exception, body: Body | None) -> NoReturn:
        """Raise what it means that a connection failed."""
        # Whoever is at its address next has to tell who that is.
        self._checked = -inf
        if body is not None and body.error is not None:
            if isinstance(body.error, asyncio.CancelledError):
                raise CancelledByAbortError(f"{command}: what gives its content was cancelled") from body.error
            raise body.error from None
        raise self._gone(command, error) from error

    def _gone(self, command: str, error: Exception) -> UnreachableError:
        why = "it does not answer" if isinstance(error, TimeoutError) else f"{error}" or type(error).__name__
        return UnreachableError(
            f"{command}: the Kubo daemon at {self.address} cannot be reached, or went away: {why}; start it with "
            "`ipfs daemon`, or choose another with `%ipfs kubo_api ADDRESS`, or the embedded node with "
            "`%ipfs node embedded`",
            detail={"address": str(self.address), "command": command},
        )


def _closed(command: str) -> NotSupportedError:
    return NotSupportedError(f"{command}: this node was stopped or closed: open another", code="ERR_NOT_STARTED")


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON's")


_DECODER: Final = json.JSONDecoder(parse_constant=_no_number)


def _text(value: Scalar) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
