"""What a port may ask for is said in the kernel, for each comm target, and nothing that a query says widens it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from rpc.support import Peer

from ipfs_comm import IPFSService, Server
from ipfs_comm.errors import InvalidInputError, LimitError, NotSupportedError
from ipfs_comm.rpc import Policy, Query
from ipfs_comm.rpc.budget import Budget
from ipfs_comm.rpc.errors import UnknownMethodError
from ipfs_comm.rpc.services import NAMESPACES

if TYPE_CHECKING:
    from ipfs_comm.node.api import Node

METHODS = [(namespace, name, m) for namespace, methods in NAMESPACES.items() for name, m in methods.items()]
WRITES = [f"{namespace}.{name}" for namespace, name, method in METHODS if method.writes]
ADMIN = [f"{namespace}.{name}" for namespace, name, method in METHODS if method.admin]


def query(where: str, **given: Any) -> Query:
    namespace, _, method = where.rpartition(".")
    return Query(namespace, method, given)


@pytest.mark.parametrize("where", WRITES)
async def test_a_read_only_port_changes_nothing(node: Node, where: str) -> None:
    service = IPFSService(node, read_only=True, admin=True)
    with pytest.raises(NotSupportedError, match="read-only") as caught:
        await service.call(query(where, read_only=False, admin=True))
    assert caught.value.code == "ERR_DENIED"


@pytest.mark.parametrize("where", ADMIN)
async def test_what_is_for_who_runs_the_node_is_off_unless_asked_for(node: Node, where: str) -> None:
    with pytest.raises(NotSupportedError, match="for who runs the node") as caught:
        await IPFSService(node).call(query(where, admin=True))
    assert caught.value.code == "ERR_DENIED"


@pytest.mark.parametrize(
    "where", ["config.set", "config.replace", "config.profiles.apply", "repo.gc", "key.rm", "key.export"]
)
def test_these_are_for_who_runs_the_node(where: str) -> None:
    assert where in ADMIN


async def test_a_namespace_is_offered_with_those_in_it_and_no_other(node: Node) -> None:
    service = IPFSService(node, namespaces=["object"])
    made = await service.call(query("object.new"))
    assert await service.call(query("object.patch.appendData", cid=made["data"], data=b"x"))
    for where in ("core.version", "objects.new", "obj.new", "pin.ls"):
        with pytest.raises(UnknownMethodError, match="is not found"):
            await service.call(query(where))


async def test_a_policy_may_change_while_ports_are_open(node: Node) -> None:
    policy = Policy()
    service = IPFSService(node, lambda: policy)
    assert await service.call(query("object.new"))
    policy = Policy(read_only=True)
    with pytest.raises(NotSupportedError):
        await service.call(query("object.new"))


@pytest.mark.parametrize(
    "given",
    [
        {"read_only": 1},
        {"admin": "no"},
        {"namespaces": "core"},
        {"namespaces": ["nonsense"]},
        {"max_calls": 0},
        {"max_bytes": 1.5e9},
        {"max_rate": -1},
        {"max_rate": float("nan")},
        {"readonly": True},
        [],
    ],
)
def test_a_policy_that_cannot_be_is_refused_by_name(given: Any) -> None:
    with pytest.raises(InvalidInputError):
        Policy.of(given)


async def test_calls_under_way_are_limited(node: Node) -> None:
    budget = Budget(lambda: Policy(max_calls=2))
    budget.take(0, 0)
    budget.take(1, 0)
    with pytest.raises(LimitError, match="max_calls"):
        budget.take(2, 0)


async def test_what_comes_with_calls_under_way_is_limited_and_given_back() -> None:
    budget = Budget(lambda: Policy(max_bytes=1 << 20))
    budget.take(0, 1 << 20)
    with pytest.raises(LimitError, match="max_bytes") as caught:
        budget.take(1, 1)
    assert caught.value.detail["held"] == 1 << 20
    budget.give(1 << 20)
    budget.take(0, 1)
    assert budget.held == 1


async def test_calls_a_second_are_limited_and_the_error_says_when_to_try_again() -> None:
    budget = Budget(lambda: Policy(max_rate=1000))

    def flood() -> None:
        for _ in range(3000):
            budget.take(0, 0)

    with pytest.raises(LimitError, match="max_rate") as caught:
        flood()
    assert 0 < caught.value.detail["retry_after"] <= 0.001


class Slow:
    """Where answers leave when it is told so."""

    def __init__(self) -> None:
        self.bytes_queued = 0
        self.asked = asyncio.Event()
        self.left = asyncio.Event()

    async def drained(self, most: int) -> None:
        self.asked.set()
        await self.left.wait()


async def test_a_call_waits_while_too_many_bytes_wait_to_be_sent() -> None:
    outlet = Slow()
    outlet.bytes_queued = 2 << 20
    budget = Budget(lambda: Policy(max_bytes=1 << 20), outlet)
    begun = asyncio.Event()

    async def call() -> None:
        async with budget.answering(streams=False):
            begun.set()

    task = asyncio.create_task(call())
    await asyncio.wait_for(outlet.asked.wait(), 5)
    assert not begun.is_set()
    outlet.bytes_queued = 0
    outlet.left.set()
    await asyncio.wait_for(task, 5)


async def test_answers_are_made_so_many_at_a_time_in_the_order_of_their_calls() -> None:
    budget = Budget(lambda: Policy(max_bytes=4 << 20))
    making, most, order = 0, 0, []
    go, full = asyncio.Event(), asyncio.Event()

    async def call(number: int) -> None:
        nonlocal making, most
        async with budget.answering(streams=False):
            order.append(number)
            making += 1
            most = max(most, making)
            if making == 2:
                full.set()
            await go.wait()
            making -= 1

    calls = [asyncio.create_task(call(number)) for number in range(10)]
    await asyncio.wait_for(full.wait(), 5)
    calls[5].cancel()
    go.set()
    done = await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), 5)
    assert most == 2
    assert order == [0, 1, 2, 3, 4, 6, 7, 8, 9]
    assert [isinstance(one, asyncio.CancelledError) for one in done].count(True) == 1


async def test_a_call_that_reads_a_stream_waits_for_no_other() -> None:
    budget = Budget(lambda: Policy(max_bytes=1 << 20))
    async with budget.answering(streams=False), budget.answering(streams=True):
        pass


async def test_what_one_port_is_over_another_is_not(node: Node) -> None:
    server = Server(IPFSService(node, max_rate=1))
    one, other = Peer(server), Peer(server)
    for peer in (one, other):
        peer.query("core.version", {})
        assert (await peer.result())["ok"]
    one.query("core.version", {}, ident="q@2")
    assert (await one.result())["error"]["code"] == "ERR_LIMIT"
    await server.aclose()
