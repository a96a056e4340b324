"""What a pinning service is asked, and what becomes of its answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from aiohttp import web
from pinning.support import KEY, ROOT, answering, pin, service

from ipfs_comm.errors import NotFoundError
from ipfs_comm.ipld import CID, multihash
from ipfs_comm.pinning import PinningService
from ipfs_comm.testing.pinning import pinning_server

if TYPE_CHECKING:
    from pathlib import Path


def cids(count: int) -> list[CID]:
    return [CID.create(1, "raw", multihash.digest(str(number).encode())) for number in range(count)]


async def test_the_key_goes_into_the_header_and_nowhere_else() -> None:
    seen: list[web.Request] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        seen.append(request)
        return web.json_response(pin(), status=202)

    async with answering(answer) as url, service(f"{url}/psa") as asked:
        await asked.add(ROOT, name="a name")
    (request,) = seen
    assert request.headers["Authorization"] == f"Bearer {KEY}"
    assert request.path_qs == "/psa/pins"
    assert KEY not in repr(service(url))


async def test_a_netrc_is_not_asked_for_another_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password mine")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    async with pinning_server() as server, PinningService("test", server.url, server.key) as asked:
        assert (await asked.add(ROOT)).status == "queued"


async def test_the_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        seen.append(str(request.url))
        return web.json_response(pin(), status=202)

    async with answering(answer) as url:
        monkeypatch.setenv("http_proxy", url)
        monkeypatch.setenv("no_proxy", "")
        async with service("http://pins.example") as asked:
            await asked.add(ROOT)
    assert seen == ["http://pins.example/pins"]


async def test_pins_of_many_pages_come_each_once_the_latest_first() -> None:
    async with pinning_server() as server, PinningService("test", server.url, server.key) as asked:
        wanted = cids(250)
        for cid in wanted:
            await asked.add(cid, name="pinned-one")
        server.asked.clear()
        found = [one.cid async for one in asked.pins(status=["pinned"])]
        assert found == wanted[::-1]
        assert len(server.asked) == 3


async def test_pages_are_asked_for_only_as_they_are_read() -> None:
    async with pinning_server() as server, PinningService("test", server.url, server.key) as asked:
        for cid in cids(150):
            await asked.add(cid, name="pinned-one")
        server.asked.clear()
        pins = asked.pins(status=["pinned"])
        await anext(pins)
        await pins.aclose()
        assert len(server.asked) == 1


async def test_a_search_for_many_cids_is_asked_ten_by_ten() -> None:
    async with pinning_server() as server, PinningService("test", server.url, server.key) as asked:
        wanted = cids(25)
        for cid in wanted:
            await asked.add(cid, name="pinned-one")
        server.asked.clear()
        assert {one.cid async for one in asked.pins(cids=wanted, status=["pinned"])} == set(wanted)
        assert len(server.asked) == 3


async def test_a_cid_that_the_service_writes_otherwise_is_the_same() -> None:
    root = CID.parse("QmY8KdYQSYKFU5hM7F5ioZ5yYSgV5VZ1kDEdqfRL3rFgcd")
    page = {"count": 1, "results": [pin(cid=root.to_v1())]}

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.json_response(page)

    async with answering(answer) as url, service(url) as asked:
        assert [one.cid async for one in asked.pins(cids=[root])] == [root.to_v1()]


async def test_names_are_quoted() -> None:
    name = "ä & b=1?/#"
    async with pinning_server() as server, PinningService("test", server.url, server.key) as asked:
        await asked.add(ROOT, name=name)
        assert [one.name async for one in asked.pins(name=name, status=["queued"])] == [name]


async def test_removing_what_is_gone_is_no_error() -> None:
    async with pinning_server() as server, PinningService("test", server.url, server.key) as asked:
        made = await asked.add(ROOT)
        await asked.remove([made])
        await asked.remove([made])
        assert server.pins == {}
        with pytest.raises(NotFoundError, match="404"):
            await asked.pinned(made)
