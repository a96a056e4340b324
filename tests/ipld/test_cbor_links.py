"""The links of dag-cbor blocks: all that a strict decoder finds, and those in blocks that none takes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ipld.strategies import values

from ipfs_comm.errors import CodecError
from ipfs_comm.ipld import CID, codecs, multihash
from ipfs_comm.ipld.codecs import dag_cbor
from ipfs_comm.ipld.codecs.base import Path, links_of

LEAF = CID.create(1, "raw", multihash.digest(b"leaf"))
LINK = dag_cbor.encode(LEAF)


def found(block: bytes) -> list[tuple[Path, CID]]:
    return list(codecs.get("dag-cbor").links(block))


@given(values)
def test_every_link_that_the_values_have_is_found_in_their_order(value: object) -> None:
    block = dag_cbor.encode(value)
    assert found(block) == list(links_of(dag_cbor.decode(block)))


@pytest.mark.parametrize(
    ("block", "path"),
    [
        pytest.param(b"\x82\x62\xff\xfe" + LINK, (1,), id="a-string-that-is-no-utf-8"),
        pytest.param(b"\xa1\x61\xff" + LINK, ("\udcff",), id="a-key-that-is-no-utf-8"),
        pytest.param(b"\xa2\x61b\x01\x61a" + LINK, ("a",), id="keys-out-of-order"),
        pytest.param(b"\xa1\x07" + LINK, (7,), id="a-key-that-is-a-number"),
        pytest.param(b"\x98\x01" + LINK, (0,), id="a-length-that-is-not-shortest"),
        pytest.param(b"\x9f\x01" + LINK + b"\xff", (1,), id="a-list-of-indefinite-length"),
        pytest.param(b"\xbf\x61a" + LINK + b"\xff", ("a",), id="a-map-of-indefinite-length"),
        pytest.param(b"\x82\x7f\x61a\x61b\xff" + LINK, (1,), id="a-string-of-indefinite-length"),
        pytest.param(b"\x83\x9f\xff\x5f\xff" + LINK, (2,), id="nothing-of-indefinite-length"),
        pytest.param(b"\x82\xf9\x7e\x00" + LINK, (1,), id="a-short-float"),
        pytest.param(b"\x82\xc1\x1a\x00\x00\x00\x00" + LINK, (1,), id="a-tag-that-is-no-link"),
    ],
)
def test_links_are_found_in_blocks_that_no_strict_decoder_takes(block: bytes, path: Path) -> None:
    with pytest.raises(CodecError):
        dag_cbor.decode(block)
    assert found(block) == [(path, LEAF)]


@pytest.mark.parametrize(
    "block",
    [
        b"",
        b"\x82\x01",
        b"\x9f\x01",
        b"\x61",
        b"\x5b" + b"\xff" * 8,
        b"\x9b" + b"\xff" * 8 + b"\x01",
        b"\xff",
        b"\x1c",
        b"\x01\x01",
        b"\xa1\x80\x01",
        b"\xd8\x2a\x61a",
        b"\xd8\x2a\x40",
        b"\xd8\x2a\x42\x00\x01",
        LINK[:-1],
        b"\xdf",
    ],
)
def test_bytes_that_are_no_cbor_are_refused(block: bytes) -> None:
    with pytest.raises(CodecError):
        found(block)


@pytest.mark.parametrize("opening", [b"\x81", b"\x9f", b"\xa1\x61a", b"\xbf\x61a"])
def test_a_block_deeper_than_any_value_is_refused(opening: bytes) -> None:
    with pytest.raises(CodecError, match="deeper"):
        found(opening * 100_000)


@given(st.binary(max_size=100))
def test_nonsense_has_links_or_is_refused(block: bytes) -> None:
    try:
        links = found(block)
    except CodecError:
        return
    assert all(isinstance(cid, CID) for _, cid in links)
