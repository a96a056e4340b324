from __future__ import annotations

import json as stdlib_json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ipld.strategies import plain_values, values

from ipfs_comm.errors import CodecError
from ipfs_comm.ipld import CID, codecs
from ipfs_comm.ipld.codecs import dag_json, json

LEAF = CID.parse("bafkqabiaaebagba")


def kinds(value: Any) -> Any:
    """Return the value with every number's type beside it: 1 and 1.0 are equal in Python."""
    if isinstance(value, dict):
        return {key: kinds(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [kinds(inner) for inner in value]
    return type(value), value


def is_reserved(value: Any) -> bool:
    """Whether some map in the value begins as a link or as bytes does in text."""
    if isinstance(value, list):
        return any(map(is_reserved, value))
    if not isinstance(value, dict):
        return False
    inner = value.get("/") if min(value, default="") == "/" else None
    begins_as_bytes = isinstance(inner, dict) and min(inner, default="") == "bytes" and isinstance(inner["bytes"], str)
    return isinstance(inner, str) or begins_as_bytes or any(map(is_reserved, value.values()))


@given(values)
def test_what_is_written_is_read_back(value: Any) -> None:
    if is_reserved(value):
        with pytest.raises(CodecError, match="would be read as a link or bytes"):
            dag_json.encode(value)
        return
    block = dag_json.encode(value)
    read = dag_json.decode(block)
    assert kinds(read) == kinds(value)
    assert dag_json.encode(read) == block


@given(plain_values)
def test_plain_json_is_what_any_reader_of_json_reads(value: Any) -> None:
    assert kinds(stdlib_json.loads(json.encode(value))) == kinds(value)
    assert kinds(json.decode(json.encode(value))) == kinds(value)


@given(st.text(max_size=40) | plain_values.map(stdlib_json.dumps))
def test_any_text_is_read_or_refused_with_a_typed_error(text: str) -> None:
    try:
        value = dag_json.decode(text.encode("utf-8", "surrogatepass"))
    except CodecError:
        return
    assert kinds(dag_json.decode(dag_json.encode(value))) == kinds(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1.0"),
        (-1.5, "-1.5"),
        (1e20, "100000000000000000000.0"),
        (1e21, "1e+21"),
        (1.5e300, "1.5e+300"),
        (0.000001, "0.000001"),
        (1.25e-7, "1.25e-7"),
        (123456789012345680.0, "123456789012345680.0"),
        (-(1 << 64), "-18446744073709551616"),
        ('\u2028\x01ä"/', '"\u2028\\u0001ä\\"/"'),
        ({"b": 1, "aa": 2, "a": []}, '{"a":[],"aa":2,"b":1}'),
        (b"\x00\xff", '{"/":{"bytes":"AP8"}}'),
        (LEAF, '{"/":"bafkqabiaaebagba"}'),
        ({"/": 1}, '{"/":1}'),
        ({"/": LEAF}, '{"/":{"/":"bafkqabiaaebagba"}}'),
        ({"!": 1, "/": "x"}, '{"!":1,"/":"x"}'),
        ({}, "{}"),
    ],
)
def test_each_value_has_one_text(value: Any, text: str) -> None:
    assert dag_json.encode(value) == text.encode()
    assert kinds(dag_json.decode(text.encode())) == kinds(value)


def test_text_with_white_space_and_unsorted_keys_is_read() -> None:
    assert dag_json.decode(b' { "b" : [ 1 , 2 ] ,\n "a" : {"/" : "bafkqabiaaebagba"} } ') == {"a": LEAF, "b": [1, 2]}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[1,]",
        "{'a':1}",
        "NaN",
        "-Infinity",
        "1e999",
        "18446744073709551616",
        "-18446744073709551617",
        "9" * 5000,
        '{"a":1,"a":1}',
        '"\\ud800"',
        '{"\\udfff":1}',
        '"a\nb"',
        "1 2",
        "\ufeff1",
        '{"/":"nonsense"}',
        '{"/":"bafkqabiaaebagba","a":1}',
        '{"/":{"bytes":"AP8="}}',
        '{"/":{"bytes":"A"}}',
        '{"/":{"bytes":"AP8","x":1}}',
        '{"/":{"bytes":"AP8"},"x":1}',
        '{"x":1,"/":{"bytes":"AP8"}}',
        '{"/":{"a":1,"bytes":"AP8"},"/":1}',
    ],
)
def test_text_outside_the_data_model_is_refused(text: str) -> None:
    with pytest.raises(CodecError, match="cannot decode dag-json"):
        dag_json.decode(text.encode())


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("-inf"),
        1 << 64,
        {1: 2},
        "\ud800",
        object(),
        {"/": "x"},
        {"/": {"bytes": "x"}},
        {"/": {"bytes": "x", "c": 1}},
        {"/": {"bytes": "x", 1: 2}},
    ],
    ids=repr,
)
def test_a_value_that_text_cannot_hold_is_refused(value: object) -> None:
    with pytest.raises(CodecError, match="cannot encode dag-json"):
        dag_json.encode([value])


@pytest.mark.parametrize("text", ["[" * 100_000, "[" * 600 + "]" * 600, '{"a":' * 100_000])
def test_text_that_nests_too_deep_is_refused_without_recursion(text: str) -> None:
    with pytest.raises(CodecError, match="nests deeper"):
        dag_json.decode(text.encode())


def test_brackets_inside_strings_are_no_depth() -> None:
    text = stdlib_json.dumps(["[" * 1000, "\\", '"' * 5, "{" * 1000])
    assert dag_json.decode(text.encode()) == stdlib_json.loads(text)


def test_many_shallow_brackets_are_no_depth() -> None:
    assert dag_json.decode(b"[" + b"[]," * 1000 + b"[]]") == [[]] * 1001


def test_quotes_that_never_end_cost_no_more_than_their_length() -> None:
    with pytest.raises(CodecError):
        dag_json.decode(b"[" * 600 + b'"' + b'\\"' * 200_000)


def test_the_deepest_value_that_is_written_is_read_back() -> None:
    value: Any = 1
    for _ in range(codecs.MAX_DEPTH):
        value = [value]
    block = dag_json.encode(value)
    assert dag_json.encode(dag_json.decode(block)) == block
    with pytest.raises(CodecError, match="nests deeper"):
        dag_json.encode([value])


def test_a_value_that_contains_itself_or_would_be_endless_is_refused() -> None:
    circular: dict[str, Any] = {}
    circular["a"] = circular
    with pytest.raises(CodecError, match="contains itself"):
        dag_json.encode(circular)
    value: Any = []
    for _ in range(60):
        value = [value, value]
    with pytest.raises(CodecError, match="holds more than"):
        dag_json.encode(value)


def test_plain_json_holds_neither_links_nor_bytes_and_reserves_nothing() -> None:
    for value in (LEAF, b"x"):
        with pytest.raises(CodecError, match="use dag-json"):
            json.encode([value])
    assert json.decode(b'{"/":"bafkqabiaaebagba"}') == {"/": "bafkqabiaaebagba"}
    assert json.encode({"/": "x"}) == b'{\n\t"/": "x"\n}\n'


def test_plain_json_is_written_in_lines_and_in_its_own_order() -> None:
    value = {"b": [1, {"x": [], "y": {}}], "a": 'a "quoted", [odd] {text}: \\'}
    assert json.encode(value) == (
        b'{\n\t"b": [\n\t\t1,\n\t\t{\n\t\t\t"x": [],\n\t\t\t"y": {}\n\t\t}\n\t],\n'
        b'\t"a": "a \\"quoted\\", [odd] {text}: \\\\"\n}\n'
    )
    assert json.encode([]) == b"[]\n"
    assert json.encode("[]") == b'"[]"'


def test_links_are_listed_with_their_paths() -> None:
    block = dag_json.encode({"a": [1, LEAF], "b": b"x"})
    assert list(codecs.get("dag-json").links(block)) == [(("a", 1), LEAF)]
