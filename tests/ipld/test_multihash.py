from __future__ import annotations

import hashlib
import pickle
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipfs_comm.errors import HashMismatchError, InvalidInputError, UnknownHashError
from ipfs_comm.ipld import Multihash, multihash

COMPUTABLE = [row.name for row in multihash.HASHES.values() if row.compute is not None]


@given(st.sampled_from(COMPUTABLE), st.binary(min_size=1, max_size=200))
def test_every_digest_is_read_back_and_verifies_its_data_only(name: str, data: bytes) -> None:
    made = multihash.digest(data, name)
    assert Multihash.decode(bytes(made)) == made
    assert (made.name, made.code) == (name, multihash.code(name))
    multihash.verify(made, data)
    if made.size >= 8:
        with pytest.raises(HashMismatchError):
            multihash.verify(made, data + b"!")


def test_sha2_256_is_what_hashlib_makes() -> None:
    made = multihash.digest(b"hello")
    assert bytes(made) == b"\x12\x20" + hashlib.sha256(b"hello").digest()
    assert (made.code, made.name, made.size, made.digest) == (0x12, "sha2-256", 32, hashlib.sha256(b"hello").digest())


def test_murmur3_is_the_first_half_of_the_128_bits_as_hamt_directories_have_it() -> None:
    assert multihash.digest(b"hello", "murmur3-x64-64").digest.hex() == "cbd8a7b341bd9b02"


def test_a_truncated_digest_verifies_its_data() -> None:
    made = multihash.digest(b"hello", "sha2-512", size=20)
    assert made.size == 20
    multihash.verify(made, b"hello")
    with pytest.raises(HashMismatchError):
        multihash.verify(made, b"hallo")


def test_an_identity_multihash_holds_the_data_itself() -> None:
    made = multihash.digest(b"test", "identity")
    assert bytes(made) == b"\x00\x04test"
    multihash.verify(made, b"test")
    with pytest.raises(HashMismatchError):
        multihash.verify(made, b"tes")


def test_bytes_like_data_is_hashed_without_a_copy_being_asked_for() -> None:
    assert multihash.digest(memoryview(b"xhellox")[1:6]) == multihash.digest(b"hello")


def test_a_function_that_cannot_be_computed_is_refused_by_name() -> None:
    with pytest.raises(UnknownHashError, match="murmur3-32"):
        multihash.digest(b"", "murmur3-32")
    with pytest.raises(UnknownHashError, match="0x1234"):
        multihash.digest(b"", 0x1234)
    with pytest.raises(UnknownHashError, match="no hash function 'sha4'"):
        multihash.digest(b"", "sha4")


def test_blake3_says_which_package_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "blake3", None)
    with pytest.raises(UnknownHashError, match="pip install blake3"):
        multihash.digest(b"", "blake3")


def test_a_code_that_is_not_in_the_table_is_kept() -> None:
    made = Multihash.decode(b"\xb4\x24\x03abc")
    assert (made.code, made.name, made.digest) == (0x1234, "0x1234", b"abc")
    assert bytes(made) == b"\xb4\x24\x03abc"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x12",
        b"\x12\x00",
        b"\x12\x21" + bytes(33),
        b"\x12\x20" + bytes(31),
        b"\x12\x20" + bytes(33),
        b"\x31\x02ab",
    ],
)
def test_bytes_that_are_no_multihash_are_refused(data: bytes) -> None:
    with pytest.raises(InvalidInputError):
        Multihash.decode(data)


@pytest.mark.parametrize("size", [-1, 33])
def test_a_digest_longer_than_the_function_makes_is_refused(size: int) -> None:
    with pytest.raises(InvalidInputError):
        multihash.digest(b"", "sha2-256", size=size)


def test_a_multihash_is_a_value() -> None:
    one, other = multihash.digest(b"1"), multihash.digest(b"2")
    assert pickle.loads(pickle.dumps(one)) == one
    assert len({one, other, multihash.digest(b"1")}) == 2
    assert sorted([one, other]) == sorted([one, other], key=bytes)
    assert one != bytes(one)
    with pytest.raises(AttributeError, match="immutable"):
        one._bytes = b""


def test_functions_and_sizes_that_cannot_vouch_for_blocks_are_refused() -> None:
    multihash.check_secure(multihash.digest(b"x"))
    multihash.check_secure(multihash.digest(b"x", "identity"))
    with pytest.raises(UnknownHashError, match="insecure"):
        multihash.check_secure(multihash.digest(b"x", "murmur3-x64-64"))
    with pytest.raises(InvalidInputError, match="too small"):
        multihash.check_secure(multihash.digest(b"x", size=19))
    with pytest.raises(InvalidInputError, match="at most 128"):
        multihash.check_secure(multihash.digest(bytes(129), "identity"))
