"""What a port tells of itself: the methods that it offers, those of them that the node cannot do, and its limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ipfs_comm import IPFSClient, IPFSService, MessageChannel, Server, open_node
from ipfs_comm.errors import RemoteError
from ipfs_comm.facade import verbs
from ipfs_comm.node.embedded.peers import UNSUPPORTED
from ipfs_comm.rpc.services.capabilities import PROTOCOL

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ipfs_comm.node.api import Node


@pytest.fixture
async def node() -> AsyncIterator[Node]:
    async with open_node(repo=":memory:", offline=True) as opened:
        yield opened


def client_of(service: IPFSService) -> tuple[IPFSClient, Server]:
    channel, server = MessageChannel(), Server(service)
    server.connect(channel.port2)
    return IPFSClient.from_port(channel.port1), server


async def test_a_port_that_may_everything_offers_everything(node: Node) -> None:
    client, server = client_of(IPFSService(node, admin=True))
    told = await client.capabilities()
    assert set(told.methods) == verbs().keys()
    assert told.unsupported == UNSUPPORTED
    assert told.protocol == PROTOCOL
    assert (told.kind, told.read_only) == ("embedded", False)
    await server.aclose()


async def test_a_node_in_this_process_has_no_protocol_between(node: Node) -> None:
    told = await node.capabilities()
    assert told.protocol is None
    assert set(told.methods) == verbs().keys()


async def test_what_a_policy_withholds_is_not_offered(node: Node) -> None:
    client, server = client_of(IPFSService(node, read_only=True, namespaces=["core", "dag", "pubsub"], max_calls=7))
    told = await client.capabilities()
    assert {"cat", "dag.get", "pubsub.ls"} <= set(told.methods)
    assert {"add", "dag.put", "block.get", "stop"} & set(told.methods) == set()
    assert "pubsub.ls" in told.unsupported
    assert "swarm.connect" not in told.unsupported
    assert told.read_only
    assert told.limits["max_calls"] == 7
    assert "max_rate" not in told.limits
    for verb, refused in (("cat", False), ("add", True), ("block.stat", True)):
        assert (verb not in told.methods) == refused
    await server.aclose()


async def test_every_method_that_is_not_offered_is_refused(node: Node) -> None:
    client, server = client_of(IPFSService(node, namespaces=["core"]))
    told = await client.capabilities()
    assert "stop" not in told.methods
    with pytest.raises(RemoteError) as caught:
        await client.stop()
    assert caught.value.code == "ERR_DENIED"
    with pytest.raises(RemoteError, match="not found"):
        await client.block.stat("QmPFVLPmp9zv5Z5KUqLhe2EivAGccQW2r7M7jhVJGLZoZU")
    await server.aclose()
