"""Messages recorded from the original client and server: ours answers each with an equivalent one."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pytest
from fixtures_support import cases
from rpc.typed_json import build, described, wanted

from ipfs_comm import IPFSClient, IPFSService, MessageChannel, MessagePort, Server, open_node

if TYPE_CHECKING:
    from ipfs_comm.node import Node

#: Seconds that the server has for one message.
PATIENCE = 5


async def seed(node: Node, what: str | None) -> None:
    """Put the content into the node that a transcript begins with."""
    match what:
        case None:
            pass
        case "add('hello world')":
            await node.add(b"hello world")
        case "addAll d/a.txt='a', d/sub/b.txt='bb'":
            await node.add_all([{"path": "d/a.txt", "content": b"a"}, {"path": "d/sub/b.txt", "content": b"bb"}])
        case "add('0123456789abcdefghijklmnopqrst',{chunker:'size-10'})":
            await node.add(b"0123456789abcdefghijklmnopqrst", chunker="size-10")
        case "dag.put({link: dag.put({x:{y:[1,2,3]}, b: bytes}), n:null, f:1.5})":
            inner = await node.dag.put({"x": {"y": [1, 2, 3]}, "b": b"bytes"})
            await node.dag.put({"link": inner, "n": None, "f": 1.5})
        case "block.put('blorb')":
            await node.block.put(b"blorb")
        case _:
            raise AssertionError(f"a seed this does not know: {what}")


def other(label: str) -> str:
    """Return the label of the port that ``label`` is entangled with."""
    if label in {"client", "server"}:
        return "server" if label == "client" else "client"
    return label[:-1] + str(3 - int(label[-1]))


class Replay:
    """The client's side of a transcript: posts what the client posted, and compares what comes."""

    def __init__(self, port: MessagePort) -> None:
        self.mine: dict[str, MessagePort] = {}
        self.inbox: dict[str, asyncio.Queue[Any]] = defaultdict(asyncio.Queue)
        self.attach("client", port)

    def attach(self, label: str, port: MessagePort) -> None:
        self.mine[label] = port
        port.onmessage = self.inbox[label].put_nowait

    def post(self, label: str, message: dict[str, Any]) -> None:
        given = {}
        for item in message.get("transfer") or []:
            if "port" in item:
                channel = MessageChannel()
                given[item["port"]] = channel.port2
                self.attach(other(item["port"]), channel.port1)
        self.mine[label].post_message(build(message["data"], given), list(given.values()))

    async def expect(self, label: str, message: dict[str, Any]) -> None:
        event = await asyncio.wait_for(self.inbox[other(label)].get(), PATIENCE)
        got, want = described(event.data), wanted(message["data"])
        assert json.dumps(got, sort_keys=True) == json.dumps(want, sort_keys=True)
        labels = [item["port"] for item in message.get("transfer") or [] if "port" in item]
        assert len(labels) == len(event.ports)
        for name, port in zip(labels, event.ports, strict=True):
            self.attach(name, port)

    async def run(self, messages: list[dict[str, Any]]) -> None:
        for message in messages:
            if "close" in message:
                if message["close"] in self.mine and message["close"] != "client":
                    self.mine[message["close"]].close()
            elif message["from"] in self.mine:
                self.post(message["from"], message)
            elif not message.get("dropped"):
                await self.expect(message["from"], message)


async def put_a_node(client: IPFSClient, messages: list[dict[str, Any]]) -> None:
    """Let our client make the call of a transcript about the client; compare its query and its result."""
    channel = MessageChannel()
    queries: asyncio.Queue[Any] = asyncio.Queue()
    channel.port2.onmessage = queries.put_nowait
    for message in messages:
        if message["from"] == "server" and message["data"]["props"][1][1] == "nobody":
            channel.port2.post_message(build(message["data"], {}))
    call = asyncio.create_task(client.dag.put({"a": 1}))
    client.attach(channel.port1)
    query = (await asyncio.wait_for(queries.get(), PATIENCE)).data
    recorded = wanted(next(m for m in messages if m["from"] == "client")["data"])["object"]
    assert {**described(query)["object"], "id": recorded["id"]} == recorded
    answer = build(messages[-1]["data"], {})
    channel.port2.post_message({**answer, "id": query["id"]})
    assert bytes(await asyncio.wait_for(call, PATIENCE)) == bytes(answer["result"]["value"]["bytes"])
    client.disconnect()


@pytest.mark.parametrize("case", cases("wire", "transcripts.json"))
async def test_transcript(case: dict[str, Any]) -> None:
    if case.get("replay") is False:
        await put_a_node(IPFSClient.detached(), case["messages"])
        return
    async with open_node(repo=":memory:") as node:
        await seed(node, case["seed"])
        channel = MessageChannel()
        server = Server(IPFSService(node))
        server.connect(channel.port2)
        try:
            await Replay(channel.port1).run(case["messages"])
        finally:
            await server.aclose()
