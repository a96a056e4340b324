"""An IPFS Cluster's proxy is a daemon's API to us: it takes over what pins, and passes everything else on.

The one here answers as that of IPFS Cluster does (its ``api/ipfsproxy``): what it does not know it ignores.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from proxy_support import proxied

from ipfs_comm import open_node
from ipfs_comm.errors import InvalidCIDError, NotFoundError, NotSupportedError
from ipfs_comm.ipld import CID
from ipfs_comm.node.api import File

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from kubo_support import Daemon
    from proxy_support import Proxy

    from ipfs_comm.node import Node

#: Options of ``add`` that a Cluster has.
KNOWN = {"layout", "chunker", "hash", "raw-leaves", "hidden", "wrap-with-directory", "progress", "cid-version"}
HEADERS = {"Server": "ipfs-cluster/ipfsproxy/1.0.8"}


def refused(message: str) -> web.Response:
    return web.json_response({"Message": message, "Code": 0, "Type": "error"}, status=500, headers=HEADERS)


@dataclass
class Cluster:
    """What one Cluster has pinned, and with which options."""

    proxy: Proxy
    pins: dict[str, dict[str, str]] = field(default_factory=dict)
    #: Whether it is of the time before pins came as a stream.
    old: bool = False

    async def add(self, request: web.Request) -> web.Response:
        assert self.proxy.session is not None
        asked = {name: value for name, value in request.query.items() if name in KNOWN or name == "trickle"}
        kind = {"Content-Type": request.headers["Content-Type"]}
        url = f"{self.proxy.target}/api/v0/add"
        said = self.proxy.session.post(
            url, params={**asked, "pin": "false"}, data=request.content.iter_any(), headers=kind
        )
        async with said as upstream:
            answer = await upstream.read()
        if request.query.get("pin") != "false":
            self.pins[json.loads(answer.splitlines()[-1])["Hash"]] = dict(request.query)
        return web.Response(body=answer, headers=HEADERS)

    async def pin_add(self, request: web.Request) -> web.Response:
        cid = request.query.get("arg", "").removeprefix("/ipfs/")
        if not cid:
            return refused('Error parsing IPFS Path: invalid path "": path does not have enough components')
        self.pins[cid] = dict(request.query)
        return web.json_response({"Pins": [cid]}, headers=HEADERS)

    async def pin_rm(self, request: web.Request) -> web.Response:
        cid = request.query["arg"].removeprefix("/ipfs/")
        if self.pins.pop(cid, None) is None:
            return refused("pin is not part of the pinset")
        return web.json_response({"Pins": [cid]}, headers=HEADERS)

    async def pin_ls(self, request: web.Request) -> web.Response:
        cid = request.query.get("arg")
        if cid is not None:
            try:
                CID.parse(cid)
            except InvalidCIDError as error:
                return refused(f"invalid cid: {error}")
            if cid not in self.pins:
                return refused(f"Error: path '{cid}' is not pinned")
        kinds = {each: self.pins[each].get("type", "recursive") for each in ([cid] if cid else self.pins)}
        if self.old:
            keys = {each: {"Type": kind} for each, kind in kinds.items()}
            return web.json_response({"Keys": keys}, headers=HEADERS)
        lines = "\n".join(json.dumps({"Cid": each, "Type": kind}) for each, kind in kinds.items())
        return web.Response(text=lines, headers=HEADERS)

    async def repo_stat(self, _: web.Request) -> web.Response:
        return web.json_response({"RepoSize": 123, "StorageMax": 456}, headers=HEADERS)


@pytest.fixture
async def cluster(daemon: Daemon) -> AsyncIterator[Cluster]:
    async with proxied(daemon.api) as proxy:
        cluster = Cluster(proxy)
        proxy.hijacked = {
            "add": cluster.add,
            "pin/add": cluster.pin_add,
            "pin/rm": cluster.pin_rm,
            "pin/ls": cluster.pin_ls,
            "repo/stat": cluster.repo_stat,
        }
        yield cluster


@pytest.fixture
async def node(cluster: Cluster) -> AsyncIterator[Node]:
    """A node on the Cluster."""
    async with open_node("kubo", kubo_api=cluster.proxy.url) as node:
        yield node


async def test_what_it_takes_over_is_done_by_it(node: Node, cluster: Cluster) -> None:
    added = await node.add(b"hello", pin=False)
    assert await node.cat(added.cid) == b"hello"
    assert cluster.pins == {}
    assert await node.pin.add(added.cid, name="n", replication_min=2, replication_max=3) == added.cid
    asked = cluster.pins[str(added.cid)]
    assert (asked["replication-min"], asked["replication-max"], asked["name"]) == ("2", "3", "n")
    assert await node.pin.rm(added.cid) == added.cid
    with pytest.raises(NotFoundError) as caught:
        await node.pin.rm(added.cid)
    assert caught.value.code == "ERR_NOT_PINNED"
    assert (await node.repo.stat()).repo_size == 123


@pytest.mark.parametrize("old", [False, True])
async def test_pins_are_listed(node: Node, cluster: Cluster, old: bool) -> None:
    cluster.old = old
    assert await node.pin.ls() == []
    one, two, three = [(await node.add(text, pin=False)).cid for text in (b"one", b"two", b"three")]
    await node.pin.add(one)
    await node.pin.add(two, recursive=False)
    assert {entry.cid: entry.type for entry in await node.pin.ls()} == {one: "recursive", two: "direct"}
    assert [entry.cid for entry in await node.pin.ls(type="direct")] == [two]
    # Of several it looks at the first.
    assert [entry.cid for entry in await node.pin.ls([two, one])] == [two, one]
    with pytest.raises(NotFoundError, match="not pinned"):
        await node.pin.ls([one, three])
    with pytest.raises(NotSupportedError, match="tells no names"):
        await node.pin.ls(name="n")


async def test_everything_that_is_added_is_pinned(node: Node, cluster: Cluster) -> None:
    added = await node.add_all([File(name, name.encode()) for name in "abc"], pin_name="n", replication_max=4)
    assert cluster.pins.keys() == {str(one.cid) for one in added}
    assert {(asked["replication-max"], asked["name"]) for asked in cluster.pins.values()} == {("4", "n")}
    cluster.pins.clear()
    added = await node.add_all([File(f"top/{name}", name.encode()) for name in "abc"])
    assert cluster.pins.keys() == {str(added[-1].cid)}


@pytest.mark.parametrize(
    "options",
    [
        {"profile": "unixfs-v1-2025"},
        {"inline": True},
        {"mode": 0o600, "mtime": (1_700_000_000, 1)},
        {"chunker": "size-1000", "trickle": True, "raw_leaves": True},
        {"hash_alg": "blake2b-256", "wrap_with_directory": True},
    ],
)
async def test_what_it_makes_is_what_was_asked_for(
    node: Node, embedded: Node, cluster: Cluster, options: dict[str, Any]
) -> None:
    about = {name: options.pop(name) for name in ("mode", "mtime") if name in options}
    for content in (b"short", bytes(50_000)):
        file = File("f", content, **about)
        added = await node.add(file, **options)
        assert added == await embedded.add(file, **options)
        assert str(added.cid) in cluster.pins


class TestKuboAlone:
    """A daemon ignores options that it does not know, in silence: so what only a Cluster has is refused."""

    async def test_in_pins(self, daemon: Daemon) -> None:
        async with open_node("kubo", kubo_api=daemon.api) as node:
            cid = (await node.add(b"hello", pin=False)).cid
            with pytest.raises(NotSupportedError, match="'replication_min' is for an IPFS Cluster"):
                await node.pin.add(cid, replication_min=2)
            with pytest.raises(NotSupportedError, match="'replication_max' is for an IPFS Cluster"):
                await node.pin.add_all([cid], replication_max=2)  # type: ignore[call-arg]  # a daemon's own
            assert await node.pin.ls() == []

    async def test_in_what_is_added(self, daemon: Daemon) -> None:
        async with open_node("kubo", kubo_api=daemon.api) as node:
            with pytest.raises(NotSupportedError, match="are for an IPFS Cluster"):
                await node.add(b"hello", replication_min=2, replication_max=3)
            assert await node.pin.ls() == []
