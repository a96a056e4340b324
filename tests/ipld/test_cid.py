from __future__ import annotations

import copy
import pickle
from types import SimpleNamespace

import multiformats
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ipld.strategies import cids

from ipfs_comm.errors import InvalidCIDError, UnknownCodecError
from ipfs_comm.ipld import CID, multibase, multihash

V0 = "QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n"
V1 = "bafybeihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"


@given(cids)
def test_text_and_bytes_are_read_back(cid: CID) -> None:
    assert CID.parse(str(cid)) == cid
    assert CID.decode(bytes(cid)) == cid
    assert str(CID.parse(str(cid))) == str(CID.decode(bytes(cid)))


@given(cids, st.binary(max_size=9), st.binary(max_size=9))
def test_a_cid_is_found_at_any_place_in_other_bytes(cid: CID, before: bytes, after: bytes) -> None:
    assert CID.decode_first(before + bytes(cid) + after, len(before)) == (cid, len(before) + len(bytes(cid)))


@given(cids, st.sampled_from(sorted(multibase.BASES)))
def test_a_version_1_cid_is_read_from_every_base(cid: CID, base: str) -> None:
    assert CID.parse(cid.to_v1().encode(base)) == cid.to_v1()


@given(cids)
def test_its_parts_make_it_again(cid: CID) -> None:
    assert CID.create(cid.version, cid.code, cid.multihash) == cid
    assert CID.create(cid.version, cid.codec, bytes(cid.multihash)) == cid
    assert cid.multihash_bytes == bytes(cid.multihash)


@given(st.text(max_size=60))
def test_any_text_is_a_cid_or_refused_with_a_typed_error(text: str) -> None:
    try:
        cid = CID.parse(text)
    except InvalidCIDError:
        return
    assert CID.parse(str(cid)) == cid


@given(st.binary(max_size=60))
def test_any_bytes_are_a_cid_or_refused_with_a_typed_error(data: bytes) -> None:
    try:
        cid = CID.decode(data)
    except InvalidCIDError:
        return
    assert bytes(cid) == data


@given(cids)
def test_another_implementation_agrees_on_text_and_bytes(cid: CID) -> None:
    if cid.code not in (0x55, 0x70, 0x71) or cid.multihash.code not in (0, 0x12, 0x13):
        return
    theirs = multiformats.CID.decode(str(cid))
    assert bytes(theirs) == bytes(cid)
    assert CID.of(theirs) == cid
    assert cid.to_multiformats() == theirs


@pytest.mark.parametrize("text", [V0, V1])
def test_cids_of_multiformats_are_taken_and_given(text: str) -> None:
    cid = CID.parse(text)
    assert CID.of(cid.to_multiformats()) == cid
    assert str(cid.to_multiformats()) == text


def test_the_parts_of_version_0() -> None:
    cid = CID.parse(V0)
    assert (cid.version, cid.code, cid.codec, cid.multihash.name, cid.multihash.size) == (
        0,
        0x70,
        "dag-pb",
        "sha2-256",
        32,
    )
    assert not cid.is_identity


def test_version_0_becomes_version_1_and_back() -> None:
    cid = CID.parse(V0)
    assert cid.to_v1().to_v0() == cid
    assert cid.to_v1() != cid
    assert str(cid.to_v1()).startswith("bafybei")


def test_a_codec_that_is_not_in_the_table_is_kept_and_named_by_its_code() -> None:
    cid = CID.create(1, 0x123456, multihash.digest(b"x"))
    assert (cid.code, cid.codec) == (0x123456, "0x123456")
    assert CID.create(1, "0x123456", cid.multihash) == CID.parse(str(cid))


def test_a_codec_name_that_is_not_in_the_table_is_refused() -> None:
    with pytest.raises(UnknownCodecError, match="dag-xml"):
        CID.create(1, "dag-xml", multihash.digest(b"x"))


def test_a_cid_in_a_strange_case_or_base_prints_in_the_usual_one() -> None:
    assert str(CID.parse(V1.upper().replace("B", "B", 1))) == V1
    assert str(CID.parse(CID.parse(V1).encode("base36"))) == V1


@pytest.mark.parametrize(
    "value",
    [
        V1,
        bytes(CID.parse(V1)),
        memoryview(bytes(CID.parse(V1))),
        {"bytes": bytes(CID.parse(V1)), "code": 0x70, "version": 1},
        {"code": 0x70, "version": 1, "multihash": {"code": 18, "bytes": CID.parse(V1).multihash_bytes}},
        {"/": V1},
        SimpleNamespace(bytes=bytes(CID.parse(V1))),
        SimpleNamespace(version=1, code=0x70, multihash=SimpleNamespace(bytes=CID.parse(V1).multihash_bytes)),
    ],
    ids=["text", "bytes", "view", "bytes of an object", "parts", "dag-json", "attribute bytes", "attribute parts"],
)
def test_everything_that_stands_for_a_cid_is_taken(value: object) -> None:
    assert str(CID.of(value)) == V1


@pytest.mark.parametrize(
    "value",
    [
        None,
        7,
        [],
        {},
        {"bytes": b"no"},
        {"/": 1},
        "nonsense",
        b"nonsense",
        object(),
        {"version": 0, "code": 1, "multihash": b""},
    ],
)
def test_everything_else_is_refused(value: object) -> None:
    with pytest.raises(InvalidCIDError):
        CID.of(value)


def test_an_error_says_which_text_and_why() -> None:
    with pytest.raises(InvalidCIDError, match="'bafy' is no CID") as caught:
        CID.parse("bafy")
    assert caught.value.detail == {"cid": "bafy"}
    assert caught.value.code == "ERR_INVALID_CID"


def test_a_very_long_text_is_refused_at_once() -> None:
    with pytest.raises(InvalidCIDError, match="at most"):
        CID.parse("f" + "0" * (1 << 21))
    with pytest.raises(InvalidCIDError, match="too many for base58btc"):
        CID.parse("z" * 5000)


def test_a_cid_is_a_value() -> None:
    one, other = CID.parse(V0), CID.parse(V1)
    assert len({one, other, CID.parse(V0)}) == 2
    assert sorted([other, one]) == sorted([one, other], key=bytes)
    assert pickle.loads(pickle.dumps(one)) == one
    assert copy.deepcopy(one) is one
    assert one != V0
    assert repr(one) == f"CID('{V0}')"
    with pytest.raises(AttributeError, match="immutable"):
        one._bytes = b""
    with pytest.raises(TypeError, match=r"CID\.parse"):
        CID()


def test_a_notebook_shows_its_text_and_what_it_is() -> None:
    assert CID.parse(V1)._repr_html_() == f'<code title="dag-pb, sha2-256, version 1">{V1}</code>'
