from __future__ import annotations

from collections import OrderedDict
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ipld.strategies import plain_values, values

from ipfs_comm.errors import CodecError
from ipfs_comm.ipld import CID, codecs
from ipfs_comm.ipld.codecs import cbor, dag_cbor

LEAF = CID.parse("bafkqabiaaebagba")


@given(values)
def test_what_is_written_is_read_back(value: Any) -> None:
    block = dag_cbor.encode(value)
    read = dag_cbor.decode(block)
    assert read == value
    assert dag_cbor.encode(read) == block


@given(plain_values)
def test_plain_cbor_writes_values_without_links_in_their_own_order(value: Any) -> None:
    assert dag_cbor.encode(cbor.decode(cbor.encode(value))) == dag_cbor.encode(value)
    assert cbor.decode(dag_cbor.encode(value)) == value


def test_plain_cbor_reads_keys_in_any_order_once_and_floats_of_any_length() -> None:
    assert list(cbor.decode(b"\xa2\x61b\x01\x61a\xf9\x3c\x00").items()) == [("b", 1), ("a", 1.0)]
    assert cbor.encode({"b": 1, "a": 2}) == b"\xa2\x61b\x01\x61a\x02"
    assert cbor.decode(b"\xfa\x3f\xc0\x00\x00") == 1.5
    for block in (b"\xa2\x61a\x01\x61a\x02", b"\xf9\x7c\x00", b"\xfa\x80\x00\x00\x00", b"\xf9\x3c", b"\xc1\x01"):
        with pytest.raises(CodecError):
            cbor.decode(block)


@given(st.binary(max_size=60))
def test_any_bytes_that_are_read_are_the_ones_that_would_be_written(data: bytes) -> None:
    try:
        value = dag_cbor.decode(data)
    except CodecError:
        return
    assert dag_cbor.encode(value) == data


@given(values, st.data())
def test_a_block_that_is_cut_off_is_refused(value: Any, data: st.DataObject) -> None:
    block = dag_cbor.encode(value)
    with pytest.raises(CodecError):
        dag_cbor.decode(block[: data.draw(st.integers(0, len(block) - 1))])


def test_bytes_that_look_like_a_cid_stay_bytes() -> None:
    assert dag_cbor.decode(dag_cbor.encode([bytes(LEAF), str(LEAF)])) == [bytes(LEAF), str(LEAF)]


def test_a_list_of_depth_100_000_is_refused_without_recursion() -> None:
    with pytest.raises(CodecError, match="nests deeper"):
        dag_cbor.decode(b"\x81" * 100_000 + b"\x00")


def test_the_deepest_value_that_is_written_is_read_back() -> None:
    value: Any = 1
    for _ in range(codecs.MAX_DEPTH):
        value = {"a": value}
    assert dag_cbor.encode(dag_cbor.decode(dag_cbor.encode(value))) == dag_cbor.encode(value)
    with pytest.raises(CodecError, match="nests deeper"):
        dag_cbor.encode([value])


@pytest.mark.parametrize(
    "head",
    [
        b"\x9b\x00\xff\xff\xff\xff\xff\xff\xff",
        b"\x5b\x00\xff\xff\xff\xff\xff\xff\xff",
        b"\xbb\x00\xff\xff\xff\xff\xff\xff\xff",
    ],
)
def test_a_claim_of_more_than_is_there_is_refused_at_once(head: bytes) -> None:
    with pytest.raises(CodecError):
        dag_cbor.decode(head)


def test_a_value_that_contains_itself_is_refused() -> None:
    circular: list[Any] = []
    circular.append(circular)
    with pytest.raises(CodecError, match="contains itself"):
        dag_cbor.encode(circular)


def test_a_small_value_that_would_make_an_endless_block_is_refused() -> None:
    value: Any = []
    for _ in range(60):
        value = [value, value]
    with pytest.raises(CodecError, match="holds more than"):
        dag_cbor.encode(value)


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        -0.0,
        1 << 64,
        -(1 << 64) - 1,
        {1: 2},
        {None: 1},
        "\ud800",
        {"\ud800": 1},
        object(),
        {1, 2},
        ...,
    ],
    ids=repr,
)
def test_a_value_outside_the_data_model_is_refused(value: object) -> None:
    with pytest.raises(CodecError, match="cannot encode dag-cbor"):
        dag_cbor.encode([value])


def test_types_that_stand_for_those_of_the_data_model_are_written_as_these() -> None:
    other = LEAF.to_multiformats()
    value = (OrderedDict(b=1, a=(1, 2)), MappingProxyType({"c": bytearray(b"x")}), memoryview(b"y"), other)
    assert dag_cbor.decode(dag_cbor.encode(value)) == [{"a": [1, 2], "b": 1}, {"c": b"x"}, b"y", LEAF]


def test_a_link_is_refused_by_plain_cbor() -> None:
    with pytest.raises(CodecError, match="use dag-cbor"):
        cbor.encode([LEAF])
    with pytest.raises(CodecError, match="tags are not allowed"):
        cbor.decode(dag_cbor.encode([LEAF]))


def test_keys_are_sorted_by_length_then_by_bytes() -> None:
    assert list(dag_cbor.decode(dag_cbor.encode({"bb": 1, "ä": 2, "a": 3, "": 4, "x" * 300: 5, "c": 6}))) == [
        "",
        "a",
        "c",
        "bb",
        "ä",
        "x" * 300,
    ]


def test_links_are_listed_with_their_paths() -> None:
    block = dag_cbor.encode({"a": [1, LEAF, {"b": LEAF}], "c": {"d": 1}})
    assert list(codecs.get("dag-cbor").links(block)) == [(("a", 1), LEAF), (("a", 2, "b"), LEAF)]
    assert list(codecs.get("dag-cbor").links(dag_cbor.encode(LEAF))) == [((), LEAF)]
