from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from ipfs_comm.errors import DeadlineError, InvalidInputError, IPFSCommError, NotFoundError
from ipfs_comm.ipld import CID, multihash
from ipfs_comm.node.api import PinEntry, PinInput
from ipfs_comm.node.embedded import pinset
from ipfs_comm.node.open import open_node

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

MISSING = CID.parse("QmPv52ekjS75L4JmHpXVeuJ5uX2ecSfSZo88NSyxwA3rAd")


@pytest.fixture
async def node() -> AsyncIterator[Any]:
    async with open_node(repo=":memory:") as opened:
        yield opened


async def pinned(node: Any, **options: Any) -> dict[str, str]:
    return {str(entry.cid): entry.type async for entry in node.pin.ls(**options)}


async def tree(node: Any, **options: Any) -> tuple[CID, CID, CID]:
    """Add ``d/x`` and ``d/e/y``; return the CIDs of x, y and d."""
    x, y, _, d = await node.add_all(
        [{"path": "d/x", "content": b"x"}, {"path": "d/e/y", "content": b"y"}], **({"pin": False} | options)
    )
    return x.cid, y.cid, d.cid


async def test_add_pins_the_root_only(node: Any) -> None:
    x, _, d = await tree(node, pin=True)
    assert await pinned(node, type="recursive") == {str(d): "recursive"}
    assert (await pinned(node))[str(x)] == "indirect"


async def test_add_pins_the_directory_that_wraps(node: Any) -> None:
    results = await node.add_all([{"path": "a", "content": b"a"}, {"content": b"b"}], wrap_with_directory=True)
    assert await pinned(node, type="recursive") == {str(results[-1].cid): "recursive"}


@pytest.mark.parametrize("options", [{"pin": False}, {"only_hash": True}])
async def test_add_pins_nothing_where_it_is_not_to(node: Any, options: dict[str, bool]) -> None:
    await node.add(b"x", **options)
    assert await node.pin.ls() == []


async def test_a_pin_keeps_its_name_and_metadata_when_its_content_is_added_again(node: Any) -> None:
    cid = (await node.add(b"x")).cid
    await node.pin.add(cid, name="mine", metadata={"a": [1]})
    await node.add(b"x")
    assert await node.pin.ls() == [PinEntry(cid, "recursive", {"a": [1]}, "mine")]


async def test_blocks_and_nodes_can_be_pinned_as_they_are_put(node: Any) -> None:
    block = await node.block.put(b"x", format="raw", pin=True)
    value = await node.dag.put({"x": block}, pin=True)
    assert await pinned(node) == {str(block): "recursive", str(value): "recursive"}


async def test_both_versions_of_a_cid_are_one_pin(node: Any) -> None:
    cid = (await node.add(b"x" * 300_000)).cid
    assert [entry.type for entry in await node.pin.ls(cid.to_v1())] == ["recursive"]
    assert await node.pin.rm(cid.to_v1()) == cid.to_v1()
    assert await node.pin.ls() == []


async def test_pins_of_two_codecs_of_one_block_are_two(node: Any) -> None:
    cid = (await node.add(b"x")).cid
    await node.pin.add(cid.to_v1().with_codec("raw"), recursive=False)
    assert sorted((await pinned(node)).values()) == ["direct", "recursive"]


async def test_a_path_can_be_pinned(node: Any) -> None:
    _, y, d = await tree(node)
    assert await node.pin.add(f"/ipfs/{d}/e/y") == y
    assert await pinned(node) == {str(y): "recursive"}


async def test_a_path_through_data_can_be_pinned(node: Any) -> None:
    inner = await node.dag.put({"x": 1})
    outer = await node.dag.put({"a": {"b": inner}})
    assert await node.pin.add(f"/ipfs/{outer}/a/b") == inner
    with pytest.raises(InvalidInputError, match="ends inside block"):
        await node.pin.add(f"/ipfs/{outer}/a/b/x")


async def test_nothing_is_pinned_where_a_block_is_missing(node: Any) -> None:
    root = await node.dag.put({"here": await node.dag.put({}), "gone": MISSING})
    with pytest.raises(NotFoundError, match=str(MISSING)):
        await node.pin.add(root)
    assert await node.pin.ls() == []
    await node.pin.add(root, recursive=False)
    assert await pinned(node) == {str(root): "direct"}


async def test_a_direct_pin_becomes_recursive_and_not_the_other_way(node: Any) -> None:
    _, _, d = await tree(node)
    await node.pin.add(d, recursive=False)
    await node.pin.add(d)
    with pytest.raises(InvalidInputError, match="already pinned recursively") as caught:
        await node.pin.add(d, recursive=False)
    assert caught.value.code == "ERR_ALREADY_PINNED"


async def test_removing_what_has_no_pin_of_its_own_is_refused(node: Any) -> None:
    x, _, d = await tree(node, pin=True)
    for cid in (x, MISSING):
        with pytest.raises(NotFoundError, match="is not pinned or pinned indirectly") as caught:
            await node.pin.rm(cid)
        assert caught.value.code == "ERR_NOT_PINNED"
    with pytest.raises(InvalidInputError, match="is pinned recursively"):
        await node.pin.rm(d, recursive=False)


async def test_ls_tells_what_keeps_a_block(node: Any) -> None:
    x, y, d = await tree(node, pin=True)
    assert await node.pin.ls([x, f"/ipfs/{d}/e/y", d]) == [
        PinEntry(x, f"indirect through {d}"),
        PinEntry(y, f"indirect through {d}"),
        PinEntry(d, "recursive"),
    ]
    with pytest.raises(NotFoundError, match="is not pinned") as caught:
        await node.pin.ls(d, type="indirect")
    assert caught.value.code == "ERR_NOT_PINNED"


async def test_a_root_under_another_root_is_told_to_be_so(node: Any) -> None:
    x, _, d = await tree(node, pin=True)
    await node.pin.add(x)
    assert await node.pin.ls(x) == [PinEntry(x, "recursive")]
    assert await node.pin.ls(x, type="indirect") == [PinEntry(x, f"indirect through {d}")]


async def test_ls_finds_pins_by_a_part_of_their_name(node: Any) -> None:
    for number, name in enumerate(("photos of May", "photos of June", None)):
        await node.pin.add((await node.add(bytes([number]), pin=False)).cid, name=name)
    assert sorted([entry.name async for entry in node.pin.ls(name="photos")]) == ["photos of June", "photos of May"]
    assert [entry.name async for entry in node.pin.ls(name="June")] == ["photos of June"]


@pytest.mark.parametrize("given", ["__proto__", "", 6])
async def test_a_type_that_there_is_not_is_refused(node: Any, given: Any) -> None:
    with pytest.raises(InvalidInputError, match="must be one of") as caught:
        node.pin.ls(type=given)
    assert caught.value.code == "ERR_INVALID_PIN_TYPE"


@pytest.mark.parametrize("options", [{"name": "n" * 256}, {"metadata": {"a": object()}}, {"metadata": {"a": 1e999}}])
async def test_names_and_metadata_that_cannot_be_kept_are_refused(node: Any, options: dict[str, Any]) -> None:
    cid = (await node.add(b"x", pin=False)).cid
    with pytest.raises(InvalidInputError):
        await node.pin.add(cid, **options)
    assert await node.pin.ls() == []


async def test_many_can_be_pinned_and_unpinned_at_once_in_any_form(node: Any) -> None:
    cids = [(await node.add(bytes([number]), pin=False)).cid for number in range(4)]

    async def forms() -> AsyncIterator[Any]:
        yield cids[0]
        yield str(cids[1])
        yield {"cid": cids[2], "recursive": False}
        yield PinInput(cids[3], name="last")

    assert await node.pin.add_all(forms()) == cids
    assert sorted((await pinned(node)).values()) == ["direct", "recursive", "recursive", "recursive"]
    assert set(await node.pin.rm_all(node.pin.ls())) == set(cids)
    with pytest.raises(InvalidInputError, match="needs cid or path"):
        await node.pin.add_all([{"recursive": True}])


async def test_a_pinned_block_is_not_removed(node: Any) -> None:
    x, _, d = await tree(node, pin=True)
    loose = await node.block.put(b"loose")
    removals = await node.block.rm([x.to_v1().with_codec("raw"), d, loose])
    errors = [removal.error for removal in removals]
    assert [getattr(error, "code", None) for error in errors] == ["ERR_PINNED", "ERR_PINNED", None]
    assert "pinned: indirect" in str(errors[0])
    assert "pinned: recursive" in str(errors[1])
    assert await node.cat(f"{d}/x") == b"x"


async def test_pins_outlive_the_node_and_are_seen_by_others(tmp_path: Path) -> None:
    async with open_node(repo=tmp_path / "r") as one, open_node(repo=tmp_path / "r") as other:
        cid = (await one.add(b"x")).cid
        assert await pinned(other) == {str(cid): "recursive"}
        await other.pin.rm(cid)
        assert await pinned(one) == {}
        await one.pin.add(cid)
    async with open_node(repo=tmp_path / "r") as again:
        assert await pinned(again) == {str(cid): "recursive"}


async def test_a_damaged_record_is_a_typed_error(node: Any) -> None:
    async with node._context.state.transaction() as transaction:
        await transaction.put(pinset.SPACE, "zz.70", b"{}")
    with pytest.raises(IPFSCommError, match="damaged") as caught:
        await node.pin.ls()
    assert caught.value.code == "ERR_REPO"


async def test_pinning_ends_by_its_deadline() -> None:
    class Silent:
        async def fetch(self, cid: CID, *, context: Any = None) -> bytes:
            raise AssertionError("a deadline comes first")

        async def close(self) -> None:
            return

    async with open_node(repo=":memory:", exchange=Silent()) as node, node._context.lock.alone():
        with pytest.raises(DeadlineError):
            await node.pin.add(MISSING, timeout=0.05)


async def test_adding_does_not_slow_down_with_a_hundred_thousand_pins(tmp_path: Path) -> None:
    async with open_node(repo=tmp_path / "r") as node:

        async def seconds(tag: str) -> float:
            began = time.perf_counter()
            for number in range(20):
                await node.add(f"{tag} {number}".encode())
            return time.perf_counter() - began

        await seconds("warm")
        few = await seconds("few")
        await pinset.record(
            node._context.state,
            [
                pinset.Pin(CID.create(1, "raw", multihash.digest(number.to_bytes(4, "big"))))
                for number in range(100_000)
            ],
        )
        many = min([await seconds("many"), await seconds("more")])
        assert many < 5 * few + 0.2
