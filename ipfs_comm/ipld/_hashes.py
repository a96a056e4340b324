"""The table of hash functions: code, name, sizes, and how each is computed.

Specification: the rows of multiformats/multicodec with the tag ``multihash``.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import partial
from struct import Struct
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from ipfs_comm._shown import shown
from ipfs_comm.errors import UnknownHashError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["HASHES", "Hash", "by_name", "murmur3_number", "murmur3_x64_64"]

Data: TypeAlias = "bytes | bytearray | memoryview"


@dataclass(frozen=True, slots=True)
class Hash:
    """One hash function.

    Attributes
    ----------
    code : int
        Its multicodec code.
    name : str
        Its multicodec name.
    size : int or None
        Longest digest in bytes; None where there is no limit.
    default : int
        Length of the digest in bytes unless another one is asked for.
    compute : callable or None
        From the data and the length wanted to a digest of at least that length; None where nothing here can compute it.
    secure : bool
        Whether it may vouch for blocks from strangers, by Kubo's rule.
    writable : bool
        Whether new blocks may be named with it; the others are there to read what exists.
    slow : bool
        Whether it is computed in Python, a thousand times slower than the others.
    """

    code: int
    name: str
    size: int | None
    default: int
    compute: Callable[[Data, int], bytes] | None
    secure: bool = True
    writable: bool = True
    slow: bool = False


_MASK = (1 << 64) - 1
_PAIR = Struct("<QQ")


def murmur3_x64_64(data: Data) -> bytes:
    """Return the first half of MurmurHash3 x64-128 with seed 0, big-endian: 8 bytes, as HAMT directories use it."""
    return murmur3_number(bytes(data)).to_bytes(8, "big")


def murmur3_number(data: bytes) -> int:
    """Return `murmur3_x64_64` as a number; written out, since every name of a listing is hashed."""
    size = len(data)
    first = second = 0
    if size > 15:
        for k1, k2 in _PAIR.iter_unpack(data[: size & -16]):
            k1 = k1 * 0x87C37B91114253D5 & _MASK
            first ^= (k1 << 31 | k1 >> 33) * 0x4CF5AD432745937F & _MASK
            first = ((first << 27 | first >> 37) + second) * 5 + 0x52DCE729 & _MASK
            k2 = k2 * 0x4CF5AD432745937F & _MASK
            second ^= (k2 << 33 | k2 >> 31) * 0x87C37B91114253D5 & _MASK
            second = ((second << 31 | second >> 33) + first) * 5 + 0x38495AB5 & _MASK
    if size & 15:
        tail = int.from_bytes(data[size & -16 :], "little")
        k2 = (tail >> 64) * 0x4CF5AD432745937F & _MASK
        second ^= (k2 << 33 | k2 >> 31) * 0x87C37B91114253D5 & _MASK
        k1 = (tail & _MASK) * 0x87C37B91114253D5 & _MASK
        first ^= (k1 << 31 | k1 >> 33) * 0x4CF5AD432745937F & _MASK
    first = (first ^ size) + (second ^ size) & _MASK
    second = first + (second ^ size) & _MASK
    first = (first ^ first >> 33) * 0xFF51AFD7ED558CCD & _MASK
    first = (first ^ first >> 33) * 0xC4CEB9FE1A85EC53 & _MASK
    second = (second ^ second >> 33) * 0xFF51AFD7ED558CCD & _MASK
    second = (second ^ second >> 33) * 0xC4CEB9FE1A85EC53 & _MASK
    return (first ^ first >> 33) + (second ^ second >> 33) & _MASK


def _hashlib(name: str, data: Data, _size: int) -> bytes:
    return hashlib.new(name, data, usedforsecurity=False).digest()


def _sha2_256(data: Data, _size: int) -> bytes:
    return hashlib.sha256(data).digest()


def _double_sha2_256(data: Data, _size: int) -> bytes:
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()


def _shake(name: str, data: Data, size: int) -> bytes:
    return hashlib.shake_128(data).digest(size) if name == "shake_128" else hashlib.shake_256(data).digest(size)


def _blake2b(bits: int, data: Data, _size: int) -> bytes:
    return hashlib.blake2b(data, digest_size=bits // 8).digest()


def _blake2s(bits: int, data: Data, _size: int) -> bytes:
    return hashlib.blake2s(data, digest_size=bits // 8).digest()


def _keccak(bits: int, data: Data, _size: int) -> bytes:
    from ipfs_comm.ipld._keccak import keccak

    return keccak(data, bits)


def _blake3(data: Data, size: int) -> bytes:
    try:
        from blake3 import blake3
    except ImportError:
        raise UnknownHashError(
            "blake3 cannot be computed here: the package blake3 is not installed; pip install blake3"
        ) from None
    made: bytes = blake3(data).digest(length=size)
    return made


def _rows() -> list[Hash]:
    rows = [
        Hash(0x00, "identity", None, 0, lambda data, _size: bytes(data)),
        Hash(0x11, "sha1", 20, 20, partial(_hashlib, "sha1"), writable=False),
        Hash(0x12, "sha2-256", 32, 32, _sha2_256),
        Hash(0x13, "sha2-512", 64, 64, partial(_hashlib, "sha512")),
        Hash(0x14, "sha3-512", 64, 64, partial(_hashlib, "sha3_512")),
        Hash(0x15, "sha3-384", 48, 48, partial(_hashlib, "sha3_384")),
        Hash(0x16, "sha3-256", 32, 32, partial(_hashlib, "sha3_256")),
        Hash(0x17, "sha3-224", 28, 28, partial(_hashlib, "sha3_224")),
        Hash(0x18, "shake-128", None, 32, partial(_shake, "shake_128"), secure=False, writable=False),
        Hash(0x19, "shake-256", None, 64, partial(_shake, "shake_256")),
        Hash(0x1A, "keccak-224", 28, 28, partial(_keccak, 224), slow=True),
        Hash(0x1B, "keccak-256", 32, 32, partial(_keccak, 256), slow=True),
        Hash(0x1C, "keccak-384", 48, 48, partial(_keccak, 384), slow=True),
        Hash(0x1D, "keccak-512", 64, 64, partial(_keccak, 512), slow=True),
        Hash(0x1E, "blake3", 128, 32, _blake3),
        Hash(0x20, "sha2-384", 48, 48, partial(_hashlib, "sha384"), secure=False),
        Hash(0x22, "murmur3-x64-64", 8, 8, lambda data, _size: murmur3_x64_64(data), secure=False, writable=False),
        Hash(0x23, "murmur3-32", 4, 4, None, secure=False, writable=False),
        Hash(0x56, "dbl-sha2-256", 32, 32, _double_sha2_256),
        Hash(0xD5, "md5", 16, 16, partial(_hashlib, "md5"), secure=False, writable=False),
    ]
    rows += [
        Hash(0xB200 + size, f"blake2b-{size * 8}", size, size, partial(_blake2b, size * 8), secure=size >= 20)
        for size in range(1, 65)
    ]
    rows += [
        Hash(0xB240 + size, f"blake2s-{size * 8}", size, size, partial(_blake2s, size * 8), secure=size >= 20)
        for size in range(1, 33)
    ]
    return rows


#: Every hash function of the table by its code.
HASHES: Mapping[int, Hash] = MappingProxyType({row.code: row for row in _rows()})
_BY_NAME = {row.name: row for row in HASHES.values()}
#: Names that others give to the same functions.
_BY_NAME["sha3"] = _BY_NAME["sha3-512"]
_BY_NAME["murmur3"] = _BY_NAME["murmur3-x64-64"]


def by_name(name: str) -> Hash:
    """Return the hash function of that name.

    Raises
    ------
    UnknownHashError
        There is none.
    """
    try:
        return _BY_NAME[name]
    except (KeyError, TypeError):
        raise UnknownHashError(
            f"there is no hash function {shown(name)}: use a multicodec name such as 'sha2-256', 'sha3-256' or "
            "'blake2b-256'"
        ) from None
