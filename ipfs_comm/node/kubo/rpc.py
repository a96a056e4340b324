"""Calls to one Kubo daemon, over the session of an `aioipfs` client; nothing here knows what they mean.

The specification is Kubo's RPC API (https://docs.ipfs.tech/reference/kubo/rpc/, version 0.43): a POST to
``/api/v0/<command>``, arguments as repeated ``arg``, options by their names on the command line, content as
``multipart/form-data``. Answers are one JSON value, lines of JSON, or bytes; an error is a status of 4xx or 5xx with
``{"Message", "Code", "Type": "error"}``, or the trailer ``X-Stream-Error`` when the answer had begun.
"""

from __future__ import annotations

import asyncio
import json
import warnings
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

import aiohttp

from ipfs_comm._shown import shown
from ipfs_comm.errors import LimitError, UnreachableError
from ipfs_comm.node.kubo.errors import refusal
from ipfs_comm.node.kubo.trailer import TrailingResponse

with warnings.catch_warnings():
    # It imports distutils, which setuptools still has.
    warnings.simplefilter("ignore")
    import aioipfs

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable

    from ipfs_comm.node.kubo.address import Address, Credentials
    from ipfs_comm.node.kubo.multipart import Body

__all__ = ["Option", "Rpc"]

Option = str | int | float | bool | None

#: Seconds for a connection to be made.
CONNECT: Final = 10.0
#: Seconds of silence after which the daemon is asked whether it is still there, and for it to say so.
QUIET: Final = 30.0
ALIVE: Final = 15.0
#: Bytes of one answer that is read whole, and of one line of those that are not.
MAX_ANSWER: Final = 64 * 2**20
MAX_LINE: Final = 16 * 2**20
#: Bytes that aiohttp reads ahead of whoever reads an answer, twice that at most.
AHEAD: Final = 2**20
#: Connections at a time; what comes beyond waits.
CONNECTIONS: Final = 128


class _Client(aioipfs.AsyncIPFS):  # type: ignore[misc]  # it has no types
    """aioipfs's client with a session for streams: no deadline but ours, sockets, credentials on every call."""

    def __init__(self, address: Address, credentials: Credentials | None) -> None:
        self._address = address
        self._credentials = credentials
        scheme = "https" if address.secure else "http"
        super().__init__(host=address.host or "localhost", port=address.port or 80, scheme=scheme)

    def get_session(self, conn_timeout: float = 0, read_timeout: float = 0) -> aiohttp.ClientSession:
        del conn_timeout, read_timeout
        connector: aiohttp.BaseConnector
        if self._address.socket:
            connector = aiohttp.UnixConnector(self._address.socket, limit=CONNECTIONS)
        else:
            connector = aiohttp.TCPConnector(limit=CONNECTIONS)
        return aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=None, connect=None, sock_connect=CONNECT, sock_read=None),
            headers={"Authorization": self._credentials.header} if self._credentials else None,
            response_class=TrailingResponse,
            read_bufsize=AHEAD,
            trust_env=False,
        )


class Rpc:
    """One daemon, whether it is there at the moment or not.

    Parameters
    ----------
    address : Address
    credentials : Credentials, optional
        Sent with every call.
    """

    def __init__(self, address: Address, credentials: Credentials | None = None) -> None:
        self.address = address
        self._client = _Client(address, credentials)

    async def close(self) -> None:
        """Close every connection: what still runs ends with an error."""
        await self._client.close()

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
            Of the command line, with underscores; those that are None are not sent.

        Raises
        ------
        UnreachableError
            The daemon is not there, or went away.
        IPFSCommError
            It refused; which of ours says ``ipfs_comm.node.kubo.errors``.
        LimitError
            The answer is larger than `MAX_ANSWER`.
        """
        content = await self.bytes(command, *arguments, body=body, **options)
        return self._json(command, content) if content.strip() else None

    async def bytes(
        self, command: str, *arguments: str, body: Body | None = None, max_size: int = MAX_ANSWER, **options: Option
    ) -> bytes:
        """Call a command and return its whole answer, of at most ``max_size`` bytes; else as `call`."""
        chunks: list[bytes] = []
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
        rest: list[bytes] = []
        size = 0
        async with self.answer(command, *arguments, body=body, **options) as chunks:
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
    ) -> AsyncGenerator[bytes, None]:
        """Call a command that answers with bytes; else as `call`. Closing this ends the daemon's work."""
        async with self.answer(command, *arguments, body=body, **options) as chunks:
            async for chunk in chunks:
                yield chunk

    @asynccontextmanager
    async def answer(
        self, command: str, *arguments: str, body: Body | None = None, **options: Option
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Call a command, and give the chunks of its answer for the time of an ``async with``.

        Leaving it before the answer's end closes the connection, and so ends the daemon's work.
        """
        query = [("arg", argument) for argument in arguments]
        query += [(name.replace("_", "-"), _text(value)) for name, value in options.items() if value is not None]
        try:
            posted = self._client.session.post(
                self._client.api_endpoint(command),
                params=query,
                data=body.chunks() if body is not None else None,
                headers={"Content-Type": body.content_type} if body is not None else None,
                allow_redirects=False,
            )
            response: TrailingResponse = await self._watched(posted)
        except (aiohttp.ClientError, OSError) as error:
            if body is not None and body.error is not None:
                raise body.error from None
            raise self._gone(command, error) from error
        try:
            if response.status != 200:
                said = await self._head(response)
                raise refusal(command, response.status, said, self.address)
            yield self._chunks(command, response, body)
        except (aiohttp.ClientError, OSError) as error:
            if body is not None and body.error is not None:
                raise body.error from None
            raise self._gone(command, error) from error
        finally:
            # Does nothing where the answer has been read to its end: the connection is used again then.
            response.close()

    async def _chunks(self, command: str, response: TrailingResponse, body: Body | None) -> AsyncIterator[bytes]:
        content = response.content
        while True:
            try:
                async with asyncio.timeout(QUIET) as quiet:
                    chunk = await content.readany()
            except TimeoutError:
                if not quiet.expired():
                    raise
                await self.alive()
                continue
            if not chunk:
                break
            yield chunk
        if said := response.trailers.get("x-stream-error"):
            raise refusal(command, response.status, said, self.address)
        if body is not None and body.error is not None:
            raise body.error

    async def _head(self, response: TrailingResponse) -> str:
        content = b""
        with suppress(aiohttp.ClientError):
            # Of what else it says, no one needs more.
            content = await asyncio.wait_for(response.content.read(64 * 1024), QUIET)
        return content.decode("utf-8", "replace")

    async def _watched(self, awaitable: Awaitable[TrailingResponse]) -> TrailingResponse:
        """Wait for the head of an answer, for as long as the daemon lives."""
        task = asyncio.ensure_future(awaitable)
        try:
            while not (await asyncio.wait({task}, timeout=QUIET))[0]:
                await self.alive()
            return task.result()
        except BaseException:
            task.cancel()
            with suppress(asyncio.CancelledError, aiohttp.ClientError, OSError):
                (await task).close()
            raise

    async def alive(self) -> None:
        """Check that the daemon answers at all.

        Raises
        ------
        UnreachableError
            It does not within `ALIVE` seconds.
        """
        try:
            async with asyncio.timeout(ALIVE), self._client.session.post(self._client.api_endpoint("version")):
                return
        except (aiohttp.ClientError, OSError) as error:  # OSError: a TimeoutError too
            raise self._gone("version", error) from error

    def _json(self, command: str, content: bytes) -> Any:
        try:
            return json.loads(content)
        except ValueError as error:
            raise self._gone(command, f"its answer is no JSON: {shown(content[:80])}") from error

    def _gone(self, command: str, error: object) -> UnreachableError:
        why = f"{error}" or type(error).__name__
        if isinstance(error, TimeoutError):
            why = "it does not answer"
        return UnreachableError(
            f"{command}: the Kubo daemon at {self.address} cannot be reached, or went away: {why}; start it with "
            "`ipfs daemon`, or choose another with `%ipfs kubo_api ADDRESS`, or the embedded node with "
            "`%ipfs node embedded`",
            detail={"address": str(self.address), "command": command},
        )


def _text(value: Option) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
