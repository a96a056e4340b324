"""A DNS server on this machine, over HTTPS's messages or over UDP, which answers as a test says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
from aiohttp import web

Zone = Mapping[str, list[str]]
#: Answers a request on its own.
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Server:
    """What is asked of it, and what it answers.

    ``zone`` holds lines such as ``60 IN TXT "dnslink=/ipfs/…"`` by name.
    """

    def __init__(self, zone: Zone) -> None:
        self.zone = dict(zone)
        self.asked: list[str] = []
        self.url = ""
        self.port = 0

    def answer(self, data: bytes) -> bytes:
        query = dns.message.from_wire(data)
        name = query.question[0].name.to_text(omit_final_dot=True)
        self.asked.append(name)
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        lines = self.zone.get(name)
        if lines is None:
            response.set_rcode(dns.rcode.NXDOMAIN)
        for line in lines or ():
            ttl, _, kind, text = line.split(" ", 3)
            owner = name
            if "@" in kind:
                kind, owner = kind.split("@")
            response.answer.append(dns.rrset.from_text(f"{owner}.", int(ttl), "IN", kind, text))
        return response.to_wire()


@asynccontextmanager
async def over_https(zone: Zone, handler: Handler | None = None) -> AsyncIterator[Server]:
    server = Server(zone)

    async def ask(request: web.Request) -> web.StreamResponse:
        return web.Response(body=server.answer(await request.read()), content_type="application/dns-message")

    app = web.Application()
    app.router.add_post("/dns-query", handler or ask)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    server.url = f"http://127.0.0.1:{port}/dns-query"
    try:
        yield server
    finally:
        await runner.cleanup()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, server: Server) -> None:
        self._server = server

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._transport.sendto(self._server.answer(data), addr)


@asynccontextmanager
async def over_udp(zone: Zone) -> AsyncIterator[Server]:
    server = Server(zone)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(server), local_addr=("127.0.0.1", 0))
    server.port = transport.get_extra_info("sockname")[1]
    try:
        yield server
    finally:
        transport.close()
