"""The contract of whole DAGs that every node must pass: export, import, tree and stat."""

from __future__ import annotations

import hashlib
import io
from typing import TYPE_CHECKING

import pytest

from ipfs_comm.errors import (
    CodecError,
    HashMismatchError,
    InvalidInputError,
    LimitError,
    NoLinkError,
    NotFoundError,
    UnknownHashError,
)
from ipfs_comm.ipld import CID, car, multihash
from ipfs_comm.node.api import DagImportResult, DagImportRoot, DagImportStats, DagStat, File

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable
    from pathlib import Path

    from ipfs_comm.node.api import Node

MISSING = CID.parse("QmPv52ekjS75L4JmHpXVeuJ5uX2ecSfSZo88NSyxwA3rAd")


def raw(data: bytes, hash_alg: str = "sha2-256") -> tuple[CID, bytes]:
    """Return a raw block with its CID."""
    return CID.create(1, "raw", multihash.digest(data, hash_alg)), data


async def car_of(roots: Iterable[CID], blocks: Iterable[tuple[CID, bytes]]) -> bytes:
    """Return a CAR."""
    return b"".join([piece async for piece in car.write(roots, blocks)])


async def blocks_of(content: bytes) -> list[tuple[CID, bytes]]:
    """Return the blocks of a CAR."""
    return [pair async for pair in (await car.CarReader.open(content)).blocks()]


class DagContract:
    """Tests of the verbs about whole DAGs; a subclass gives the fixture ``node``, an empty one."""

    async def test_an_export_holds_each_block_once_depth_first(self, node: Node) -> None:
        leaf = await node.dag.put({"leaf": 1})
        shared = await node.dag.put(b"shared", store_codec="raw")
        left = await node.dag.put({"a": leaf, "b": shared})
        right = await node.dag.put({"a": shared, "b": leaf})
        root = await node.dag.put([left, right, left])
        content = await node.dag.export(root)
        reader = await car.CarReader.open(content)
        assert (reader.version, reader.roots) == (1, (root,))
        assert [cid for cid, _ in await blocks_of(content)] == [root, left, leaf, shared, right]

    async def test_an_export_begins_at_the_end_of_a_path(self, node: Node) -> None:
        top = (await node.add_all([File("d/s/file", b"content")]))[-1].cid
        content = await node.dag.export(f"/ipfs/{top}/s")
        assert (await car.CarReader.open(content)).roots == ((await node.ls(top))[0].cid,)

    async def test_an_export_of_an_incomplete_dag_ends_in_an_error_that_names_the_block(self, node: Node) -> None:
        root = await node.dag.put({"missing": MISSING})
        pieces = aiter(node.dag.export(root))
        assert await anext(pieces) == car.header([root])
        assert (await anext(pieces)).endswith(await node.block.get(root))
        with pytest.raises(NotFoundError, match=str(MISSING)):
            await anext(pieces)

    async def test_an_export_of_nothing_is_an_error_before_the_first_byte(self, node: Node) -> None:
        with pytest.raises(NotFoundError):
            await anext(aiter(node.dag.export(MISSING)))

    async def test_what_was_exported_is_imported_elsewhere_as_the_same(self, node: Node) -> None:
        content = hashlib.shake_128(b"dag").digest(700_000)
        root = (await node.add_all([File("d/a", content), File("d/b", b"b")]))[-1].cid
        exported = await node.dag.export(root)
        cids = [cid for cid, _ in await blocks_of(exported)]
        await node.pin.rm(root)
        assert [one.error for one in await node.block.rm(cids)] == [None] * len(cids)
        results = await node.dag.import_(exported)
        assert results == [DagImportResult(DagImportRoot(root))]
        assert await node.cat(f"{root}/a") == content
        assert await node.dag.export(root) == exported

    async def test_an_import_pins_its_roots(self, node: Node) -> None:
        one, two = raw(b"one"), raw(b"two")
        await node.dag.import_(await car_of([one[0]], [one, two]))
        assert [pin.cid for pin in await node.pin.ls(type="recursive")] == [one[0]]
        assert await node.block.get(two[0]) == b"two"

    async def test_an_import_pins_nothing_where_that_is_asked_for(self, node: Node) -> None:
        one = raw(b"one")
        assert await node.dag.import_(await car_of([one[0]], [one]), pin_roots=False) == []
        assert await node.pin.ls() == []
        assert await node.block.get(one[0]) == b"one"

    async def test_an_import_tells_what_it_stored(self, node: Node) -> None:
        one, two = raw(b"one"), raw(b"three")
        results = await node.dag.import_(await car_of([], [one, two]), stats=True)
        assert results == [DagImportResult(stats=DagImportStats(2, 8))]

    async def test_roots_that_are_not_there_are_told_and_no_error(self, node: Node) -> None:
        gap = await node.dag.put({"missing": MISSING})
        first, second = [one.root for one in await node.dag.import_(await car_of([MISSING, gap], []))]
        assert first == DagImportRoot(MISSING, "blockstore: block not found")
        assert second is not None
        assert str(MISSING) in second.pin_error_msg
        assert await node.pin.ls() == []

    async def test_several_cars_of_every_kind_are_imported_by_one_call(self, node: Node, tmp_path: Path) -> None:
        blocks = [raw(bytes((number,))) for number in range(5)]
        cars = [await car_of([cid], [(cid, data)]) for cid, data in blocks]
        (tmp_path / "a.car").write_bytes(cars[0])

        async def pieces() -> AsyncGenerator[bytes, None]:
            for at in range(0, len(cars[1]), 7):
                yield cars[1][at : at + 7]

        sources = [tmp_path / "a.car", pieces(), io.BytesIO(cars[2]), iter([cars[3][:10], cars[3][10:]]), [cars[4]]]
        results = await node.dag.import_(sources)  # type: ignore[arg-type]  # a list of all kinds
        assert [one.root.cid for one in results if one.root] == [cid for cid, _ in blocks]

    async def test_the_pieces_of_one_car_may_come_as_an_iterable(self, node: Node) -> None:
        one = raw(b"one")
        content = await car_of([one[0]], [one])
        results = await node.dag.import_([content[:20], content[20:]])
        assert results == [DagImportResult(DagImportRoot(one[0]))]

    async def test_a_block_that_is_not_its_cid_is_refused(self, node: Node) -> None:
        cid, _ = raw(b"right")
        with pytest.raises(HashMismatchError, match=str(cid)):
            await node.dag.import_(await car_of([cid], [(cid, b"wrong")]))
        with pytest.raises(NotFoundError):
            await node.block.get(cid)

    async def test_a_block_that_is_too_large_is_refused(self, node: Node) -> None:
        with pytest.raises(LimitError):
            await node.dag.import_(await car_of([], [raw(bytes(2 * 1024 * 1024 + 1))]))

    async def test_a_hash_that_anyone_can_forge_is_refused(self, node: Node) -> None:
        with pytest.raises(UnknownHashError):
            await node.dag.import_(await car_of([], [raw(b"x", "murmur3-x64-64")]))
        with pytest.raises(InvalidInputError, match="identity"):
            await node.dag.import_(await car_of([], [raw(bytes(129), "identity")]))

    async def test_a_cut_off_car_is_an_error(self, node: Node) -> None:
        one = raw(b"one")
        content = await car_of([one[0]], [one])
        for end in (0, 10, len(content) - 1):
            with pytest.raises(CodecError):
                await node.dag.import_(content[:end])

    async def test_what_is_no_car_is_refused(self, node: Node) -> None:
        for source in ("file.car", 7, [], None, ["file.car"]):
            with pytest.raises(InvalidInputError):
                await node.dag.import_(source)  # type: ignore[arg-type]  # that is what is tested

    async def test_stat_counts_each_block_once(self, node: Node) -> None:
        shared = await node.dag.put(bytes(1000), store_codec="raw")
        left = await node.dag.put({"a": shared, "b": shared})
        right = await node.dag.put({"c": shared})
        sizes = {cid: (await node.block.stat(cid)).size for cid in (left, right)}
        alone = await node.dag.stat(left)
        assert alone.dag_stats == (DagStat(left, sizes[left] + 1000, 2),)
        assert (alone.unique_blocks, alone.total_size, alone.shared_size, alone.ratio) == (2, sizes[left] + 1000, 0, 1)
        both = await node.dag.stat([left, str(right)])
        assert [one.cid for one in both.dag_stats] == [left, right]
        total = sizes[left] + sizes[right] + 1000
        assert (both.unique_blocks, both.total_size, both.shared_size) == (3, total, 1000)
        assert both.ratio == pytest.approx((total + 1000) / total)

    async def test_stat_of_no_root_is_refused(self, node: Node) -> None:
        with pytest.raises(InvalidInputError):
            await node.dag.stat([])

    async def test_tree_tells_the_paths_in_a_node(self, node: Node) -> None:
        inner = await node.dag.put({"Data": b"x", "Links": []}, store_codec="dag-pb")
        outer = await node.dag.put({"some": {"list": [1, inner]}, "text": "t"})
        here = ["some", "some/list", "some/list/0", "some/list/1", "text"]
        assert await node.dag.tree(outer) == here
        assert await node.dag.tree(outer, path="some") == ["list", "list/0", "list/1"]
        assert await node.dag.tree(outer, path="text") == []
        behind = ["some/list/1/Data", "some/list/1/Links"]
        assert await node.dag.tree(outer, recursive=True) == here + behind
        assert await node.dag.tree(outer, path="some/list/1") == ["Data", "Links"]
        with pytest.raises(NoLinkError):
            await node.dag.tree(outer, path="nope")
