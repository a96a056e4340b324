"""Names of domains, taken wherever a path is: asked of the servers that the node's configuration names."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from dns_support import over_https

import ipfs_comm
from ipfs_comm.errors import DeadlineError, InvalidInputError, LimitError, NotFoundError, NotSupportedError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from dns_support import Server

    from ipfs_comm.node.api import Node


@pytest.fixture
async def dns() -> AsyncGenerator[Server, None]:
    async with over_https({}) as server:
        yield server


@pytest.fixture
async def node(dns: Server) -> AsyncGenerator[Any, None]:
    async with ipfs_comm.open_node(repo=":memory:", gateways=[]) as opened:
        await opened.config.set("DNS.Resolvers", {".": dns.url})
        yield opened


async def named(node: Node, dns: Server) -> str:
    """Give the domain ``site.example`` a tree, and return its root."""
    added = await node.add_all([{"path": "site/a/b.txt", "content": b"hello"}])
    root = str(added[-1].cid)
    dns.zone["_dnslink.site.example"] = [f'60 IN TXT "dnslink=/ipfs/{root}"']
    return root


async def test_a_path_begins_at_a_domain_wherever_a_path_is_taken(node: Node, dns: Server) -> None:
    root = await named(node, dns)
    path = "/ipns/site.example/a/b.txt"
    file = (await node.ls(f"/ipfs/{root}/a"))[0].cid
    assert await node.cat(path) == b"hello"
    assert [entry.name for entry in await node.ls("/ipns/site.example/a")] == ["b.txt"]
    assert [entry.path async for entry in node.get("/ipns/site.example/a")] == ["a", "a/b.txt"]
    assert await node.resolve(path) == f"/ipfs/{file}"
    assert await node.name.resolve("site.example/a") == f"/ipfs/{root}/a"
    assert await node.dns("site.example") == f"/ipfs/{root}"
    assert (await node.dag.resolve(path)).cid == file
    assert (await node.files.stat(path)).cid == file
    assert await node.pin.add("/ipns/site.example/a")
    assert [entry.name async for entry in node.files.ls("/ipns/site.example/a")] == ["b.txt"]
    await node.files.cp("/ipns/site.example/a", "/copied")
    assert await node.files.read("/copied/b.txt") == b"hello"
    assert len(dns.asked) == 1


async def test_domains_lead_through_domains_and_keys(node: Node, dns: Server) -> None:
    root = await named(node, dns)
    key = (await node.name.publish("/ipns/site.example/a", resolve=False)).name
    dns.zone["_dnslink.first.example"] = [f'60 IN TXT "dnslink=/ipns/{key}"']
    assert await node.dns("first.example", recursive=False) == f"/ipns/{key}"
    assert await node.dns("first.example") == f"/ipfs/{root}/a"
    assert await node.cat("/ipns/first.example/b.txt") == b"hello"
    assert await node.name.resolve("/ipns/first.example/b.txt", recursive=False) == f"/ipns/{key}/b.txt"


async def test_a_circle_of_domains_has_an_end(node: Node, dns: Server) -> None:
    dns.zone["_dnslink.a.example"] = ['60 IN TXT "dnslink=/ipns/b.example"']
    dns.zone["_dnslink.b.example"] = ['60 IN TXT "dnslink=/ipns/a.example"']
    with pytest.raises(LimitError) as caught:
        await node.dns("a.example")
    assert caught.value.code == "ERR_RECURSION_LIMIT"
    assert len(dns.asked) == 2


async def test_a_domain_that_grows_with_every_step_has_an_end(node: Node, dns: Server) -> None:
    dns.zone["_dnslink.a.example"] = [f'60 IN TXT "dnslink=/ipns/a.example/{"x" * 200}"']
    with pytest.raises(LimitError):
        await node.cat("/ipns/a.example")


async def test_records_that_lead_nowhere_are_not_found(node: Node, dns: Server) -> None:
    dns.zone["_dnslink.a.example"] = ['60 IN TXT "dnslink=javascript:alert(1)"']
    with pytest.raises(NotFoundError, match="could not resolve name"):
        await node.cat("/ipns/a.example")


async def test_a_call_that_is_offline_asks_nobody(node: Node, dns: Server) -> None:
    await named(node, dns)
    for call in (
        lambda: node.dns("site.example", offline=True),
        lambda: node.cat("/ipns/site.example/a/b.txt", offline=True),
        lambda: node.resolve("/ipns/site.example", offline=True),
        lambda: node.name.resolve("/ipns/site.example", offline=True),
        lambda: node.pin.add("/ipns/site.example", offline=True),
    ):
        with pytest.raises(NotFoundError, match="this call is offline"):
            await call()
    assert dns.asked == []


async def test_an_answer_is_asked_for_anew_where_none_is_to_be_kept(node: Node, dns: Server) -> None:
    await named(node, dns)
    for _ in range(2):
        await node.dns("site.example", nocache=True)
    assert len(dns.asked) == 2
    await node.config.set("DNS.MaxCacheTTL", "0s")
    for _ in range(2):
        await node.dns("site.example", nocache=True)
    assert len(dns.asked) == 4


async def test_a_setting_that_cannot_be_meant_is_told(node: Node) -> None:
    await node.config.set("DNS.Resolvers", ["https://dns.example"])
    with pytest.raises(InvalidInputError, match=r"DNS\.Resolvers"):
        await node.dns("site.example")
    await node.config.set("DNS.Resolvers", {".": "http://dns.example"})
    with pytest.raises(InvalidInputError, match="without https"):
        await node.dns("site.example")


async def test_a_domain_is_no_block_where_one_cid_is_needed(node: Node, dns: Server) -> None:
    await named(node, dns)
    with pytest.raises(NotSupportedError, match="ask resolve"):
        await node.block.get("/ipns/site.example")


async def test_the_time_of_a_call_ends_its_questions(node: Node) -> None:
    with pytest.raises(DeadlineError):
        await node.dns("site.example", timeout=1e-6)


async def test_a_stopped_node_asks_nobody(node: Node, dns: Server) -> None:
    await named(node, dns)
    await node.stop()
    with pytest.raises(NotSupportedError) as caught:
        await node.dns("site.example")
    assert caught.value.code == "ERR_NOT_STARTED"
    assert dns.asked == []


async def test_a_forked_child_does_not_use_the_connections_of_its_parent(
    node: Node, dns: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = os.getpid()
    monkeypatch.setattr(os, "getpid", lambda: mine + 1)
    with pytest.raises(NotSupportedError, match="was forked"):
        await node.dns("site.example")
    monkeypatch.undo()
    assert dns.asked == []
