"""The dag-jose codec."""

from __future__ import annotations

import base64

import pytest

from ipfs_comm.errors import CodecError
from ipfs_comm.ipld import CID, codecs

CID_TEXT = "bafyreihdb57fdysx5h35urvxz64ros7zvywshber7id6t6c6fek37jgyfe"


def text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


PAYLOAD = text(bytes(CID.parse(CID_TEXT)))


def test_a_compact_signed_object_decodes_to_the_general_form_with_its_link() -> None:
    jose = codecs.get("dag-jose")
    block = jose.encode(f"{text(b'head')}.{PAYLOAD}.{text(b'sign')}")
    assert jose.decode(block) == {
        "payload": PAYLOAD,
        "signatures": [{"protected": text(b"head"), "signature": text(b"sign")}],
        "link": CID.parse(CID_TEXT),
    }
    assert list(jose.links(block)) == [(("link",), CID.parse(CID_TEXT))]


def test_an_encrypted_object_comes_back_as_it_was() -> None:
    jose = codecs.get("dag-jose")
    general = {"ciphertext": text(b"c"), "iv": text(b"i"), "protected": text(b"p"), "tag": text(b"t")}
    block = jose.encode(general)
    assert jose.decode(block) == general
    assert list(jose.links(block)) == []


def test_a_compact_encrypted_object_with_a_key_has_one_recipient() -> None:
    jose = codecs.get("dag-jose")
    block = jose.encode(".".join(text(part) for part in (b"p", b"k", b"i", b"c", b"t")))
    assert jose.decode(block)["recipients"] == [{"encrypted_key": text(b"k")}]


@pytest.mark.parametrize(
    "value",
    [
        "one.two",
        f"{text(b'head')}.{text(b'no cid')}.{text(b'sign')}",
        {"payload": PAYLOAD},
        {"payload": PAYLOAD, "signatures": [{}]},
        {"ciphertext": "not base64url!"},
        {"tag": text(b"t")},
        7,
    ],
)
def test_what_is_no_jose_object_is_refused(value: object) -> None:
    with pytest.raises(CodecError):
        codecs.get("dag-jose").encode(value)


def test_a_block_of_another_shape_is_refused() -> None:
    cbor = codecs.get("dag-cbor")
    for value in ([], {"payload": "text", "signatures": []}, {"payload": b"\x01", "signatures": []}, {"x": 1}):
        with pytest.raises(CodecError):
            codecs.get("dag-jose").decode(cbor.encode(value))
