"""Nodes and whole DAGs in a daemon: the same results as the embedded node's."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kubo.test_cars import archives, as_version_2, block_of, car_of
from kubo_support import FACTOR

from ipfs_comm import open_node
from ipfs_comm.errors import HashMismatchError, IPFSCommError, NoLinkError, NotFoundError
from ipfs_comm.node.api import DagImportResult, File
from ipfs_comm.testing.client import MISSING

if TYPE_CHECKING:
    from ipfs_comm.ipld import CID
    from ipfs_comm.node import Node

LAW: dict[str, Any] = {"suppress_health_check": [HealthCheck.function_scoped_fixture]}


scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(blacklist_categories=["Cs"]), max_size=8)
    | st.binary(max_size=40)
    | st.just(MISSING)
)
keys = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="/"), max_size=8)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4), max_leaves=12
)


async def put_and_got(node: Node, value: Any, **options: Any) -> Any:
    """Return what becomes of a value, or the code of the error."""
    try:
        cid = await node.dag.put(value, **options)
        return cid, await node.dag.get(cid), await node.dag.tree(cid), await node.dag.resolve(cid)
    except IPFSCommError as error:
        return error.code


@settings(max_examples=80 * FACTOR, **LAW)
@given(
    value=values,
    options=st.fixed_dictionaries(
        {},
        optional={
            "store_codec": st.sampled_from(["dag-cbor", "dag-json", "json", "cbor", "raw", "dag-pb"]),
            "hash_alg": st.sampled_from(["sha2-256", "sha2-512", "blake3", "identity"]),
        },
    ),
)
async def test_values_are_put_and_come_back_exactly(node: Node, value: Any, options: dict[str, Any]) -> None:
    async with open_node(repo=":memory:") as embedded:
        expected = await put_and_got(embedded, value, **options)
    assert await put_and_got(node, value, **options) == expected


async def imported(node: Node, files: list[bytes], **options: Any) -> list[DagImportResult] | str:
    """Return the results of an import, or the code of the error; why a root was not pinned is told in other words."""
    try:
        results = await node.dag.import_([BytesIO(file) for file in files], **options)
    except IPFSCommError as error:
        return error.code
    return [
        DagImportResult(
            result.root and type(result.root)(result.root.cid, "not" * bool(result.root.pin_error_msg)), result.stats
        )
        for result in results
    ]


@settings(max_examples=50 * FACTOR, **LAW)
@given(
    archive=archives(), version=st.integers(1, 2), padding=st.integers(0, 9), index=st.sampled_from([b"", b"\x81\x08"])
)
async def test_cars_of_several_roots_are_imported_with_the_same_result(
    node: Node, archive: tuple[list[CID], list[tuple[CID, bytes]]], version: int, padding: int, index: bytes
) -> None:
    roots, blocks = archive
    data = await car_of(roots, blocks)
    if version == 2:
        data = as_version_2(data, padding, index)
    async with open_node(repo=":memory:") as embedded:
        expected = await imported(embedded, [data], stats=True)
    assert await imported(node, [data], stats=True) == expected


@settings(max_examples=80 * FACTOR, **LAW)
@given(
    at=st.integers(0, 1 << 12),
    change=st.sampled_from(["flip", "cut", "insert", "append"]),
    what=st.integers(0, 255),
    pin_roots=st.booleans(),
)
async def test_damaged_cars_are_refused_as_the_embedded_node_refuses_them(
    node: Node, at: int, change: str, what: int, pin_roots: bool
) -> None:
    blocks = [block_of(["damaged through a node", number]) for number in range(3)]
    data = await car_of([blocks[0][0]], blocks)
    at %= len(data)
    data = {
        "flip": data[:at] + bytes([data[at] ^ (1 << what % 8)]) + data[at + 1 :],
        "cut": data[:at],
        "insert": data[:at] + bytes([what]) + data[at:],
        "append": data + bytes([what]) * (1 + at % 3),
    }[change]
    async with open_node(repo=":memory:") as embedded:
        expected = await imported(embedded, [data], pin_roots=pin_roots, stats=True)
    ours = await imported(node, [data], pin_roots=pin_roots, stats=True)
    if ours != expected:
        # A daemon decodes what it imports; what does not decode is a block without links on the embedded node.
        assert (ours, change) in [("ERR_CODEC", "flip"), ("ERR_CODEC", "insert")]


async def test_an_import_of_a_dag_in_two_cars_pins_both_roots(node: Node) -> None:
    leaf = block_of("the leaf of two CARs")
    root = block_of(["the root of two CARs", leaf[0]])
    files = [await car_of([root[0]], [root]), await car_of([leaf[0], root[0]], [leaf, leaf])]
    results = await node.dag.import_([BytesIO(file) for file in files])
    assert [result.root.cid for result in results if result.root] == [root[0], leaf[0]]
    assert {pin.cid async for pin in node.pin.ls(type="recursive")} == {root[0], leaf[0]}


async def test_what_comes_after_a_damaged_block_is_not_stored(node: Node) -> None:
    good, bad, after = (block_of(text) for text in ("good", "bad", "after"))
    with pytest.raises(HashMismatchError):
        await node.dag.import_(await car_of([], [good, (bad[0], bad[1] + b"x"), after]))
    with pytest.raises(NotFoundError):
        await node.block.get(after[0], offline=True)


@pytest.mark.parametrize("verb", ["get", "resolve", "stat", "export", "tree"])
@pytest.mark.parametrize("path", ["nope", "link/nope", "missing/x", "missing", "", "list/0", "text"])
async def test_paths_lead_where_they_lead_on_the_embedded_node(node: Node, verb: str, path: str) -> None:
    async def asked(on: Node) -> Any:
        inner = await on.dag.put({"x": {"y": 1}})
        outer = await on.dag.put({"link": inner, "missing": MISSING, "list": [inner], "text": "t"})
        try:
            return await getattr(on.dag, verb)("/".join((str(outer), path)) if path else outer)
        except IPFSCommError as error:
            return type(error), error.code, error.detail.get("cid"), error.detail.get("segment")

    async with open_node(repo=":memory:") as embedded:
        expected = await asked(embedded)
    assert await asked(node) == expected


async def test_a_root_that_is_asked_for_twice_is_counted_twice(node: Node) -> None:
    one = await node.dag.put({"a": 1})
    stat = await node.dag.stat([one, one])
    assert ([each.cid for each in stat.dag_stats], stat.unique_blocks, stat.ratio) == ([one, one], 1, 2)


async def test_names_are_the_daemon_s_to_resolve(node: Node) -> None:
    root = (await node.add_all([File("d/a", b"a")]))[-1].cid
    name = (await node.name.publish(f"/ipfs/{root}", allow_offline=True)).name
    assert await node.cat(f"/ipns/{name}/a") == b"a"
    assert [entry.name for entry in await node.ls(f"/ipns/{name}")] == ["a"]
    assert await node.resolve(f"/ipns/{name}/a") == f"/ipfs/{(await node.add(b'a')).cid}"
    assert (await node.dag.resolve(f"/ipns/{name}")).cid == root
    with pytest.raises(NoLinkError):
        await node.cat(f"/ipns/{name}/nope")


@settings(max_examples=30 * FACTOR, **LAW)
@given(data=st.binary(max_size=60), names=st.lists(st.text(max_size=5), max_size=4))
async def test_objects_are_the_same(node: Node, data: bytes, names: list[str]) -> None:
    async def asked(on: Node) -> Any:
        leaf = await on.object.put(b"leaf")
        node_form = {"Data": data, "Links": [{"Hash": leaf, "Name": name, "Tsize": 6} for name in names]}
        try:
            cid = await on.object.put(node_form)
            return cid, await on.object.get(cid), await on.object.stat(cid), await on.object.links(cid)
        except IPFSCommError as error:
            return error.code

    async with open_node(repo=":memory:") as embedded:
        expected = await asked(embedded)
    assert await asked(node) == expected
