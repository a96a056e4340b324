"""Graphs of values for the laws of the clone: how they are made, and when two are the same graph."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from ipfs_comm.wire import clone
from ipfs_comm.wire.clone import BigInt, undefined

texts = st.text(st.characters(exclude_categories=[]), max_size=8).map(
    # Two surrogates that make a character are that character in JavaScript.
    lambda text: text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
)
numbers = st.one_of(
    st.integers(-clone.MAX_SAFE_INTEGER, clone.MAX_SAFE_INTEGER),
    st.floats().filter(lambda value: not (value.is_integer() and abs(value) <= clone.MAX_SAFE_INTEGER and value)),
    st.integers(2**53, 2**200),
    st.integers(-(2**200), -(2**53)),
    st.integers(-clone.MAX_SAFE_INTEGER, clone.MAX_SAFE_INTEGER).map(BigInt),
).map(lambda value: 0 if type(value) is float and str(value) == "0.0" else value)
primitives = st.one_of(st.none(), st.booleans(), st.just(undefined), texts, numbers)
dates = st.one_of(
    st.datetimes(timezones=st.just(UTC)).map(lambda when: when.replace(microsecond=when.microsecond // 1000 * 1000)),
    st.just(clone.Date(float("nan"))),
    st.integers(253_402_300_800_000, 8_640_000_000_000_000).map(clone.Date),
)
leaves = st.one_of(
    primitives,
    primitives,
    st.binary(max_size=20).map(memoryview),
    st.binary(max_size=20).map(lambda data: memoryview(data[: len(data) // 4 * 4]).cast("f")),
    st.binary(max_size=20).map(clone.ArrayBuffer),
    dates,
    st.builds(clone.RegExp, texts, st.sampled_from(["", "gi"])),
    st.one_of(st.booleans(), texts, numbers).map(clone.Boxed),
    st.builds(clone.DOMException, texts, texts),
)
KINDS = ("object", "array", "map", "set", "sparse", "error", "view")


@st.composite
def graphs(draw: st.DrawFn) -> Any:
    """Return a value of up to a dozen containers that refer to each other in any way, and to shared leaves."""
    kinds = draw(st.lists(st.sampled_from(KINDS), max_size=12))
    shared = draw(st.lists(leaves, max_size=4))
    made = [_empty(kind) for kind in kinds]
    pool = [*made, *shared]
    if not pool:
        return draw(leaves)
    # Not `sampled_from`, which hashes, and not every memoryview can be.
    item = st.one_of(st.integers(0, len(pool) - 1).map(pool.__getitem__), leaves)
    for kind, container in zip(kinds, made, strict=True):
        _fill(draw, kind, container, item)
    return made[0] if made else shared


def _empty(kind: str) -> Any:
    match kind:
        case "object":
            return {}
        case "array":
            return []
        case "map":
            return clone.Map()
        case "set":
            return clone.Set()
        case "sparse":
            return clone.SparseArray(100)
        case "error":
            return clone.JSError("TypeError")
    return clone.View("DataView", clone.ArrayBuffer(bytes(16), max_byte_length=32), 3)


def _fill(draw: st.DrawFn, kind: str, container: Any, item: st.SearchStrategy[Any]) -> None:
    match kind:
        case "object":
            container.update(draw(st.dictionaries(texts, item, max_size=4)))
        case "array":
            container.extend(draw(st.lists(item, max_size=4)))
        case "map":
            for key, value in draw(st.lists(st.tuples(item, item), max_size=4)):
                container[key] = value
        case "set":
            for value in draw(st.lists(item, max_size=4)):
                container.add(value)
        case "sparse":
            container.items = dict(sorted(draw(st.dictionaries(st.integers(0, 99), item, max_size=3)).items()))
            container.properties = draw(
                st.dictionaries(texts.filter(lambda name: not name.isdecimal()), item, max_size=2)
            )
        case "error":
            properties = draw(st.fixed_dictionaries({}, optional={"message": texts, "stack": texts, "cause": item}))
            container.fill({key: properties[key] for key in ("message", "stack", "cause") if key in properties})


def same(one: Any, other: Any) -> bool:
    """Whether two graphs are the same: the same values, and the same objects shared in the same places."""
    partners: dict[int, int] = {}
    taken: dict[int, int] = {}
    waiting = [(one, other)]
    while waiting:
        left, right = waiting.pop()
        if is_primitive(left) or is_primitive(right):
            if not same_primitive(left, right):
                return False
            continue
        if id(left) in partners or id(right) in taken:
            if partners.get(id(left)) != id(right) or taken.get(id(right)) != id(left):
                return False
            continue
        partners[id(left)], taken[id(right)] = id(right), id(left)
        if type(left) is not type(right):
            return False
        (own, members), (others, more) = parts(left), parts(right)
        if not same_primitives(own, others) or len(members) != len(more):
            return False
        waiting += zip(members, more, strict=True)
    return True


def is_primitive(value: Any) -> bool:
    return value is None or value is undefined or isinstance(value, str | int | float)


def same_primitive(one: Any, other: Any) -> bool:
    return type(one) is type(other) and (repr(one) == repr(other) if isinstance(one, float) else one == other)


def same_primitives(one: list[Any], other: list[Any]) -> bool:
    return len(one) == len(other) and all(map(same_primitive, one, other))


def parts(value: Any) -> tuple[list[Any], list[Any]]:
    """Return what is an object's own, and the values that it refers to."""
    match value:
        case dict():
            return list(value), list(value.values())
        case list():
            return [], value
        case clone.Map():
            return [], [part for pair in value.items() for part in pair]
        case clone.Set():
            return [], list(value)
        case clone.SparseArray():
            return [value.length, *value.items, *value.properties], [
                *value.items.values(),
                *value.properties.values(),
            ]
        case clone.JSError():
            return [value.name, *value.properties], list(value.properties.values())
        case clone.DOMException():
            return [value.name, value.message], []
        case datetime():
            return [value.isoformat()], []
        case clone.Date():
            return [value.ms], []
        case clone.RegExp():
            return [value.source, value.flags], []
        case clone.Boxed():
            return [], [value.value]
        case memoryview():
            return [value.format, value.tobytes().hex()], []
        case clone.ArrayBuffer():
            return [bytes(value).hex(), value.max_byte_length], []
        case clone.View():
            return [value.type, value.offset, value.length], [value.buffer]
    raise AssertionError(f"no law speaks of a {type(value)}")
