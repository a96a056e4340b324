"""A directory is sharded when Kubo shards it, and into the same shards."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kubo.trees import Bulk, Plan, Stat, Tree, by_kubo, by_us, names
from kubo_support import FACTOR

if TYPE_CHECKING:
    from collections.abc import Callable

    from kubo_support import Daemon

THRESHOLD = 1024
#: What Kubo's configuration calls the estimates; for each its daemon.
ESTIMATES = ["links", "block"]
FANOUTS = [8, 16, 64, 256, 1024]


@pytest.fixture(scope="session")
def sharding(kubo_with: Callable[..., Daemon]) -> Callable[[str], Daemon]:
    """Return a function that gives the daemon that shards small directories by an estimate."""
    return lambda estimate: kubo_with(
        Import__UnixFSHAMTDirectorySizeThreshold=f"{THRESHOLD}B", Import__UnixFSHAMTDirectorySizeEstimation=estimate
    )


def plan_of(estimate: str, fanout: int | None = None, **options: Any) -> Plan:
    kubo = dict(options)
    ours = {"shard_split_threshold": THRESHOLD, "hamt_estimation": estimate, **options}
    if fanout is not None:
        kubo["max_hamt_fanout"] = ours["hamt_fanout"] = fanout
    return Plan(kubo, ours)


@pytest.mark.parametrize("estimate", ESTIMATES)
@settings(max_examples=30 * FACTOR)
@given(
    fanout=st.none() | st.sampled_from(FANOUTS),
    version=st.sampled_from([0, 1]),
    files=st.dictionaries(names, st.binary(max_size=4), max_size=60),
    inner=st.dictionaries(names, st.binary(max_size=4), max_size=30),
)
async def test_directories_of_any_size_are_the_same(
    sharding: Callable[[str], Daemon],
    estimate: str,
    fanout: int | None,
    version: int,
    files: dict[str, bytes],
    inner: dict[str, bytes],
) -> None:
    plan = plan_of(estimate, fanout, cid_version=version)
    named = {"tree": Tree({**files, "inner directory": Tree(inner)})}
    assert await by_us(named, plan) == by_kubo(sharding(estimate), named, plan)


@pytest.mark.parametrize("estimate", ESTIMATES)
@pytest.mark.parametrize("version", [0, 1])
async def test_the_threshold_itself_is_not_sharded_and_one_byte_more_is(
    sharding: Callable[[str], Daemon], estimate: str, version: int
) -> None:
    plan = plan_of(estimate, cid_version=version)
    count = {"links": 22, "block": 18}[estimate]
    named = {
        str(length): Tree({**{f"{index:04}": b"x" for index in range(count)}, "n" * length: b"y"})
        for length in range(60, 200)
    }
    expected = by_kubo(sharding(estimate), named, plan)
    assert await by_us(named, plan) == expected
    # Both sides of the threshold are there: shards are larger by far.
    sizes = [expected[name][1] for name in named]
    assert max(after - before for before, after in pairwise(sizes)) > 50


@pytest.mark.parametrize("estimate", ESTIMATES)
async def test_metadata_counts_as_kubo_counts_it(sharding: Callable[[str], Daemon], estimate: str) -> None:
    base = plan_of(estimate)
    plan = Plan(
        {"preserve_mode": True, "preserve_mtime": True},
        base.ours,
        stats=(Stat(0o700, (-5, 7)),),
    )
    named = {
        str(length): Tree({**{f"{index:04}": b"x" for index in range(18)}, "n" * length: b"y"})
        for length in range(10, 250, 3)
    }
    assert await by_us(named, plan) == by_kubo(sharding(estimate), named, plan)


@pytest.mark.parametrize("estimate", ESTIMATES)
async def test_large_files_and_directories_count_as_kubo_counts_them(
    sharding: Callable[[str], Daemon], estimate: str
) -> None:
    plan = plan_of(estimate, chunker="size-64")
    inner = Tree({"deep": Tree({"file": Bulk(20_000)})})
    named = {
        str(length): Tree({**{f"{index:04}": Bulk(index * 50) for index in range(18)}, "n" * length: inner})
        for length in range(10, 200, 2)
    }
    assert await by_us(named, plan) == by_kubo(sharding(estimate), named, plan)


@pytest.mark.parametrize("estimate", ESTIMATES)
@settings(max_examples=15 * FACTOR)
@given(
    most=st.integers(1, 12),
    fanout=st.none() | st.sampled_from(FANOUTS),
    files=st.dictionaries(names, st.binary(max_size=4), max_size=20),
    inner=st.dictionaries(names, st.binary(max_size=4), max_size=20),
)
async def test_a_directory_of_more_entries_than_allowed_is_sharded_the_same(
    sharding: Callable[[str], Daemon],
    estimate: str,
    most: int,
    fanout: int | None,
    files: dict[str, bytes],
    inner: dict[str, bytes],
) -> None:
    plan = plan_of(estimate, fanout, max_directory_links=most)
    named = {"tree": Tree({**files, "inner directory": Tree(inner)})}
    assert await by_us(named, plan) == by_kubo(sharding(estimate), named, plan)


async def test_the_default_threshold_is_the_same(kubo: Daemon) -> None:
    # 1,120 entries of 200 + 34 bytes are 64 bytes below 256 KiB: one more name of 30 reaches it exactly.
    entries: dict[str, Any] = {f"{index:0200}": b"" for index in range(1_120)}
    named = {str(length): Tree({**entries, "n" * length: b""}) for length in (29, 30, 31)}
    assert await by_us(named, Plan({}, {})) == by_kubo(kubo, named, Plan({}, {}))
