"""Structured clone: what Python's own types become, and the laws."""

from __future__ import annotations

import contextlib
import copy
import enum
import pickle
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire.support import through

from ipfs_comm.errors import DataCloneError, NotFoundError, ProtocolError, RemoteError
from ipfs_comm.wire import MessageChannel, clone
from ipfs_comm.wire.clone import undefined
from ipfs_comm.wire.clone.containers import same_value_key

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.just(undefined),
    st.text(),
    st.integers(),
    st.floats(allow_nan=False).filter(lambda value: not value.is_integer()),
)
leaves = st.one_of(
    scalars,
    st.binary(),
    st.datetimes(timezones=st.just(UTC)).map(lambda when: when.replace(microsecond=when.microsecond // 1000 * 1000)),
)
values = st.recursive(
    leaves, lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)), max_leaves=30
)


@given(values)
def test_any_value_arrives_as_it_went(value: Any) -> None:
    assert through(value) == value


@given(st.sets(scalars))
def test_any_set_arrives_with_its_members(members: set[Any]) -> None:
    assert set(through(members)) == members


@given(st.lists(st.tuples(scalars, scalars)))
def test_any_map_arrives_in_order(pairs: list[tuple[Any, Any]]) -> None:
    sent = clone.Map(pairs)
    assert list(through(sent).items()) == list(sent.items())


@given(st.text(alphabet=st.characters(categories=["Cs", "Lu"])))
def test_lone_surrogates_survive(text: str) -> None:
    # Two code points that make a pair are one character in JavaScript.
    joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    assert through(joined) == joined


@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
        lambda inner: st.lists(inner, max_size=4),
        max_leaves=20,
    ),
    st.lists(
        st.recursive(
            st.one_of(st.none(), st.integers(), st.text()), lambda inner: st.lists(inner, max_size=5), max_leaves=8
        ),
        max_size=5,
    ),
)
def test_any_meta_is_a_value_or_a_protocol_error(root: Any, entries: list[Any]) -> None:
    with contextlib.suppress(ProtocolError):
        clone.encode(clone.decode(root, entries, [b"12345678"], []))


@pytest.mark.parametrize(
    ("sent", "kind"),
    [
        (5, int),
        (5.0, int),
        (5.5, float),
        (2.0**53, float),
        (2**53, int),
        (-0.0, float),
        (clone.BigInt(5), clone.BigInt),
        (True, bool),
        (None, type(None)),
    ],
)
def test_numbers_keep_their_javascript_kind(sent: Any, kind: type) -> None:
    arrived = through(sent)
    assert arrived == sent
    assert type(arrived) is kind
    assert str(arrived) == str(sent) or sent == 5.0


def test_an_int_beyond_2_53_is_a_bigint_of_any_size() -> None:
    assert clone.encode(-(2**70)).root == ["b", "-400000000000000000"]
    assert through(7**20000) == 7**20000


def test_subclasses_of_primitives_go_as_the_primitive() -> None:
    class Level(enum.IntEnum):
        HIGH = 3

    class Name(enum.StrEnum):
        ONE = "one"

    assert through([Level.HIGH, Name.ONE, np.float64(1.5)]) == [3, "one", 1.5]


def test_depth_costs_no_stack() -> None:
    deep: list[Any] = []
    for _ in range(20_000):
        deep = [deep]
    arrived, depth = through(deep), 0
    while arrived:
        arrived, depth = arrived[0], depth + 1
    assert depth == 20_000


def test_bytes_are_not_copied() -> None:
    data = bytes(100)
    encoded = clone.encode({"a": data})
    assert encoded.buffers[0] is data
    assert through(data).obj is data


def test_a_bytearray_is_copied_when_it_is_sent() -> None:
    data = bytearray(b"before")
    encoded = clone.encode(data)
    data[:] = b"after!"
    assert bytes(encoded.buffers[0]) == b"before"


def test_bytes_that_are_given_away_are_not_copied() -> None:
    data = bytearray(b"mine")
    assert memoryview(clone.encode(data, owned=[data]).buffers[0]).obj is data


def test_a_slice_costs_its_own_bytes_only() -> None:
    whole = bytes(1_000_000)
    assert [len(buffer) for buffer in clone.encode(memoryview(whole)[10:20]).buffers] == [10]


def test_the_same_bytes_object_arrives_as_the_same_object() -> None:
    digest = b"digest"
    arrived = through({"bytes": digest, "multihash": {"bytes": digest}})
    assert arrived["bytes"] is arrived["multihash"]["bytes"]
    back = through(arrived)
    assert back["bytes"] is back["multihash"]["bytes"]


def test_two_views_on_one_buffer_share_it() -> None:
    buffer = clone.ArrayBuffer(bytearray(8))
    first, second = through([clone.View("Uint8Array", buffer, 0, 8), clone.View("Uint16Array", buffer, 2, 2)])
    assert first.obj is second.obj
    assert (first.format, second.format, len(second)) == ("B", "H", 2)


def test_a_naive_datetime_is_local_time() -> None:
    naive = datetime(2024, 2, 29, 12, 0)  # noqa: DTZ001  that is what is tested
    assert through(naive) == naive.astimezone(UTC)


def test_a_datetime_arrives_in_utc() -> None:
    sent = datetime(2024, 2, 29, 12, 0, tzinfo=timezone(timedelta(hours=5)))
    arrived = through(sent)
    assert arrived == sent
    assert arrived.utcoffset() == timedelta(0)


def test_an_exception_arrives_with_its_kind_message_and_cause() -> None:
    error = TypeError("wrong")
    error.__cause__ = NotFoundError("missing")
    arrived = through(error)
    assert isinstance(arrived, RemoteError)
    assert (arrived.name, arrived.message, arrived.stack) == ("TypeError", "wrong", None)
    assert str(arrived.__cause__) == "missing"
    assert arrived.cause is arrived.__cause__


def test_errors_that_cause_each_other_arrive() -> None:
    one, other = ValueError("one"), ValueError("other")
    one.__cause__, other.__cause__ = other, one
    arrived = through(one)
    assert arrived.cause.cause is arrived


def test_a_dict_with_other_keys_is_a_map() -> None:
    arrived = through({1: "a", "1": "b"})
    assert isinstance(arrived, clone.Map)
    assert (arrived[1], arrived["1"]) == ("a", "b")


def test_a_map_tells_keys_apart_as_javascript_does() -> None:
    nan = float("nan")
    mapping = clone.Map([(1, "one"), (True, "true"), ("1", "text"), (nan, "nan"), (clone.BigInt(1), "big")])
    assert len(mapping) == 5
    assert (mapping[1.0], mapping[True], mapping[float("nan")], mapping[clone.BigInt(1)]) == (
        "one",
        "true",
        "nan",
        "big",
    )
    key = {"not": "hashable"}
    mapping[key] = "object"
    assert mapping[key] == "object"
    assert {"not": "hashable"} not in mapping


def test_a_set_keeps_what_python_would_merge() -> None:
    assert list(through(clone.Set([1, True, "1", 1.5]))) == [1, True, "1", 1.5]


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (object(), "message"),
        ({"a": [1, {"b": object()}]}, "message.a[1].b"),
        ([lambda: 0], "message[0]"),
        ({"two words": {1, 2}.__iter__()}, 'message["two words"]'),
        (clone.Map([("k", object())]), "message<value 0>"),
        ({1: 1, (object(),): 2}, "message<key 1>[0]"),
        (clone.Set([1, object()]), "message<item 1>"),
        ({"options": {"callback": print}}, "message.options.callback"),
        (len, "message"),
        (1j, "message"),
    ],
)
def test_what_cannot_be_cloned_is_named_by_its_path(value: Any, path: str) -> None:
    with pytest.raises(DataCloneError) as caught:
        clone.encode(value)
    assert caught.value.detail["path"] == path
    assert str(caught.value).startswith(f"{path}: ")


async def test_a_port_goes_only_with_the_transfer_list() -> None:
    channel = MessageChannel()
    with pytest.raises(DataCloneError, match="transfer list"):
        clone.encode({"port": channel.port1})


def test_too_many_objects_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ipfs_comm.wire.clone.encoder.MAX_ENTRIES", 1_000)
    assert len(clone.encode([[] for _ in range(999)]).entries) == 1_000
    with pytest.raises(DataCloneError, match="at most 1000 objects"):
        clone.encode([[] for _ in range(1_000)])


def test_too_many_buffers_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ipfs_comm.wire.clone.encoder.MAX_BUFFERS", 10)
    with pytest.raises(DataCloneError, match="at most 10 buffers"):
        clone.encode([bytes([number]) for number in range(11)])


def test_undefined_is_one_false_object() -> None:
    assert not undefined
    assert through(undefined) is undefined
    assert copy.deepcopy(undefined) is undefined
    assert pickle.loads(pickle.dumps(undefined)) is undefined


def test_a_view_must_fit_its_buffer() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        clone.View("Uint16Array", clone.ArrayBuffer(8), 1, 1)
    with pytest.raises(ValueError, match="maximum"):
        clone.ArrayBuffer(8, max_byte_length=4)


def test_numbers_of_one_hash_do_not_collide_as_keys() -> None:
    same = [number * (2**61 - 1) for number in range(1, 2_000)]
    assert len({hash(number) for number in same}) == 1
    keys = {hash(same_value_key(number)) for number in same}
    assert len(keys) == len(same)


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        (1, 1.0, True),
        (0, -0.0, True),
        (float("nan"), float("nan"), True),
        (0.5, 0.5, True),
        (0.5, 1.5, False),
        (2**60, float(2**60), False),
        (1, clone.BigInt(1), False),
        (1, True, False),
        (1, "0x1", False),
    ],
)
def test_keys_are_the_same_as_same_value_zero_says(one: object, other: object, equal: bool) -> None:
    assert (same_value_key(one) == same_value_key(other)) is equal
