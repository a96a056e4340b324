"""Nodes of the IPLD data model have the same bytes and the same CIDs in both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ipld.strategies import cids, floats
from kubo_support import FACTOR

from ipfs_comm.ipld import CID, codecs, multihash

if TYPE_CHECKING:
    from kubo_support import Daemon

CODECS = ["dag-cbor", "dag-json"]
#: What Go has integers for; the data model has no limit.
integers = st.integers(-(1 << 63), (1 << 63) - 1)
#: See the tests below for the rest.
common_floats = floats.filter(lambda number: not number.is_integer() or abs(number) >= 1e21)
common_text = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\b\f\u2028\u2029"), max_size=20)
scalars = st.one_of(st.none(), st.booleans(), integers, common_floats, common_text, st.binary(max_size=30), cids)
values = st.recursive(
    scalars,
    # A map with the one key "/" is no map in dag-json.
    lambda inner: (
        st.lists(inner, max_size=5) | st.dictionaries(common_text.filter(lambda key: key != "/"), inner, max_size=5)
    ),
    max_leaves=25,
)


def addressed(codec: str, block: bytes) -> CID:
    return CID.create(1, codec, multihash.digest(block, "sha2-256"))


def put(kubo: Daemon, blocks: list[bytes], read_as: str, stored_as: str) -> list[CID]:
    lines = kubo.lines("dag/put", files=blocks, input_codec=read_as, store_codec=stored_as)
    return [CID.parse(line["Cid"]["/"]) for line in lines]


@pytest.mark.parametrize("stored_as", CODECS)
@pytest.mark.parametrize("read_as", CODECS)
@settings(max_examples=40 * FACTOR)
@given(some=st.lists(values, min_size=1, max_size=12))
def test_what_kubo_reads_of_ours_it_writes_as_we_do(
    kubo: Daemon, read_as: str, stored_as: str, some: list[Any]
) -> None:
    given_as = [codecs.get(read_as).encode(value) for value in some]
    expected = [addressed(stored_as, codecs.get(stored_as).encode(value)) for value in some]
    assert put(kubo, given_as, read_as, stored_as) == expected


@pytest.mark.parametrize("stored_as", CODECS)
@settings(max_examples=30 * FACTOR)
@given(value=values)
def test_what_kubo_writes_we_read(kubo: Daemon, stored_as: str, value: Any) -> None:
    codec = codecs.get(stored_as)
    (cid,) = put(kubo, [codec.encode(value)], stored_as, stored_as)
    for written_as in CODECS:
        block = kubo.call("dag/get", str(cid), output_codec=written_as)
        assert codecs.get(written_as).encode(codecs.get(written_as).decode(block)) == block
        assert codecs.get(stored_as).encode(codecs.get(written_as).decode(block)) == codec.encode(value)


def test_kubo_writes_whole_floats_into_dag_json_as_integers_and_we_as_the_specification_says(kubo: Daemon) -> None:
    (cid,) = put(kubo, [codecs.get("dag-cbor").encode(1.0)], "dag-cbor", "dag-cbor")
    assert kubo.call("dag/get", str(cid), output_codec="dag-json") == b"1"
    assert codecs.get("dag-json").encode(1.0) == b"1.0"


@pytest.mark.parametrize(
    ("text", "theirs", "ours"),
    [
        ("\b", b'"\\u0008"', b'"\\b"'),
        ("\f", b'"\\u000c"', b'"\\f"'),
        ("\u2028", b'"\\u2028"', '"\u2028"'.encode()),
        ("\u2029", b'"\\u2029"', '"\u2029"'.encode()),
    ],
)
def test_kubo_escapes_four_characters_as_go_does_and_we_as_javascript_does(
    kubo: Daemon, text: str, theirs: bytes, ours: bytes
) -> None:
    (cid,) = put(kubo, [codecs.get("dag-cbor").encode(text)], "dag-cbor", "dag-cbor")
    assert kubo.call("dag/get", str(cid), output_codec="dag-json") == theirs
    assert codecs.get("dag-json").encode(text) == ours
    assert codecs.get("dag-json").decode(theirs) == text
    assert put(kubo, [ours], "dag-json", "dag-cbor") == [cid]
