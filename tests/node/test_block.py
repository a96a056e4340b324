"""``block``: the options of put, and what rm and stat tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ipfs_comm import CID, open_node
from ipfs_comm.errors import InvalidCIDError, InvalidInputError, NotFoundError, UnknownCodecError, UnknownHashError
from ipfs_comm.ipld import multihash
from ipfs_comm.testing.dag import MISSING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ipfs_comm.node import Node


@pytest.fixture
async def node() -> AsyncIterator[Node]:
    async with open_node(repo=":memory:") as node:
        yield node


@pytest.mark.parametrize(
    ("options", "version", "codec", "function", "size"),
    [
        ({}, 0, "dag-pb", "sha2-256", 32),
        ({"format": "dag-pb"}, 0, "dag-pb", "sha2-256", 32),
        ({"version": 1}, 1, "raw", "sha2-256", 32),
        ({"format": "dag-cbor"}, 1, "dag-cbor", "sha2-256", 32),
        ({"mhtype": "sha2-512"}, 1, "raw", "sha2-512", 64),
        ({"mhtype": "sha2-512", "mhlen": 32}, 1, "raw", "sha2-512", 32),
        ({"mhlen": -1}, 0, "dag-pb", "sha2-256", 32),
        ({"mhlen": 20}, 1, "raw", "sha2-256", 20),
    ],
)
async def test_options_make_the_cid(
    node: Node, options: dict[str, Any], version: int, codec: str, function: str, size: int
) -> None:
    cid = await node.block.put(b"blorb", **options)
    assert (cid.version, cid.codec, cid.multihash.name, cid.multihash.size) == (version, codec, function, size)
    assert await node.block.get(cid) == b"blorb"


async def test_an_empty_block_is_a_block(node: Node) -> None:
    cid = await node.block.put(b"", format="dag-pb", mhtype="sha2-256", version=0)
    assert await node.block.get(cid) == b""
    assert (await node.block.stat(cid)).size == 0


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"format": "raw", "version": 0}, InvalidCIDError),
        ({"mhtype": "sha2-512", "version": 0}, InvalidCIDError),
        ({"version": 2}, InvalidCIDError),
        ({"format": "no-such-codec"}, UnknownCodecError),
        ({"mhtype": "no-such-hash"}, UnknownHashError),
        ({"mhtype": "murmur3-x64-64"}, UnknownHashError),
        ({"mhlen": 19}, InvalidInputError),
        ({"mhlen": 33}, InvalidInputError),
    ],
)
async def test_options_that_make_no_cid_are_refused(
    node: Node, options: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        await node.block.put(b"blorb", **options)


@pytest.mark.parametrize("given", ["text", None, 7, [b"x"]])
async def test_only_bytes_are_a_block(node: Node, given: Any) -> None:
    with pytest.raises(InvalidInputError):
        await node.block.put(given)


async def test_a_pinned_block_keeps_what_it_links_to(node: Node) -> None:
    cid = await node.block.put(b"blorb", format="raw", pin=True)
    assert [(pin.cid, pin.type) for pin in await node.pin.ls(cid)] == [(cid, "recursive")]


async def test_many_blocks_are_removed_by_one_call(node: Node) -> None:
    cids = [await node.block.put(bytes((number % 256, number // 256))) for number in range(600)]
    removals = await node.block.rm(iter(cids))
    assert [(removal.cid, removal.error) for removal in removals] == [(cid, None) for cid in cids]
    with pytest.raises(NotFoundError):
        await node.block.get(cids[-1])


async def test_only_errors_are_told_quietly(node: Node) -> None:
    cid = await node.block.put(b"blorb")
    (removal,) = await node.block.rm([cid, MISSING], quiet=True)
    assert (removal.cid, type(removal.error)) == (MISSING, NotFoundError)


async def test_what_a_cid_holds_itself_has_a_size_too(node: Node) -> None:
    cid = CID.create(1, "raw", multihash.digest(b"here", "identity"))
    assert (await node.block.stat(cid)).size == 4
