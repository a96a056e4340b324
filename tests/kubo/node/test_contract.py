"""The contract of every node holds on a daemon: asked by its node, and by a client at the other end of a link."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from rpc.support import nothing_left

from ipfs_comm import IPFSClient, IPFSService, Server, open_node
from ipfs_comm.testing import linked_ports
from ipfs_comm.testing.differences import KUBO
from ipfs_comm.testing.node import NodeContract

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from kubo_support import Daemon


class TestNode(NodeContract):
    differences = KUBO


class TestThroughAPort(NodeContract):
    differences = KUBO

    @pytest.fixture
    async def node(self, daemon: Daemon) -> AsyncIterator[IPFSClient]:  # type: ignore[override]  # a client has the verbs that this contract is about
        async with open_node(kind="kubo", kubo_api=daemon.api) as node, linked_ports() as ports:
            before = asyncio.all_tasks()
            server = Server(IPFSService(node, admin=True))
            server.connect(ports.port2)
            client = IPFSClient.from_port(ports.port1)
            yield client
            client.disconnect()
            await server.aclose()
            await nothing_left(before)
