"""Laws of the clone: what goes in comes out, what is sent can be read, depth and size cost what they must."""

from __future__ import annotations

import contextlib
import gc
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from wire.graphs import graphs, leaves, primitives, same
from wire.support import through

from ipfs_comm.errors import DataCloneError, ProtocolError
from ipfs_comm.wire import clone

if TYPE_CHECKING:
    from collections.abc import Callable

NAN = float("nan")


@given(graphs())
def test_any_graph_arrives_as_the_same_graph(value: Any) -> None:
    assert same(through(value), value)


@given(graphs())
def test_what_has_arrived_can_be_sent_on(value: Any) -> None:
    arrived = through(value)
    assert same(through(arrived), arrived)


def test_the_law_tells_graphs_apart() -> None:
    shared: list[Any] = []
    assert same([shared, shared], [shared, shared])
    assert not same([shared, shared], [[], []])
    assert not same([[], []], [shared, shared])
    assert not same({"a": 1}, {"a": 1.0})
    assert not same([0], [-0.0])
    assert same([NAN], [float("nan")])


junk = st.one_of(
    primitives,
    leaves,
    st.just(object()),
    st.lists(primitives, max_size=2),
    st.tuples(st.integers(), st.text()),
    st.sampled_from([NAN, -1, 2**32, 2**70, 1.5, True, "0", "name", print, object(), b"bytes"]),
)


@st.composite
def ill_made(draw: st.DrawFn) -> Any:
    """Return a wrapper with anything in its places."""
    kind = draw(st.integers(0, 12))
    if kind == 0:
        return clone.Date(draw(junk))
    if kind == 1:
        return clone.RegExp(draw(junk), draw(junk))
    if kind == 2:
        return clone.Boxed(draw(junk))
    if kind == 3:
        made: Any = clone.SparseArray(draw(junk))
        made.items = draw(st.dictionaries(st.one_of(st.integers(-1, 5), st.text()), junk, max_size=2))
        made.properties = draw(st.dictionaries(st.one_of(st.integers(), st.text("0123a")), junk, max_size=3))
        return made
    if kind == 4:
        made = clone.JSError("Error")
        made._name = draw(junk)
        made.properties = draw(st.dictionaries(st.sampled_from(["message", "stack", "cause", "other"]), junk))
        return made
    if kind == 5:
        return clone.DOMException(draw(junk), draw(junk))
    if kind == 6:
        made = clone.View("Uint16Array", clone.ArrayBuffer(8))
        made.offset, made.length = draw(st.integers(-2, 10)), draw(st.one_of(st.none(), st.integers(-2, 10)))
        return made
    if kind == 7:
        made = clone.File(b"abc", draw(junk), type=draw(junk), last_modified=draw(junk))
        made.size = draw(junk)
        return made
    if kind == 8:
        return clone.FileList([draw(junk), clone.File(b"", "a")])
    if kind == 9:
        made = clone.ImageData(clone.View("Uint8ClampedArray", clone.ArrayBuffer(16)), 2, 2)
        setattr(made, draw(st.sampled_from(["width", "color_space", "data", "height"])), draw(junk))
        return made
    if kind == 10:
        hashable = st.one_of(primitives, st.just(NAN), st.builds(float, st.just("nan")), st.text("\ud83d\ude00😀"))
        return draw(st.dictionaries(hashable, junk, max_size=5))
    if kind == 11:
        return draw(st.sets(st.one_of(primitives, st.builds(float, st.just("nan")), st.text("\ud83d\ude00😀"))))
    return ValueError(draw(junk))


@given(st.lists(ill_made(), min_size=1, max_size=3))
@example([{float("nan"): 1, float("nan"): 2}])
@example([{"\ud83d\ude00": 1, "😀": 2}])
@example([{float("nan"), float("nan"), 1}])
def test_what_the_encoder_lets_pass_any_decoder_can_read(value: Any) -> None:
    with contextlib.suppress(DataCloneError):
        encoded = clone.encode(value)
        meta = clone.parse_meta(clone.dump_meta(encoded, []))
        clone.decode(meta.root, meta.entries, encoded.buffers, (), encoded.sources)


def test_members_of_a_set_that_javascript_does_not_tell_apart_are_one() -> None:
    assert len(through({float("nan"), float("nan"), "\ud83d\ude00", "😀"})) == 2


@pytest.mark.parametrize(
    "value", [{float("nan"): 1, float("nan"): 2}, {"\ud83d\ude00": 1, "😀": 2}, {"\ud83d\ude00": 1, "😀": 2, 3: 4}]
)
def test_keys_that_javascript_does_not_tell_apart_are_refused(value: dict[Any, Any]) -> None:
    with pytest.raises(DataCloneError, match="same in JavaScript"):
        clone.encode(value)


DEPTH = 100_000


def in_lists(inner: Any) -> Any:
    return [inner]


def in_dicts(inner: Any) -> Any:
    return {"a": inner}


def in_map_keys(inner: Any) -> Any:
    return clone.Map([(inner, 1)])


def in_map_values(inner: Any) -> Any:
    return clone.Map([(1, inner)])


def in_sets(inner: Any) -> Any:
    return clone.Set([inner])


def in_causes(inner: Any) -> Any:
    return clone.JSError("Error", {"cause": inner})


def in_sparse(inner: Any) -> Any:
    return clone.SparseArray(1, {0: inner})


def nested(wrap: Callable[[Any], Any], depth: int, innermost: Any = 0) -> Any:
    value = innermost
    for _ in range(depth):
        value = wrap(value)
    return value


NESTINGS = [in_lists, in_dicts, in_map_keys, in_map_values, in_sets, in_causes, in_sparse]


@pytest.mark.parametrize("wrap", NESTINGS)
def test_depth_costs_no_stack(wrap: Callable[[Any], Any]) -> None:
    assert same(through(nested(wrap, DEPTH)), nested(wrap, DEPTH))


@pytest.mark.parametrize("wrap", NESTINGS)
def test_an_uncloneable_value_that_lies_deep_is_named_in_few_words(wrap: Callable[[Any], Any]) -> None:
    with pytest.raises(DataCloneError) as caught:
        clone.encode(nested(wrap, DEPTH, object()))
    path = caught.value.detail["path"]
    assert path.startswith("message")
    assert f"…({DEPTH - 16} more)…" in path
    assert len(str(caught.value)) < 400


def test_a_long_cause_of_exceptions_crosses() -> None:
    error: BaseException = ValueError("first")
    for _ in range(DEPTH):
        outer = ValueError("next")
        outer.__cause__ = error
        error = outer
    arrived, depth = through(error), 0
    while isinstance(arrived.cause, BaseException):
        arrived, depth = arrived.cause, depth + 1
    assert (depth, arrived.message) == (DEPTH, "first")


def calls(work: Callable[[], object]) -> int:
    """Count the calls of functions that some work takes, which is the same on a slow machine."""
    count = 0

    def called(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    gc.disable()
    sys.setprofile(called)
    try:
        work()
    finally:
        sys.setprofile(None)
        gc.enable()
    return count


SIZED: list[Callable[[int], Any]] = [
    lambda size: nested(in_lists, size),
    lambda size: [{"a": [number]} for number in range(size)],
    lambda size: {str(number): number / 3 for number in range(size)},
    lambda size: clone.Map((number, [number]) for number in range(size)),
    lambda size: clone.Set(range(size)),
    lambda size: set(range(size)) | {NAN},
    lambda size: [b"bytes"[number % 5 :] for number in range(min(size, 60_000))],
    lambda size: [[shared := ["é" * 3]] and [shared, shared] for _ in range(size)],
    lambda size: clone.SparseArray(size, {number: [] for number in range(size)}),
]


@pytest.mark.parametrize("make", SIZED)
def test_a_value_of_ten_times_the_size_costs_ten_times_as_much(make: Callable[[int], Any]) -> None:
    small, large = make(2_000), make(20_000)
    one, ten = calls(lambda: through(small)), calls(lambda: through(large))
    assert ten <= 10.5 * one


def test_a_large_integer_costs_no_more_than_its_length() -> None:
    huge = 1 << 8_000_000
    assert through([huge, -huge]) == [huge, -huge]


def test_more_than_a_message_may_hold_is_refused_before_it_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ipfs_comm.wire.clone.encoder.MAX_MESSAGE", 100)
    monkeypatch.setattr("ipfs_comm.wire.clone.encoder.MAX_META", 1_000)
    monkeypatch.setattr("ipfs_comm.wire.clone.encoder.MAX_PORTS", 3)
    with pytest.raises(DataCloneError, match=r"message\[\d\]: a message holds at most 100 bytes"):
        clone.encode([bytes(50), bytes(51)])
    with pytest.raises(DataCloneError, match="beside its buffers"):
        clone.encode([[1] * 600])
    with pytest.raises(DataCloneError, match="beside its buffers"):
        clone.dump_meta(clone.encode(["x" * 1_000]), [])
    with pytest.raises(DataCloneError, match="at most 3 ports and Blobs"):
        clone.encode([clone.Blob() for _ in range(4)])


@given(st.binary(max_size=200))
def test_any_bytes_as_meta_are_a_value_or_a_protocol_error(data: bytes) -> None:
    with contextlib.suppress(ProtocolError):
        clone.parse_meta(data)


def decoded(meta: str) -> Any:
    parsed = clone.parse_meta(meta.encode())
    return clone.decode(parsed.root, parsed.entries, [], [])


@pytest.mark.parametrize("depth", [3, 100, 500, 900, 950, 980, 100_000])
def test_json_that_nests_is_no_slot_however_deep(depth: int) -> None:
    nest = "[" * depth + "]" * depth
    for meta in (
        f"[{nest},[],[],[]]",
        f'[[0],[["a",{nest}]],[],[]]',
        f'[[0],[["d",{nest}]],[],[]]',
        f"[1,[],[{nest}],[]]",
    ):
        with pytest.raises(ProtocolError):
            decoded(meta)
