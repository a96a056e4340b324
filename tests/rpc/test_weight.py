"""Nothing that a message can hold weighs nothing, and nothing is counted twice."""

from __future__ import annotations

from typing import Any

import pytest

from ipfs_comm.rpc.weight import OVERHEAD, weight
from ipfs_comm.wire import clone

BIG = 100_000


def buffer() -> clone.ArrayBuffer:
    return clone.ArrayBuffer(bytes(BIG))


@pytest.mark.parametrize(
    "value",
    [
        memoryview(bytes(BIG)),
        "x" * BIG,
        1 << (8 * BIG),
        buffer(),
        clone.View("DataView", buffer(), 0, 1),
        {"a": {"b": ["x" * BIG]}},
        clone.Map([("x" * BIG, 1)]),
        clone.Set(["x" * BIG]),
        clone.SparseArray(9, {3: "x" * BIG}),
        clone.Boxed("x" * BIG),
        clone.RegExp("x" * BIG, ""),
        clone.DOMException("x" * BIG, "AbortError"),
        clone.JSError("Error", {"message": "x" * BIG}),
        clone.ImageData(clone.View("Uint8ClampedArray", buffer(), 0, BIG), BIG // 4, 1, "srgb"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_bytes_are_found_wherever_they_are(value: Any) -> None:
    assert BIG <= weight(value) <= BIG + 20 * OVERHEAD


def test_shared_parts_count_once() -> None:
    part = memoryview(bytes(BIG))
    assert weight([part] * 100) < 2 * BIG
    shared: Any = part
    for _ in range(100):
        shared = [shared, shared]
    assert weight(shared) < 2 * BIG


def test_depth_and_cycles_do_no_harm() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    assert weight(deep) > 100_000
    deep.append(deep)
    assert weight(deep) > 100_000


def test_many_small_values_weigh_something() -> None:
    assert weight([[] for _ in range(1_000)]) >= 1_000 * OVERHEAD
