"""What a daemon says of itself and lets be set, and what it refuses."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from ipfs_comm import open_node
from ipfs_comm.errors import InvalidInputError, NotFoundError, NotSupportedError
from ipfs_comm.node.kubo.config import PROFILES
from ipfs_comm.testing.verbs import VERBS

if TYPE_CHECKING:
    from collections.abc import Callable

    from kubo_support import Daemon

    from ipfs_comm.node import Node

PEER = "12D3KooWKnDdG3iXw9eTFijk3EWSunZcFi54Zka4wmtqtt6rPxc8"
OTHER = "QmSoLnSGccFuZQJzRadHn95W2CrSFmZuTdDWP8HXaHca9z"


def test_the_node_has_every_verb_of_the_core_api(node: Node) -> None:
    for verb in VERBS:
        found: object = node
        for name in verb.split("."):
            found = getattr(found, name)
        assert callable(found)


async def test_a_daemon_tells_who_it_is(node: Node, daemon: Daemon) -> None:
    who = await node.id()
    assert who.id == (await node.config.get("Identity.PeerID"))
    assert who.agent_version.startswith("kubo/0.43.0")
    version = await node.version()
    assert (version.version, version.repo) == ("0.43.0", "18")
    assert not await node.is_online()
    with pytest.raises(NotSupportedError):
        await node.id(peer_id=PEER)


async def test_private_keys_are_told_to_nobody(node: Node) -> None:
    assert "PrivKey" not in (await node.config.get_all())["Identity"]
    with pytest.raises(InvalidInputError, match="private key"):
        await node.config.get("Identity.PrivKey")


async def test_what_lets_one_into_a_daemon_is_told_to_nobody(guarded: Daemon) -> None:
    async with open_node("kubo", kubo_api=guarded.api, kubo_auth="bearer:token") as node:
        told = [await node.config.get_all(), await node.config.get("API"), await node.config.get("API.Authorizations")]
        told.append(await node.config.profiles.apply("announce-off", dry_run=True))
        assert "AuthSecret" not in str(told)
        assert await node.config.get("API.HTTPHeaders") == {}
        for key in ("API.Authorizations.alice", "API.Authorizations.alice.AuthSecret"):
            with pytest.raises(InvalidInputError, match="told to nobody"):
                await node.config.get(key)


async def test_settings_are_set_by_their_keys(node: Node) -> None:
    await node.config.set("Gateway.HTTPHeaders.X-Test", ["a", "ü"])
    assert (await node.config.get("Gateway.HTTPHeaders"))["X-Test"] == ["a", "ü"]
    await node.config.set("Swarm.ConnMgr.LowWater", 7)
    assert await node.config.get("Swarm.ConnMgr.LowWater") == 7
    for wrong in ("", ".", "a..b"):
        with pytest.raises(InvalidInputError):
            await node.config.get(wrong)
    with pytest.raises(InvalidInputError):
        await node.config.set("Swarm.ConnMgr.LowWater", "many")


@pytest.mark.parametrize("profile", PROFILES)
async def test_every_profile_that_is_told_can_be_applied(node: Node, profile: str) -> None:
    before = await node.config.get_all()
    told = await node.config.profiles.apply(profile, dry_run=True)
    assert told.original["Identity"]["PeerID"] == before["Identity"]["PeerID"]
    assert await node.config.get_all() == before


async def test_a_profile_changes_the_configuration(node: Node) -> None:
    told = await node.config.profiles.apply("announce-off")
    assert told.updated["Provide"]["Enabled"] is False
    assert await node.config.get("Provide.Enabled") is False
    with pytest.raises(NotFoundError):
        await node.config.profiles.apply("no such profile")


async def test_peers_to_begin_with_are_told_and_changed(node: Node) -> None:
    first, second = f"/ip4/127.0.0.1/tcp/4001/p2p/{PEER}", f"/dns4/example.com/tcp/443/wss/p2p/{OTHER}"
    for address in (first, second, first):
        await node.bootstrap.add(address)
    assert set((await node.bootstrap.list()).peers) == {first, second}
    assert (await node.bootstrap.rm(second)).peers == (second,)
    assert (await node.bootstrap.rm(second)).peers == ()
    with pytest.raises(NotSupportedError, match="AutoConf is disabled"):
        await node.bootstrap.reset()
    assert (await node.bootstrap.clear()).peers == (first,)
    with pytest.raises(InvalidInputError):
        await node.bootstrap.add("nobody")


async def test_a_daemon_without_pubsub_says_so(node: Node) -> None:
    assert "pubsub.subscribe" in (await node.capabilities()).unsupported
    with pytest.raises(NotSupportedError, match=r"Pubsub\.Enabled"):
        await node.pubsub.subscribe("topic", print)
    await node.pubsub.unsubscribe("topic")


@pytest.mark.parametrize(
    "call",
    [
        lambda node: node.pubsub.subscribe("", print),
        lambda node: node.pubsub.subscribe("topic", None),
        lambda node: node.pubsub.publish("topic", "text"),
        lambda node: node.ping("nobody"),
        lambda node: node.ping(PEER, count=0),
        lambda node: node.dht.find_provs(PEER, num_providers=0),
        lambda node: node.dht.get("/other/key"),
        lambda node: node.dht.get(b"other key"),
        lambda node: node.dht.provide([]),
        lambda node: node.swarm.connect(5),
        lambda node: node.bitswap.wantlist_for_peer("nobody"),
        lambda node: node.stats.bw(peer="nobody"),
        lambda node: node.stats.bw(peer=PEER, proto="/x"),
        lambda node: node.name.pubsub.cancel("nobody"),
    ],
    ids=range(14),
)
async def test_what_cannot_be_meant_goes_to_no_daemon(node: Node, call: Callable[[Node], object]) -> None:
    async def called() -> object:
        return await call(node)  # type: ignore[misc]  # all of them can be awaited

    with pytest.raises(InvalidInputError):
        await called()


async def test_a_stopped_node_leaves_the_daemon_running(daemon: Daemon) -> None:
    async with open_node(kind="kubo", kubo_api=daemon.api) as node:
        await node.stop()
        with pytest.raises(NotSupportedError) as caught:
            await node.version()
        assert caught.value.code == "ERR_NOT_STARTED"
    async with asyncio.timeout(30), open_node(kind="kubo", kubo_api=daemon.api) as node:
        assert (await node.version()).version
