from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

import pytest

from ipfs_comm.blockstore import MemoryBlockstore
from ipfs_comm.errors import InvalidInputError, LimitError, NoLinkError, NotFoundError, NotUnixFSError
from ipfs_comm.ipld import CID, codecs, multihash
from ipfs_comm.ipld.codecs.dag_pb import PBLink, PBNode, encode
from ipfs_comm.unixfs import ImportOptions, UnixFS, exporter
from ipfs_comm.unixfs.directory import TreeEntry, build_tree
from ipfs_comm.unixfs.hamt import MURMUR3, hash_of
from ipfs_comm.unixfs.importer import import_file

if TYPE_CHECKING:
    from collections.abc import Sequence

MISSING = CID.create(1, "raw", multihash.digest(b"nobody has this"))


@pytest.fixture
def store() -> MemoryBlockstore:
    return MemoryBlockstore()


async def keep(store: MemoryBlockstore, message: UnixFS | None, links: Sequence[PBLink] = (), data: bytes = b"") -> CID:
    block = data if message is None else encode(PBNode(links, message.encode()))
    cid = CID.create(1, "raw" if message is None else "dag-pb", multihash.digest(block))
    await store.put(cid, block)
    return cid


async def read(store: MemoryBlockstore, cid: CID, **options: Any) -> bytes:
    return b"".join([piece async for piece in exporter.cat(store.get, cid, **options)])


class Counting:
    def __init__(self, store: MemoryBlockstore) -> None:
        self._store = store
        self.count = 0

    async def __call__(self, cid: CID) -> bytes:
        self.count += 1
        return await self._store.get(cid)


async def test_a_range_loads_only_the_blocks_it_needs(store: MemoryBlockstore) -> None:
    content = os.urandom(100 * 1000)
    file = await import_file(content, put=store.put, options=ImportOptions(chunker="size-1000", max_links=10))
    load = Counting(store)
    pieces = [piece async for piece in exporter.cat(load, file.cid, offset=55_500, length=1000)]
    assert b"".join(pieces) == content[55_500:56_500]
    assert load.count == 4


async def test_the_first_bytes_cost_only_the_way_to_them(store: MemoryBlockstore) -> None:
    file = await import_file(
        os.urandom(100 * 1000), put=store.put, options=ImportOptions(chunker="size-1000", max_links=10)
    )
    load = Counting(store)
    stream = exporter.cat(load, file.cid)
    await anext(stream)
    assert load.count == 3
    await stream.aclose()


async def test_leaving_early_leaves_no_task(store: MemoryBlockstore) -> None:
    file = await import_file(os.urandom(100 * 1000), put=store.put, options=ImportOptions(chunker="size-1000"))
    before = asyncio.all_tasks()
    stream = exporter.cat(store.get, file.cid)
    for _ in range(20):
        await anext(stream)
    await stream.aclose()
    assert asyncio.all_tasks() == before


async def test_blocks_are_asked_for_ahead_of_need_and_never_too_many(store: MemoryBlockstore) -> None:
    file = await import_file(
        os.urandom(200 * 1000), put=store.put, options=ImportOptions(chunker="size-1000", max_links=500)
    )
    under_way = most = 0

    async def load(cid: CID) -> bytes:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1
        return await store.get(cid)

    async for _ in exporter.cat(load, file.cid):
        await asyncio.sleep(0)
    assert 2 <= most <= 10


async def test_a_missing_block_is_an_error_when_it_is_reached(store: MemoryBlockstore) -> None:
    content = os.urandom(20 * 1000)
    file = await import_file(content, put=store.put, options=ImportOptions(chunker="size-1000", raw_leaves=True))
    await store.delete(CID.create(1, "raw", multihash.digest(content[15_000:16_000])))
    got = b""
    stream = exporter.cat(store.get, file.cid)
    while len(got) < 15_000:
        got += await anext(stream)
    with pytest.raises(NotFoundError):
        await anext(stream)
    assert got == content[:15_000]
    assert await read(store, file.cid, offset=16_000) == content[16_000:]


async def test_a_directory_cannot_be_read_as_a_file(store: MemoryBlockstore) -> None:
    cid = await keep(store, UnixFS("directory"))
    with pytest.raises(NotUnixFSError, match="this dag node is a directory"):
        await read(store, cid)


@pytest.mark.parametrize("kind", ["symlink", "metadata"])
async def test_what_is_no_file_cannot_be_read(store: MemoryBlockstore, kind: Any) -> None:
    cid = await keep(store, UnixFS(kind, b"x"))
    with pytest.raises(NotUnixFSError, match=kind):
        await read(store, cid)


async def test_a_file_cannot_be_listed(store: MemoryBlockstore) -> None:
    cid = await keep(store, UnixFS.file(b"x"))
    with pytest.raises(NotUnixFSError, match="no directory"):
        await anext(exporter.ls(store.get, cid))


async def test_a_negative_length_is_refused(store: MemoryBlockstore) -> None:
    cid = await keep(store, None, data=b"12345")
    with pytest.raises(InvalidInputError):
        await read(store, cid, length=-1)


async def test_claimed_gigabytes_end_at_the_first_lie(store: MemoryBlockstore) -> None:
    leaf = await keep(store, None, data=b"x")
    cid = await keep(store, UnixFS.file(blocksizes=(1 << 30, 1 << 30)), [PBLink(leaf, "", 1), PBLink(leaf, "", 1)])
    with pytest.raises(NotUnixFSError) as caught:
        await read(store, cid)
    assert caught.value.code == "ERR_UNDER_READ"


async def test_a_bomb_of_empty_nodes_is_not_walked(store: MemoryBlockstore) -> None:
    cid = await keep(store, UnixFS.file())
    for _ in range(30):
        cid = await keep(store, UnixFS.file(blocksizes=(0,) * 100), [PBLink(cid, "", 0)] * 100)
    cid = await keep(store, UnixFS.file(b"end", (0,) * 100), [PBLink(cid, "", 0)] * 100)
    load = Counting(store)
    assert [bytes(piece) async for piece in exporter.cat(load, cid)] == [b"end"]
    assert load.count == 1


async def test_a_chain_beyond_all_limits_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporter, "MAX_FILE_DEPTH", 2000)
    made: dict[CID, bytes] = {}

    def level(number: int) -> CID:
        below = MISSING if number == 0 else CID.create(1, "dag-pb", multihash.digest(b"%d" % (number - 1)))
        cid = CID.create(1, "dag-pb", multihash.digest(b"%d" % number))
        made[cid] = encode(PBNode([PBLink(below, "", 5)], UnixFS.file(blocksizes=(5,)).encode()))
        return cid

    levels = {level(number): number for number in range(exporter.MAX_FILE_DEPTH + 10)}

    async def load(cid: CID) -> bytes:
        return made[cid]

    with pytest.raises(LimitError):
        await anext(exporter.cat(load, max(levels, key=levels.__getitem__)))


async def test_a_wide_and_deep_dag_is_refused_before_memory_runs_out(
    store: MemoryBlockstore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporter, "MAX_PENDING", 300)
    cid = await keep(store, None, data=b"x")
    size = 1
    for _ in range(50):
        cid = await keep(store, UnixFS.file(blocksizes=(size,) * 50), [PBLink(cid, "", 1)] * 50)
        size *= 50
        if size > 1 << 60:
            break
    with pytest.raises(LimitError):
        async for _ in exporter.cat(store.get, cid):
            pass


def shard(entries: list[tuple[str, CID]], **changes: Any) -> tuple[UnixFS, list[PBLink]]:
    message = UnixFS("hamt-sharded-directory", b"\x01", **{"hash_type": MURMUR3, "fanout": 256, **changes})
    return message, [PBLink(cid, name, 1) for name, cid in entries]


async def listed(store: MemoryBlockstore, cid: CID) -> list[str]:
    return [entry.name async for entry in exporter.ls(store.get, cid)]


async def test_a_bomb_of_shards_is_refused_at_its_first_lie(store: MemoryBlockstore) -> None:
    cid = await keep(store, *shard([(f"{hash_of('x') >> 56:02X}x", MISSING)]))
    for _ in range(4):
        cid = await keep(store, *shard([(f"{slot:02X}", cid) for slot in range(256)]))
    load = Counting(store)
    with pytest.raises(NotUnixFSError, match="not where its hash belongs"):
        async for _ in exporter.ls(load, cid):
            pass
    assert load.count < 10


async def test_a_bomb_of_empty_shards_is_refused(store: MemoryBlockstore) -> None:
    cid = await keep(store, *shard([]))
    for _ in range(4):
        cid = await keep(store, *shard([(f"{slot:02X}", cid) for slot in range(256)]))
    with pytest.raises(NotUnixFSError, match="no entries"):
        await listed(store, cid)


async def test_shards_deeper_than_the_hash_are_refused(store: MemoryBlockstore) -> None:
    hashed = hash_of("x")
    cid = await keep(store, *shard([("00x", MISSING)]))
    for level in range(12, -1, -1):
        slot = hashed >> max(0, 56 - 8 * level) & 255
        cid = await keep(store, *shard([(f"{slot:02X}", cid)]))
    with pytest.raises(NotUnixFSError, match="deeper"):
        await listed(store, cid)
    with pytest.raises(NotUnixFSError, match="deeper"):
        await exporter.resolve(store.get, cid, ["x"])


@pytest.mark.parametrize(
    ("entries", "changes"),
    [
        ([("x", MISSING)], {}),
        ([("GGx", MISSING)], {}),
        ([("-1x", MISSING)], {}),
        ([], {"fanout": 3}),
        ([], {"fanout": 1 << 20}),
        ([], {"fanout": None}),
        ([], {"hash_type": 0x12}),
        ([("00", MISSING), ("00", MISSING)], {}),
    ],
)
async def test_forged_shards_are_refused(
    store: MemoryBlockstore, entries: list[tuple[str, CID]], changes: dict[str, Any]
) -> None:
    cid = await keep(store, *shard(entries, **changes))
    with pytest.raises((NotUnixFSError, NotFoundError)):
        await listed(store, cid)


async def test_directories_nested_without_end_are_refused(store: MemoryBlockstore) -> None:
    cid = await keep(store, UnixFS("directory"))
    for _ in range(exporter.MAX_TREE_DEPTH + 10):
        cid = await keep(store, UnixFS("directory"), [PBLink(cid, "d", 1)])
    with pytest.raises(LimitError):
        async for _ in exporter.walk(store.get, cid):
            pass


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x08",
        b"\x08\x06",
        b"\x08\x02\x12\x05abc",
        b"\x10\x01",
        b"\x08\x02\x18" + b"\xff" * 11,
        b"\x0d\0\0\0\0",
        b"\x08\x02\x42\x00",
        b"\x00\x00",
        b"\x0f",
    ],
)
def test_damaged_messages_are_refused(data: bytes) -> None:
    with pytest.raises(NotUnixFSError):
        UnixFS.decode(data)


async def test_a_dag_pb_node_without_a_message_is_no_file_but_has_names(store: MemoryBlockstore) -> None:
    leaf = await keep(store, None, data=b"x")
    block = encode(PBNode([PBLink(leaf, "name", 1)]))
    cid = CID.create(1, "dag-pb", multihash.digest(block))
    await store.put(cid, block)
    with pytest.raises(NotUnixFSError):
        await exporter.stat(store.get, cid)
    assert (await exporter.resolve(store.get, cid, ["name"])).cid == leaf


async def test_an_error_names_the_segment_that_led_to_a_missing_block(store: MemoryBlockstore) -> None:
    gone = CID.create(1, "dag-pb", multihash.digest(b"gone"))
    cid = await keep(store, UnixFS("directory"), [PBLink(gone, "lost", 1)])
    with pytest.raises(NotFoundError, match=r"path segment 'lost' of /ipfs/.*/lost/deeper") as caught:
        await exporter.resolve(store.get, cid, ["lost", "deeper"])
    assert caught.value.detail["segment"] == "lost"
    assert caught.value.detail["cid"] == str(gone)


async def test_an_error_names_the_segment_that_is_not_there(store: MemoryBlockstore) -> None:
    cid = await keep(store, UnixFS("directory"))
    with pytest.raises(NoLinkError, match="no link named 'nope'") as caught:
        await exporter.resolve(store.get, cid, ["nope"])
    assert caught.value.detail["segment"] == "nope"


async def test_a_path_leads_through_ipld_nodes_into_files(store: MemoryBlockstore) -> None:
    made = [entry async for entry in build_tree([TreeEntry("d/f", b"content")], put=store.put)]
    block = codecs.get("dag-cbor").encode({"list": [1, {"link": made[-1].cid}]})
    cid = CID.create(1, "dag-cbor", multihash.digest(block))
    await store.put(cid, block)
    found = await exporter.resolve(store.get, cid, ["list", "1", "link", "f"])
    assert found.cid == made[0].cid
    assert [step.name for step in found.steps] == ["", "list/1/link", "f"]
    inside = await exporter.resolve(store.get, cid, ["list", "0"])
    assert (inside.cid, inside.remainder) == (cid, ("list", "0"))


async def test_a_path_without_end_is_refused(store: MemoryBlockstore) -> None:
    with pytest.raises(LimitError):
        await exporter.resolve(store.get, MISSING, ["a"] * 5000)
