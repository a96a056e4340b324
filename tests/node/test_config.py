"""The configuration and the list of peers to begin with: kept, checked, and changed by one at a time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

import ipfs_comm
from ipfs_comm.errors import InvalidInputError, LimitError, NotFoundError
from ipfs_comm.node.embedded.settings import BOOTSTRAP
from ipfs_comm.node.multiaddr import peer_address

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from ipfs_comm.node.api import Node

PEER = "/ip4/104.236.176.52/tcp/4001/p2p/QmSoLnSGccFuZQJzRadHn95W2CrSFmZuTdDWP8HXaHca9z"
OTHER = "/ip6/2001:db8::1/udp/4001/quic-v1/p2p/12D3KooWKnDdG3iXw9eTFijk3EWSunZcFi54Zka4wmtqtt6rPxc8"


@pytest.fixture
async def node() -> AsyncGenerator[Node, None]:
    async with ipfs_comm.open_node(repo=":memory:", offline=True) as opened:
        yield opened


async def test_the_configuration_begins_with_who_the_node_is(node: Node) -> None:
    assert await node.config.get("Identity.PeerID") == (await node.id()).id
    assert await node.config.get("Addresses.Swarm") == []
    assert "PrivKey" not in (await node.config.get_all())["Identity"]


@pytest.mark.parametrize("value", ["banana", 11, 1.5, True, False, None, ["http://example.io"], {"a": {"b": []}}])
async def test_what_was_set_is_there(node: Node, value: Any) -> None:
    await node.config.set("Fruit.Basket.First", value)
    assert await node.config.get("Fruit.Basket.First") == value
    assert (await node.config.get_all())["Fruit"] == {"Basket": {"First": value}}


async def test_a_key_that_is_not_there_is_not_found(node: Node) -> None:
    for key in ("Bananas", "Addresses.Swarm.0", "Identity.PeerID.x"):
        with pytest.raises(NotFoundError, match="configuration"):
            await node.config.get(key)


@pytest.mark.parametrize("key", [None, 1234, b"heeey", "", ".", "a..b", "a" + ".a" * 40])
async def test_what_is_no_key_is_refused(node: Node, key: Any) -> None:
    with pytest.raises(InvalidInputError, match="key"):
        await node.config.get(key)
    with pytest.raises(InvalidInputError, match="key"):
        await node.config.set(key, "x")


async def test_what_json_cannot_hold_is_refused(node: Node) -> None:
    circle: dict[str, Any] = {}
    circle["circle"] = circle
    before = await node.config.get_all()
    for value in (circle, b"bytes", float("nan"), {1, 2}):
        with pytest.raises(InvalidInputError, match="JSON"):
            await node.config.set("Fruit", value)
    with pytest.raises(LimitError):
        await node.config.set("Fruit", "x" * 2**20)
    with pytest.raises(InvalidInputError, match="no object"):
        await node.config.set("Identity.PeerID.x", 1)
    assert await node.config.get_all() == before


async def test_depth_without_end_is_refused(node: Node) -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(LimitError, match="depth"):
        await node.config.set("Fruit", deep)


async def test_the_whole_can_be_replaced(node: Node) -> None:
    for config in ({"Addresses": {"API": ""}}, {}):
        await node.config.replace(config)
        assert await node.config.get_all() == config
    with pytest.raises(InvalidInputError):
        await node.config.replace([])  # type: ignore[arg-type]  # that is the point
    assert (await node.bootstrap.list()).peers == ()


async def test_private_keys_have_no_place_in_it(node: Node) -> None:
    for call in (node.config.set("Identity.PrivKey", "x"), node.config.replace({"Identity": {"PrivKey": "x"}})):
        with pytest.raises(InvalidInputError, match="keystore"):
            await call


async def test_a_profile_changes_what_it_says(node: Node) -> None:
    before = await node.config.get_all()
    changed = await node.config.profiles.apply("lowpower")
    assert changed.original == before
    assert changed.updated == await node.config.get_all()
    assert changed.updated["Swarm"]["ConnMgr"]["LowWater"] < before["Swarm"]["ConnMgr"]["LowWater"]
    assert (await node.config.profiles.apply("default-power")).updated == before


async def test_a_dry_run_changes_nothing(node: Node) -> None:
    before = await node.config.get_all()
    told = await node.config.profiles.apply("test", dry_run=True)
    assert told.original == before != told.updated
    assert await node.config.get_all() == before


async def test_every_profile_that_is_listed_can_be_applied(node: Node) -> None:
    profiles = await node.config.profiles.list()
    assert profiles
    for profile in profiles:
        assert profile.description
        await node.config.profiles.apply(profile.name)
    with pytest.raises(NotFoundError, match="lowpower"):
        await node.config.profiles.apply("none")


async def test_many_tasks_change_it_side_by_side(node: Node) -> None:
    await asyncio.gather(*(node.config.set(f"Fruit.n{number}", number) for number in range(20)))
    assert await node.config.get("Fruit") == {f"n{number}": number for number in range(20)}


async def test_the_configuration_survives_the_process(tmp_path: Path) -> None:
    async with ipfs_comm.open_node(repo=tmp_path / "repo", offline=True) as node:
        await node.config.set("Fruit", "banana")
        await node.bootstrap.add(PEER)
        before = await node.config.get_all()
    async with ipfs_comm.open_node(repo=tmp_path / "repo", offline=True) as node:
        assert await node.config.get_all() == before
        assert PEER in (await node.bootstrap.list()).peers


async def test_a_peer_is_added_once_and_removed(node: Node) -> None:
    assert (await node.bootstrap.clear()).peers == BOOTSTRAP
    assert (await node.bootstrap.add(PEER)).peers == (PEER,)
    assert (await node.bootstrap.add(PEER)).peers == (PEER,)
    await node.bootstrap.add(OTHER)
    assert (await node.bootstrap.list()).peers == (PEER, OTHER)
    assert (await node.bootstrap.rm(PEER)).peers == (PEER,)
    assert (await node.bootstrap.rm(PEER)).peers == ()
    assert (await node.bootstrap.clear()).peers == (OTHER,)
    assert (await node.bootstrap.list()).peers == ()


async def test_the_default_peers_come_back(node: Node) -> None:
    await node.bootstrap.clear()
    assert (await node.bootstrap.reset()).peers == (await node.bootstrap.list()).peers == BOOTSTRAP
    assert await node.config.get("Bootstrap") == list(BOOTSTRAP)


def test_the_default_peers_are_addresses_of_peers() -> None:
    assert [peer_address(address) for address in (*BOOTSTRAP, PEER, OTHER)] == [*BOOTSTRAP, PEER, OTHER]
    assert peer_address(PEER.replace("/p2p/", "/ipfs/") + "/") == PEER


@pytest.mark.parametrize(
    "address",
    [
        "this/Is/So/Invalid/",
        "",
        "/",
        "/ip4/1.2.3.4/tcp/4001",
        "/ip4/1.2.3.4.5/tcp/4001/p2p/" + PEER.rsplit("/")[-1],
        "/ip4/1.2.3.4/tcp/70000/p2p/" + PEER.rsplit("/")[-1],
        "/ip4/1.2.3.4/tcp/1/p2p/Qm",
        "/ip4/1.2.3.4/tcp/1/p2p",
        "/carrier-pigeon/1/p2p/" + PEER.rsplit("/")[-1],
        "/dns4/a b/tcp/1/p2p/" + PEER.rsplit("/")[-1],
        PEER + "/tcp/1",
        "/tls" * 1000,
        7,
    ],
)
async def test_what_is_no_address_of_a_peer_is_refused(node: Node, address: Any) -> None:
    for call in (node.bootstrap.add(address), node.bootstrap.rm(address)):
        with pytest.raises(InvalidInputError) as refused:
            await call
        assert refused.value.code == "ERR_INVALID_MULTIADDR"
