"""``pin.update`` moves a pin to a later version of its DAG, as Kubo does, and looks at what differs only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ipfs_comm.errors import InvalidInputError, NotFoundError
from ipfs_comm.exchange import Offline
from ipfs_comm.ipld import CID, multihash
from ipfs_comm.node.api import PinEntry
from ipfs_comm.node.open import open_node

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ipfs_comm.exchange import FetchContext

MISSING = CID.create(1, "raw", multihash.digest(b"nobody has this"))


@pytest.fixture
async def node() -> AsyncIterator[Any]:
    async with open_node(repo=":memory:") as opened:
        yield opened


async def put(node: Any, value: Any, **options: Any) -> CID:
    cid: CID = await node.dag.put(value, **options)
    return cid


async def roots(node: Any) -> dict[CID, str | None]:
    return {entry.cid: entry.name for entry in await node.pin.ls(type="recursive")}


async def test_a_pin_moves_with_its_name_and_metadata(node: Any) -> None:
    old, new = await put(node, {"a": 1}), await put(node, {"a": 2})
    await node.pin.add(old, name="mine", metadata={"b": 3})
    assert await node.pin.update(old, new) == new
    assert await node.pin.ls() == [PinEntry(new, "recursive", {"b": 3}, "mine")]


async def test_the_old_pin_stays_where_that_is_asked_for(node: Any) -> None:
    old, new = await put(node, {"a": 1}), await put(node, {"a": 2})
    await node.pin.add(old, name="mine")
    await node.pin.update(old, new, unpin=False)
    assert await roots(node) == {old: "mine", new: "mine"}


async def test_a_pin_that_moves_to_itself_stays(node: Any) -> None:
    old = await node.object.new()
    await node.pin.add(old)
    await node.pin.update(old, old.to_v1())
    assert await roots(node) == {old: None}


@pytest.mark.parametrize("how", [None, {"recursive": False}])
async def test_only_a_recursive_pin_moves(node: Any, how: dict[str, bool] | None) -> None:
    old, new = await put(node, {"a": 1}), await put(node, {"a": 2})
    if how:
        await node.pin.add(old, **how)
    with pytest.raises(NotFoundError, match="'from' cid was not recursively pinned already") as caught:
        await node.pin.update(old, new)
    assert caught.value.code == "ERR_NOT_PINNED"
    assert new not in await roots(node)


async def test_a_root_that_is_pinned_already_is_refused(node: Any) -> None:
    old, new = await put(node, {"a": 1}, pin=True), await put(node, {"a": 2}, pin=True)
    with pytest.raises(InvalidInputError, match="'to' cid was already recursively pinned") as caught:
        await node.pin.update(old, new)
    assert caught.value.code == "ERR_ALREADY_PINNED"
    assert set(await roots(node)) == {old, new}


async def test_a_direct_pin_of_the_new_root_becomes_recursive(node: Any) -> None:
    old, new = await put(node, {"a": 1}, pin=True), await put(node, {"a": 2})
    await node.pin.add(new, recursive=False)
    await node.pin.update(old, new)
    assert [(entry.cid, entry.type) for entry in await node.pin.ls()] == [(new, "recursive")]


async def test_nothing_changes_where_a_block_of_the_new_root_is_missing(node: Any) -> None:
    old = await put(node, {"same": 1, "a": await put(node, [1])}, pin=True)
    new = await put(node, {"same": 1, "a": await put(node, [MISSING])})
    with pytest.raises(NotFoundError, match=str(MISSING)):
        await node.pin.update(old, new)
    with pytest.raises(NotFoundError, match="not found locally"):
        await node.pin.update(old, new, offline=True)
    assert await roots(node) == {old: None}


async def test_paths_name_roots_and_versions_of_a_tree_share_what_is_equal(node: Any) -> None:
    files = [{"path": f"d/{n}/x", "content": bytes((n,)) * 1000} for n in range(30)]
    old = (await node.add_all(files))[-1].cid
    files[7]["content"] = b"changed"
    files.insert(0, {"path": "d/0a/x", "content": b"new"})
    new = (await node.add_all(files, pin=False))[-1].cid
    await node.pin.update(f"/ipfs/{old}", f"/ipfs/{new}")
    assert set(await roots(node)) == {new}
    await node.repo.gc()
    for file in files:
        assert await node.cat(f"{new}/{file['path'][2:]}") == file["content"]


async def test_only_what_differs_is_read_and_what_is_not_here_is_fetched() -> None:
    class Source(Offline):
        def __init__(self) -> None:
            super().__init__("nowhere")
            self.has: dict[CID, bytes] = {}
            self.asked: list[CID] = []

        async def fetch(self, cid: CID, *, context: FetchContext | None = None) -> bytes:
            self.asked.append(cid)
            return self.has[cid]

    source = Source()
    async with open_node(repo=":memory:", exchange=source) as node:
        store = node._context.store  # type: ignore[attr-defined]  # of the embedded node
        common = await put(node, {"large": [await put(node, [n]) for n in range(100)]})
        old = await put(node, {"common": common, "x": [await put(node, ["old"])]}, pin=True)
        leaf = await put(node, ["new"])
        new = await put(node, {"common": common, "x": [leaf], "y": [leaf]})
        for cid in (leaf, new):
            source.has[cid] = await store.get(cid)
            await store.delete(cid)
        read: list[CID] = []
        get_many = store.get_many
        store.get_many = lambda cids: (read.extend(cids), get_many(cids))[1]
        assert await node.pin.update(old, new) == new
        assert sorted(source.asked) == sorted((leaf, new))
        assert common not in read
        await node.repo.gc()
        assert await node.dag.get(leaf, offline=True)
        assert (await node.dag.get(new, path="common/large/99/0")).value == 99
