"""What is made on either node is the same on the other: one notebook gives the same CIDs on both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kubo.trees import HASHES, Bulk, Tree, entries, plans, trees
from kubo_support import FACTOR, Part

from ipfs_comm import open_node
from ipfs_comm.ipld import CID
from ipfs_comm.node.api import File

if TYPE_CHECKING:
    from pathlib import Path

    from kubo.trees import Plan
    from kubo_support import Daemon

    from ipfs_comm.node import Node

LAW: dict[str, Any] = {"suppress_health_check": [HealthCheck.function_scoped_fixture]}


def files(tree: Tree, plan: Plan) -> list[File]:
    """Return a tree as what is given to ``add_all``."""
    return [
        File(entry.path, entry.content, mode=entry.mode, mtime=entry.mtime, target=entry.target)
        for entry in entries({"tree": tree}, plan.stats)
    ]


@settings(max_examples=30 * FACTOR, **LAW)
@given(tree=trees(), plan=plans())
async def test_a_car_that_one_exports_is_imported_by_the_other(node: Node, tree: Tree, plan: Plan) -> None:
    options: dict[str, Any] = dict(plan.ours)
    options["trickle"] = options.pop("layout", "balanced") == "trickle"
    options["inline"] = "inline_limit" in options
    async with open_node(repo=":memory:") as embedded:
        there = (await node.add_all(files(tree, plan), **options))[-1].cid
        result = (await embedded.dag.import_(node.dag.export(there)))[0]
        assert result.root is not None
        assert (result.root.cid, result.root.pin_error_msg) == (there, "")
        here = (await embedded.add_all(files(tree, plan), **options))[-1].cid
        assert here == there
        exported = await embedded.dag.export(here)
        cids = {here}.union([CID.parse(ref.ref) async for ref in embedded.refs(here, recursive=True)])
        await node.pin.rm(here)
        await node.block.rm([cid for cid in cids if not cid.is_identity], force=True)
        result = (await node.dag.import_(exported))[0]
        assert result.root is not None
        assert (result.root.cid, result.root.pin_error_msg) == (here, "")
        assert await node.dag.export(here) == exported


OPTIONS: list[dict[str, Any]] = [
    {},
    {"cid_version": 1},
    {"raw_leaves": True},
    {"cid_version": 1, "raw_leaves": False},
    {"chunker": "size-1000"},
    {"chunker": "rabin"},
    {"chunker": "rabin-16-64-256"},
    {"chunker": "buzhash"},
    {"trickle": True, "chunker": "size-1000"},
    {"max_file_links": 3, "chunker": "size-1000"},
    {"max_links": 3, "chunker": "size-1000"},
    {"max_directory_links": 2},
    {"max_directory_links": 2, "max_hamt_fanout": 8},
    {"shard_split_threshold": 0},
    {"shard_split_threshold": 200, "hamt_estimation": "block"},
    {"inline": True},
    {"inline": True, "inline_limit": 128},
    {"wrap_with_directory": True},
    {"mode": 0o600},
    {"mtime": (5, 6)},
    {"mode": "0700", "mtime": 7},
    {"only_hash": True},
    {"pin": False},
    {"profile": "unixfs-v1-2025"},
    {"preload": False, "file_import_concurrency": 1, "block_write_concurrency": 1},
    {"hidden": True},
    {"preserve_mode": True},
    {"preserve_mtime": True},
    {"preserve_mode": True, "preserve_mtime": True, "hidden": True},
    {"empty_dirs": False},
    {"dereference_symlinks": True},
    {"layout": "flat", "chunker": "size-1000"},
    {"leaf_type": "raw", "chunker": "size-1000"},
    {"reduce_single_leaf": False},
    {"raw_leaves": True, "mode": 0o644},
    *({"hash_alg": name} for name in HASHES),
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
async def test_every_option_gives_the_same_results(node: Node, tmp_path: Path, options: dict[str, Any]) -> None:
    root = tmp_path / "tree"
    (root / "sub" / "empty").mkdir(parents=True)
    (root / "a.txt").write_bytes(b"a")
    (root / "big").write_bytes(bytes(Bulk(300_000)))
    (root / "sub" / "script").write_bytes(b"#!")
    (root / "sub" / "script").chmod(0o755)
    (root / "link").symlink_to("a.txt")
    (root / ".hidden").write_bytes(b"h")

    async def added(on: Node) -> Any:
        # Kubo's own importer has no such names; the embedded node has the ones that mean the same.
        names = {"max_file_links": "max_links", "max_hamt_fanout": "hamt_fanout"} if on is not node else {}
        return await on.add_all([root], **{names.get(name, name): value for name, value in options.items()})

    async with open_node(repo=":memory:") as embedded:
        expected = await added(embedded)
    assert await added(node) == expected


@settings(max_examples=20 * FACTOR, **LAW)
@given(tree=trees(), version=st.sampled_from([0, 1]))
async def test_what_ipfs_add_makes_is_what_a_node_on_it_makes(
    node: Node, daemon: Daemon, tree: Tree, version: int
) -> None:
    given_parts = [
        Part(entry.path, bytes(entry.content) if entry.content is not None else None, target=entry.target)  # type: ignore[arg-type]  # trees are of bytes
        for entry in entries({"tree": tree})
    ]
    theirs = {added.name: (added.cid, added.size) for added in daemon.add(given_parts, cid_version=version)}
    ours = await node.add_all(
        [File(entry.path, entry.content, target=entry.target) for entry in entries({"tree": tree})], cid_version=version
    )
    assert {entry.path: (str(entry.cid), entry.size) for entry in ours} == theirs


async def test_a_notebook_gives_the_same_on_both(node: Node, tmp_path: Path) -> None:
    async def notebook(on: Node) -> list[Any]:
        told: list[Any] = []
        hello = await on.add("hello")
        told.append(hello)
        told.append(await on.add_all({"path": f"data/{n}.csv", "content": f"{n},1\n" * 1000} for n in range(3)))
        data = told[-1][-1].cid
        told.append(await on.ls(data))
        told.append(await on.cat(f"{data}/1.csv", offset=2, length=10))
        meta = await on.dag.put({"data": data, "shape": [3, 1000], "scale": 0.5, "raw": b"\x00"})
        told += [meta, await on.dag.get(meta, path="shape/1"), await on.resolve(f"/ipfs/{meta}/data/1.csv")]
        told.append([ref async for ref in on.refs(meta, recursive=True, format="<src> <dst> <linkname>")])
        told.append(await on.dag.stat([meta, data]))
        told.append(await on.block.stat(hello.cid))
        place = await on.get(data, to=tmp_path / f"copy{id(on)}")
        told.append((await on.add(place, preserve_mode=True, only_hash=True)).cid)
        return told

    async with open_node(repo=":memory:") as embedded:
        expected = await notebook(embedded)
    assert await notebook(node) == [*expected[:-1], pytest.approx(expected[-1])]
