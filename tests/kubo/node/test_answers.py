"""What answers may be anything: each verb gives what it says, or one of our errors, and never anything else."""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from ipfs_comm.errors import DaemonError, IPFSCommError, NotFoundError
from ipfs_comm.ipns import PrivateKey
from ipfs_comm.ipns.armor import export_key
from ipfs_comm.node.kubo.address import Address
from ipfs_comm.node.kubo.answers import Said
from ipfs_comm.node.kubo.find import Found
from ipfs_comm.node.kubo.node import KuboNode
from ipfs_comm.node.kubo.rpc import Rpc
from ipfs_comm.testing.verbs import VERBS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

CID = "QmPFVLPmp9zv5Z5KUqLhe2EivAGccQW2r7M7jhVJGLZoZU"
PEER = "12D3KooWKnDdG3iXw9eTFijk3EWSunZcFi54Zka4wmtqtt6rPxc8"
ADDRESS = f"/ip4/127.0.0.1/tcp/4001/p2p/{PEER}"
KEY = PrivateKey.generate()

CALLS: dict[str, Callable[[Any], Awaitable[object]]] = {
    "files.stat": lambda node: node.files.stat("/a", with_local=True),
    "files.ls": lambda node: node.files.ls("/a"),
    "files.cp": lambda node: node.files.cp("/a", "/b"),
    "files.mv": lambda node: node.files.mv("/a", "/b"),
    "files.rm": lambda node: node.files.rm("/a"),
    "files.touch": lambda node: node.files.touch("/a"),
    "files.chmod": lambda node: node.files.chmod("/a", "a+x", recursive=True),
    "files.mkdir": lambda node: node.files.mkdir("/a", mode=0o700, parents=True),
    "files.write": lambda node: node.files.write("/a", b"x", mode=0o700, create=True, parents=True),
    "files.read": lambda node: node.files.read("/a"),
    "files.flush": lambda node: node.files.flush("/a"),
    "pin.add": lambda node: node.pin.add(CID),
    "pin.add_all": lambda node: node.pin.add_all([CID]),
    "pin.ls": lambda node: node.pin.ls(),
    "pin.rm": lambda node: node.pin.rm(CID),
    "pin.rm_all": lambda node: node.pin.rm_all([CID]),
    "pin.update": lambda node: node.pin.update(CID, CID),
    "pin.remote.add": lambda node: node.pin.remote.add(CID, service="a"),
    "pin.remote.ls": lambda node: node.pin.remote.ls(service="a"),
    "pin.remote.rm": lambda node: node.pin.remote.rm(service="a"),
    "pin.remote.rm_all": lambda node: node.pin.remote.rm_all(service="a"),
    "pin.remote.service.add": lambda node: node.pin.remote.service.add("a", "https://example.com", "key"),
    "pin.remote.service.ls": lambda node: node.pin.remote.service.ls(stat=True),
    "pin.remote.service.rm": lambda node: node.pin.remote.service.rm("a"),
    "key.gen": lambda node: node.key.gen("a"),
    "key.list": lambda node: node.key.list(),
    "key.info": lambda node: node.key.info("a"),
    "key.rm": lambda node: node.key.rm("a"),
    "key.rename": lambda node: node.key.rename("a", "b"),
    "key.export": lambda node: node.key.export("a", "password"),
    "key.import_": lambda node: node.key.import_("a", export_key(KEY, "libp2p-protobuf-cleartext")),
    "key.sign": lambda node: node.key.sign(b"data"),
    "key.verify": lambda node: node.key.verify(b"data", b"signature"),
    "name.publish": lambda node: node.name.publish(CID),
    "name.resolve": lambda node: node.name.resolve(PEER),
    "name.get": lambda node: node.name.get(PEER),
    "name.put": lambda node: node.name.put(PEER, b"record"),
    "name.pubsub.cancel": lambda node: node.name.pubsub.cancel(PEER),
    "name.pubsub.state": lambda node: node.name.pubsub.state(),
    "name.pubsub.subs": lambda node: node.name.pubsub.subs(),
    "repo.gc": lambda node: node.repo.gc(),
    "repo.stat": lambda node: node.repo.stat(),
    "repo.version": lambda node: node.repo.version(),
    "repo.verify": lambda node: node.repo.verify(),
    "config.get": lambda node: node.config.get("A"),
    "config.get_all": lambda node: node.config.get_all(),
    "config.set": lambda node: node.config.set("A", 1),
    "config.replace": lambda node: node.config.replace({}),
    "config.profiles.list": lambda node: node.config.profiles.list(),
    "config.profiles.apply": lambda node: node.config.profiles.apply("test"),
    "bootstrap.add": lambda node: node.bootstrap.add(ADDRESS),
    "bootstrap.list": lambda node: node.bootstrap.list(),
    "bootstrap.rm": lambda node: node.bootstrap.rm(ADDRESS),
    "bootstrap.reset": lambda node: node.bootstrap.reset(),
    "bootstrap.clear": lambda node: node.bootstrap.clear(),
    "stats.bitswap": lambda node: node.stats.bitswap(),
    "stats.repo": lambda node: node.stats.repo(),
    "stats.bw": lambda node: node.stats.bw(),
    "swarm.addrs": lambda node: node.swarm.addrs(),
    "swarm.connect": lambda node: node.swarm.connect(ADDRESS),
    "swarm.disconnect": lambda node: node.swarm.disconnect(ADDRESS),
    "swarm.local_addrs": lambda node: node.swarm.local_addrs(),
    "swarm.peers": lambda node: node.swarm.peers(verbose=True),
    "bitswap.wantlist": lambda node: node.bitswap.wantlist(),
    "bitswap.wantlist_for_peer": lambda node: node.bitswap.wantlist_for_peer(PEER),
    "bitswap.unwant": lambda node: node.bitswap.unwant(CID),
    "bitswap.stat": lambda node: node.bitswap.stat(),
    "dht.find_peer": lambda node: node.dht.find_peer(PEER),
    "dht.find_provs": lambda node: node.dht.find_provs(CID),
    "dht.get": lambda node: node.dht.get(f"/ipns/{PEER}"),
    "dht.provide": lambda node: node.dht.provide(CID),
    "dht.put": lambda node: node.dht.put(f"/ipns/{PEER}", b"x"),
    "dht.query": lambda node: node.dht.query(PEER),
    "pubsub.ls": lambda node: node.pubsub.ls(),
    "pubsub.peers": lambda node: node.pubsub.peers("a"),
    "pubsub.publish": lambda node: node.pubsub.publish("a", b"x"),
    "pubsub.subscribe": lambda node: listened(node),
    "pubsub.unsubscribe": lambda node: node.pubsub.unsubscribe("a"),
    "id": lambda node: node.id(),
    "version": lambda node: node.version(),
    "dns": lambda node: node.dns("example.com"),
    "ping": lambda node: node.ping(PEER),
    "is_online": lambda node: node.is_online(),
    "capabilities": lambda node: node.capabilities(),
}
#: Those of other files here.
OTHERS = ("add", "add_all", "block.", "cat", "dag.", "get", "ls", "object.", "refs", "resolve", "stop")

MEMBERS = re.findall(
    r"\w+",
    "Hash Size CumulativeSize Blocks Type Mode Mtime MtimeNsecs Local SizeLocal Objects Links Name ModTime Cid Pins "
    "Keys RemoteServices Service ApiEndpoint Stat Status PinCount Queued Id Was Now Overwrite Value Path Canceled "
    "Enabled Strings Key Error NumObjects RepoSize RepoPath Version StorageMax Msg Progress OldCfg NewCfg Peers "
    "ProvideBufLen Wantlist BlocksReceived TotalIn RateIn Addrs Addr Peer Latency Streams Direction ID PublicKey "
    "Addresses Protocols AgentVersion Repo Success Time Text Extra Responses from data seqno topicIDs Signature "
    "SignatureValid",
)
VALUES: dict[str, Any] = {
    "nothing": None,
    "a number": 5,
    "text": "text",
    "a list": [1, "x", None, [], {}],
    "an empty object": {},
    "another object": {"Message": "x", "Code": 0},
    "members that are numbers": dict.fromkeys(MEMBERS, 5),
    "members that are negative": dict.fromkeys(MEMBERS, -(2**70)),
    "members that are too large": dict.fromkeys(MEMBERS, 10**400),
    "members that are texts": dict.fromkeys(MEMBERS, "\ud7ff nothing \u0000"),
    "members that are empty": dict.fromkeys(MEMBERS, ""),
    "members that are true": dict.fromkeys(MEMBERS, True),
    "members that are lists": {name: [5, {}, "x"] for name in MEMBERS},
    "members that are lists of objects": {name: [dict.fromkeys(MEMBERS, "x")] for name in MEMBERS},
    "members that are objects": {name: {"/": "x", "a": [1]} for name in MEMBERS},
}


@asynccontextmanager
async def answering(content: bytes) -> AsyncIterator[KuboNode]:
    """Have a node whose daemon gives one answer to everything."""

    async def answer(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(body=content)

    app = web.Application()
    app.router.add_post("/api/v0/{command:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        address, _ = Address.parse(f"http://127.0.0.1:{runner.addresses[0][1]}")
        node = KuboNode(Found(Rpc(address), "of a test"))
        try:
            yield node
        finally:
            await node.close()
    finally:
        await runner.cleanup()


async def listened(node: KuboNode) -> None:
    """Listen until that ends."""
    ended: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()
    await node.pubsub.subscribe("a", lambda _message: None, on_error=ended.set_result)
    raise await ended


def test_every_verb_is_called() -> None:
    assert {verb for verb in VERBS if not verb.startswith(OTHERS) or verb.startswith("get_")} <= CALLS.keys()


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
async def test_whatever_is_answered_is_an_answer_or_one_of_our_errors(value: Any) -> None:
    content = json.dumps(value).encode() + b"\n"
    async with answering(content * 2) as once, answering(content) as twice:
        for call in CALLS.values():
            for node in (once, twice):
                try:
                    async with asyncio.timeout(30):
                        await call(node)
                except IPFSCommError:
                    pass


@pytest.mark.parametrize(("verb", "error"), [("name.resolve", NotFoundError), ("stats.bw", DaemonError)])
async def test_no_answer_is_an_error_to_whoever_takes_item_after_item(verb: str, error: type[IPFSCommError]) -> None:
    async with answering(b"") as node:
        stream: Any = CALLS[verb](node)
        with pytest.raises(error, match="the daemon tells no"):
            await anext(stream)


def test_a_member_that_is_wrong_is_told_by_its_name() -> None:
    with pytest.raises(DaemonError, match=r"pin/add: Pins is 5 in the daemon's answer"):
        Said("pin/add", {"Pins": 5}).cids("Pins")
