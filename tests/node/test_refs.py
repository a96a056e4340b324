from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ipfs_comm.errors import InvalidInputError
from ipfs_comm.ipld import CID
from ipfs_comm.node.open import open_node

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

MISSING = CID.parse("QmPv52ekjS75L4JmHpXVeuJ5uX2ecSfSZo88NSyxwA3rAd")


@pytest.fixture
async def node() -> AsyncIterator[Any]:
    async with open_node(repo=":memory:") as opened:
        yield opened


async def diamond(node: Any, depth: int) -> CID:
    """Make a DAG in which each node links the next one twice."""
    cid: CID = await node.dag.put({"end": True})
    for _ in range(depth):
        cid = await node.dag.put({"a": cid, "b": cid})
    return cid


async def test_links_of_data_are_named_by_their_paths(node: Any) -> None:
    leaf = await node.dag.put({})
    root = await node.dag.put({"a": [leaf, {"b": leaf}]})
    assert [entry.ref for entry in await node.refs(root, format="<linkname> <dst>")] == [
        f"a/0 {leaf}",
        f"a/1/b {leaf}",
    ]


async def test_a_link_comes_before_what_is_under_it(node: Any) -> None:
    results = await node.add_all([{"path": "d/a/x", "content": b"x"}, {"path": "d/b", "content": b"b"}])
    names = [entry.ref for entry in await node.refs(results[-1].cid, recursive=True, format="<linkname>")]
    assert names == ["a", "x", "b"]


async def test_what_is_linked_twice_is_followed_twice_unless_unique(node: Any) -> None:
    root = await diamond(node, 3)
    assert len(await node.refs(root, recursive=True)) == 2 + 4 + 8
    assert len(await node.refs(root, recursive=True, unique=True)) == 3


async def test_a_dag_with_more_paths_than_can_be_walked_can_be_read_piece_by_piece(node: Any) -> None:
    root = await diamond(node, 60)
    assert len(await node.refs(root, recursive=True, unique=True)) == 60
    async with node.refs(root, recursive=True) as refs:
        assert len([await anext(refs) for _ in range(500)]) == 500


async def test_what_is_met_again_nearer_to_the_root_is_followed_as_far_as_the_depth_allows(node: Any) -> None:
    leaf = await node.dag.put({"leaf": 1})
    middle = await node.dag.put({"leaf": leaf})
    root = await node.dag.put({"far": await node.dag.put({"middle": middle}), "near": middle})
    refs = [entry.ref for entry in await node.refs(root, recursive=True, unique=True, max_depth=2)]
    assert str(leaf) in refs
    assert len(refs) == len(set(refs)) == 3


async def test_a_block_that_is_missing_is_told_and_the_rest_follows(node: Any) -> None:
    root = await node.dag.put({"a": MISSING, "b": await node.dag.put({})})
    entries = await node.refs(root, recursive=True)
    assert [bool(entry.ref) for entry in entries] == [True, False, True]
    assert str(MISSING) in entries[1].err


async def test_a_format_is_filled_once(node: Any) -> None:
    leaf = await node.dag.put({})
    root = await node.dag.put({"<dst>": leaf})
    assert [entry.ref for entry in await node.refs(root, format="<src>: <linkname>")] == [f"{root}: <dst>"]


async def test_options_that_cannot_be_meant_are_refused(node: Any) -> None:
    with pytest.raises(InvalidInputError, match="both"):
        node.refs(MISSING, edges=True, format="<src>")
    with pytest.raises(InvalidInputError, match="max_depth"):
        node.refs(MISSING, max_depth="1")


async def test_local_refs_are_the_blocks_that_are_here(node: Any) -> None:
    cids = [(await node.add(bytes([number]), cid_version=1)).cid for number in range(3)]
    assert {entry.ref for entry in await node.refs.local()} == {str(cid) for cid in cids}
