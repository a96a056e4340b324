"""The gateway source reads what Kubo's gateway serves."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from kubo.trees import Bulk, Link, Plan, Tree, by_kubo

from ipfs_comm import open_node
from ipfs_comm.errors import NotFoundError
from ipfs_comm.exchange.gateway import Gateways
from ipfs_comm.ipld import CID, multihash

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from kubo_support import Daemon

    from ipfs_comm.node.api import Node

TREE = Tree({"big": Bulk(1_000_000), "inner": Tree({"small": b"small"}), "link": Link("inner/small"), "empty": b""})


@pytest.fixture
async def node(kubo: Daemon) -> AsyncIterator[Node]:
    async with open_node(repo=":memory:", exchange=Gateways([kubo.gateway])) as opened:
        yield opened


@pytest.mark.parametrize("version", [0, 1])
async def test_a_tree_is_read_over_the_gateway(kubo: Daemon, node: Node, version: int) -> None:
    cid, _ = by_kubo(kubo, {"tree": TREE}, Plan({"cid_version": version}, {}))["tree"]
    assert sorted([entry.name async for entry in node.ls(cid)]) == ["big", "empty", "inner", "link"]
    assert await node.cat(f"/ipfs/{cid}/big") == bytes(Bulk(1_000_000))
    assert await node.cat(f"/ipfs/{cid}/inner/small") == b"small"
    assert await node.cat(f"/ipfs/{cid}/empty") == b""


@pytest.mark.parametrize("algorithm", ["sha2-512", "blake2b-256", "blake3", "identity"])
async def test_blocks_of_any_hash_are_read_over_the_gateway(kubo: Daemon, node: Node, algorithm: str) -> None:
    (line,) = kubo.lines("block/put", files=[b"content"], cid_codec="raw", mhtype=algorithm)
    assert await node.block.get(line["Key"]) == b"content"


async def test_a_sharded_directory_is_read_over_the_gateway(kubo: Daemon, node: Node) -> None:
    entries = {f"{index:0200}": b"%d" % index for index in range(1_200)}
    cid, _ = by_kubo(kubo, {"tree": Tree(entries)}, Plan({}, {}))["tree"]
    async with asyncio.timeout(60):
        assert sorted([entry.name async for entry in node.ls(cid)]) == sorted(entries)
        assert await node.cat(f"/ipfs/{cid}/{777:0200}") == b"777"


async def test_what_kubo_does_not_have_is_not_found(kubo: Daemon, node: Node) -> None:
    missing = CID.create(1, "raw", multihash.digest(b"nobody has this", "sha2-256"))
    with pytest.raises(NotFoundError, match=str(missing)) as caught:
        await node.block.get(missing, timeout=30)
    assert kubo.gateway in str(caught.value)


@pytest.mark.parametrize("size", [(1 << 20) - 1, (1 << 20) + 1, (2 << 20) - 1, 2 << 20])
async def test_blocks_up_to_the_largest_are_read_over_the_gateway(kubo: Daemon, node: Node, size: int) -> None:
    content = bytes(Bulk(size, size))
    (line,) = kubo.lines("block/put", files=[content], cid_codec="raw")
    assert await node.block.get(line["Key"]) == content


async def test_a_block_beyond_the_largest_is_refused_and_not_stored(kubo: Daemon, node: Node) -> None:
    content = bytes((2 << 20) + 1)
    (line,) = kubo.lines("block/put", files=[content], cid_codec="raw", allow_big_block=True)
    with pytest.raises(NotFoundError):
        await node.block.get(line["Key"], timeout=30)
    assert line["Key"] not in [entry.ref for entry in await node.refs.local()]


async def test_nobody_is_asked_offline(kubo: Daemon, node: Node) -> None:
    (line,) = kubo.lines("block/put", files=[b"asked for offline"], cid_codec="raw")
    with pytest.raises(NotFoundError):
        await node.block.get(line["Key"], offline=True)
    assert await node.block.get(line["Key"]) == b"asked for offline"
    assert await node.block.get(line["Key"], offline=True) == b"asked for offline"


@pytest.mark.parametrize("codec", ["dag-cbor", "dag-json", "cbor", "json"])
async def test_nodes_of_every_codec_are_read_over_the_gateway(kubo: Daemon, node: Node, codec: str) -> None:
    (line,) = kubo.lines("dag/put", files=[b'{"a":[1,{"b":"c"}]}'], store_codec=codec)
    assert (await node.dag.get(line["Cid"]["/"], path="a/1/b")).value == "c"


async def test_a_tree_that_lacks_a_block_is_read_as_far_as_it_goes(kubo: Daemon, node: Node) -> None:
    cid, _ = by_kubo(kubo, {"tree": Tree({"big": Bulk(600_000, 77), "other": b"here"})}, Plan({}, {}))["tree"]
    (listed,) = kubo.lines("ls", f"{cid}/big")
    kubo.call("block/rm", listed["Objects"][0]["Links"][1]["Hash"])
    assert await node.cat(f"/ipfs/{cid}/other") == b"here"
    assert await node.cat(f"/ipfs/{cid}/big", length=100) == bytes(Bulk(600_000, 77))[:100]
    with pytest.raises(NotFoundError, match=listed["Objects"][0]["Links"][1]["Hash"]):
        await node.cat(f"/ipfs/{cid}/big", timeout=30)


async def test_a_gateway_at_localhost_redirects_to_names_below_and_is_read(kubo: Daemon) -> None:
    cid, _ = by_kubo(kubo, {"tree": TREE}, Plan({"cid_version": 1}, {}))["tree"]
    place = kubo.gateway.replace("127.0.0.1", "localhost")
    async with open_node(repo=":memory:", exchange=Gateways([place])) as node:
        assert await node.cat(f"/ipfs/{cid}/big", timeout=60) == bytes(Bulk(1_000_000))
