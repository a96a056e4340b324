"""Multihashes: digests that say which hash function made them.

Specification: multiformats/multihash. The functions are those of :mod:`hashlib`, MurmurHash3 for HAMT directories, and
BLAKE3 where the ``blake3`` package is installed, and Keccak, written in Python.
"""

from __future__ import annotations

import hashlib
import hmac
from functools import total_ordering
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from ipfs_comm._shown import shown
from ipfs_comm.errors import HashMismatchError, InvalidInputError, UnknownHashError
from ipfs_comm.ipld import varint
from ipfs_comm.ipld._hashes import HASHES, Hash, by_name

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    #: Runs a function with its arguments beside the loop and returns what it returns: a pool's ``run``.
    Run: TypeAlias = Callable[..., Awaitable[Any]]

__all__ = [
    "HASHES",
    "IDENTITY",
    "MAX_IDENTITY",
    "MAX_ON_THE_LOOP",
    "MIN_DIGEST",
    "SHA2_256",
    "Hash",
    "Multihash",
    "check_secure",
    "code",
    "digest",
    "digest_beside",
    "name",
    "verify",
    "verify_beside",
]

IDENTITY: Final = 0x00
SHA2_256: Final = 0x12
#: Shortest digest, in bytes, that :func:`check_secure` accepts, as Kubo does.
MIN_DIGEST: Final = 20
#: Longest identity "digest", in bytes, that :func:`check_secure` accepts.
MAX_IDENTITY: Final = 128
#: Most bytes that a slow function hashes where a loop waits for it; what is longer is hashed beside the loop.
MAX_ON_THE_LOOP: Final = 2048

_SHA2_256_HEAD = b"\x12\x20"


@total_ordering
class Multihash:
    """A digest with the code of its hash function; immutable, hashable, ordered by its bytes.

    Make one with :func:`digest`, :meth:`create` or :meth:`decode`.
    """

    __slots__ = ("_bytes", "_code", "_start")

    _bytes: bytes
    _code: int
    _start: int

    def __init__(self) -> None:
        raise TypeError(
            "make a Multihash by multihash.digest(data), Multihash.create(code, digest) or Multihash.decode(bytes)"
        )

    @classmethod
    def _of(cls, data: bytes, code: int, start: int) -> Multihash:
        self = object.__new__(cls)
        _set_bytes(self, data)
        _set_code(self, code)
        _set_start(self, start)
        return self

    @classmethod
    def create(cls, code: int | str, digest: bytes) -> Multihash:
        """Return the multihash of a digest that is known already.

        Raises
        ------
        UnknownHashError
            There is no hash function of that name.
        InvalidInputError
            The digest is empty, or longer than the function makes.
        """
        number = _code_of(code)
        digest = bytes(digest)
        _check_size(number, len(digest))
        head = varint.encode(number) + varint.encode(len(digest))
        return cls._of(head + digest, number, len(head))

    @classmethod
    def decode(cls, data: bytes | bytearray | memoryview) -> Multihash:
        """Parse a multihash that takes up all of ``data``.

        Raises
        ------
        InvalidInputError
            The bytes are no multihash, or more than one.
        """
        found, end = cls.decode_first(data)
        if end != len(data):
            raise InvalidInputError(f"{len(data) - end} bytes follow the multihash of {end} bytes")
        return found

    @classmethod
    def decode_first(cls, data: bytes | bytearray | memoryview, offset: int = 0) -> tuple[Multihash, int]:
        """Parse the multihash that begins at ``offset``; return it and the offset of the byte after it.

        Raises
        ------
        InvalidInputError
            No multihash begins there.
        """
        data = data if type(data) is bytes else bytes(data)
        number, start = varint.decode(data, offset)
        size, start = varint.decode(data, start)
        end = start + size
        if end > len(data):
            raise InvalidInputError(f"the multihash claims a digest of {size} bytes, {len(data) - start} are there")
        _check_size(number, size)
        return cls._of(data[offset:end], number, start - offset), end

    @property
    def code(self) -> int:
        """Multicodec code of the hash function, for example 0x12."""
        return self._code

    @property
    def name(self) -> str:
        """Name of the hash function, for example ``"sha2-256"``; ``"0x…"`` for one that is not in the table."""
        return name(self._code)

    @property
    def digest(self) -> bytes:
        """The digest alone."""
        return self._bytes[self._start :]

    @property
    def size(self) -> int:
        """Length of the digest in bytes."""
        return len(self._bytes) - self._start

    def __bytes__(self) -> bytes:
        return self._bytes

    def __eq__(self, other: object) -> bool:
        return self._bytes == other._bytes if isinstance(other, Multihash) else NotImplemented

    def __lt__(self, other: object) -> bool:
        return self._bytes < other._bytes if isinstance(other, Multihash) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._bytes)

    def __repr__(self) -> str:
        return f"Multihash({self.name}, {self.digest.hex()})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Multihash.decode, (self._bytes,)

    def __setattr__(self, key: str, value: object) -> None:
        raise AttributeError(f"a Multihash is immutable: {key} cannot be set")

    def __delattr__(self, key: str) -> None:
        raise AttributeError(f"a Multihash is immutable: {key} cannot be deleted")


_set_bytes = Multihash.__dict__["_bytes"].__set__
_set_code = Multihash.__dict__["_code"].__set__
_set_start = Multihash.__dict__["_start"].__set__


def _check_size(code: int, size: int) -> None:
    function = HASHES.get(code)
    if function is None:
        # Every code of one byte is given away, so that one which is no hash function here is none anywhere.
        if code < 0x80:
            raise InvalidInputError(f"the code {code:#04x} belongs to no hash function: these bytes are no multihash")
        return
    if code == IDENTITY:
        return
    if size == 0:
        raise InvalidInputError(f"the multihash has an empty {function.name} digest")
    if function.size is not None and size > function.size:
        raise InvalidInputError(
            f"a {function.name} digest has at most {function.size} bytes, this multihash claims {size}"
        )


def _code_of(code: int | str) -> int:
    if isinstance(code, str):
        return by_name(code).code
    if isinstance(code, bool) or not 0 <= code <= varint.MAX_VALUE:
        raise UnknownHashError(f"{shown(code)} is no code of a hash function")
    return code


def code(name: str) -> int:
    """Return the code of a hash function by its name (``"sha2-256"``, ``"blake2b-256"`` …).

    Raises
    ------
    UnknownHashError
        There is no such function; the message lists those there are.
    """
    return _code_of(name)


def name(code: int) -> str:
    """Return the name of a hash function; ``"0x…"`` for a code that is not in the table."""
    function = HASHES.get(code)
    return function.name if function else hex(code)


def digest(
    data: bytes | bytearray | memoryview, function: str | int = "sha2-256", *, size: int | None = None
) -> Multihash:
    """Hash ``data``.

    Parameters
    ----------
    data : bytes-like
        What to hash.
    function : str or int, optional
        Name or code of the hash function.
    size : int, optional
        Length of the digest in bytes: the function's own, unless given. A shorter one is the beginning of the full
        digest.

    Returns
    -------
    Multihash

    Raises
    ------
    UnknownHashError
        The function is not in the table, or nothing here can compute it.
    InvalidInputError
        The function makes no digest of ``size`` bytes.
    """
    if function == "sha2-256" and size is None:
        return Multihash._of(_SHA2_256_HEAD + hashlib.sha256(data).digest(), SHA2_256, 2)
    number = _code_of(function)
    known = HASHES.get(number)
    if known is None or known.compute is None:
        raise UnknownHashError(f"{name(number)} cannot be computed here: use one of {', '.join(_computable())}")
    wanted = known.default if size is None else size
    if size is not None and (
        size < 0 or (known.size is not None and size > known.size) or (number == IDENTITY and size != len(data))
    ):
        raise InvalidInputError(f"{known.name} of {len(data)} bytes makes no digest of {shown(size)} bytes")
    made = known.compute(data, wanted)
    return Multihash.create(number, made if number == IDENTITY else made[:wanted])


def verify(multihash: Multihash, data: bytes | bytearray | memoryview) -> None:
    """Check that ``data`` has this multihash.

    Raises
    ------
    HashMismatchError
        It has another one.
    UnknownHashError
        Nothing here can compute that hash function.
    """
    if multihash.code == IDENTITY:
        same = multihash.digest == data
    else:
        same = hmac.compare_digest(bytes(digest(data, multihash.code, size=multihash.size)), bytes(multihash))
    if not same:
        raise HashMismatchError(
            f"{len(data)} bytes do not have the {multihash.name} digest {multihash.digest[:64].hex()}: they are "
            "damaged or forged",
            detail={"hash": multihash.name, "digest": multihash.digest[:64].hex()},
        )


def _slow(function: str | int, size: int) -> bool:
    known = by_name(function) if isinstance(function, str) else HASHES.get(function)
    return known is not None and known.slow and size > MAX_ON_THE_LOOP


async def digest_beside(
    run: Run, data: bytes | bytearray | memoryview, function: str | int = "sha2-256", *, size: int | None = None
) -> Multihash:
    """Hash ``data`` as `digest` does, by ``run`` where that would keep the loop for long."""
    if not _slow(function, len(data)):
        return digest(data, function, size=size)
    made: Multihash = await run(digest, data, function, size=size)
    return made


async def verify_beside(run: Run, multihash: Multihash, data: bytes | bytearray | memoryview) -> None:
    """Check ``data`` as `verify` does, by ``run`` where that would keep the loop for long."""
    if _slow(multihash.code, len(data)):
        await run(verify, multihash, data)
    else:
        verify(multihash, data)


def check_secure(multihash: Multihash) -> None:
    """Check that a multihash can vouch for bytes from strangers: the rules that Kubo applies to every block.

    Raises
    ------
    UnknownHashError
        The function is not in the table, or is no cryptographic one.
    InvalidInputError
        The digest has fewer than 20 bytes; an identity multihash has more than 128.
    """
    function = HASHES.get(multihash.code)
    if function is None or not function.secure:
        raise UnknownHashError(
            f"{multihash.name} is potentially insecure and not allowed for blocks: use sha2-256, sha3-256 or "
            "blake2b-256"
        )
    if multihash.code == IDENTITY:
        if multihash.size > MAX_IDENTITY:
            raise InvalidInputError(
                f"an identity multihash holds at most {MAX_IDENTITY} bytes, not {multihash.size}: store a block instead"
            )
    elif multihash.size < MIN_DIGEST:
        raise InvalidInputError(
            f"digest too small: {multihash.size} bytes of {multihash.name}, at least {MIN_DIGEST} are needed"
        )


def _computable() -> list[str]:
    return [function.name for function in HASHES.values() if function.compute and "blake2" not in function.name] + [
        "blake2b-N",
        "blake2s-N",
    ]
