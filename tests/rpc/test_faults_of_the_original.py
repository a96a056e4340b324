"""What ipfs-message-port-server gets wrong, each fault shown gone: here at the server, and in the Python client.

The page's end of the same list is ``labextension/test/rpc/faults-of-the-original.test.ts``.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from rpc.support import Items, Packets, Peer, nothing_left, turns

from ipfs_comm import IPFSClient, IPFSService, MessageChannel, Server
from ipfs_comm.errors import IPFSCommError, LinkError, NotFoundError, RemoteError
from ipfs_comm.node.api import Mtime
from ipfs_comm.rpc.cids import encode_cid
from ipfs_comm.testing import linked_ports
from ipfs_comm.testing.client import HELLO, MISSING
from ipfs_comm.wire import clone

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from ipfs_comm.node import Node

MIB = 1 << 20


@pytest.fixture
async def peer(server: Server) -> Peer:
    return Peer(server)


class Endless:
    """Content that never ends, and whether whoever reads it has let go."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.stopped = asyncio.Event()

    async def __call__(self) -> AsyncGenerator[bytes, None]:
        try:
            while True:
                self.begun.set()
                yield b"x"
                await asyncio.sleep(0)
        finally:
            self.stopped.set()


def asked(peer: Peer, **options: Any) -> Items:
    """Ask for an add whose content comes from the test, and return the content's port."""
    channel = MessageChannel()
    given = {**options, "input": {"type": "RemoteIterable", "port": channel.port2}}
    peer.query("core.add", given, transfer=(channel.port2,))
    return Items(channel.port1)


class TestFault1AnAbortIsDeadCode:
    @pytest.mark.parametrize(
        ("options", "name", "code"),
        [({}, "AbortError", "ERR_ABORTED"), ({"timeout": 60_000}, "TimeoutError", "ERR_TIMEOUT")],
    )
    async def test_an_abort_stops_the_work_and_then_there_is_one_error(
        self, peer: Peer, options: dict[str, Any], name: str, code: str
    ) -> None:
        content = asked(peer, **options)
        assert await content.message() == {"method": "next"}
        peer.abort()
        error = (await peer.result())["error"]
        assert (error["name"], error["code"]) == (name, code)
        # The work had stopped: it had let go of what it was reading.
        await asyncio.wait_for(content.closed.wait(), 5)
        content.port.post_message({"type": "next", "done": True})
        await turns()
        assert peer.results.empty()

    async def test_a_client_that_is_cancelled_stops_the_node(self, client: IPFSClient, server: Server) -> None:
        content = Endless()
        call = asyncio.create_task(client.add(content()))
        await asyncio.wait_for(content.begun.wait(), 5)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await asyncio.wait_for(content.stopped.wait(), 5)


async def test_fault_2_a_stream_that_is_left_in_its_middle_stops(client: IPFSClient, node: Node) -> None:
    before = asyncio.all_tasks()
    added = await node.add(bytes(4 * MIB))
    async with client.cat(added.cid) as chunks:
        assert await anext(chunks)
    await nothing_left(before)


class TestFault3IteratorsLeak:
    async def test_one_of_a_port_that_disconnects_ends(self, server: Server, peer: Peer, node: Node) -> None:
        before = asyncio.all_tasks()
        added = await node.add(bytes(MIB))
        peer.query("core.cat", {"path": encode_cid(added.cid)})
        stream = Items((await peer.result())["value"]["data"]["port"])
        await stream.next()
        peer.port.close()
        await asyncio.wait_for(stream.closed.wait(), 5)
        await nothing_left(before)

    async def test_one_whose_consumer_closes_ends(self, peer: Peer, node: Node) -> None:
        before = asyncio.all_tasks()
        added = await node.add(bytes(MIB))
        peer.query("core.cat", {"path": encode_cid(added.cid)})
        stream = Items((await peer.result())["value"]["data"]["port"])
        await stream.next()
        stream.port.close()
        await nothing_left(before)

    async def test_one_that_is_never_pulled_ends_with_its_port(self, peer: Peer, node: Node) -> None:
        before = asyncio.all_tasks()
        peer.query("core.ls", {"path": encode_cid((await node.add(b"x")).cid)})
        stream = Items((await peer.result())["value"]["data"]["port"])
        peer.port.close()
        await asyncio.wait_for(stream.closed.wait(), 5)
        await nothing_left(before)

    async def test_the_port_of_progress_closes(self, peer: Peer) -> None:
        channel = MessageChannel()
        told = Items(channel.port1)
        remote = {"type": "RemoteCallback", "port": channel.port2}
        peer.query("core.add", {"input": b"x", "progressCallback": remote}, transfer=(channel.port2,))
        assert (await peer.result())["ok"]
        await asyncio.wait_for(told.closed.wait(), 5)


class TestFault4CallsHangForEver:
    async def test_one_under_way_at_disconnect_is_rejected(self, client: IPFSClient) -> None:
        call = asyncio.create_task(client.add(Endless()()))
        await turns()
        client.disconnect()
        with pytest.raises(LinkError):
            await asyncio.wait_for(call, 5)

    async def test_one_after_disconnect_is_rejected(self, client: IPFSClient) -> None:
        client.disconnect()
        with pytest.raises(LinkError):
            await asyncio.wait_for(client.block.get(HELLO), 5)

    async def test_one_whose_error_cannot_be_cloned_gets_it_all_the_same(self) -> None:
        class Broken:
            async def version(self, **_: Any) -> None:
                raise IPFSCommError("broken", code="ERR_BROKEN", detail={"lock": asyncio.Lock()})

        server = Server(IPFSService(Broken()))  # type: ignore[arg-type]  # a node of which one verb is asked for
        peer = Peer(server)
        peer.query("core.version", {})
        error = (await peer.result())["error"]
        assert (error["message"], error["detail"]) == ("broken", {"lock": "a Lock"})
        await server.aclose()


async def test_fault_5_results_do_not_take_the_stores_memory_along(client: IPFSClient, node: Node) -> None:
    cid = await node.block.put(bytes(range(256)))
    for _ in range(2):
        assert await client.block.get(cid) == bytes(range(256))
    assert await node.block.get(cid) == bytes(range(256))


class TestFault6OptionsAreDropped:
    async def test_those_that_the_original_dropped_reach_the_node(self, client: IPFSClient, node: Node) -> None:
        entries = await client.add_all(
            [{"path": "d/a", "content": b"a"}, {"path": "d/b", "content": b"b"}],
            shard_split_threshold=0,
            mode=0o600,
            mtime=(5, 0),
            file_import_concurrency=1,
            block_write_concurrency=1,
        )
        assert [(entry.mode, entry.mtime) for entry in entries[:2]] == [(0o600, Mtime(5))] * 2
        shard = (await node.dag.get(entries[2].cid)).value
        assert sorted(link["Name"][2:] for link in shard["Links"]) == ["a", "b"]

    async def test_items_come_while_the_source_waits_for_them(self, client: IPFSClient) -> None:
        seen = asyncio.Event()

        async def source() -> AsyncGenerator[dict[str, Any], None]:
            yield {"path": "a", "content": b"a"}
            await seen.wait()
            yield {"path": "b", "content": b"b"}

        async with asyncio.timeout(10):
            entries = await client.add_all(source(), progress=lambda *_: seen.set(), file_import_concurrency=1)
        assert [entry.path for entry in entries] == ["a", "b"]


async def test_fault_7_a_listing_costs_what_is_in_it(node: Node, server: Server) -> None:
    sizes = []
    for entries in (250, 500):
        files = [{"path": f"d/{number:04}", "content": b"x"} for number in range(entries)]
        root = (await node.add_all(files))[-1].cid
        async with linked_ports() as ports:
            server.connect(ports.port2)
            client = IPFSClient.from_port(ports.port1)
            sent = Packets(ports)
            assert len(await client.ls(root)) == entries
            sizes.append(sent.bytes)
    # The original's thousand entries took 49.6 MiB, since each carried the block of the directory along.
    assert sizes[1] < 500 * 2048
    assert sizes[1] < 2.5 * sizes[0]


class TestFault8AServerThatTrustsWhatComes:
    @pytest.mark.parametrize(
        "message", [None, 5, {}, {"type": "query"}, {"type": "query", "id": "a", "namespace": None}]
    )
    async def test_a_message_that_means_nothing_harms_nothing(self, peer: Peer, message: Any) -> None:
        peer.port.post_message(message)
        await turns()
        while not peer.results.empty():
            peer.results.get_nowait()
        assert await peer.alive()

    @pytest.mark.parametrize(
        "method", ["constructor.toString", "core.constructor", "core.__class__", "dag.hasOwnProperty"]
    )
    async def test_inherited_methods_cannot_be_called(self, peer: Peer, method: str) -> None:
        peer.query(method, {})
        assert (await peer.result())["error"]["name"] == "RangeError"


class TestFault9ErrorsLoseWhatTheySay:
    async def test_code_detail_and_class_come_through(self, client: IPFSClient) -> None:
        with pytest.raises(NotFoundError) as caught:
            await client.block.get(MISSING)
        assert caught.value.code == "ERR_NOT_FOUND"
        assert caught.value.detail["cid"] == str(MISSING)

    async def test_cause_and_errors_come_through(self) -> None:
        class Broken:
            async def version(self, **_: Any) -> None:
                error = IPFSCommError("the whole", code="ERR_WHOLE")
                error.errors = (NotFoundError("a part"),)  # type: ignore[attr-defined]  # as an aggregate has them
                raise error from ValueError("the cause")

        server = Server(IPFSService(Broken()))  # type: ignore[arg-type]  # a node of which one verb is asked for
        channel = MessageChannel()
        server.connect(channel.port2)
        with pytest.raises(RemoteError) as caught:
            await IPFSClient.from_port(channel.port1).version()
        assert "the cause" in str(caught.value.__cause__)
        assert [(type(one).__name__, str(one)) for one in caught.value.errors] == [("RemoteNotFoundError", "a part")]
        await server.aclose()

    async def test_a_deadline_at_the_client_has_a_code(self) -> None:
        silent = MessageChannel()
        client = IPFSClient.from_port(silent.port1)
        with pytest.raises(TimeoutError) as caught:
            await client.block.get(HELLO, timeout=0.01)
        assert getattr(caught.value, "code", "") == "ERR_TIMEOUT"
        silent.port2.close()


class TestFault10WhatIsInStreams:
    async def test_null_items_are_kept(self, peer: Peer) -> None:
        content = asked(peer)
        assert await content.message() == {"method": "next"}
        content.port.post_message({"type": "next", "done": False, "value": None})
        # It reaches the node, which refuses it, and is not passed over in silence.
        assert (await peer.result())["error"]["code"] == "ERR_INVALID_INPUT"

    async def test_progress_is_told_before_the_result_on_any_line(self, server: Server) -> None:
        ports = await linked_ports(drop=0.05, reorder=0.2, delay=5, seed=3)
        server.connect(ports.port2)
        client = IPFSClient.from_port(ports.port1)
        told: list[int] = []
        await client.add(bytes(3 * MIB), progress=lambda done, _: told.append(done))
        assert told == [min(n * 262_144, 3 * MIB) for n in range(1, 13)]
        ports.close()


class TestFault11CIDsOfOneFormOnly:
    @pytest.mark.parametrize("form", [str(HELLO), f"/ipfs/{HELLO}", bytes(HELLO), encode_cid(HELLO)])
    @pytest.mark.parametrize(
        ("method", "member"), [("dag.get", "cid"), ("block.get", "cid"), ("block.stat", "cid"), ("core.cat", "path")]
    )
    async def test_all_are_taken_everywhere(self, peer: Peer, node: Node, method: str, member: str, form: Any) -> None:
        await node.add(b"hello")
        peer.query(method, {member: form})
        assert (await peer.result())["ok"] is True

    @pytest.mark.parametrize("form", [str(HELLO), bytes(HELLO)])
    async def test_blocks_are_removed_by_any(self, peer: Peer, node: Node, form: Any) -> None:
        await node.add(b"hello", pin=False)
        peer.query("block.rm", {"cids": [form]})
        (removal,) = (await peer.result())["value"]
        assert removal.get("error", clone.undefined) is clone.undefined
