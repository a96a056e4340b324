"""What a daemon can do, as it is configured: what is told is what is refused, and nothing else is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from kubo_support import running, scratch

from ipfs_comm import open_node
from ipfs_comm.errors import IPFSCommError, NotSupportedError
from ipfs_comm.node.kubo.life import AUTOCONF, DHT, NAME_PUBSUB, NEVER, ONLINE, PUBSUB
from ipfs_comm.testing.network import NetworkContract

if TYPE_CHECKING:
    from kubo_support import Daemon

    from ipfs_comm.node import Node

LISTENS = {"Addresses.Swarm": ["/ip4/127.0.0.1/tcp/0"]}


async def refused(node: Node) -> set[str]:
    """Return the verbs that the node says it cannot do when they are called."""
    found = set()
    for verb, call in NetworkContract.calls_that_may_be_refused(node).items():
        try:
            await call()
        except NotSupportedError as error:
            found.add(verb if "kind=" in str(error) else f"{verb}: {error}")
        except IPFSCommError:
            continue
    await node.pubsub.unsubscribe("topic")
    return found


@pytest.mark.parametrize(
    ("settings", "offline", "cannot"),
    [
        pytest.param({}, True, {*ONLINE, *PUBSUB, *NAME_PUBSUB}, id="offline"),
        # Offline it has none, whatever its configuration says.
        pytest.param({"Pubsub.Enabled": True}, True, {*ONLINE, *PUBSUB, *NAME_PUBSUB}, id="offline, with pubsub"),
        pytest.param({**LISTENS, "Pubsub.Enabled": True}, False, {*NAME_PUBSUB}, id="online, with pubsub"),
        pytest.param(LISTENS, False, {*PUBSUB, *NAME_PUBSUB}, id="online"),
        pytest.param({**LISTENS, "Ipns.UsePubsub": True}, False, set(), id="online, with names by pubsub"),
        pytest.param(
            {**LISTENS, "Routing.Type": "none"}, False, {*DHT, *PUBSUB, *NAME_PUBSUB}, id="online, without routing"
        ),
    ],
)
async def test_what_is_told_is_what_is_refused(
    tmp_path_factory: pytest.TempPathFactory, settings: dict[str, Any], offline: bool, cannot: set[str]
) -> None:
    with scratch(tmp_path_factory, settings) as repository, running(repository, offline=offline) as daemon:
        async with open_node("kubo", kubo_api=daemon.api) as node:
            told = set((await node.capabilities()).unsupported)
            assert told == {*NEVER, *AUTOCONF, *cannot}
            assert await refused(node) == told


async def test_what_one_may_not_ask_for_is_told_as_well(tmp_path_factory: pytest.TempPathFactory) -> None:
    paths = [f"/api/v0/{command}" for command in ("id", "version", "add", "cat", "block")]
    settings = {"API.Authorizations": {"alice": {"AuthSecret": "bearer:token", "AllowedPaths": paths}}}
    with scratch(tmp_path_factory, settings) as repository, running(repository) as daemon:
        async with open_node("kubo", kubo_api=daemon.api, kubo_auth="bearer:token") as node:
            assert await node.cat((await node.add(b"hello", pin=False)).cid) == b"hello"
            told = await node.capabilities()
            assert {*PUBSUB, *NAME_PUBSUB, *ONLINE} <= set(told.unsupported)


async def test_it_is_asked_anew_each_time(daemon: Daemon) -> None:
    async with open_node("kubo", kubo_api=daemon.api) as node:
        told = await node.capabilities()
        assert (told.kind, told.version, told.read_only) == ("kubo", "0.43.0", False)
        assert "bootstrap.reset" in told.unsupported
        await node.config.set("AutoConf.Enabled", True)
        assert "bootstrap.reset" not in (await node.capabilities()).unsupported
