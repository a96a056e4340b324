"""The contract of what needs others: peers, topics, domains; a node does it, or says that it cannot."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import pytest

from ipfs_comm.errors import InvalidInputError, IPFSCommError, NotFoundError, NotSupportedError
from ipfs_comm.facade import verbs
from ipfs_comm.testing.differences import Differing

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from ipfs_comm.node.api import Node

_PEER: Final = "12D3KooWKnDdG3iXw9eTFijk3EWSunZcFi54Zka4wmtqtt6rPxc8"
_ADDRESS: Final = f"/ip4/127.0.0.1/tcp/4001/p2p/{_PEER}"
_CID: Final = "QmPFVLPmp9zv5Z5KUqLhe2EivAGccQW2r7M7jhVJGLZoZU"


class NetworkContract(Differing):
    """Tests of ``swarm``, ``pubsub``, ``dht``, ``bitswap``, ``stats``, ``dns`` and the like, beside no peers.

    A subclass gives the fixture ``node``.
    """

    @staticmethod
    def calls_that_may_be_refused(node: Node) -> Mapping[str, Callable[[], Awaitable[object]]]:
        """Return a call of each verb that some kind of node cannot do."""
        return {
            "bitswap.unwant": lambda: node.bitswap.unwant(_CID),
            "bitswap.wantlist_for_peer": lambda: node.bitswap.wantlist_for_peer(_PEER),
            "bootstrap.reset": lambda: node.bootstrap.reset(),
            "dht.find_peer": lambda: node.dht.find_peer(_PEER),
            "dht.find_provs": lambda: node.dht.find_provs(_CID, num_providers=1),
            "dht.get": lambda: node.dht.get(f"/ipns/{_PEER}"),
            "dht.provide": lambda: node.dht.provide([_CID]),
            "dht.put": lambda: node.dht.put(f"/ipns/{_PEER}", b"value"),
            "dht.query": lambda: node.dht.query(_PEER),
            "key.export": lambda: node.key.export("self", "a password of some length"),
            "name.get": lambda: node.name.get(_PEER),
            "name.pubsub.cancel": lambda: node.name.pubsub.cancel(_PEER),
            "name.pubsub.subs": lambda: node.name.pubsub.subs(),
            "ping": lambda: node.ping(_PEER, count=1),
            "pubsub.ls": lambda: node.pubsub.ls(),
            "pubsub.peers": lambda: node.pubsub.peers("topic"),
            "pubsub.publish": lambda: node.pubsub.publish("topic", b"data"),
            "pubsub.subscribe": lambda: node.pubsub.subscribe("topic", print),
            "swarm.connect": lambda: node.swarm.connect(_ADDRESS),
            "swarm.disconnect": lambda: node.swarm.disconnect(_ADDRESS),
        }

    async def test_a_node_tells_what_it_can_do(self, node: Node) -> None:
        told = await node.capabilities()
        assert told.kind in ("embedded", "kubo")
        assert {"add", "cat", "dag.import_", "object.patch.add_link", "capabilities"} <= set(told.methods)
        assert set(told.unsupported) <= set(told.methods) <= verbs().keys()
        assert told.limits["block_size"] >= 2**20

    async def test_what_a_node_cannot_do_it_refuses_and_says_which_can(self, node: Node) -> None:
        calls = self.calls_that_may_be_refused(node)
        for verb in (await node.capabilities()).unsupported:
            with pytest.raises(NotSupportedError, match="kind=") as caught:
                await calls[verb]()
            assert caught.value.code == "ERR_NOT_SUPPORTED"

    async def test_what_a_node_can_do_it_does_not_refuse_as_if_it_could_not(self, node: Node) -> None:
        told = (await node.capabilities()).unsupported
        for verb, call in self.calls_that_may_be_refused(node).items():
            if verb in told:
                continue
            code = ""
            try:
                await call()
            except IPFSCommError as error:
                code = error.code
            assert code != "ERR_NOT_SUPPORTED", verb
        await node.pubsub.unsubscribe("topic")

    async def test_a_node_without_peers_has_none(self, node: Node) -> None:
        assert await node.swarm.peers(verbose=True) == []
        assert await node.swarm.addrs() == []
        assert isinstance(await node.swarm.local_addrs(), list)
        assert isinstance(await node.is_online(), bool)
        assert (await node.name.pubsub.state()).enabled is False
        await node.pubsub.unsubscribe("nobody listened to this")

    async def test_figures_of_the_node(self, node: Node) -> None:
        assert await node.stats.repo() == await node.repo.stat()
        assert await node.stats.bitswap() == await node.bitswap.stat()
        assert (await node.bitswap.stat()).peers == ()
        assert await node.bitswap.wantlist() == []
        assert (await node.stats.bw()).total_in == 0

    async def test_figures_go_on_until_nobody_reads_them(self, node: Node) -> None:
        figures = node.stats.bw(poll=True, interval="10ms")
        async with asyncio.timeout(10), figures:
            assert [(await anext(figures)).total_out for _ in range(3)] == [0, 0, 0]

    async def test_an_interval_that_is_none_is_refused(self, node: Node) -> None:
        with pytest.raises(InvalidInputError, match="invalid duration"):
            await node.stats.bw(poll=True, interval="now and then")

    async def test_offline_no_domain_is_resolved(self, node: Node) -> None:
        for call in (
            lambda: node.dns("example.com", offline=True),
            lambda: node.resolve("/ipns/example.com", offline=True),
            lambda: node.name.resolve("/ipns/example.com/a", offline=True),
            lambda: node.cat("/ipns/example.com/a", offline=True),
        ):
            with pytest.raises(NotFoundError, match="could not resolve name"):
                await call()

    async def test_what_is_no_domain_is_refused(self, node: Node) -> None:
        for wrong in ("", "no dots", "a..b", "-a.b", "a b.c", "x" * 64 + ".example"):
            with pytest.raises(InvalidInputError):
                await node.dns(wrong)

    async def test_a_stopped_node_answers_nothing(self, node: Node) -> None:
        added = await node.add(b"hello")
        await node.stop()
        for call in (node.swarm.peers, lambda: node.cat(added.cid), lambda: node.add(b"more")):
            with pytest.raises(IPFSCommError) as caught:
                await call()
            assert caught.value.code == "ERR_NOT_STARTED"
