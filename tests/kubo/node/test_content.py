"""Content through a daemon: the same results as the embedded node's, and what only a daemon meets."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from kubo.trees import Bulk, Tree, entries, few_bytes, names, plans, trees
from kubo_support import FACTOR

from ipfs_comm import open_node
from ipfs_comm.errors import InvalidInputError, IPFSCommError, NotSupportedError
from ipfs_comm.node.api import File, Mtime

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from kubo.trees import Plan
    from kubo_support import Daemon

    from ipfs_comm.node import Node
    from ipfs_comm.node.api import AddResult, GetEntry

#: One node and one daemon serve all examples of a law; what one leaves there is nothing to the next.
LAW: dict[str, Any] = {"suppress_health_check": [HealthCheck.function_scoped_fixture]}
#: The first moment of the year 1, which Go takes for no time at all, and with it Kubo's ``ls``.
GO_ZERO = Mtime(-62_135_596_800)


async def outcome(node: Node, source: Any, **options: Any) -> list[AddResult] | str:
    """Return the results of adding, or the code of the error."""
    try:
        return await node.add_all(source(), **options)
    except IPFSCommError as error:
        return error.code


async def both(node: Node, source: Callable[[], Any], **options: Any) -> list[AddResult] | str:
    """Check that adding has the same outcome on the embedded node; return it."""
    async with open_node(repo=":memory:") as embedded:
        expected = await outcome(embedded, source, **options)
        pins = {(pin.cid, pin.type) async for pin in embedded.pin.ls(type="recursive")}
    assert await outcome(node, source, **options) == expected
    if options.get("pin", True) and isinstance(expected, list):
        found = {(pin.cid, pin.type) async for pin in node.pin.ls(type="recursive")}
        assert pins <= found
    return expected


def options_of(plan: Plan) -> dict[str, Any]:
    """Return a plan as options of ``add``."""
    options: dict[str, Any] = {**plan.ours, "wrap_with_directory": plan.wrap}
    options["trickle"] = options.pop("layout", "balanced") == "trickle"
    if "inline_limit" in options:
        options["inline"] = True
    return options


def files_of(named: dict[str, Any], plan: Plan) -> list[File]:
    """Return trees as what is given to ``add_all``."""
    return [
        File(entry.path, entry.content, mode=entry.mode, mtime=entry.mtime, target=entry.target)
        for entry in entries(named, plan.stats)
    ]


class TestAdding:
    """What is added has the same results as on the embedded node."""

    @settings(max_examples=40 * FACTOR, **LAW)
    @given(plan=plans(), tree=trees())
    async def test_any_tree_by_any_options_has_the_same_results(self, node: Node, plan: Plan, tree: Tree) -> None:
        files = files_of({"tree": tree}, plan)
        assert await both(node, lambda: list(files), **options_of(plan))

    @settings(max_examples=40 * FACTOR, **LAW)
    @given(
        plan=plans(),
        named=st.dictionaries(names, few_bytes | trees(most=5), min_size=1, max_size=4),
        order=st.randoms(use_true_random=False),
        wrap=st.booleans(),
    )
    async def test_entries_in_any_order_have_the_same_results(
        self, node: Node, plan: Plan, named: dict[str, Any], order: Any, wrap: bool
    ) -> None:
        files = files_of(named, plan)
        order.shuffle(files)
        await both(node, lambda: list(files), **{**options_of(plan), "wrap_with_directory": wrap})

    @settings(max_examples=40 * FACTOR, **LAW)
    @given(
        files=st.lists(
            st.builds(
                File,
                st.sampled_from(["", "a", "a/b", "a/b/c", "b", "b/a", "c/a", "c/b", "c/b/a"]),
                few_bytes | st.none(),
                st.sampled_from([None, None, 0, 0o640, 0o755, 0o4755]),
                st.sampled_from([None, None, Mtime(5, 7), Mtime(0, 0), Mtime(-5, 0)]),
            ),
            max_size=8,
        ),
        options=st.fixed_dictionaries(
            {},
            optional={
                "wrap_with_directory": st.booleans(),
                "cid_version": st.sampled_from([0, 1]),
                "raw_leaves": st.booleans(),
                "shard_split_threshold": st.sampled_from([0, 60]),
                "hamt_estimation": st.sampled_from(["links", "block"]),
                "max_directory_links": st.integers(1, 3),
                "pin": st.booleans(),
                "only_hash": st.booleans(),
                "leaf_type": st.sampled_from(["raw", "file"]),
                "reduce_single_leaf": st.booleans(),
                "profile": st.just("unixfs-v1-2025"),
                "mode": st.just(0o600),
                "mtime": st.just(9),
            },
        ),
    )
    async def test_paths_that_meet_have_the_same_results(
        self, node: Node, files: list[File], options: dict[str, Any]
    ) -> None:
        await both(node, lambda: list(files), **options)

    @pytest.mark.parametrize("wrap", [False, True])
    @pytest.mark.parametrize("options", [{}, {"shard_split_threshold": 0}, {"profile": "unixfs-v1-2025"}])
    async def test_what_is_pinned_is_what_nothing_holds(self, node: Node, wrap: bool, options: dict[str, Any]) -> None:
        paths = ["d/x/1", "e/1", "f", "d/y/1", "d/x/2", "e/2", "", "d/x/1", "g/h/i"]
        files = [File(path, b"%d" % number) for number, path in enumerate(paths)]
        async with open_node(repo=":memory:") as embedded:
            await embedded.add_all(files, wrap_with_directory=wrap, **options)
            expected = {pin.cid async for pin in embedded.pin.ls(type="recursive")}
        added = await node.add_all(files, wrap_with_directory=wrap, **options)
        assert {pin.cid async for pin in node.pin.ls(type="recursive")} == expected
        await node.repo.gc()
        for entry in added:
            if entry.path == "" or "/" not in entry.path:
                await node.dag.stat(entry.cid, offline=True)

    async def test_a_pin_has_the_name_that_is_given(self, node: Node) -> None:
        files = [File("d/1", b"1"), File("e", b"e"), File("d/2", b"2")]
        added = await node.add_all(files, pin_name="mine")
        found = {pin.cid: pin.name async for pin in node.pin.ls(type="recursive")}
        assert found == {entry.cid: "mine" for entry in added if "/" not in entry.path}

    async def test_a_file_that_was_pinned_before_stays_pinned(self, node: Node) -> None:
        before = await node.add_all([File("d/1", b"1")])
        await node.add_all([File("d/1", b"1"), File("d/2", b"2")])
        assert before[-1].cid in {pin.cid async for pin in node.pin.ls(type="recursive")}

    @pytest.mark.parametrize("option", ["nocopy", "fscache"])
    async def test_what_is_about_the_disk_of_the_daemon_is_refused(self, node: Node, option: str) -> None:
        with pytest.raises(NotSupportedError, match=option):
            await node.add(b"x", **{option: True})

    @pytest.mark.parametrize("options", [{"no_such": 1}, {"chunker": "nothing"}, {"pin_name": 5}])
    async def test_what_cannot_be_meant_is_refused(self, node: Node, options: dict[str, Any]) -> None:
        with pytest.raises(InvalidInputError):
            await node.add(b"x", **options)

    async def test_the_configuration_of_a_daemon_changes_no_cid(self, kubo_with: Callable[..., Daemon]) -> None:
        daemon = kubo_with(
            Import__CidVersion=1,
            Import__UnixFSRawLeaves=True,
            Import__UnixFSChunker="size-1000",
            Import__HashFunction="sha2-512",
            Import__UnixFSFileMaxLinks=10,
            Import__UnixFSDirectoryMaxLinks=2,
            Import__UnixFSHAMTDirectoryMaxFanout=64,
            Import__UnixFSHAMTDirectorySizeThreshold="1B",
            Import__UnixFSDAGLayout="trickle",
        )
        files = [File(f"d/{number}", bytes(Bulk(5_000, number))) for number in range(5)]
        async with open_node(kind="kubo", kubo_api=daemon.api) as node:
            assert await both(node, lambda: files)
            assert await both(node, lambda: files, profile="unixfs-v1-2025")

    async def test_results_come_while_the_content_of_the_next_file_still_comes(self, node: Node) -> None:
        seen = asyncio.Event()

        async def content() -> AsyncGenerator[bytes, None]:
            yield b"b"
            await seen.wait()

        async with asyncio.timeout(10), aclosing(node.add_all([File("d/a", b"a"), File("d/b", content())])) as results:
            assert (await anext(aiter(results))).path == "d/a"
            seen.set()
            assert [entry.path async for entry in results] == ["d/b", "d"]

    async def test_results_come_while_the_next_file_of_a_tree_still_waits(self, node: Node) -> None:
        seen = asyncio.Event()

        async def source() -> AsyncGenerator[File, None]:
            yield File("d/a", b"a")
            await seen.wait()
            yield File("d/b", b"b")

        async with asyncio.timeout(10), aclosing(node.add_all(source(), wrap_with_directory=True)) as results:
            assert (await anext(aiter(results))).path == "d/a"
            seen.set()
            assert [entry.path async for entry in results] == ["d/b", "d", ""]


async def content_of(entry: GetEntry) -> bytes | str | None:
    """Return the bytes of an entry, or the code of the error."""
    try:
        return None if entry.content is None else await entry.content
    except IPFSCommError as error:
        return error.code


class TestReading:
    """What is read is what the embedded node reads."""

    @settings(max_examples=25 * FACTOR, **LAW)
    @given(tree=trees(), plan=plans())
    async def test_trees_are_listed_and_got_alike(self, node: Node, tree: Tree, plan: Plan) -> None:
        files = files_of({"tree": tree}, plan)
        assume(all(file.mtime != GO_ZERO for file in files))
        async with open_node(repo=":memory:") as embedded:
            root = (await embedded.add_all(list(files), **options_of(plan)))[-1].cid
            await node.add_all(list(files), **options_of(plan))
            for recursive in (False, True):
                expected = await embedded.ls(root, recursive=recursive)
                assert await node.ls(root, recursive=recursive) == expected
            for there, here in zip(await node.get(root), await embedded.get(root), strict=True):
                assert there == here
                assert await content_of(there) == await content_of(here)
            assert await node.get(root, archive=True) == await embedded.get(root, archive=True)
            assert await node.refs(root, recursive=True) == await embedded.refs(root, recursive=True)
            assert await node.dag.stat(root) == await embedded.dag.stat(root)
            assert await node.dag.export(root) == await embedded.dag.export(root)

    @settings(max_examples=25 * FACTOR, **LAW)
    @given(size=st.integers(0, 3_000), offset=st.integers(0, 4_000), length=st.none() | st.integers(0, 4_000))
    async def test_parts_of_a_file_are_read_alike(self, node: Node, size: int, offset: int, length: int | None) -> None:
        content = bytes(Bulk(size, size))
        cid = (await node.add(content, chunker="size-100")).cid
        expected = content[offset:] if length is None else content[offset : offset + length]
        assert await node.cat(cid, offset=offset, length=length) == expected
