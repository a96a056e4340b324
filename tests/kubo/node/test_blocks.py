"""Raw blocks in a daemon, and a daemon's blocks as a blockstore."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kubo.trees import HASHES
from kubo_support import FACTOR

from ipfs_comm import open_node
from ipfs_comm.errors import (
    DaemonError,
    HashMismatchError,
    InvalidInputError,
    IPFSCommError,
    LimitError,
    NoSpaceError,
    NotFoundError,
    NotSupportedError,
)
from ipfs_comm.ipld import CID, multihash
from ipfs_comm.node.kubo.blocks import KuboBlocks
from ipfs_comm.node.kubo.find import named
from ipfs_comm.node.kubo.giving import giving
from ipfs_comm.testing.client import MISSING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from kubo_support import Daemon

    from ipfs_comm.node import Node
    from ipfs_comm.node.kubo.multipart import Body

LAW: dict[str, Any] = {"suppress_health_check": [HealthCheck.function_scoped_fixture]}


@pytest.fixture
async def blocks(daemon: Daemon) -> AsyncIterator[KuboBlocks]:
    """The daemon's blocks."""
    found = await named(daemon.api, None, "a test")
    yield KuboBlocks(found.rpc)
    await found.rpc.close()


def raw(data: bytes) -> CID:
    """Return the CID of a raw block."""
    return CID.create(1, "raw", multihash.digest(data, "sha2-256"))


async def test_blocks_come_back_many_at_a_time(blocks: KuboBlocks) -> None:
    data = [b"block %d" % number for number in range(40)]
    for one in data:
        await blocks.put(raw(one), one)
    assert await blocks.get_many([*map(raw, data), MISSING]) == [*data, None]
    assert await blocks.has(raw(data[0]))
    assert await blocks.size(raw(data[0])) == len(data[0])
    assert {raw(one) for one in data} <= {cid async for cid in blocks.cids()}
    usage = await blocks.usage()
    assert usage.blocks >= len(data)


async def test_a_block_that_is_gone_is_gone(blocks: KuboBlocks) -> None:
    await blocks.put(raw(b"one"), b"one")
    await blocks.delete(raw(b"one"))
    assert not await blocks.has(raw(b"one"))
    with pytest.raises(NotFoundError):
        await blocks.get(raw(b"one"))


async def test_bytes_that_are_not_their_hash_s_are_refused(blocks: KuboBlocks) -> None:
    with pytest.raises(NotSupportedError, match="the daemon made"):
        await blocks.put(raw(b"right"), b"wrong")


async def test_a_daemon_that_gives_other_bytes_is_not_believed(
    blocks: KuboBlocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lie(*arguments: Any, **options: Any) -> bytes:
        return b"wrong"

    monkeypatch.setattr(blocks._rpc, "bytes", lie)
    with pytest.raises(HashMismatchError):
        await blocks.get(raw(b"right"))


class Refusing:
    """A daemon that takes a few pieces of what it is sent, and ends there."""

    def __init__(self, error: Exception | None) -> None:
        self.error = error

    async def lines(self, command: str, *, body: Body, **options: Any) -> AsyncGenerator[Any, None]:
        taken = 0
        async for _ in body.chunks():
            taken += 1
            if taken == 5:
                break
        await body.close()
        if self.error is not None:
            raise self.error
        yield {}


@pytest.mark.parametrize("error", [None, NoSpaceError("dag/import: no space left on device")])
@pytest.mark.parametrize("count", [10, 100])
async def test_whoever_gives_blocks_is_told_that_the_daemon_takes_no_more(error: Exception | None, count: int) -> None:
    async def give() -> None:
        async with giving(Refusing(error)) as put:  # type: ignore[arg-type]  # one call of it is used
            for number in range(count):
                await put(raw(b"%d" % number), b"%d" % number)

    async with asyncio.timeout(10):
        with pytest.raises(NoSpaceError if error else DaemonError):
            await give()


async def test_an_error_of_whoever_gives_blocks_ends_the_upload(daemon: Daemon) -> None:
    found = await named(daemon.api, None, "a test")

    async def give() -> None:
        async with giving(found.rpc) as put:
            await put(raw(b"never given"), b"never given")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await give()
    assert not await KuboBlocks(found.rpc).has(raw(b"never given"))
    await found.rpc.close()


async def outcome(node: Node, data: bytes, **options: Any) -> CID | str:
    """Return the CID of a block that was put, or the code of the error."""
    try:
        cid = await node.block.put(data, **options)
    except IPFSCommError as error:
        return error.code
    assert await node.block.get(cid) == data
    assert (await node.block.stat(cid)).size == len(data)
    return cid


@settings(max_examples=80 * FACTOR, **LAW)
@given(
    data=st.binary(max_size=100),
    options=st.fixed_dictionaries(
        {},
        optional={
            "format": st.sampled_from(["raw", "dag-pb", "dag-cbor", "dag-json", "json", "cbor", "git-raw"]),
            "mhtype": st.sampled_from([*HASHES, "identity", "murmur3-x64-64", "nothing"]),
            "mhlen": st.sampled_from([-1, 20, 32, 19, 64, 128]),
            "version": st.sampled_from([0, 1]),
        },
    ),
)
async def test_blocks_are_put_as_the_embedded_node_puts_them(node: Node, data: bytes, options: dict[str, Any]) -> None:
    async with open_node(repo=":memory:") as embedded:
        expected = await outcome(embedded, data, **options)
    assert await outcome(node, data, **options) == expected


@pytest.mark.parametrize("version", [0, 1])
async def test_a_block_is_pinned_with_what_is_under_it(node: Node, version: int) -> None:
    leaf = await node.object.put(b"leaf")
    root = await node.object.patch.add_link(await node.object.put(b"root"), {"Hash": leaf, "Name": "a", "Tsize": 6})
    pinned = await node.block.put(await node.block.get(root), format="dag-pb", version=version, pin=True)
    found = {pin.cid: pin.type async for pin in node.pin.ls()}
    assert found == {pinned: "recursive", leaf: "indirect"}


async def test_a_block_whose_dag_is_not_whole_is_not_pinned(node: Node) -> None:
    with pytest.raises(NotFoundError):
        await node.dag.put({"missing": MISSING}, pin=True)
    with pytest.raises(NotFoundError):
        await node.object.put({"Links": [{"Hash": MISSING, "Name": "a", "Tsize": 1}]}, pin=True)
    assert await node.pin.ls() == []


async def test_a_pinned_block_is_not_removed(node: Node) -> None:
    leaf = await node.dag.put({"leaf": 1})
    root = await node.dag.put({"leaf": leaf}, pin=True)
    free = await node.dag.put({"free": 1})
    removals = await node.block.rm([root, MISSING, free, leaf])
    assert [removal.cid for removal in removals] == [root, MISSING, free, leaf]
    assert [getattr(removal.error, "code", None) for removal in removals] == [
        "ERR_PINNED",
        "ERR_NOT_FOUND",
        None,
        "ERR_PINNED",
    ]


async def test_many_blocks_are_removed_by_several_calls(node: Node) -> None:
    cids = [await node.block.put(b"%d" % number) for number in range(300)]
    removals = await node.block.rm(cids)
    assert [(removal.cid, removal.error) for removal in removals] == [(cid, None) for cid in cids]
    assert await node.block.rm(cids, force=True, quiet=True) == []


async def test_a_block_of_another_length_than_a_daemon_takes_is_refused_here(node: Node) -> None:
    with pytest.raises(LimitError):
        await node.block.put(bytes(2**21 + 1))
    with pytest.raises(InvalidInputError):
        await node.block.put("text")  # type: ignore[arg-type]  # that is what is tested


async def test_a_node_that_only_reads_writes_no_block(daemon: Daemon) -> None:
    async with open_node(kind="kubo", kubo_api=daemon.api, read_only=True) as node:
        for call in (
            node.block.put(b"x"),
            node.dag.put({"a": 1}),
            node.object.new(),
            node.add(b"x"),
            node.add_all([b"x"]),
            node.dag.import_(b""),
            node.block.rm(MISSING),
        ):
            with pytest.raises(NotSupportedError) as caught:
                await call
            assert caught.value.code == "ERR_DENIED"
        assert (await node.add(b"x", only_hash=True)).cid
