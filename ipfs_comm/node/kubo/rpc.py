"""Calls to one Kubo daemon, over the session of an `aioipfs` client; nothing here knows what they mean.

The specification is Kubo's RPC API (https://docs.ipfs.tech/reference/kubo/rpc/, version 0.43): a POST to
``/api/v0/<command>``, arguments as repeated ``arg``, options by their names on the command line, content as
``multipart/form-data``. Answers are one JSON value, lines of JSON, or bytes; an error is a status of 4xx or 5xx with
``{"Message", "Code", "Type": "error"}``, or the trailer ``X-Stream-Error`` when the answer had begun.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from contextlib import aclosing, asynccontextmanager, suppress
from math import inf
from typing import TYPE_CHECKING, Any, Final, NoReturn
from urllib.parse import quote, urlencode

import aiohttp
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from ipfs_comm._shown import shown
from ipfs_comm.errors import CancelledByAbortError, InvalidInputError, LimitError, NotSupportedError, UnreachableError
from ipfs_comm.node.kubo.errors import START, refusal
from ipfs_comm.node.kubo.json_lines import decoded, split
from ipfs_comm.node.kubo.session import Client, UncheckedError

if TYPE_CHECKING:
    import builtins
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable

    from ipfs_comm.node.kubo.address import Address, Credentials
    from ipfs_comm.node.kubo.multipart import Body
    from ipfs_comm.node.kubo.trailer import TrailingResponse

__all__ = ["Option", "Rpc"]

Scalar = str | int | float | bool
Option = Scalar | list[str] | None

#: Seconds of silence after which the daemon is asked whether it is still there, and for it to say so.
QUIET: Final = 30.0
ALIVE: Final = 15.0
#: Seconds for which it counts that a daemon was found to be the right one.
FRESH: Final = 1.0
#: Bytes of one answer that is read whole.
MAX_ANSWER: Final = 64 * 2**20
#: Bytes of a refusal that are read: of what else it says, no one needs more.
MAX_REFUSAL: Final = 64 * 2**10
#: What a proxy says whose daemon is gone or says nothing.
_NOBODY_BEHIND: Final = (502, 503, 504)


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
        self._finding: asyncio.Task[None] | None = None
        self._checked = asyncio.get_running_loop().time()
        self._client = self._connect()
        self._former: Client | None = None
        self._closed = False

    def _connect(self) -> Client:
        return Client(self.address, self._credentials, self._check if self._locate is not None else None)

    async def close(self) -> None:
        """Close every connection: what still runs ends with an error, and nothing is called any more."""
        self._closed = True
        if self._finding is not None:
            self._finding.cancel()
            await asyncio.wait([self._finding])
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
        return decoded(command, content, self.address) if content.strip() else None

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
            async for value in split(command, chunks, self.address):
                yield value

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
            response = await self._sent("POST", command, _encoded(command, query), body)
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

    async def got(self, command: str) -> str:
        """Ask for a command by GET, as Kubo takes none, and return what is said to that; nothing is done by it.

        Raises
        ------
        UnreachableError
            The daemon is not there, or went away.
        """
        response = await self._sent("GET", command, "", None)
        try:
            return await self._refusal(response)
        finally:
            response.close()

    async def _sent(self, method: str, command: str, query: str, body: Body | None) -> TrailingResponse:
        found = False
        while True:
            if self._closed:
                raise _closed(command)
            client = self._client
            sent = client.session.request(
                method,
                URL(f"{client.api_endpoint(command)}?{query}", encoded=True),
                data=body.chunks() if body is not None else None,
                headers={"Content-Type": body.content_type} if body is not None else None,
                allow_redirects=False,
                trace_request_ctx=found,
            )
            try:
                return await self._watched(sent)
            except UncheckedError:
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
            raise UncheckedError

    async def _find(self) -> None:
        """Find where the daemon is now; calls that want to know it meanwhile wait for the same answer."""
        loop = asyncio.get_running_loop()
        if self._locate is None or loop.time() - self._checked <= FRESH:
            return
        finding = self._finding
        if finding is None:
            finding = loop.create_task(self._found(self._locate), name="ipfs_comm: where the daemon is")
            finding.add_done_callback(self._has_found)
            self._finding = finding
        # The call that came first may be cancelled, which ends its waiting alone: the others wait for the same answer.
        await asyncio.wait([finding])
        if finding.cancelled():
            raise _closed("id")
        finding.result()

    def _has_found(self, task: asyncio.Task[None]) -> None:
        self._finding = None
        if not task.cancelled():
            # Raised in the calls that wait for it, where any still does.
            task.exception()

    async def _found(self, locate: Callable[[], Awaitable[Address]]) -> None:
        address = await locate()
        self._checked = asyncio.get_running_loop().time()
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
        # Something between that gathers a whole answer may put its trailers into the head.
        if said := response.trailers.get("x-stream-error") or response.headers.get("X-Stream-Error"):
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
            with suppress(asyncio.CancelledError, UncheckedError, aiohttp.ClientError, OSError):
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
            async with (
                asyncio.timeout(ALIVE),
                client.aside.post(client.api_endpoint("version"), allow_redirects=False) as answer,
            ):
                if answer.status in _NOBODY_BEHIND:
                    raise aiohttp.ClientError(f"what stands before it answers {answer.status}")
        except (aiohttp.ClientError, OSError) as error:  # OSError: a TimeoutError too
            raise self._gone("version", error) from error

    def _broken(self, command: str, error: Exception, body: Body | None) -> NoReturn:
        """Raise what it means that a connection failed."""
        # Whoever is at its address next has to tell who that is.
        self._checked = -inf
        if body is not None and body.error is not None:
            if isinstance(body.error, asyncio.CancelledError):
                raise CancelledByAbortError(f"{command}: what gives its content was cancelled") from body.error
            raise body.error from None
        if self._credentials is not None:
            _forget(error)
        raise self._gone(command, error) from error

    def _gone(self, command: str, error: Exception) -> UnreachableError:
        why = _why(error)
        return UnreachableError(
            f"{command}: the Kubo daemon at {self.address} cannot be reached, or went away: {why}; {START}",
            detail={"address": str(self.address), "command": command},
        )


def _forget(error: BaseException) -> None:
    """Take the head of the request from an error of aiohttp's: what lets one in would be shown with its variables."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, aiohttp.ClientResponseError):
            cause.args = ()
            cause.request_info = cause.request_info._replace(headers=CIMultiDictProxy(CIMultiDict()))
        cause.__traceback__ = None
        cause = cause.__cause__


def _why(error: Exception) -> str:
    """Return what a connection failed of, without what only programs read."""
    if isinstance(error, TimeoutError):
        return "it does not answer"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"{error.certificate_error}"
    if isinstance(error, aiohttp.ClientConnectorError):
        failed = error.os_error
        number = 0 if isinstance(failed, ssl.SSLError) else failed.errno or 0
        return os.strerror(number) if number > 0 else failed.strerror or f"{failed}"
    return f"{error}" or type(error).__name__


def _closed(command: str) -> NotSupportedError:
    return NotSupportedError(
        f"{command}: this node was stopped or closed: open another (in a kernel: %unload_ext ipfs_comm, then %load_ext "
        "ipfs_comm)",
        code="ERR_NOT_STARTED",
    )


def _encoded(command: str, query: list[tuple[str, str]]) -> str:
    """Return arguments as a URL has them; names of files may be bytes that are no text, as Python writes those.

    aiohttp's own way leaves them out in silence: what is meant is another file then.
    """
    try:
        return urlencode(query, quote_via=quote, errors="surrogateescape")
    except UnicodeEncodeError as error:
        raise InvalidInputError(
            f"{command}: {shown(error.object)} has half of a surrogate pair, and is no text"
        ) from error


def _text(value: Scalar) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
