"""A node, a server on it, and a client, all in one process."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from rpc.support import nothing_left

from ipfs_comm import IPFSClient, IPFSService, MessageChannel, Server, open_node
from ipfs_comm.rpc import read_ahead
from ipfs_comm.testing import linked_ports

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ipfs_comm.node import Node
    from ipfs_comm.testing import LinkedPorts


@pytest.fixture
async def node() -> AsyncIterator[Node]:
    async with open_node(repo=":memory:") as opened:
        yield opened


@pytest.fixture
async def server(node: Node) -> AsyncIterator[Server]:
    before = asyncio.all_tasks()
    server = Server(IPFSService(node, admin=True))
    yield server
    await server.aclose()
    await nothing_left(before)


@pytest.fixture
async def client(server: Server) -> AsyncIterator[IPFSClient]:
    channel = MessageChannel()
    server.connect(channel.port2)
    client = IPFSClient.from_port(channel.port1)
    yield client
    client.disconnect()


@pytest.fixture
async def slow(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LinkedPorts]:
    # How busy this machine is must not decide how many round trips are counted.
    monkeypatch.setattr(read_ahead, "SLACK", 60)
    async with linked_ports(delay=25, seed=1) as ports:
        yield ports
