"""libp2p keys: serialization, signatures, and the names that they make."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ipfs_comm.errors import InvalidInputError
from ipfs_comm.ipld import multihash
from ipfs_comm.ipns import KEY_TYPES, Name, PrivateKey, PublicKey
from ipfs_comm.ipns._protobuf import write

#: One of each type, for the whole module: RSA keys take long to make.
KEYS = {kind: PrivateKey.generate(kind) for kind in KEY_TYPES}

each_type = pytest.mark.parametrize("key", KEYS.values(), ids=KEYS.keys())

#: Test vectors of libp2p's "Peer Ids and Keys", section Test vectors: Ed25519 and secp256k1.
ED25519 = (
    (
        "080112407e0830617c4a7de83925dfb2694556b12936c477a0e1feb2e148ec9da60fee7d"
        "1ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e"
    ),
    "080112201ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e",
)
SECP256K1 = (
    "0802122053DADF1D5A164D6B4ACDB15E24AA4C5B1D3461BDBD42ABEDB0A4404D56CED8FB",
    "08021221037777e994e452c21604f91de093ce415f5432f701dd8cd1a7a6fea0e630bfca99",
)


@pytest.mark.parametrize(("private", "public"), [ED25519, SECP256K1], ids=["ed25519", "secp256k1"])
def test_the_vectors_of_the_specification_hold(private: str, public: str) -> None:
    key = PrivateKey.decode(bytes.fromhex(private))
    assert key.encode() == bytes.fromhex(private)
    assert key.public.encode() == bytes.fromhex(public)
    assert PublicKey.decode(bytes.fromhex(public)) == key.public


@each_type
def test_a_key_comes_back_from_its_serialization(key: PrivateKey) -> None:
    assert PrivateKey.decode(key.encode()) == key
    assert PublicKey.decode(key.public.encode()) == key.public


@each_type
def test_a_signature_is_of_one_message_by_one_key(key: PrivateKey) -> None:
    signature = key.sign(b"message")
    assert key.public.verify(b"message", signature)
    assert not key.public.verify(b"messagf", signature)
    assert not PrivateKey.generate("ed25519").public.verify(b"message", signature)
    for broken in (b"", signature[:-1], signature + b"\0", bytes(len(signature))):
        assert not key.public.verify(b"message", broken)


@each_type
def test_a_name_holds_a_short_key_and_the_hash_of_a_long_one(key: PrivateKey) -> None:
    encoded = key.public.encode()
    if len(encoded) <= 42:
        assert key.name.inlined == encoded
        assert PublicKey.of_name(key.name) == key.public
    else:
        assert key.name == Name(multihash.digest(encoded, "sha2-256"))
        assert PublicKey.of_name(key.name) is None


def test_a_private_key_does_not_show_itself() -> None:
    key = KEYS["ed25519"]
    assert key.data.hex() not in repr(key)
    assert repr(key.data) not in repr(key)


def test_the_older_form_of_an_ed25519_key_is_read() -> None:
    key = KEYS["ed25519"]
    older = write(((1, 1), (2, key.data + key.data[32:])))
    assert PrivateKey.decode(older) == key
    with pytest.raises(InvalidInputError, match="differ"):
        PrivateKey.decode(write(((1, 1), (2, key.data + bytes(32)))))


def test_a_key_that_is_written_in_another_way_is_no_key() -> None:
    encoded = KEYS["ed25519"].public.encode()
    for other in (encoded + b"\x18\x01", b"\x08\x81\x00" + encoded[2:], encoded + encoded):
        with pytest.raises(InvalidInputError) as refused:
            PublicKey.decode(other)
        assert refused.value.code == "ERR_INVALID_KEY"


def test_a_small_rsa_key_is_not_taken() -> None:
    with pytest.raises(InvalidInputError) as refused:
        PrivateKey.generate("rsa", size=1024)
    assert refused.value.code == "ERR_INVALID_KEY_SIZE"


def test_an_unknown_type_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="ed25519"):
        PrivateKey.generate("dsa")


@given(st.binary(max_size=200) | st.binary(max_size=70).map(lambda data: b"\x08\x01\x12" + bytes([len(data)]) + data))
@example(bytes.fromhex("08001200"))
@example(b"\x08\x03\x12\x02\x30\x00")
@example(b"\x08\x02\x12\x21" + b"\x02" + bytes(32))
@example(b"\x08\x04\x12\x00")
@example(b"\x08" + b"\xff" * 20)
def test_whatever_comes_is_a_key_or_a_typed_error(data: bytes) -> None:
    for decode in (PublicKey.decode, PrivateKey.decode):
        with contextlib.suppress(InvalidInputError):
            assert len(decode(data).encode()) <= len(data)
