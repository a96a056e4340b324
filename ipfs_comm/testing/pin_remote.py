"""The contract of ``pin.remote``: pins at a service that speaks the IPFS Pinning Service API."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from ipfs_comm.errors import InvalidInputError, NotFoundError, PinningServiceError
from ipfs_comm.node.api import RemotePin, RemotePinCount, RemotePinService, RemotePinStat
from ipfs_comm.testing.differences import Differing
from ipfs_comm.testing.pinning import pinning_server

if TYPE_CHECKING:
    from ipfs_comm.ipld import CID
    from ipfs_comm.node.api import Node

__all__ = ["PinRemoteContract"]

_ALL = ("queued", "pinning", "pinned", "failed")


async def _cids(node: Node, count: int) -> list[CID]:
    return [await node.dag.put({"number": number}) for number in range(count)]


class PinRemoteContract(Differing):
    """Tests of ``pin.remote``; a subclass gives the fixture ``node``, an empty one."""

    async def test_services_are_remembered_until_they_are_removed(self, node: Node) -> None:
        await node.pin.remote.service.add("second", "https://b.example.com//psa/", "secret")
        await node.pin.remote.service.add("first", "https://a.example.com", "secret")
        assert await node.pin.remote.service.ls() == [
            RemotePinService("first", "https://a.example.com"),
            RemotePinService("second", "https://b.example.com/psa"),
        ]
        with pytest.raises(InvalidInputError, match="service already present"):
            await node.pin.remote.service.add("first", "https://c.example.com", "secret")
        await node.pin.remote.service.rm("first")
        await node.pin.remote.service.rm("first")
        assert [one.service for one in await node.pin.remote.service.ls()] == ["second"]

    async def test_a_service_tells_how_many_pins_it_has(self, node: Node) -> None:
        async with pinning_server() as server:
            await node.pin.remote.service.add("here", server.url, server.key)
            await node.pin.remote.service.add("wrong-key", server.url, "another key")
            for cid, name in zip(await _cids(node, 3), ("pinned-a", "pinned-b", "failed-c"), strict=True):
                await node.pin.remote.add(cid, service="here", name=name, background=True)
            here, wrong = await node.pin.remote.service.ls(stat=True)
        assert here.stat == RemotePinStat("valid", RemotePinCount(queued=0, pinning=0, pinned=2, failed=1))
        assert wrong.stat == RemotePinStat("invalid")

    async def test_a_pin_is_waited_for_unless_in_the_background(self, node: Node) -> None:
        (cid,) = await _cids(node, 1)
        async with pinning_server() as server:
            await node.pin.remote.service.add("here", server.url, server.key)
            pin = await node.pin.remote.add(cid, service="here", name="mine", background=True)
            assert pin == RemotePin("queued", cid, "mine")
            waiting = asyncio.create_task(node.pin.remote.add(cid, service="here"))
            async with asyncio.timeout(30):
                for _ in range(2):
                    (await server.added.get()).status = "pinned"
                assert await waiting == RemotePin("pinned", cid, "")

    async def test_a_service_is_told_who_has_what_it_is_to_pin(self, node: Node) -> None:
        (cid,) = await _cids(node, 1)
        origins = ["/dnsaddr/a.example.com"]
        async with pinning_server() as server:
            await node.pin.remote.service.add("here", server.url, server.key)
            with self.unless("pin.remote origins"):
                await node.pin.remote.add(cid, service="here", origins=origins, background=True)
                assert [kept.pin.get("origins") for kept in server.pins.values()] == [origins]

    async def test_a_pin_that_the_service_cannot_make_is_an_error(self, node: Node) -> None:
        (cid,) = await _cids(node, 1)
        async with pinning_server() as server:
            await node.pin.remote.service.add("here", server.url, server.key)
            with pytest.raises(PinningServiceError, match="failed to pin") as caught:
                await node.pin.remote.add(cid, service="here", name="failed-one")
        assert caught.value.code == "ERR_PIN_FAILED"

    async def test_pins_are_found_by_cid_name_and_status(self, node: Node) -> None:
        cids = await _cids(node, 3)
        async with pinning_server() as server:
            await node.pin.remote.service.add("here", server.url, server.key)
            for cid, name in zip(cids, ("pinned-a", "b", "b"), strict=True):
                await node.pin.remote.add(cid, service="here", name=name, background=True)
            assert await node.pin.remote.ls(service="here") == [RemotePin("pinned", cids[0], "pinned-a")]
            assert {pin.cid async for pin in node.pin.remote.ls(service="here", status=_ALL)} == set(cids)
            assert [pin.cid for pin in await node.pin.remote.ls(service="here", status=_ALL, name="b")] == cids[:0:-1]
            (one,) = await node.pin.remote.ls(service="here", status="queued", cid=[cids[1]])
            assert one == RemotePin("queued", cids[1], "b")

    async def test_one_pin_is_removed_and_several_only_if_that_was_meant(self, node: Node) -> None:
        cids = await _cids(node, 3)
        async with pinning_server() as server:
            await node.pin.remote.service.add("here", server.url, server.key)
            for cid in cids:
                await node.pin.remote.add(cid, service="here", background=True)
            await node.pin.remote.rm(service="here", cid=cids[0])
            assert len(server.pins) == 3
            await node.pin.remote.rm(service="here", cid=cids[0], status=_ALL)
            assert len(server.pins) == 2
            with pytest.raises(InvalidInputError, match="multiple remote pins are matching this query"):
                await node.pin.remote.rm(service="here", status=_ALL)
            assert len(server.pins) == 2
            await node.pin.remote.rm_all(service="here", status=_ALL)
            assert server.pins == {}

    async def test_a_service_has_to_be_named_and_known(self, node: Node) -> None:
        (cid,) = await _cids(node, 1)
        with pytest.raises(InvalidInputError, match="a service name must be passed"):
            await node.pin.remote.add(cid)
        with pytest.raises(InvalidInputError, match="a service name must be passed"):
            await node.pin.remote.ls()
        with pytest.raises(NotFoundError, match="service not known"):
            await node.pin.remote.rm(service="nobody")
