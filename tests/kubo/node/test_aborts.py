"""What is cancelled here ends at the daemon too, whichever verb it is."""

from __future__ import annotations

import asyncio
import json
import os
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import pytest
from kubo_support import active, running, scratch, until

from ipfs_comm import open_node
from ipfs_comm.errors import DeadlineError
from ipfs_comm.ipld import CID
from ipfs_comm.node.api import File

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

    from kubo_support import Daemon

ABSENT = "bafkreiehnm6wytwyl63pbfccvyzxzdzalvqcvpl6k77djmkzwxdyrjhqma"
NAME = "k51qzi5uqu5dgutdk6i1ynyzgkqngpha5xpgia3a5qqp4jsh0u4csozksxel2r"
SIZE = 64 * 2**20


@pytest.fixture(scope="module")
def online(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon that looks for what it does not have, where nobody is, and has one large file."""
    settings = {
        "Addresses.Swarm": ["/ip4/127.0.0.1/tcp/0"],
        "Gateway.NoFetch": False,
        "Pubsub.Enabled": True,
        "Ipns.UsePubsub": True,
    }
    with scratch(tmp_path_factory, settings) as repository, running(repository, offline=False) as daemon:
        daemon.call("files/write", "/large", files=[os.urandom(SIZE)], create=True)
        yield daemon


async def endless() -> AsyncGenerator[bytes, None]:
    while True:
        yield bytes(2**16)
        await asyncio.sleep(0.01)


async def held(stream: Any) -> None:
    """Take one item, and no more."""
    async with aclosing(stream):
        await anext(stream)
        await asyncio.Event().wait()


async def all_of(stream: Any) -> None:
    async for _ in stream:
        pass


async def subscribed(node: Any) -> None:
    await node.pubsub.subscribe("topic", print)
    try:
        await asyncio.Event().wait()
    finally:
        await node.pubsub.unsubscribe("topic")


VERBS: dict[str, Any] = {
    "cat": lambda node, large: held(node.cat(large)),
    "dag/export": lambda node, large: held(node.dag.export(large)),
    "files/read": lambda node, large: held(node.files.read("/large")),
    "block/get": lambda node, large: all_of(node.cat(ABSENT)),
    "pin/add": lambda node, large: node.pin.add(ABSENT),
    "files/stat": lambda node, large: node.files.stat(f"/ipfs/{ABSENT}"),
    "files/cp": lambda node, large: node.files.cp(f"/ipfs/{ABSENT}", "/copy"),
    "name/resolve": lambda node, large: all_of(node.name.resolve(NAME)),
    "pubsub/sub": lambda node, large: subscribed(node),
    "stats/bw": lambda node, large: all_of(node.stats.bw(poll=True)),
    "add": lambda node, large: node.add(endless()),
    "dag/import": lambda node, large: node.add(File("f", endless(), mode=0o1777)),
}


@pytest.mark.parametrize("command", VERBS)
async def test_cancelling_ends_the_daemon_s_work(online: Daemon, command: str) -> None:
    large = json.loads(online.call("files/stat", "/large"))["Hash"]
    async with open_node("kubo", kubo_api=online.api) as node:
        before = asyncio.all_tasks()
        calling = asyncio.ensure_future(VERBS[command](node, large))
        await until(lambda: active(online, command))
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling
        await until(lambda: not active(online, command))
        assert asyncio.all_tasks() == before


async def test_a_deadline_ends_the_daemon_s_work(online: Daemon) -> None:
    async with open_node("kubo", kubo_api=online.api) as node:
        broken = await node.dag.put({"link": CID.parse(ABSENT)})
        calling = asyncio.ensure_future(node.pin.add(broken, timeout=0.5))
        await until(lambda: active(online, "pin/add"))
        with pytest.raises(DeadlineError):
            await calling
        await until(lambda: not active(online, "pin/add"))
        with pytest.raises(DeadlineError):
            await node.refs(broken, recursive=True, timeout=0.5)
        await until(lambda: not active(online, "refs"))
