"""What may stand where a daemon is expected: a server that answers with given bytes, and proxies before a real one."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import ssl
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

#: Headers that are of one connection, or that whoever sends it makes itself.
_OF_CONNECTION = {"transfer-encoding", "connection", "content-length", "host", "trailer"}
PIECE = 64 * 1024


def answer(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    """Return an answer with a length."""
    return _head(status, f"Content-Length: {len(body)}", *headers) + body


def chunked(*chunks: bytes, trailer: str = "", status: str = "200 OK", end: bool = True) -> bytes:
    """Return an answer in chunks; without its end it is one that breaks off."""
    body = b"".join(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n" for chunk in chunks)
    last = f"0\r\n{trailer and trailer + chr(13) + chr(10)}\r\n".encode() if end else b""
    return _head(status, "Transfer-Encoding: chunked", "Trailer: X-Stream-Error") + body + last


def _head(status: str, *headers: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", "Content-Type: application/json", *headers, "", ""]).encode()


@dataclass
class Scripted:
    """A server that answers commands with what it was told to.

    Attributes
    ----------
    answers : dict
        By command: bytes that are sent, after which the connection ends, or a coroutine function of reader and writer.
    asked : list of str
        The first lines of all requests.
    heads : list of bytes
        Their heads.
    """

    url: str
    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    heads: list[bytes] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            line = head.split(b"\r\n", 1)[0].decode()
            self.asked.append(line)
            self.heads.append(head)
            command = line.split(" ")[1].removeprefix("/api/v0/").partition("?")[0]
            script = self.answers.get(command, answer(b"{}"))
            if isinstance(script, bytes):
                writer.write(script)
                await writer.drain()
            else:
                await script(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            # The other end has had enough.
            return
        finally:
            writer.close()


@asynccontextmanager
async def scripted(**answers: Any) -> AsyncIterator[Scripted]:
    """Run such a server for the time of an ``async with``; ``block__get`` is the command ``block/get``."""
    made = Scripted("", {name.replace("__", "/"): script for name, script in answers.items()})
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0, limit=2**20)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield made
    finally:
        server.close()


@dataclass
class Proxy:
    """A proxy before a daemon.

    Attributes
    ----------
    url : str
        Where it is.
    target : str
        What it passes calls on to: the URL of a daemon.
    hijacked : dict
        By command, coroutine functions that answer in place of the daemon.
    delay : float
        Seconds before each piece of what goes through.
    asked : list
        Commands and their options, as they came.
    headers : list
        What came with them.
    session : aiohttp.ClientSession
        What it calls the daemon with.
    """

    url: str
    target: str
    hijacked: dict[str, Callable[[web.Request], Awaitable[web.StreamResponse]]] = field(default_factory=dict)
    delay: float = 0.0
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    session: aiohttp.ClientSession | None = None

    async def handle(self, request: web.Request) -> web.StreamResponse:
        command = request.path.removeprefix("/api/v0/")
        self.asked.append((command, dict(request.query)))
        self.headers.append(dict(request.headers))
        if command in self.hijacked:
            return await self.hijacked[command](request)
        return await self.forward(request)

    async def forward(self, request: web.Request) -> web.StreamResponse:
        """Pass a call on, both ways as it comes."""

        async def content() -> AsyncIterator[bytes]:
            async for piece in request.content.iter_chunked(PIECE):
                await self._slowly()
                yield piece

        assert self.session is not None
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _OF_CONNECTION}
        sent = content() if request.body_exists else None
        async with self.session.post(f"{self.target}{request.raw_path}", data=sent, headers=headers) as upstream:
            passed = {name: value for name, value in upstream.headers.items() if name.lower() not in _OF_CONNECTION}
            response = web.StreamResponse(status=upstream.status, headers=passed)
            await response.prepare(request)
            async for piece in upstream.content.iter_chunked(PIECE):
                await self._slowly()
                await response.write(piece)
            await response.write_eof()
            return response

    async def _slowly(self) -> None:
        if self.delay:
            await asyncio.sleep(self.delay)


@asynccontextmanager
async def proxied(
    target: str, *, delay: float = 0.0, tls: ssl.SSLContext | None = None, socket: Path | None = None
) -> AsyncIterator[Proxy]:
    """Run a proxy before a daemon for the time of an ``async with``."""
    proxy = Proxy("", target, delay=delay)
    application = web.Application(client_max_size=2**40)
    application.router.add_post("/{command:.*}", proxy.handle)
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None), auto_decompress=False) as session:
        proxy.session = session
        runner = web.AppRunner(application, handler_cancellation=True, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site: web.BaseSite
        if socket is not None:
            site = web.UnixSite(runner, socket)
            proxy.url = f"/unix{socket}"
        else:
            site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
        await site.start()
        if socket is None:
            scheme = "https" if tls else "http"
            proxy.url = f"{scheme}://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield proxy
        finally:
            await runner.cleanup()


def certified(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """Return what serves TLS on 127.0.0.1, and the file of the certificate that one has to trust for it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a daemon for tests")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    trusted = folder / "certificate.pem"
    trusted.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private = folder / "key.pem"
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(trusted, private)
    return context, trusted
