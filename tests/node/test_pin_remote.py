"""Pins at remote services, as the embedded node keeps and asks them; ``ipfs_comm.testing.pin_remote`` has the rest."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING

import pytest

import ipfs_comm
from ipfs_comm.errors import (
    DeadlineError,
    InvalidInputError,
    LimitError,
    NotSupportedError,
    PinningServiceError,
    RepositoryError,
)
from ipfs_comm.node.embedded import services
from ipfs_comm.testing.pinning import pinning_server

if TYPE_CHECKING:
    from pathlib import Path

KEY = "a token that nobody sees"


def kept(repo: Path) -> Path:
    (file,) = (repo / "services").iterdir()
    return file


async def test_services_survive_the_process_and_are_shared(tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    async with (
        ipfs_comm.open_node(repo=repo, gateways=[]) as node,
        ipfs_comm.open_node(repo=repo, gateways=[]) as other,
    ):
        await node.pin.remote.service.add("one", "https://one.example.com", KEY)
        assert [service.service for service in await other.pin.remote.service.ls()] == ["one"]
        with pytest.raises(InvalidInputError, match="already present"):
            await other.pin.remote.service.add("one", "https://one.example.com", KEY)
    async with ipfs_comm.open_node(repo=repo, gateways=[]) as node:
        assert [service.endpoint for service in await node.pin.remote.service.ls()] == ["https://one.example.com"]


async def test_a_key_is_in_a_file_that_only_its_owner_can_read(tmp_path: Path) -> None:
    async with ipfs_comm.open_node(repo=tmp_path / "repo", gateways=[]) as node:
        await node.pin.remote.service.add("one", "https://one.example.com", KEY)
    file = kept(tmp_path / "repo")
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    others = [path for path in (tmp_path / "repo").rglob("*") if path.is_file() and path != file]
    assert all(KEY.encode() not in path.read_bytes() for path in others)


async def test_a_key_that_others_can_read_is_not_used(tmp_path: Path) -> None:
    async with ipfs_comm.open_node(repo=tmp_path / "repo", gateways=[]) as node:
        await node.pin.remote.service.add("one", "https://one.example.com", KEY)
        kept(tmp_path / "repo").chmod(0o644)
        with pytest.raises(RepositoryError, match="can be read by others"):
            await node.pin.remote.service.ls()


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff", json.dumps({"endpoint": 1, "key": KEY}).encode()])
async def test_a_damaged_service_is_told_and_can_be_removed(tmp_path: Path, content: bytes) -> None:
    async with ipfs_comm.open_node(repo=tmp_path / "repo", gateways=[]) as node:
        await node.pin.remote.service.add("one", "https://one.example.com", KEY)
        kept(tmp_path / "repo").write_bytes(content)
        with pytest.raises(RepositoryError, match="damaged") as caught:
            await node.pin.remote.service.ls()
        assert KEY not in str(caught.value)
        await node.pin.remote.service.rm("one")
        assert await node.pin.remote.service.ls() == []


@pytest.mark.parametrize("name", ["", "a/b", "..", "x" * 200, "a\nb", 1])
async def test_what_cannot_be_the_name_of_a_service_is_refused(name: str) -> None:
    async with ipfs_comm.open_node(repo=":memory:", gateways=[]) as node:
        with pytest.raises(InvalidInputError, match="cannot be the name of a pinning service"):
            await node.pin.remote.service.add(name, "https://one.example.com", KEY)


async def test_services_cannot_be_endlessly_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "MAX_SERVICES", 2)
    async with ipfs_comm.open_node(repo=":memory:", gateways=[]) as node:
        for name in "ab":
            await node.pin.remote.service.add(name, "https://one.example.com", KEY)
        with pytest.raises(LimitError, match="at most 2"):
            await node.pin.remote.service.add("c", "https://one.example.com", KEY)


async def test_no_key_is_in_an_error_a_log_or_the_configuration(caplog: pytest.LogCaptureFixture) -> None:
    async with pinning_server("another key") as server, ipfs_comm.open_node(repo=":memory:", gateways=[]) as node:
        with caplog.at_level(logging.DEBUG):
            await node.pin.remote.service.add("one", server.url, KEY)
            with pytest.raises(PinningServiceError) as caught:
                await node.pin.remote.ls(service="one")
        assert caught.value.code == "ERR_UNAUTHORIZED"
        assert KEY not in f"{caught.value} {caught.value.detail} {caplog.text} {await node.config.get_all()}"
        assert KEY not in repr(await node._context.services.get("one"))  # type: ignore[attr-defined]  # what is inside


async def test_a_node_that_is_offline_asks_no_service() -> None:
    async with pinning_server() as server, ipfs_comm.open_node(repo=":memory:", offline=True) as node:
        await node.pin.remote.service.add("one", server.url, server.key)
        with pytest.raises(NotSupportedError, match="offline=False"):
            await node.pin.remote.ls(service="one")
        (service,) = await node.pin.remote.service.ls(stat=True)
        assert service.stat is not None
        assert service.stat.status == "invalid"
        assert server.asked == []


async def test_a_node_that_is_read_only_remembers_no_service(tmp_path: Path) -> None:
    async with ipfs_comm.open_node(repo=tmp_path / "repo", gateways=[]) as node:
        await node.pin.remote.service.add("one", "https://one.example.com", KEY)
    async with ipfs_comm.open_node(repo=tmp_path / "repo", gateways=[], read_only=True) as node:
        assert [service.service for service in await node.pin.remote.service.ls()] == ["one"]
        for call in (
            node.pin.remote.service.add("two", "https://one.example.com", KEY),
            node.pin.remote.service.rm("one"),
        ):
            with pytest.raises(NotSupportedError, match="read-only"):
                await call


async def test_waiting_for_a_pin_ends_with_the_time_given() -> None:
    async with pinning_server() as server, ipfs_comm.open_node(repo=":memory:", gateways=[]) as node:
        await node.pin.remote.service.add("one", server.url, server.key)
        with pytest.raises(DeadlineError, match=r"pin\.remote\.add"):
            await node.pin.remote.add("bafkqaaa", service="one", timeout=0.3)
        assert len(server.pins) == 1


async def test_waiting_for_a_pin_can_be_cancelled() -> None:
    async with pinning_server() as server, ipfs_comm.open_node(repo=":memory:", gateways=[]) as node:
        await node.pin.remote.service.add("one", server.url, server.key)
        call = asyncio.create_task(node.pin.remote.add("bafkqaaa", service="one"))
        await asyncio.wait_for(server.added.get(), 10)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call


async def test_a_path_is_resolved_before_it_is_pinned() -> None:
    async with pinning_server() as server, ipfs_comm.open_node(repo=":memory:", gateways=[]) as node:
        await node.pin.remote.service.add("one", server.url, server.key)
        inner = await node.dag.put({"leaf": 1})
        root = await node.dag.put({"a": {"b": inner}})
        pin = await node.pin.remote.add(f"/ipfs/{root}/a/b", service="one", background=True)
        assert pin.cid == inner


@pytest.mark.parametrize(
    "options",
    [
        {"name": "x" * 256},
        {"origins": ["no address"]},
        {"origins": ["/ip4/127.0.0.1"] * 21},
        {"origins": ["/" + "x" * 2000]},
    ],
)
async def test_what_the_specification_does_not_allow_is_not_sent(options: dict[str, object]) -> None:
    async with pinning_server() as server, ipfs_comm.open_node(repo=":memory:", gateways=[]) as node:
        await node.pin.remote.service.add("one", server.url, server.key)
        with pytest.raises(InvalidInputError):
            await node.pin.remote.add("bafkqaaa", service="one", **options)  # type: ignore[arg-type]  # of several types
        with pytest.raises(InvalidInputError, match="not valid"):
            await node.pin.remote.ls(service="one", status="lost")
        assert server.asked == []
