"""The server answers exactly once, stops work that nobody waits for, and survives whatever is posted to it."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import pytest
from rpc.support import Items, Peer, nothing_left

from ipfs_comm import IPFSService, MessageChannel, Server
from ipfs_comm.errors import InvalidInputError, NotSupportedError
from ipfs_comm.rpc import Query
from ipfs_comm.rpc.errors import UnknownMethodError, decode_error, encode_error
from ipfs_comm.testing.client import HELLO, MISSING
from ipfs_comm.wire import clone

if TYPE_CHECKING:
    from ipfs_comm.node import Node


@pytest.fixture
async def peer(server: Server) -> Peer:
    return Peer(server)


def endless_add(peer: Peer, **options: Any) -> Items:
    """Ask for an add whose content never ends, and return the content's port."""
    channel = MessageChannel()
    given = {**options, "input": {"type": "RemoteIterable", "port": channel.port2}}
    peer.query("core.add", given, transfer=(channel.port2,))
    return Items(channel.port1)


@pytest.mark.parametrize(
    "message", [None, 1, "text", [], {}, {"type": "query"}, {"type": "query", "id": 7}, {"type": "x", "id": "a"}]
)
async def test_a_message_that_means_nothing_is_ignored(
    peer: Peer, message: Any, caplog: pytest.LogCaptureFixture
) -> None:
    peer.port.post_message(message)
    peer.port.post_message(message)
    assert await peer.alive()
    assert len([record for record in caplog.records if record.levelno >= logging.WARNING]) == 1


async def test_a_query_without_a_method_gets_a_typed_error(peer: Peer) -> None:
    peer.port.post_message({"type": "query", "id": "a", "namespace": None, "method": 3, "input": None})
    assert (await peer.result())["error"]["code"] == "ERR_INVALID_INPUT"


@pytest.mark.parametrize(
    "method", ["dag.nope", "dag.__init__", "constructor.toString", "core.constructor", "dag.", "files.nope"]
)
async def test_only_listed_methods_can_be_called(peer: Peer, method: str) -> None:
    peer.query(method, {})
    error = (await peer.result())["error"]
    assert (error["name"], error["code"]) == ("RangeError", clone.undefined)


@pytest.mark.parametrize(
    ("method", "given"),
    [
        ("core.add", None),
        ("core.add", {"input": None}),
        ("core.add", {"input": 138}),
        ("core.add", {"input": "x", "chunker": 7}),
        ("core.add", {"input": "x", "chunker": "size-0"}),
        ("core.add", {"input": "x", "cidVersion": -1}),
        ("core.add", {"input": {"type": "RemoteIterable"}}),
        ("core.add", {"input": {"content": "x", "path": {}}}),
        ("core.add", {"input": {"content": "x", "mode": {}}}),
        ("core.add", {"input": {"content": "x", "mode": -1}}),
        ("core.add", {"input": {"content": "x", "mtime": {}}}),
        ("core.add", {"input": "x", "progressCallback": {"type": "RemoteCallback", "port": 1}}),
        ("core.cat", {}),
        ("core.cat", {"path": {"multihash": {}, "bytes": b"\x01"}}),
        ("core.cat", {"path": str(HELLO), "offset": -1}),
        ("core.ls", {"path": 7}),
        ("dag.put", {}),
        ("dag.put", {"dagNode": {"dagNode": clone.undefined, "cids": []}}),
        ("dag.put", {"dagNode": {"dagNode": {"a": clone.Set([1])}, "cids": []}}),
        ("dag.put", {"dagNode": {"dagNode": {}, "cids": [{}]}}),
        ("dag.get", {"cid": "nonsense"}),
        ("dag.get", {"cid": b"nonsense"}),
        ("block.put", {"block": "text"}),
        ("block.get", {"cid": None}),
        ("block.rm", {"cids": [None]}),
        ("block.rm", {"cids": ["nonsense"]}),
        ("files.stat", {"path": ""}),
    ],
)
async def test_an_input_that_cannot_be_meant_gets_a_typed_error(peer: Peer, method: str, given: Any) -> None:
    peer.query(method, given)
    error = (await peer.result())["error"]
    assert str(error["code"]).startswith("ERR_")
    assert error["code"] != "ERR_INTERNAL"
    assert await peer.alive()


@pytest.mark.timeout(20)
@pytest.mark.parametrize("levels", [2, 100, 100_000])
async def test_files_in_files_are_refused_however_deep(peer: Peer, levels: int) -> None:
    given: Any = b"x"
    for _ in range(levels):
        given = {"content": given}
    peer.query("core.add", {"input": given})
    assert (await peer.result())["error"]["code"] == "ERR_INVALID_INPUT"
    loop: dict[str, Any] = {"path": "a"}
    loop["content"] = loop
    peer.query("core.add", {"input": loop})
    assert (await peer.result())["error"]["code"] == "ERR_INVALID_INPUT"
    assert await peer.alive()


async def test_a_node_that_contains_itself_is_refused(peer: Peer) -> None:
    loop: dict[str, Any] = {}
    loop["self"] = loop
    peer.query("dag.put", {"dagNode": {"dagNode": loop, "cids": []}})
    assert (await peer.result())["error"]["code"] == "ERR_LIMIT"


async def test_links_from_another_cid_class_are_stored_as_links(peer: Peer, node: Node) -> None:
    raw = bytes(HELLO)

    def link() -> dict[str, Any]:
        return {
            "code": 112,
            "version": 0,
            "multihash": {"code": 18, "size": 32, "digest": raw[2:], "bytes": raw},
            "bytes": raw,
        }

    peer.query("dag.put", {"dagNode": {"dagNode": {"a": link(), "b": [link()]}, "cids": [link(), link()]}})
    cid = (await peer.result())["value"]
    assert (await node.dag.get(bytes(cid["bytes"]))).value == {"a": HELLO, "b": [HELLO]}


async def test_an_object_that_only_looks_like_a_cid_stays_an_object(peer: Peer, node: Node) -> None:
    look = {"version": 0, "multihash": {"bytes": b"x"}, "bytes": b"x"}
    peer.query("dag.put", {"dagNode": {"dagNode": {"a": look}, "cids": []}})
    cid = (await peer.result())["value"]
    assert (await node.dag.get(bytes(cid["bytes"]))).value == {"a": look}


@pytest.mark.parametrize("form", [str(HELLO), bytes(HELLO), {"multihash": {}, "/": bytes(HELLO)}])
async def test_cids_are_taken_in_every_form(peer: Peer, node: Node, form: Any) -> None:
    await node.add(b"hello", pin=False)
    for method, key in (
        ("block.get", "cid"),
        ("dag.get", "cid"),
        ("block.stat", "cid"),
        ("core.cat", "path"),
        ("files.stat", "path"),
    ):
        peer.query(method, {key: f"/ipfs/{form}" if method == "files.stat" and isinstance(form, str) else form})
        assert (await peer.result())["ok"], method
    peer.query("block.rm", {"cids": [form]})
    (removal,) = (await peer.result())["value"]
    assert "error" not in removal


async def test_a_cid_in_a_result_has_one_object_for_bytes_and_slash(peer: Peer, node: Node) -> None:
    await node.add(b"hello")
    peer.query("block.stat", {"cid": str(HELLO)})
    cid = (await peer.result())["value"]["cid"]
    assert cid["bytes"] is cid["/"]
    assert cid["multihash"]["bytes"] is cid["bytes"]
    assert bytes(cid["bytes"]) == bytes(HELLO)
    assert bytes(cid["multihash"]["digest"]) == bytes(HELLO)[2:]


async def test_links_in_a_node_are_the_entries_of_cids(peer: Peer, node: Node) -> None:
    cid = await node.dag.put({"a": HELLO, "b": [MISSING]})
    peer.query("dag.get", {"cid": str(cid)})
    value = (await peer.result())["value"]["value"]
    assert value["cids"] == [value["dagNode"]["b"][0], value["dagNode"]["a"]] or len(value["cids"]) == 2
    assert {id(link) for link in value["cids"]} == {id(value["dagNode"]["a"]), id(value["dagNode"]["b"][0])}


async def test_options_that_nobody_knows_are_passed_over(peer: Peer) -> None:
    peer.query("core.add", {"input": "hello", "colour": "red", "timeout": clone.undefined, "signal": None})
    assert (await peer.result())["value"]["data"]["path"] == str(HELLO)


async def test_a_text_of_the_page_is_never_a_path_of_this_machine(peer: Peer, recwarn: pytest.WarningsRecorder) -> None:
    peer.query("core.add", {"input": __file__, "onlyHash": True})
    assert (await peer.result())["value"]["data"]["size"] < 1000
    assert len(recwarn) == 0


async def test_a_lone_surrogate_is_added_as_javascript_would(peer: Peer) -> None:
    peer.query("core.add", {"input": "\ud800", "cidVersion": 1, "onlyHash": True})
    with_surrogate = (await peer.result())["value"]["data"]["path"]
    peer.query("core.add", {"input": "\N{REPLACEMENT CHARACTER}", "cidVersion": 1, "onlyHash": True})
    assert (await peer.result())["value"]["data"]["path"] == with_surrogate


async def test_an_abort_stops_the_work_and_is_answered_once(peer: Peer) -> None:
    before = asyncio.all_tasks()
    content = endless_add(peer)
    assert await content.message() == {"method": "next"}
    peer.abort()
    peer.abort()
    error = (await peer.result())["error"]
    assert (error["name"], error["code"]) == ("AbortError", "ERR_ABORTED")
    assert await content.message() == {"method": "return"}
    await asyncio.wait_for(content.closed.wait(), 5)
    await nothing_left(before)
    assert await peer.alive()


async def test_an_abort_right_after_the_query_is_answered_once(peer: Peer) -> None:
    content = endless_add(peer)
    peer.abort()
    assert (await peer.result())["error"]["name"] == "AbortError"
    await asyncio.wait_for(content.closed.wait(), 5)
    assert await peer.alive()


async def test_an_abort_of_a_query_with_a_timeout_is_a_timeout(peer: Peer) -> None:
    endless_add(peer, timeout=60_000)
    peer.abort()
    error = (await peer.result())["error"]
    assert (error["name"], error["code"], error["message"]) == ("TimeoutError", "ERR_TIMEOUT", "request timed out")


async def test_a_timeout_ends_the_work_without_an_abort(peer: Peer) -> None:
    content = endless_add(peer, timeout=50)
    assert (await peer.result())["error"]["code"] == "ERR_TIMEOUT"
    await asyncio.wait_for(content.closed.wait(), 5)


async def test_an_abort_of_nothing_is_ignored(peer: Peer) -> None:
    peer.abort("nobody")
    assert await peer.alive()


async def test_disconnecting_cancels_everything(server: Server, peer: Peer, node: Node) -> None:
    before = asyncio.all_tasks()
    added = await node.add(bytes(1_000_000))
    peer.query("core.cat", {"path": str(added.cid)}, ident="cat")
    pieces = Items((await peer.result())["value"]["data"]["port"])
    await pieces.next()
    content = endless_add(peer)
    await content.message()
    peer.port.close()
    await asyncio.wait_for(content.closed.wait(), 5)
    await asyncio.wait_for(pieces.closed.wait(), 5)
    await nothing_left(before)


async def test_leaving_a_stream_early_stops_it(peer: Peer, node: Node) -> None:
    before = asyncio.all_tasks()
    added = await node.add(bytes(1_000_000))
    peer.query("core.cat", {"path": str(added.cid)})
    pieces = Items((await peer.result())["value"]["data"]["port"])
    assert (await pieces.next())["done"] is False
    pieces.port.post_message({"method": "return"})
    await asyncio.wait_for(pieces.closed.wait(), 5)
    await nothing_left(before)


async def test_a_stream_whose_port_closes_stops(peer: Peer, node: Node) -> None:
    before = asyncio.all_tasks()
    added = await node.add(bytes(1_000_000))
    peer.query("core.cat", {"path": str(added.cid)})
    pieces = Items((await peer.result())["value"]["data"]["port"])
    await pieces.next()
    pieces.port.close()
    assert await peer.alive()
    await nothing_left(before)


async def test_a_stream_answers_every_next_that_was_posted_ahead(peer: Peer, node: Node) -> None:
    added = await node.add(bytes(1_000_000))
    peer.query("core.cat", {"path": str(added.cid)})
    pieces = Items((await peer.result())["value"]["data"]["port"])
    for _ in range(5):
        pieces.port.post_message({"method": "next"})
    sizes = [len((await pieces.message())["value"]) for _ in range(4)]
    assert sizes == [262_144, 262_144, 262_144, 213_568]
    assert await pieces.message() == {"type": "next", "done": True}
    await asyncio.wait_for(pieces.closed.wait(), 5)


async def test_a_flood_of_requests_ends_the_stream_and_nothing_else(peer: Peer, node: Node) -> None:
    added = await node.add(b"hello")
    peer.query("core.cat", {"path": str(added.cid)})
    pieces = Items((await peer.result())["value"]["data"]["port"])
    for _ in range(50_000):
        pieces.port.post_message({"method": "next"})
    await asyncio.wait_for(pieces.closed.wait(), 20)
    assert await peer.alive()


async def test_a_last_item_may_come_with_the_end(peer: Peer) -> None:
    content = endless_add(peer)
    await content.message()
    content.port.post_message({"done": False, "value": b"he"})
    await content.message()
    content.port.post_message({"done": True, "value": b"llo"})
    assert (await peer.result())["value"]["data"]["path"] == str(HELLO)


async def test_content_that_ends_in_an_error_ends_the_call_with_it(peer: Peer) -> None:
    content = endless_add(peer)
    await content.message()
    error = {"name": "TypeError", "message": "boom", "stack": "there", "code": "ERR_MINE", "detail": {"a": 1}}
    content.port.post_message({"type": "throw", "error": error})
    assert (await peer.result())["error"] == error


@pytest.mark.parametrize("answer", [None, 1, {"done": "yes", "value": {}}, {"type": "throw"}])
async def test_content_that_breaks_the_protocol_ends_the_call(peer: Peer, answer: Any) -> None:
    content = endless_add(peer)
    await content.message()
    content.port.post_message(answer)
    assert (await peer.result())["ok"] is False
    assert await peer.alive()


async def test_content_whose_port_closes_ends_the_call(peer: Peer) -> None:
    content = endless_add(peer)
    await content.message()
    content.port.close()
    assert (await peer.result())["error"]["code"] == "ERR_CLOSED"


async def test_progress_comes_before_the_result_and_its_port_closes(peer: Peer) -> None:
    channel = MessageChannel()
    order: list[Any] = []
    closed = asyncio.Event()
    channel.port1.onmessage = lambda event: order.append(event.data)
    channel.port1.onclose = lambda _: closed.set()
    peer.port.onmessage = lambda event: (order.append("result"), peer.results.put_nowait(event.data))
    callback = {"type": "RemoteCallback", "port": channel.port2}
    content = {"path": "a", "content": bytes(600_000)}
    peer.query("core.add", {"input": content, "progressCallback": callback}, transfer=(channel.port2,))
    assert (await peer.result())["ok"]
    await asyncio.wait_for(closed.wait(), 5)
    assert order == [[262_144, "a"], [524_288, "a"], [600_000, "a"], "result"]


async def test_entries_of_add_all_come_while_items_are_still_to_come(peer: Peer) -> None:
    channel = MessageChannel()
    given = {"input": {"type": "RemoteIterable", "port": channel.port2}}
    peer.query("core.addAll", given, transfer=(channel.port2,))
    entries = Items((await peer.result())["value"]["data"]["port"])
    source = Items(channel.port1)
    entries.port.post_message({"method": "next"})
    await source.message()
    source.port.post_message({"type": "next", "done": False, "value": "hello"})
    assert (await entries.message())["value"]["path"] == str(HELLO)
    source.port.post_message({"type": "next", "done": True})
    assert (await entries.next())["done"] is True


async def test_ports_that_come_with_an_item_and_mean_nothing_close_with_the_call(peer: Peer) -> None:
    source = MessageChannel()
    channels = [MessageChannel() for _ in range(3)]
    strays = [Items(channel.port1) for channel in channels]
    peer.query("core.addAll", {"input": {"type": "RemoteIterable", "port": source.port2}}, transfer=(source.port2,))
    entries = Items((await peer.result())["value"]["data"]["port"])
    items = Items(source.port1)
    entries.port.post_message({"method": "next"})
    await items.message()
    source.port1.post_message({"done": False, "value": "hello"}, [channel.port2 for channel in channels])
    assert (await entries.message())["done"] is False
    entries.port.post_message({"method": "return"})
    for stray in strays:
        await asyncio.wait_for(stray.closed.wait(), 5)


async def test_a_blob_is_read_piece_by_piece(peer: Peer) -> None:
    peer.query("core.add", {"input": clone.Blob(b"hello")})
    assert (await peer.result())["value"]["data"]["path"] == str(HELLO)


async def test_results_do_not_take_the_stores_memory(peer: Peer, node: Node) -> None:
    cid = await node.block.put(b"blorb")
    for _ in range(2):
        peer.query("block.get", {"cid": str(cid)})
        assert bytes((await peer.result())["value"]["block"]) == b"blorb"


async def test_a_repeated_id_is_not_a_second_call(peer: Peer) -> None:
    content = endless_add(peer)
    peer.query("files.stat", {"path": "/"})
    await content.message()
    content.port.post_message({"type": "next", "done": True})
    assert "data" in (await peer.result())["value"]
    assert await peer.alive()


async def test_a_port_has_a_limit_of_calls(node: Node) -> None:
    server = Server(IPFSService(node, max_calls=1))
    peer = Peer(server)
    endless_add(peer)
    peer.query("files.stat", {"path": "/"}, ident="q@2")
    assert (await peer.result())["error"]["code"] == "ERR_LIMIT"
    await server.aclose()


async def test_a_missing_block_says_who_was_asked(peer: Peer) -> None:
    peer.query("block.get", {"cid": str(MISSING)})
    error = (await peer.result())["error"]
    assert (error["name"], error["code"], error["detail"]["cid"]) == ("Error", "ERR_NOT_FOUND", str(MISSING))
    assert "repository" in error["message"]


async def test_a_failure_of_our_own_is_answered_and_logged(node: Node, caplog: pytest.LogCaptureFixture) -> None:
    async def broken() -> Node:
        raise ZeroDivisionError("oops")

    server = Server(IPFSService(broken))
    peer = Peer(server)
    peer.query("files.stat", {"path": "/"})
    assert (await peer.result())["error"]["code"] == "ERR_INTERNAL"
    assert "files.stat failed" in caplog.text
    await server.aclose()


async def test_a_node_may_be_opened_at_the_first_call(node: Node) -> None:
    async def opened() -> Node:
        return node

    found = await Server(IPFSService(opened)).execute(Query("files", "stat", {"path": "/"}))
    assert found["stat"]["type"] == "directory"


async def test_read_only_refuses_what_changes_the_repository(node: Node) -> None:
    server = Server(IPFSService(node, read_only=True))
    for namespace, method in (("core", "add"), ("core", "addAll"), ("dag", "put"), ("block", "put"), ("block", "rm")):
        with pytest.raises(NotSupportedError) as caught:
            await server.execute(Query(namespace, method, {"block": b"x"}))
        assert caught.value.code == "ERR_DENIED"
    assert await server.execute(Query("files", "stat", {"path": "/"}))


async def test_only_the_namespaces_offered_can_be_called(node: Node) -> None:
    server = Server(IPFSService(node, namespaces=["block"]))
    with pytest.raises(UnknownMethodError, match="Namespace 'files' is not found"):
        await server.execute(Query("files", "stat", {"path": "/"}))
    with pytest.raises(InvalidInputError, match="nonsense"):
        IPFSService(node, namespaces=["nonsense"])


def expanding(value: Any = b"x", *, depth: int = 100) -> Any:
    """Return a value of a few bytes on the wire whose text would have 2 ** depth parts."""
    for _ in range(depth):
        value = [value, value]
    return value


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    ("method", "given"),
    [
        ("core.add", {"input": expanding()}),
        ("core.add", {"input": {"content": expanding()}}),
        ("core.add", {"input": "x", "chunker": expanding()}),
        ("core.add", {"input": {"content": "x", "mtime": expanding()}}),
        ("core.add", {"input": {"content": "x", "mtime": 2**100_000}}),
        ("core.cat", {"path": str(HELLO), "offset": expanding()}),
        ("core.cat", {"path": str(HELLO), "offset": 2**100_000}),
        ("core.ls", {"path": expanding()}),
        ("block.get", {"cid": expanding()}),
        ("dag.get", {"cid": {"multihash": expanding()}}),
    ],
)
async def test_a_value_that_expands_is_refused_and_never_written_out(peer: Peer, method: str, given: Any) -> None:
    peer.query(method, given)
    code = (await peer.result())["error"]["code"]
    assert code != "ERR_INTERNAL"
    assert await peer.alive()


@pytest.mark.timeout(20)
async def test_a_message_that_expands_is_ignored(peer: Peer) -> None:
    peer.port.post_message(expanding())
    assert await peer.alive()


@pytest.mark.timeout(20)
def test_an_error_that_expands_travels_without_its_detail() -> None:
    detail = {"deep": expanding(), "wide": [[[["x"] * 900] * 900] * 900] * 900, "cid": "bafy"}
    error = decode_error({"message": "m", "code": "ERR_OTHER", "detail": detail})
    sent = encode_error(error)
    assert sent["detail"]["cid"] == "bafy"
    assert len(repr(sent)) < 100_000
    assert str(decode_error(expanding())) == "the other end failed with a list"


async def test_a_list_of_bytes_and_numbers_is_added(peer: Peer) -> None:
    peer.query("core.add", {"input": [b"a", b"b"]})
    assert (await peer.result())["ok"] is True
