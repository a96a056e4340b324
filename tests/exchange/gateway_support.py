"""A real gateway on this machine, good or bad, that remembers what it was asked."""

from __future__ import annotations

import asyncio
import gzip
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aiohttp import web

from ipfs_comm.ipld import CID, multihash

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    Answer = Callable[["Gateway", web.Request, CID], Awaitable[web.StreamResponse]]


def block(content: bytes) -> tuple[CID, bytes]:
    """Return a raw block and its CID."""
    return CID.create(1, "raw", multihash.digest(content)), content


class Gateway:
    """One gateway.

    Attributes
    ----------
    url : str
    blocks : dict
        What it has.
    asked : list of CID
        What it was asked for, in this order.
    requests : list of aiohttp.web.Request
    under_way, most_under_way : int
        Requests that it is answering.
    left : asyncio.Event
        Set when a client has gone before its answer was whole.
    came : asyncio.Event
        Set when a request has come.
    """

    def __init__(self, answer: Answer) -> None:
        self.url = ""
        self.blocks: dict[CID, bytes] = {}
        self.answer = answer
        self.asked: list[CID] = []
        self.requests: list[web.Request] = []
        self.under_way = self.most_under_way = 0
        self.left, self.came = asyncio.Event(), asyncio.Event()

    def put(self, content: bytes) -> CID:
        cid, data = block(content)
        self.blocks[cid] = data
        return cid

    async def handle(self, request: web.Request) -> web.StreamResponse:
        cid = CID.parse(request.match_info["cid"])
        self.asked.append(cid)
        self.requests.append(request)
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        self.came.set()
        try:
            return await self.answer(self, request, cid)
        except (asyncio.CancelledError, ConnectionError):
            self.left.set()
            raise
        finally:
            self.under_way -= 1


@asynccontextmanager
async def running(answer: Answer) -> AsyncIterator[Gateway]:
    """Run a gateway for the time of an ``async with``."""
    gateway = Gateway(answer)
    app = web.Application()
    app.router.add_get("/ipfs/{cid}", gateway.handle)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        gateway.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield gateway
    finally:
        await runner.cleanup()


@asynccontextmanager
async def saying(first: bytes, then: bytes, *, every: float = 0.0) -> AsyncIterator[str]:
    """Run what speaks no good HTTP: it answers `first`, and then `then` for as long as the client listens.

    It waits `every` seconds after each time.
    """
    talks = set[asyncio.Task[None]]()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        talks.add(task)
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(first)
            while then:
                writer.write(then)
                await writer.drain()
                if every:
                    await pause(every)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in talks:
            task.cancel()
        await asyncio.gather(*talks, return_exceptions=True)


async def honest(gateway: Gateway, _request: web.Request, cid: CID) -> web.StreamResponse:
    """Answer by the specification."""
    data = gateway.blocks.get(cid)
    if data is None:
        return web.Response(status=404, text="no such block")
    return web.Response(body=data, content_type="application/vnd.ipld.raw")


async def lying(_gateway: Gateway, _request: web.Request, _cid: CID) -> web.StreamResponse:
    """Answer with other bytes."""
    return web.Response(body=b"not what you asked for")


async def silent(_gateway: Gateway, _request: web.Request, _cid: CID) -> web.StreamResponse:
    """Answer nothing, ever."""
    await asyncio.Event().wait()
    raise AssertionError("nothing sets it")


async def endless(_gateway: Gateway, request: web.Request, _cid: CID) -> web.StreamResponse:
    """Answer with a body that has no end."""
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(bytes(1 << 16))


async def packed(gateway: Gateway, _request: web.Request, cid: CID) -> web.StreamResponse:
    """Answer with the right bytes, compressed, which nobody asked for."""
    return web.Response(body=gzip.compress(gateway.blocks[cid]), headers={"Content-Encoding": "gzip"})


async def trickling(gateway: Gateway, request: web.Request, cid: CID) -> web.StreamResponse:
    """Answer with the right bytes, one each fiftieth of a second."""
    response = web.StreamResponse()
    await response.prepare(request)
    for at in range(len(gateway.blocks[cid])):
        await response.write(gateway.blocks[cid][at : at + 1])
        await pause(0.02)
    return response


async def pause(seconds: float) -> None:
    """Be slow on purpose."""
    over = asyncio.Event()
    asyncio.get_running_loop().call_later(seconds, over.set)
    await over.wait()


def status(code: int, **headers: str) -> Answer:
    """Return an answer with an HTTP status and nothing more."""

    async def answer(_gateway: Gateway, _request: web.Request, _cid: CID) -> web.StreamResponse:
        return web.Response(status=code, headers={name.replace("_", "-"): value for name, value in headers.items()})

    return answer


def redirecting(target: Callable[[CID], str], code: int = 302) -> Answer:
    """Return an answer that leads elsewhere."""

    async def answer(_gateway: Gateway, _request: web.Request, cid: CID) -> web.StreamResponse:
        return web.Response(status=code, headers={"Location": target(cid)})

    return answer


def in_turn(*answers: Answer) -> Answer:
    """Return an answer that is a different one each time, and then the last one for ever."""
    waiting = list(answers)

    async def answer(gateway: Gateway, request: web.Request, cid: CID) -> web.StreamResponse:
        one = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        return await one(gateway, request, cid)

    return answer
