"""Hostile packets and messages: nothing but typed errors, no hang, no growth."""

from __future__ import annotations

import gc
import os
import time
import tracemalloc
from pathlib import Path

import pytest
from wire.fuzzing import Fuzzer

#: Another seed tries other cases; a failure is repeated with the one that it names.
SEED = int(os.environ.get("IPFS_COMM_FUZZ_SEED", "1"))


def resident() -> int:
    """Bytes of memory that this process has."""
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def test_twenty_thousand_hostile_cases_raise_nothing_but_typed_errors() -> None:
    fuzzer = Fuzzer(SEED)
    await fuzzer.run(20_000)
    # A mutator that gets nowhere, or breaks nothing, tests nothing.
    assert 1_000 < fuzzer.accepted < 19_000
    assert fuzzer.links > 100
    assert fuzzer.delivered > 100


async def test_hostile_cases_leave_nothing_behind() -> None:
    await Fuzzer(SEED + 1).run(2_000)
    gc.collect()
    tracemalloc.start()
    try:
        await Fuzzer(SEED + 2).run(1_000)
        gc.collect()
        before, _ = tracemalloc.get_traced_memory()
        await Fuzzer(SEED + 3).run(4_000)
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 256 * 1024


@pytest.mark.heavy
@pytest.mark.timeout(7_200)
async def test_a_million_hostile_cases_raise_nothing_but_typed_errors(capsys: pytest.CaptureFixture[str]) -> None:
    fuzzer = Fuzzer(SEED + 1_000)
    await fuzzer.run(20_000)
    gc.collect()
    before, began = resident(), time.monotonic()

    def progress(number: int) -> None:
        if not number % 50_000:
            with capsys.disabled():
                print(  # noqa: T201  a long test says where it is
                    f"{number:,} hostile cases in {time.monotonic() - began:.0f} s, {fuzzer.links:,} links, "
                    f"{fuzzer.accepted:,} accepted, slowest {fuzzer.slowest * 1e3:.0f} ms, {resident() >> 20} MiB"
                )

    await fuzzer.run(1_000_000, progress)
    gc.collect()
    assert resident() - before < 64 << 20
