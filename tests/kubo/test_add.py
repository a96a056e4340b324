"""Whatever is added, and however, has the CID and the size that Kubo gives it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kubo.trees import (
    HASHES,
    Bulk,
    Link,
    Plan,
    Stat,
    Tree,
    by_kubo,
    by_us,
    entries,
    few_bytes,
    names,
    plans,
    trees,
    walk,
)
from kubo_support import FACTOR, KuboError

from ipfs_comm import open_node
from ipfs_comm.errors import IPFSCommError
from ipfs_comm.node.api import File

if TYPE_CHECKING:
    from kubo_support import Daemon

SIMPLE = Plan({}, {})


async def check(kubo: Daemon, named: dict[str, Any], plan: Plan) -> None:
    expected = by_kubo(kubo, named, plan)
    assert len(expected) >= len(named)
    assert await by_us(named, plan) == expected


async def test_an_empty_file_and_an_empty_directory_are_the_same(kubo: Daemon) -> None:
    await check(kubo, {"file": b"", "directory": Tree()}, SIMPLE)


@settings(max_examples=150 * FACTOR)
@given(plan=plans(), tree=trees())
async def test_any_tree_by_any_options_is_the_same(kubo: Daemon, plan: Plan, tree: Tree) -> None:
    await check(kubo, {"tree": tree}, plan)


@settings(max_examples=60 * FACTOR)
@given(plan=plans(), files=st.dictionaries(names, few_bytes, min_size=1, max_size=10))
async def test_files_beside_each_other_are_the_same(kubo: Daemon, plan: Plan, files: dict[str, Any]) -> None:
    await check(kubo, files, plan)


@st.composite
def at_boundaries(draw: st.DrawFn) -> tuple[dict[str, Any], Plan]:
    """Files whose sizes are about where a chunk, a node and a level end."""
    plan = draw(plans(chunkers=st.nothing(), most_links=6))
    links = plan.ours.get("max_links")
    if links is None:
        links = plan.kubo["max_file_links"] = plan.ours["max_links"] = draw(st.integers(2, 6))
    size = draw(st.integers(1, 300))
    plan.kubo["chunker"] = plan.ours["chunker"] = f"size-{size}"
    counts = [0, 1, 2, links - 1, links, links + 1, links**2, links**2 + 1, links**3, links**3 + 1, 5 * links + 4]
    files = {
        f"{count}x{size}{off:+}": Bulk(max(0, count * size + off), count)
        for count in draw(st.lists(st.sampled_from(counts), min_size=1, max_size=4, unique=True))
        for off in (-1, 0, 1)
    }
    return files, plan


@settings(max_examples=60 * FACTOR)
@given(case=at_boundaries())
async def test_sizes_about_the_ends_of_chunks_and_levels_are_the_same(
    kubo: Daemon, case: tuple[dict[str, Any], Plan]
) -> None:
    await check(kubo, *case)


@pytest.mark.parametrize("trickle", [False, True])
@pytest.mark.parametrize("raw", [False, True])
async def test_174_links_are_the_same(kubo: Daemon, trickle: bool, raw: bool) -> None:
    plan = Plan(
        {"chunker": "size-16", "trickle": trickle, "raw_leaves": raw, "only_hash": True},
        {"chunker": "size-16", "layout": "trickle" if trickle else "balanced", "raw_leaves": raw},
    )
    counts = [173, 174, 175, 348, 2 * 174 + 1, 174**2, 174**2 + 1]
    await check(kubo, {f"{n}{off:+}": Bulk(16 * n + off, n) for n in counts for off in (-1, 0, 1)}, plan)


@pytest.mark.parametrize("version", [0, 1])
async def test_default_chunks_are_the_same(kubo: Daemon, version: int) -> None:
    plan = Plan({"cid_version": version}, {"cid_version": version})
    sizes = [262_143, 262_144, 262_145, 2 * 262_144, 1_000_000]
    await check(kubo, {str(size): Bulk(size, size) for size in sizes}, plan)


@pytest.mark.parametrize("chunker", ["size-1048576", "size-2096896"])
async def test_the_largest_chunks_are_the_same(kubo: Daemon, chunker: str) -> None:
    plan = Plan({"chunker": chunker, "raw_leaves": True}, {"chunker": chunker, "raw_leaves": True})
    size = int(chunker.partition("-")[2])
    await check(kubo, {str(off): Bulk(2 * size + off, 1) for off in (-1, 0, 1)}, plan)


@st.composite
def rabins(draw: st.DrawFn) -> str:
    if draw(st.booleans()):
        return f"rabin-{draw(st.integers(48, 4_000))}"
    least = draw(st.integers(16, 600))
    average = least + draw(st.integers(1, 2_000))
    return f"rabin-{least}-{average}-{average + draw(st.integers(1, 2_000))}"


@settings(max_examples=30 * FACTOR)
@given(
    plan=plans(chunkers=rabins()),
    contents=st.lists(st.builds(Bulk, st.integers(0, 12_000), st.integers(0, 99)) | few_bytes, max_size=4),
)
async def test_rabin_cuts_at_the_same_places(kubo: Daemon, plan: Plan, contents: list[Any]) -> None:
    await check(kubo, {str(index): content for index, content in enumerate(contents)} or {"none": b""}, plan)


@settings(max_examples=30 * FACTOR)
@given(average=st.integers(64, 1_000), period=st.integers(1, 40), size=st.integers(0, 8_000))
async def test_rabin_cuts_dull_content_at_the_same_places(kubo: Daemon, average: int, period: int, size: int) -> None:
    content = (bytes(range(period)) * (size // period + 1))[:size]
    chunker = f"rabin-{average}"
    await check(kubo, {"dull": content}, Plan({"chunker": chunker}, {"chunker": chunker}))


@settings(max_examples=8 * FACTOR)
@given(
    plan=plans(chunkers=st.just("buzhash")).filter(lambda plan: "chunker" in plan.kubo),
    contents=st.lists(
        st.builds(
            Bulk,
            st.sampled_from([0, 131_071, 131_072, 131_073, 524_288, 524_289]) | st.integers(0, 900_000),
            st.integers(0, 99),
        ),
        min_size=1,
        max_size=3,
    ),
)
async def test_buzhash_cuts_at_the_same_places(kubo: Daemon, plan: Plan, contents: list[Any]) -> None:
    await check(kubo, {str(index): content for index, content in enumerate(contents)}, plan)


@pytest.mark.parametrize("chunker", ["rabin", "buzhash", "rabin-65536"])
@pytest.mark.parametrize("period", [1, 7, 300_001])
async def test_megabytes_are_cut_at_the_same_places(kubo: Daemon, chunker: str, period: int) -> None:
    content = (bytes(Bulk(period)) * (1_500_000 // period + 1))[:1_500_000]
    await check(kubo, {"file": content}, Plan({"chunker": chunker}, {"chunker": chunker}))


@pytest.mark.parametrize("limit", [1, 6, 32, 127, 128])
async def test_content_about_the_inline_limit_is_the_same(kubo: Daemon, limit: int) -> None:
    files = {f"{size}": Bulk(size, size) for size in range(max(0, limit - 12), limit + 3)}
    for raw in (False, True):
        plan = Plan(
            {"inline": True, "inline_limit": limit, "raw_leaves": raw}, {"inline_limit": limit, "raw_leaves": raw}
        )
        await check(kubo, {**files, "tree": Tree({"a": b"", "b": b"x"}), "empty": Tree()}, plan)


@pytest.mark.parametrize("algorithm", HASHES)
async def test_every_hash_is_the_same(kubo: Daemon, algorithm: str) -> None:
    plan = Plan({"hash": algorithm, "chunker": "size-100"}, {"hash_alg": algorithm, "chunker": "size-100"})
    await check(kubo, {"tree": Tree({"file": Bulk(1_000), "empty": b"", "link": Link("file")})}, plan)


async def test_the_identity_hash_is_the_same_as_long_as_it_fits(kubo: Daemon) -> None:
    # Kubo puts a file into a directory on its way, which has to fit as well.
    plan = Plan({"hash": "identity", "raw_leaves": True}, {"hash_alg": "identity", "raw_leaves": True})
    await check(kubo, {str(size): Bulk(size) for size in (0, 1, 20)}, plan)


@pytest.mark.parametrize(
    ("kubo_options", "options", "size"),
    [
        ({"hash": "identity", "raw_leaves": True}, {"hash_alg": "identity", "raw_leaves": True}, 129),
        ({"inline": True, "inline_limit": 129}, {"inline_limit": 129}, 1),
        ({"chunker": "size-0"}, {"chunker": "size-0"}, 1),
        ({"chunker": "size--1"}, {"chunker": "size--1"}, 1),
        ({"chunker": "size-2096897"}, {"chunker": "size-2096897"}, 1),
        ({"chunker": "rabin-15-20-30"}, {"chunker": "rabin-15-20-30"}, 1),
        ({"chunker": "rabin-32-20-30"}, {"chunker": "rabin-32-20-30"}, 1),
        ({"chunker": "nothing"}, {"chunker": "nothing"}, 1),
        ({"hash": "nothing"}, {"hash_alg": "nothing"}, 1),
        ({"max_hamt_fanout": 12}, {"hamt_fanout": 12}, 1),
    ],
)
async def test_what_kubo_refuses_is_refused(
    kubo: Daemon, kubo_options: dict[str, Any], options: dict[str, Any], size: int
) -> None:
    named = {"tree": Tree({"file": Bulk(size)})}
    refused = False
    try:
        # What is refused after the answer began leaves the tree out of it.
        refused = "tree" not in by_kubo(kubo, named, Plan(kubo_options, {}))
    except KuboError:
        refused = True
    assert refused
    with pytest.raises(IPFSCommError):
        await by_us(named, Plan({}, options))


@pytest.mark.parametrize("mode", [0o1, 0o644, 0o755, 0o777])
async def test_a_default_mode_is_written_as_any_other(kubo: Daemon, mode: int) -> None:
    plan = Plan({"preserve_mode": True}, {}, stats=(Stat(mode),))
    await check(kubo, {"tree": Tree({"file": b"x", "inner": Tree()}), "file": b""}, plan)


async def test_one_mode_and_time_for_all_is_the_same(kubo: Daemon) -> None:
    stat = Stat(0o640, (1_600_000_000, 5))
    plan = Plan(
        {"mode": stat.mode, "mtime": 1_600_000_000, "mtime_nsecs": 5, "cid_version": 1},
        {"cid_version": 1},
        stats=(stat,),
    )
    await check(kubo, {"tree": Tree({"file": Bulk(3_000), "link": Link("file"), "inner": Tree()}), "file": b"x"}, plan)


def without_symlinks(tree: Tree) -> Tree:
    """Return the tree without what cannot be given to a node as a file."""
    return Tree(
        {
            name: without_symlinks(node) if isinstance(node, Tree) else node
            for name, node in tree.children.items()
            if not isinstance(node, Link)
        }
    )


@settings(max_examples=40 * FACTOR)
@given(plan=plans(), tree=trees().map(without_symlinks))
async def test_a_node_adds_as_kubo_does(kubo: Daemon, plan: Plan, tree: Tree) -> None:
    named = {"tree": tree}
    options: dict[str, Any] = {**plan.ours, "wrap_with_directory": plan.wrap}
    options["trickle"] = options.pop("layout", "balanced") == "trickle"
    if "inline_limit" in options:
        options["inline"] = True
    files = [
        File(entry.path, entry.content, mode=entry.mode, mtime=entry.mtime) for entry in entries(named, plan.stats)
    ]
    async with open_node(repo=":memory:") as node:
        added = await node.add_all(files, **options)
        assert {entry.path: (entry.cid, entry.size) for entry in added} == by_kubo(kubo, named, plan)
        root = next(entry.cid for entry in added if entry.path == "tree")
        for path, content in walk(named):
            if not isinstance(content, Tree):
                assert await node.cat(f"/ipfs/{root}{path.removeprefix('tree')}") == bytes(content)
