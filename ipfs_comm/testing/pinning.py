"""A pinning service on this machine, as the specification has it: it keeps what it is told, and fetches nothing.

IPFS Pinning Service API 1.0, with pages of ``limit`` pins, the latest first.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

__all__ = ["PinningServer", "pinning_server"]

_PEER = "QmNnooDu7bfjPFoTZYxMNLWUQJyrVwtbZg5gBMjTezGAJN"
_BEGAN = datetime(2024, 1, 1, tzinfo=UTC)


@dataclass
class Kept:
    """One pin at the service."""

    request: str
    status: str
    created: datetime
    pin: dict[str, Any]

    def told(self) -> dict[str, Any]:
        """Return it as the service tells it."""
        return {
            "requestid": self.request,
            "status": self.status,
            "created": self.created.isoformat().replace("+00:00", "Z"),
            "pin": self.pin,
            "delegates": [f"/dnsaddr/pin.example.com/p2p/{_PEER}"],
        }


class PinningServer:
    """What the service keeps and was asked.

    A pin has the status that its name begins with, as in ``failed-one``, and is ``queued`` otherwise.

    Attributes
    ----------
    url : str
    key : str
        What it wants to see.
    pins : dict of str to Kept
        By what it calls them.
    added : asyncio.Queue of Kept
        The same as they come.
    asked : list of str
        Method and path of each request, with its query.
    """

    def __init__(self, key: str) -> None:
        self.url = ""
        self.key = key
        self.pins: dict[str, Kept] = {}
        self.added: asyncio.Queue[Kept] = asyncio.Queue()
        self.asked: list[str] = []
        self._made = 0

    @web.middleware
    async def admit(self, request: web.Request, handler: Any) -> web.StreamResponse:
        """Ask for the key."""
        self.asked.append(f"{request.method} {request.path_qs}")
        if request.headers.get("Authorization") != f"Bearer {self.key}":
            return _failure(401, "UNAUTHORIZED", "Access token is missing or invalid")
        answer: web.StreamResponse = await handler(request)
        return answer

    async def add(self, request: web.Request) -> web.Response:
        """``POST /pins``."""
        pin = await request.json()
        self._made += 1
        status = next((one for one in ("pinning", "pinned", "failed") if pin.get("name", "").startswith(one)), "queued")
        kept = Kept(f"request/{self._made}", status, _BEGAN + timedelta(seconds=self._made), pin)
        self.pins[kept.request] = kept
        self.added.put_nowait(kept)
        return web.json_response(kept.told(), status=202)

    async def search(self, request: web.Request) -> web.Response:
        """``GET /pins``."""
        query = request.query
        found = sorted(self.pins.values(), key=lambda kept: kept.created, reverse=True)
        if "cid" in query:
            found = [kept for kept in found if kept.pin["cid"] in query["cid"].split(",")]
        if "name" in query:
            found = [kept for kept in found if kept.pin.get("name", "") == query["name"]]
        statuses = query.get("status", "pinned").split(",")
        found = [kept for kept in found if kept.status in statuses]
        if "before" in query:
            before = datetime.fromisoformat(query["before"])
            found = [kept for kept in found if kept.created < before]
        limit = int(query.get("limit", "10"))
        return web.json_response({"count": len(found), "results": [kept.told() for kept in found[:limit]]})

    async def look(self, request: web.Request) -> web.Response:
        """``GET /pins/{requestid}``."""
        kept = self.pins.get(request.match_info["request"])
        return _failure(404, "NOT_FOUND", "") if kept is None else web.json_response(kept.told())

    async def remove(self, request: web.Request) -> web.Response:
        """``DELETE /pins/{requestid}``."""
        if self.pins.pop(request.match_info["request"], None) is None:
            return _failure(404, "NOT_FOUND", "")
        return web.Response(status=202)


def _failure(status: int, reason: str, details: str) -> web.Response:
    return web.json_response({"error": {"reason": reason, "details": details}}, status=status)


@asynccontextmanager
async def pinning_server(key: str = "a key of this test") -> AsyncIterator[PinningServer]:
    """Run a pinning service for the time of an ``async with``."""
    server = PinningServer(key)
    app = web.Application(middlewares=[server.admit])
    app.router.add_post("/pins", server.add)
    app.router.add_get("/pins", server.search)
    app.router.add_get("/pins/{request:.+}", server.look)
    app.router.add_delete("/pins/{request:.+}", server.remove)
    runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield server
    finally:
        await runner.cleanup()
