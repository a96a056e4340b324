"""DAGs that were made to do harm: every verb ends in bounded time and memory, with a typed error or the truth."""

from __future__ import annotations

import asyncio
import tracemalloc
from contextlib import aclosing, contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from ipfs_comm import CID, open_node
from ipfs_comm.errors import CodecError, InvalidInputError, IPFSCommError, LimitError, NotUnixFSError
from ipfs_comm.ipld import multihash, varint
from ipfs_comm.ipld.codecs import dag_cbor
from ipfs_comm.ipld.codecs.dag_pb import PBLink, PBNode, encode
from ipfs_comm.node.embedded import dag_tree
from ipfs_comm.unixfs import UnixFS
from ipfs_comm.unixfs.hamt import MURMUR3

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence

    from ipfs_comm.blockstore import Blockstore
    from ipfs_comm.node.embedded import EmbeddedNode

GIB = 1 << 30
#: Blocks in a chain; far more than any stack has frames.
LEVELS = 10_000


@pytest.fixture
async def node() -> AsyncIterator[Any]:
    async with open_node(repo=":memory:") as node:
        yield node


@pytest.fixture
def store(node: EmbeddedNode) -> Blockstore:
    return node._context.store


@contextmanager
def memory(limit: int) -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < limit
    finally:
        tracemalloc.stop()


def cid_of(block: bytes, codec: str = "dag-pb") -> CID:
    return CID.create(1, codec, multihash.digest(block))


async def keep(store: Blockstore, message: UnixFS, links: Sequence[PBLink] = ()) -> CID:
    block = encode(PBNode(links, message.encode()))
    await store.put(cid_of(block), block)
    return cid_of(block)


async def bomb(store: Blockstore, levels: int = 40) -> CID:
    """Make directories of two links to the same directory: 2^levels paths in a few kilobytes."""
    cid = await keep(store, UnixFS("directory"))
    for _ in range(levels):
        cid = await keep(store, UnixFS("directory"), [PBLink(cid, "a", 1), PBLink(cid, "b", 1)])
    return cid


async def file_bomb(store: Blockstore, levels: int = 40) -> CID:
    """Make a file of two links to the same file: 2^levels bytes."""
    cid = await keep(store, UnixFS.file(b"x"))
    size = 1
    for _ in range(levels):
        cid = await keep(store, UnixFS.file(blocksizes=(size, size)), [PBLink(cid, "", size)] * 2)
        size *= 2
    return cid


async def chain(store: Blockstore, length: int, step: Callable[[CID], bytes]) -> CID:
    cid = cid_of(dag_cbor.encode(0), "dag-cbor")
    await store.put(cid, dag_cbor.encode(0))
    for _ in range(length):
        block = step(cid)
        cid = cid_of(block, "dag-cbor")
        await store.put(cid, block)
    return cid


async def some(items: Any, count: int) -> int:
    seen = 0
    async with aclosing(items):
        async for _ in items:
            seen += 1
            if seen == count:
                break
    return seen


@pytest.mark.parametrize("verb", ["get", "refs", "tree"])
async def test_the_paths_of_a_bomb_come_one_by_one(node: Any, store: Blockstore, verb: str) -> None:
    root = await bomb(store)
    start = {
        "get": lambda: node.get(root),
        "refs": lambda: node.refs(root, recursive=True),
        "tree": lambda: node.dag.tree(root, recursive=True),
    }[verb]
    with memory(8 << 20):
        assert await some(start(), 5_000) == 5_000


async def test_all_paths_of_a_bomb_are_more_than_can_be_awaited(
    node: Any, store: Blockstore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dag_tree, "MAX_WHOLE", 1 << 20)
    root = await bomb(store)
    with memory(16 << 20), pytest.raises(LimitError, match="iterate"):
        await node.dag.tree(root, recursive=True)


async def test_a_deadline_ends_the_listing_of_a_bomb(node: Any, store: Blockstore) -> None:
    root = await bomb(store)
    with memory(256 << 20), pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await node.dag.tree(root, recursive=True)


async def test_a_bomb_is_as_large_as_its_blocks_to_those_that_count_blocks(node: Any, store: Blockstore) -> None:
    root = await bomb(store)
    with memory(8 << 20):
        assert (await node.dag.stat(root)).unique_blocks == 41
        assert len(await node.dag.export(root)) < 10_000
        assert await node.pin.add(root) == root
        assert len(await node.refs(root, recursive=True, unique=True)) == 40


async def test_the_bytes_of_a_bomb_come_piece_by_piece(node: Any, store: Blockstore) -> None:
    root = await file_bomb(store)
    with memory(8 << 20):
        assert await some(node.cat(root), 2_000) == 2_000
        assert await node.cat(root, offset=1 << 39, length=10) == b"x" * 10
    (entry,) = await node.ls(root)
    assert entry.size == 1 << 40


async def test_a_gibibyte_claimed_in_a_hundred_bytes_is_not_made(node: Any, store: Blockstore) -> None:
    leaf = await keep(store, UnixFS.file(b"tiny"))
    root = await keep(store, UnixFS.file(blocksizes=(GIB,)), [PBLink(leaf, "", GIB)])
    for read in (node.cat(root), node.cat(root, offset=GIB - 5), node.files.read(f"/ipfs/{root}")):
        with memory(8 << 20), pytest.raises(NotUnixFSError) as caught:
            await read
        assert caught.value.code == "ERR_UNDER_READ"


async def test_sizes_of_links_that_lie_are_only_told(node: Any, store: Blockstore) -> None:
    leaf = await keep(store, UnixFS.file(b"tiny"))
    root = await keep(store, UnixFS("directory"), [PBLink(leaf, "a", (1 << 64) - 1), PBLink(leaf, "b", 0)])
    assert [(entry.name, entry.size) for entry in await node.ls(root)] == [("a", 4), ("b", 4)]
    assert (await node.dag.stat(root)).unique_blocks == 2
    assert (await node.object.stat(root)).cumulative_size > 1 << 63
    assert (await node.files.stat(f"/ipfs/{root}")).type == "directory"


async def test_a_shard_that_holds_itself_is_refused(node: Any, store: Blockstore) -> None:
    """Only a store that was tampered with has such a block: no CID can be known to the block that it names."""
    message = UnixFS("hamt-sharded-directory", b"\x01", hash_type=MURMUR3, fanout=256)
    own = cid_of(b"not what it holds")
    await store.put(own, encode(PBNode([PBLink(own, "00", 1)], message.encode())))
    for listing in (node.ls(own), node.get(own), node.cat(f"{own}/name")):
        with memory(8 << 20), pytest.raises(IPFSCommError):
            await listing
    assert (await node.dag.stat(own)).unique_blocks == 1
    assert await node.pin.add(own) == own
    assert await some(node.refs(own, recursive=True), 1000) == 1000


async def test_a_file_that_holds_itself_is_refused(node: Any, store: Blockstore) -> None:
    own = cid_of(b"not what it holds")
    await store.put(own, encode(PBNode([PBLink(own, "", 5)], UnixFS.file(b"x", blocksizes=(5,)).encode())))
    with memory(8 << 20), pytest.raises(NotUnixFSError):
        await node.cat(own)


async def test_a_node_that_holds_itself_has_no_end_of_paths(node: Any, store: Blockstore) -> None:
    own = cid_of(b"not what it holds", "dag-cbor")
    await store.put(own, dag_cbor.encode({"me": own}))
    assert (await node.dag.stat(own)).unique_blocks == 1
    with pytest.raises(LimitError, match="characters"):
        await some(node.dag.tree(own, recursive=True), 1 << 30)
    path = "/".join(["me"] * 1000)
    assert (await node.dag.resolve(own, path=path)).cid == own


@pytest.mark.parametrize("verb", ["stat", "refs", "pin", "export"])
async def test_a_chain_of_any_length_costs_no_stack_and_little_memory(node: Any, store: Blockstore, verb: str) -> None:
    root = await chain(store, LEVELS, lambda cid: dag_cbor.encode([cid]))
    # A level takes a place among those that were visited, and nothing else.
    with memory(LEVELS * 400 + (2 << 20)):
        match verb:
            case "stat":
                assert (await node.dag.stat(root)).unique_blocks == LEVELS + 1
            case "export":
                assert await some(node.dag.export(root), LEVELS) == LEVELS
            case "refs":
                assert await some(node.refs(root, recursive=True), LEVELS) == LEVELS
            case "pin":
                assert await node.pin.add(root) == root


async def test_directories_nested_without_end_are_refused(node: Any, store: Blockstore) -> None:
    cid = await keep(store, UnixFS("directory"))
    for _ in range(3000):
        cid = await keep(store, UnixFS("directory"), [PBLink(cid, "d", 1)])
    with memory(32 << 20), pytest.raises(LimitError):
        await some(node.get(cid), 10_000)


async def test_a_path_of_more_names_than_any_has_is_refused(node: Any, store: Blockstore) -> None:
    own = cid_of(b"not what it holds")
    await store.put(own, encode(PBNode([PBLink(own, "d", 1)], UnixFS("directory").encode())))
    for call in (node.cat(f"{own}{'/d' * 30_000}"), node.dag.export(f"{own}{'/d' * 30_000}")):
        with pytest.raises((LimitError, InvalidInputError)):
            await call


DEEP = 100_000


@pytest.mark.parametrize(
    ("codec", "block"),
    [
        ("dag-cbor", b"\x81" * DEEP + b"\xf6"),
        ("dag-cbor", b"\xa1\x61a" * DEEP + b"\xf6"),
        ("cbor", b"\x81" * DEEP + b"\xf6"),
        ("dag-json", b"[" * DEEP + b"]" * DEEP),
        ("dag-json", b'{"a":' * DEEP + b"1" + b"}" * DEEP),
        ("json", b"[" * DEEP + b"]" * DEEP),
        ("dag-cbor", b"\x9b\x7f" + b"\xff" * 7),
        ("dag-cbor", b"\x5b\x7f" + b"\xff" * 7),
        ("dag-pb", b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\x7f"),
    ],
)
async def test_blocks_that_no_codec_takes_are_refused(node: Any, codec: str, block: bytes) -> None:
    cid = await node.block.put(block, format=codec, version=1)
    root = await node.dag.put({"hostile": cid})
    with memory(32 << 20):
        with pytest.raises(CodecError):
            await node.dag.get(cid)
        with pytest.raises(CodecError):
            await node.dag.get(root, path="hostile/0/0")
        if codec.startswith("dag-"):
            with pytest.raises(CodecError, match=str(cid)):
                await node.dag.export(root)
        else:
            # It has no links by its codec, so nobody needs to read it.
            assert (await node.dag.stat(root)).unique_blocks == 2
        with pytest.raises(CodecError):
            await node.dag.put(block, input_codec=codec)
        with pytest.raises(CodecError):
            await some(node.dag.tree(root, recursive=True), 1 << 30)


async def test_values_deeper_than_any_block_are_refused(node: Any) -> None:
    value: list[Any] = []
    for _ in range(DEEP):
        value = [value]
    endless: list[Any] = []
    endless.append(endless)
    for hostile in (value, endless):
        for codec in ("dag-cbor", "dag-json", "json", "cbor"):
            with pytest.raises(CodecError):
                await node.dag.put(hostile, store_codec=codec)


async def test_a_car_with_a_hostile_header_is_refused(node: Any) -> None:
    for header in (b"\x81" * DEEP, b"\xa1" * DEEP, b"\x9b" + b"\x7f" * 8):
        with memory(8 << 20), pytest.raises(CodecError):
            await node.dag.import_(varint.encode(len(header)) + header)
    for claimed in (1 << 21, 1 << 40, (1 << 63) - 1):
        with memory(8 << 20), pytest.raises(LimitError):
            await node.dag.import_(varint.encode(claimed) + b"x")
