"""Whole DAGs in the embedded node: it passes the contract, and costs grow with the DAG and no faster."""

from __future__ import annotations

import itertools
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from ipfs_comm import CID, open_node
from ipfs_comm.errors import CodecError, InvalidCIDError, InvalidInputError, InvalidPathError, LimitError, NotFoundError
from ipfs_comm.ipld import car, multihash
from ipfs_comm.ipld.codecs import dag_cbor
from ipfs_comm.node.embedded import dag_walk
from ipfs_comm.testing.dag import MISSING, blocks_of, car_of, raw

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from ipfs_comm.node import Node


@pytest.fixture
async def node() -> AsyncIterator[Node]:
    async with open_node(repo=":memory:") as node:
        yield node


@pytest.mark.parametrize("codec", ["json", "cbor"])
async def test_values_without_links_have_codecs_of_their_own(node: Node, codec: str) -> None:
    value = {"a": [1, "two", None, True, 2.5]}
    cid = await node.dag.put(value, store_codec=codec)
    assert (cid.codec, (await node.dag.get(cid)).value) == (codec, value)
    assert (await node.dag.get(cid, path="a/1")).value == "two"


async def test_bytes_are_a_node_of_codec_raw(node: Node) -> None:
    cid = await node.dag.put(b"bytes", store_codec="raw")
    assert (cid.codec, (await node.dag.get(cid)).value) == ("raw", b"bytes")


async def test_version_0_is_for_dag_pb(node: Node) -> None:
    value = {"Data": b"some data", "Links": []}
    cid = await node.dag.put(value, store_codec="dag-pb", version=0)
    assert cid.version == 0
    assert (await node.dag.get(cid.to_v1())).value == value
    with pytest.raises(InvalidCIDError):
        await node.dag.put({}, version=0)


@pytest.mark.parametrize(
    ("input_codec", "content"),
    [
        ("dag-cbor", bytes.fromhex("a26444617461450001020304654c696e6b7380")),
        ("dag-json", b'{"Data":{"/":{"bytes":"AAECAwQ"}},"Links":[]}'),
        ("dag-pb", bytes.fromhex("0a050001020304")),
    ],
)
@pytest.mark.parametrize(
    ("store_codec", "expected"),
    [
        ("dag-cbor", "bafyreieculsmrexh3ty5jentbvuku452o27mst4h2tq2rb2zntqhgcstji"),
        ("dag-json", "baguqeerajwksxu3lxpomdwxvosl542zl3xknhjgxtq3277gafrhl6vdw5tcq"),
        ("dag-pb", "bafybeibazl2z4vqp2tmwcfag6wirmtpnomxknqcgrauj7m2yisrz3qjbom"),
    ],
)
async def test_a_block_of_one_codec_is_stored_in_another(
    node: Node, input_codec: str, content: bytes, store_codec: str, expected: str
) -> None:
    cid = await node.dag.put(content, input_codec=input_codec, store_codec=store_codec)
    assert str(cid) == expected


async def test_only_the_cid_is_made_where_that_is_asked_for(node: Node) -> None:
    cid = await node.dag.put({"a": 1}, only_hash=True)
    with pytest.raises(NotFoundError):
        await node.dag.get(cid)
    assert await node.dag.put({"a": 1}) == cid


async def test_a_hash_that_vouches_for_nothing_is_refused(node: Node) -> None:
    with pytest.raises(InvalidInputError, match="insecure"):
        await node.dag.put({"a": 1}, hash_alg="murmur3-x64-64")


async def test_a_pinned_node_keeps_what_it_links_to(node: Node) -> None:
    leaf = await node.dag.put({"leaf": 1})
    root = await node.dag.put({"leaf": leaf}, pin=True)
    assert [(pin.cid, pin.type) for pin in await node.pin.ls(root)] == [(root, "recursive")]
    with pytest.raises(NotFoundError, match=str(MISSING)):
        await node.dag.put({"missing": MISSING}, pin=True)


async def test_identity_nodes_need_no_store(node: Node) -> None:
    cid = await node.dag.put({"a": 1}, hash_alg="identity")
    root = await node.dag.put({"inline": cid})
    assert [found for found, _ in await blocks_of(await node.dag.export(root))] == [root, cid]
    assert (await node.dag.get(root, path="inline/a")).value == 1


async def test_a_whole_dag_begins_at_a_block(node: Node) -> None:
    cid = await node.dag.put({"a": {"b": 1}})
    with pytest.raises(InvalidPathError, match="a/b"):
        await node.dag.export(f"{cid}/a/b")


async def test_a_dag_with_a_block_that_nobody_can_read_is_not_exported_in_part(node: Node) -> None:
    broken = await node.block.put(b"\xff", format="dag-cbor", version=1)
    root = await node.dag.put({"broken": broken})
    with pytest.raises(CodecError, match=str(broken)):
        await node.dag.export(root)


async def test_blocks_that_only_others_wrote_keep_their_children(node: Node) -> None:
    """Filecoin's blocks have strings that are no UTF-8."""
    leaf = await node.dag.put({"leaf": 1})
    strange = b"\x82" + b"\x62\xff\xfe" + dag_cbor.encode(leaf)
    root = await node.block.put(strange, format="dag-cbor", version=1)
    assert [cid for cid, _ in await blocks_of(await node.dag.export(root))] == [root, leaf]


async def test_a_car_of_version_2_is_imported(node: Node) -> None:
    one = raw(b"one")
    inner = await car_of([one[0]], [one])
    prefix = bytes.fromhex("0aa16776657273696f6e02")
    fields = bytes(16) + (51).to_bytes(8, "little") + len(inner).to_bytes(8, "little") + bytes(8)
    results = await node.dag.import_(prefix + fields + inner + b"an index")
    assert [result.root.cid for result in results if result.root] == [one[0]]


async def test_an_import_that_fails_pins_nothing(node: Node) -> None:
    one, two = raw(b"one"), raw(b"two")
    content = await car_of([one[0]], [one, (two[0], b"forged")])
    with pytest.raises(InvalidInputError):
        await node.dag.import_([[content[:-1]], [b""]])
    assert await node.pin.ls() == []


async def test_an_import_can_be_left_while_its_source_still_waits(node: Node) -> None:
    async def endless() -> AsyncGenerator[bytes, None]:
        yield car.header([])
        for number in itertools.count(1):
            yield car.section(*raw(str(number).encode()))

    with pytest.raises(TimeoutError):
        await node.dag.import_(endless(), timeout=0.1)
    assert (await node.block.get(raw(b"1")[0])) == b"1"


async def chain(node: Node, length: int) -> CID:
    cid = await node.dag.put(0)
    store = node._context.store  # type: ignore[attr-defined]  # many blocks, quickly
    for _ in range(length - 1):
        block = dag_cbor.encode([cid])
        cid = CID.create(1, "dag-cbor", multihash.digest(block))
        await store.put(cid, block)
    return cid


async def test_a_chain_of_blocks_costs_no_stack_and_little_memory(node: Node) -> None:
    root = await chain(node, 20_000)
    tracemalloc.start()
    try:
        count = 0
        async for _ in node.dag.export(root):
            count += 1
        assert count == 20_001
        # What was visited takes some 200 bytes a block.
        assert tracemalloc.get_traced_memory()[1] < 20_000 * 400
    finally:
        tracemalloc.stop()
    assert (await node.dag.stat(root)).unique_blocks == 20_000


async def test_a_tree_of_shared_blocks_is_walked_once(node: Node) -> None:
    """Two links to the same block, forty levels deep: a million million paths, 41 blocks."""
    cid = await node.dag.put(0)
    for _ in range(40):
        cid = await node.dag.put([cid, cid])
    assert (await node.dag.stat(cid)).unique_blocks == 41
    assert len(await blocks_of(await node.dag.export(cid))) == 41


async def test_more_links_than_any_honest_dag_has_are_refused(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dag_walk, "MAX_PENDING", 10)
    links = [await node.dag.put(number) for number in range(12)]
    root = await node.dag.put(links)
    with pytest.raises(LimitError, match=str(root)):
        await node.dag.stat(root)


async def test_a_path_longer_than_any_that_can_be_asked_for_is_refused(node: Node) -> None:
    root = await node.dag.put({"x" * 70_000: 1})
    with pytest.raises(LimitError):
        await node.dag.tree(root)


async def test_blocks_are_read_many_at_a_time_and_few_twice(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    store = node._context.store  # type: ignore[attr-defined]  # what is asked of it is what is tested
    asked: list[int] = []
    get_many = store.get_many

    async def counting(cids: list[CID]) -> list[bytes | None]:
        asked.append(len(cids))
        return await get_many(cids)  # type: ignore[no-any-return]  # the store is untyped here

    leaves = [await node.dag.put(str(number).encode(), store_codec="raw") for number in range(1000)]
    inner = [await node.dag.put(leaves[start : start + 50]) for start in range(0, 1000, 50)]
    root = await node.dag.put(inner)
    monkeypatch.setattr(store, "get_many", counting)
    assert (await node.dag.stat(root)).unique_blocks == 1021
    assert len(asked) < 1021 / 4
    assert max(asked) <= dag_walk.AHEAD
    assert sum(asked) < 1021 * 1.5
