"""Pinning services that answer whatever a test wants."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from aiohttp import web

from ipfs_comm.ipld import CID, multihash
from ipfs_comm.pinning import Pace, PinningService

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

KEY = "token-that-nobody-sees"
ROOT = CID.create(1, "raw", multihash.digest(b"a root"))
#: No test waits for a service longer than it must.
QUICK = Pace(answer=0.5, connect=0.5, poll=0.01)


def pin(request: str = "1", *, status: str = "pinned", second: int = 0, cid: CID | str = ROOT, **more: Any) -> Any:
    """Return a pin as a service tells it."""
    created = f"2024-01-01T00:{second // 60:02}:{second % 60:02}Z"
    given = {"requestid": request, "status": status, "created": created, "pin": {"cid": str(cid)}, "delegates": []}
    return {**given, **more}


def service(url: str) -> PinningService:
    """Return a client of a service."""
    return PinningService("test", url, KEY, pace=QUICK)


@asynccontextmanager
async def answering(answer: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncIterator[str]:
    """Run a service that answers every request so."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def with_json(value: Any, status: int = 200) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Return an answer of JSON."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.json_response(value, status=status)

    return answer
