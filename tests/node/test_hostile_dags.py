"""DAGs that were made to do harm: every verb ends in bounded time and memory, with a typed error or the truth."""

from __future__ import annotations

import asyncio
import os
import time
import tracemalloc
from contextlib import aclosing, contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from ipfs_comm import CID, open_node
from ipfs_comm.errors import (
    CodecError,
    DeadlineError,
    InvalidInputError,
    IPFSCommError,
    LimitError,
    NoSpaceError,
    NotUnixFSError,
)
from ipfs_comm.ipld import multihash, varint
from ipfs_comm.ipld.codecs import dag_cbor
from ipfs_comm.ipld.codecs.dag_pb import PBLink, PBNode, decode, encode
from ipfs_comm.unixfs import UnixFS, to_disk
from ipfs_comm.unixfs.hamt import MURMUR3

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence
    from pathlib import Path

    from ipfs_comm.blockstore import Blockstore
    from ipfs_comm.node.embedded import EmbeddedNode

GIB = 1 << 30
EIB = 1 << 60


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


@pytest.mark.parametrize("verb", ["dag.tree", "get", "ls", "refs"])
async def test_all_paths_of_a_bomb_are_more_than_can_be_awaited(node: Any, store: Blockstore, verb: str) -> None:
    root = await bomb(store, 60)
    start: dict[str, Callable[[], Any]] = {
        "dag.tree": lambda: node.dag.tree(root, recursive=True, max_size=1 << 20),
        "get": lambda: node.get(root, max_size=1 << 20),
        "ls": lambda: node.ls(root, recursive=True, max_size=1 << 20),
        "refs": lambda: node.refs(root, recursive=True, max_size=1 << 20),
    }
    with memory(16 << 20), pytest.raises(LimitError, match="iterate over it"):
        await start[verb]()


async def test_no_more_links_wait_than_an_honest_dag_has(
    node: Any, store: Blockstore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ipfs_comm.node.embedded.refs.MAX_PENDING", 900)
    cid = await keep(store, UnixFS("directory"))
    for _ in range(8):
        cid = await keep(store, UnixFS("directory"), [PBLink(cid, f"{n:03}", 1) for n in range(120)])
    assert await some(node.refs(cid, recursive=True, max_depth=7), 5000) == 5000
    with pytest.raises(LimitError, match="more than 900 links waiting"):
        await some(node.refs(cid, recursive=True), 1 << 30)


async def test_a_bomb_is_not_written_to_disk(
    node: Any, store: Blockstore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(to_disk, "MAX_ENTRIES", 500)
    with memory(16 << 20):
        with pytest.raises(LimitError, match="500 entries"):
            await node.get(await bomb(store, 60), to=tmp_path / "tree")
        with pytest.raises(NoSpaceError):
            await node.get(await file_bomb(store, 60), to=tmp_path / "file")
    assert not tuple(os.scandir(tmp_path))


async def test_the_bytes_of_a_bomb_are_more_than_can_be_awaited(node: Any, store: Blockstore) -> None:
    root = await file_bomb(store, 60)
    await node.files.cp(f"/ipfs/{root}", "/bomb")
    whole: list[Callable[[], Any]] = [
        lambda: node.cat(root),
        lambda: node.cat(root, offset=1 << 50),
        lambda: node.cat(root, length=1 << 50),
        lambda: node.files.read("/bomb"),
        lambda: node.get(root, archive=True, max_size=5000),
        lambda: node.get(root, archive=True),
        lambda: node.get(root, archive=True, compress=True),
        lambda: node.get(root, compress=True),
    ]
    with memory(16 << 20):
        for start in whole:
            with pytest.raises(LimitError, match="max_size"):
                await start()
        content = (await node.get(root))[0].content
        with pytest.raises(LimitError, match="max_size"):
            await content
        assert await node.files.read("/bomb", offset=1 << 59, length=10) == b"x" * 10
        assert (await node.files.stat("/bomb")).size == 1 << 60
        assert (await node.ls(root))[0].size == 1 << 60
        assert (await node.dag.stat(root)).unique_blocks == 61


async def test_what_is_compressed_counts_before_it_is(node: Any) -> None:
    cid = (await node.add(bytes(1_000_000))).cid
    for options in ({"compress": True}, {"archive": True, "compress": True}):
        assert len(await node.get(cid, **options)) < 10_000
        with pytest.raises(LimitError, match="max_size"):
            await node.get(cid, max_size=100_000, **options)
        assert len(b"".join([piece async for piece in node.get(cid, max_size=100_000, **options)])) < 10_000


async def test_as_much_is_written_to_disk_as_the_call_allows(node: Any, tmp_path: Path) -> None:
    files = [{"path": f"tree/{name}", "content": name.encode() * 1000} for name in "abc"]
    root = (await node.add_all(files))[-1].cid
    with pytest.raises(LimitError, match=r"more than 2999 bytes together \(max_size\)"):
        await node.get(root, to=tmp_path / "tree", max_size=2999)
    assert not tuple(os.scandir(tmp_path))
    await node.get(root, to=tmp_path / "tree", max_size=3000)
    assert len(tuple(os.scandir(tmp_path / "tree"))) == 3


async def test_as_much_is_awaited_as_the_call_allows(node: Any) -> None:
    cid = (await node.add(b"x" * 1000)).cid
    assert await node.cat(cid, max_size=1000) == b"x" * 1000
    assert await node.cat(cid, length=10, max_size=10) == b"x" * 10
    assert b"".join([piece async for piece in node.cat(cid, max_size=1)]) == b"x" * 1000
    with pytest.raises(LimitError, match="1000 bytes, and at most 999"):
        await node.cat(cid, max_size=999)
    with pytest.raises(LimitError, match="max_size"):
        await node.dag.export(cid, max_size=10)
    for wrong in (-1, True, 1.5):
        with pytest.raises(InvalidInputError, match="max_size"):
            node.cat(cid, max_size=wrong)


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


@pytest.mark.parametrize("claimed", [GIB, EIB])
async def test_much_that_is_claimed_in_a_hundred_bytes_is_not_made(
    node: Any, store: Blockstore, claimed: int, tmp_path: Path
) -> None:
    leaf = await keep(store, UnixFS.file(b"tiny"))
    root = await keep(store, UnixFS.file(blocksizes=(claimed,)), [PBLink(leaf, "", claimed)])
    await node.files.cp(f"/ipfs/{root}", "/liar")
    reads: list[Callable[[], Any]] = [
        lambda: some(node.cat(root), 1 << 30),
        lambda: node.cat(root, offset=claimed - 5),
        lambda: node.cat(root, offset=2, length=2),
        lambda: node.files.read("/liar", length=100),
        lambda: some(node.get(root, archive=True), 1 << 30),
        lambda: node.files.write("/liar", b"x", offset=claimed - 1),
        lambda: node.files.write("/liar", b"x", offset=1),
    ]
    for read in reads:
        with memory(8 << 20), pytest.raises(NotUnixFSError) as caught:
            await read()
        assert caught.value.code in ("ERR_UNDER_READ", "ERR_NOT_UNIXFS")
    # A thread that starts makes 8 MiB, to be used again and again.
    with memory(16 << 20), pytest.raises((NotUnixFSError, NoSpaceError)):
        await node.get(root, to=tmp_path / "liar")
    assert not tuple(os.scandir(tmp_path))
    assert (await node.files.stat("/liar")).size == claimed
    assert [entry.size for entry in await node.files.ls("/")] == [claimed]


async def test_sizes_that_add_up_to_more_than_a_number_holds_are_refused(node: Any, store: Blockstore) -> None:
    leaf = await keep(store, UnixFS.file(b"tiny"))
    most = varint.encode((1 << 63) - 1)
    block = encode(PBNode([PBLink(leaf, "", 1)] * 3, b"\x08\x02\x18\x01" + (b"\x20" + most) * 3))
    root = cid_of(block)
    await store.put(root, block)
    for read in (lambda: node.cat(root), lambda: some(node.cat(root), 1 << 30), lambda: node.cat(root, length=9)):
        with memory(8 << 20), pytest.raises((LimitError, NotUnixFSError)):
            await read()


async def test_more_than_is_claimed_is_not_read(node: Any, store: Blockstore) -> None:
    leaf = await keep(store, UnixFS.file(b"more than it says"))
    root = await keep(store, UnixFS.file(blocksizes=(4,)), [PBLink(leaf, "", 4)])
    with pytest.raises(NotUnixFSError) as caught:
        await node.cat(root)
    assert caught.value.code == "ERR_OVER_READ"


async def test_a_block_full_of_links_costs_what_its_links_cost(node: Any, store: Blockstore) -> None:
    """The shortest links there are: each is a CID of four bytes, that holds nothing."""
    nothing = CID.create(1, "raw", multihash.digest(b"", "identity"))
    link = encode(PBNode([PBLink(nothing, "", 0)], None))
    count = 5_000
    block = link * count + encode(PBNode([], UnixFS("directory").encode()))
    root = cid_of(block)
    await store.put(root, block)
    began = time.process_time()
    assert len((await node.object.get(root)).links) == count
    assert await node.pin.add(root) == root
    assert await some(node.refs(root), count) == count
    assert await some(node.dag.export(root), 1 << 30) >= 3
    assert time.process_time() - began < 60
    with memory(64 << 20):
        assert (await node.dag.stat(root)).unique_blocks == 2
        assert await some(node.ls(root), 1000) == 1000


def test_hundreds_of_thousands_of_links_are_decoded_in_time_and_memory_that_grow_with_them() -> None:
    block = encode(PBNode([PBLink(cid_of(b"x"), "name", 1)], None)) * 100_000
    began = time.process_time()
    assert len(decode(block).links) == 100_000
    assert time.process_time() - began < 60


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


@pytest.mark.parametrize("start", ["nothing", "header"])
async def test_a_car_without_end_is_left_at_its_limit(node: Any, start: str) -> None:
    taken = 0

    async def endless(first: bytes, then: bytes) -> AsyncIterator[bytes]:
        nonlocal taken
        yield first
        while True:
            taken += len(then)
            yield then

    header = b"" if start == "nothing" else (await node.dag.export(await node.dag.put(1)))
    for then in (b"\x80", b"\xff" * 1000):
        with memory(16 << 20), pytest.raises((CodecError, LimitError, InvalidInputError)):
            await node.dag.import_(endless(header, then))
    for length in (1 << 22, 1 << 40, (1 << 63) - 1):
        with memory(16 << 20), pytest.raises((CodecError, LimitError)):
            await node.dag.import_(endless(header + varint.encode(length), bytes(1 << 16)))
    assert taken < 8 << 20


async def test_a_car_of_sections_without_end_is_stored_until_its_deadline(node: Any) -> None:
    header, first = [piece async for piece in node.dag.export(await node.dag.put(1))]

    async def endless() -> AsyncIterator[bytes]:
        yield header
        while True:
            yield first

    with memory(16 << 20), pytest.raises(DeadlineError):
        await node.dag.import_(endless(), timeout=0.5)
