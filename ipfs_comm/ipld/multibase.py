"""Multibase: bytes as text whose first character names the base.

Specification: multiformats/multibase. Decoding is strict: characters outside the alphabet, wrong padding and bits that
no encoder writes are refused. Where the letters of a base have one case only, both cases are read.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from ipfs_comm._shown import shown
from ipfs_comm.errors import InvalidInputError, LimitError
from ipfs_comm.ipld._emoji import EMOJI

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["BASES", "MAX_POSITIONAL", "Base", "decode", "decode_with_base", "encode", "get"]

#: Longest input, in bytes or characters, of the bases that are one big number (10, 36, 58): their cost is quadratic.
MAX_POSITIONAL = 4096

_BASE32_HEX = b"0123456789abcdefghijklmnopqrstuv"


@dataclass(frozen=True, slots=True)
class Base:
    """One row of the multibase table.

    Attributes
    ----------
    name : str
        The name in the table, for example ``"base32"``.
    prefix : str
        The one character that text in this base begins with.
    encode : callable
        From bytes to text without the prefix.
    decode : callable
        From text without the prefix to bytes.
    """

    name: str
    prefix: str
    encode: Callable[[bytes], str]
    decode: Callable[[str], bytes]

    @property
    def code(self) -> int:
        """The prefix as a code point, as the table lists it."""
        return ord(self.prefix)


def _refusal(name: str, why: str) -> InvalidInputError:
    return InvalidInputError(f"this is no {name} text: {why}")


def _ascii(name: str, text: str, alphabet: bytes) -> bytes:
    try:
        raw = text.encode("ascii")
    except UnicodeEncodeError as error:
        raise _refusal(name, f"character {text[error.start]!r} at {error.start} is not in its alphabet") from None
    if strangers := raw.translate(None, alphabet):
        raise _refusal(name, f"character {chr(strangers[0])!r} is not in its alphabet")
    return raw


def _check_length(name: str, value: bytes | str) -> None:
    if len(value) > MAX_POSITIONAL:
        raise LimitError(
            f"{len(value)} bytes or characters are too many for {name}, which takes {MAX_POSITIONAL}: use base32 or "
            "base64url"
        )


def _cut(name: str, number: int, digits: int, bits: int) -> bytes:
    """Cut a number of ``digits`` groups of ``bits`` into bytes, refusing what no encoder leaves over."""
    count, rest = divmod(digits * bits, 8)
    if rest >= bits:
        raise _refusal(name, "it is cut off")
    if number & ((1 << rest) - 1):
        raise _refusal(name, "the bits left over are not zero")
    return (number >> rest).to_bytes(count, "big")


def _without_padding(name: str, text: str, block: int) -> str:
    bare = text.rstrip("=")
    if len(text) % block or len(text) - len(bare) >= block:
        raise _refusal(name, f"it is not padded to a multiple of {block} characters")
    return bare


def _identity() -> Base:
    def decode_identity(text: str) -> bytes:
        try:
            return text.encode("latin-1")
        except UnicodeEncodeError:
            raise _refusal("identity", "a character above U+00FF stands for no byte") from None

    return Base("identity", "\0", lambda data: data.decode("latin-1"), decode_identity)


def _bits(name: str, prefix: str, bits: int, form: str) -> Base:
    alphabet = b"01234567"[: 1 << bits]

    def encode_bits(data: bytes) -> str:
        digits = -(-len(data) * 8 // bits)
        number = int.from_bytes(data, "big") << digits * bits - len(data) * 8
        return format(number, form).zfill(digits) if digits else ""

    def decode_bits(text: str) -> bytes:
        raw = _ascii(name, text, alphabet)
        return _cut(name, int(raw, 1 << bits), len(raw), bits) if raw else b""

    return Base(name, prefix, encode_bits, decode_bits)


def _base16(name: str, prefix: str, upper: bool) -> Base:
    def decode16(text: str) -> bytes:
        raw = _ascii(name, text, b"0123456789abcdefABCDEF")
        if len(raw) % 2:
            raise _refusal(name, "it has an odd number of characters")
        return bytes.fromhex(raw.decode())

    return Base(name, prefix, (lambda data: data.hex().upper()) if upper else bytes.hex, decode16)


def _spreading() -> tuple[tuple[int, int], ...]:
    """Return mask and shift of each round that moves 64 five-bit groups apart into bytes.

    Each round halves the lanes: the upper half of every lane's groups goes to where the upper half of its bytes will
    be. Six operations on one big integer are several times faster than a loop over groups, and CIDs are written often.
    """
    rounds = []
    for half in (32, 16, 8, 4, 2, 1):
        mask = sum(((1 << 5 * half) - 1) << lane * 16 * half + 5 * half for lane in range(32 // half))
        rounds.append((mask, 3 * half))
    return tuple(rounds)


_SPREADING = _spreading()


def _base32(name: str, prefix: str, alphabet: bytes, padded: bool = False, upper: bool = False) -> Base:
    letters = alphabet.upper() if upper else alphabet
    to_text = bytes.maketrans(bytes(range(32)), letters)
    both_cases = alphabet.lower() + (alphabet.upper() if name != "base32z" else b"")
    to_digits = bytes.maketrans(both_cases, _BASE32_HEX * (len(both_cases) // 32))

    def encode32(data: bytes) -> str:
        groups = []
        for start in range(0, len(data), 40):
            piece = data[start : start + 40]
            number = int.from_bytes(piece, "big") << 8 * (40 - len(piece))
            for mask, shift in _SPREADING:
                moving = number & mask
                number ^= moving ^ (moving << shift)
            groups.append(number.to_bytes(64, "big"))
        digits = -(-len(data) * 8 // 5)
        text = b"".join(groups)[:digits].translate(to_text).decode()
        return text + "=" * (-digits % 8) if padded else text

    def decode32(text: str) -> bytes:
        raw = _ascii(name, _without_padding(name, text, 8) if padded else text, both_cases)
        return _cut(name, int(raw.translate(to_digits), 32), len(raw), 5) if raw else b""

    return Base(name, prefix, encode32, decode32)


def _base64(name: str, prefix: str, padded: bool = False, url: bool = False) -> Base:
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789" + (b"-_" if url else b"+/")
    write = base64.urlsafe_b64encode if url else base64.standard_b64encode

    def encode64(data: bytes) -> str:
        text = write(data).decode()
        return text if padded else text.rstrip("=")

    def decode64(text: str) -> bytes:
        raw = _ascii(name, _without_padding(name, text, 4) if padded else text, alphabet)
        if len(raw) % 4 == 1:
            raise _refusal(name, "it is cut off")
        filled = raw + b"=" * (-len(raw) % 4)
        data = binascii.a2b_base64(filled.translate(bytes.maketrans(b"-_", b"+/")) if url else filled)
        # Only the last character can carry bits that belong to no byte.
        if raw and write(data[-(len(data) % 3 or 3) :]).rstrip(b"=")[-1] != raw[-1]:
            raise _refusal(name, "the bits left over are not zero")
        return data

    return Base(name, prefix, encode64, decode64)


def _positional(name: str, prefix: str, alphabet: bytes, any_case: bool = False) -> Base:
    """Return a base that is one big number, with one zero digit for each leading zero byte."""
    radix = len(alphabet)
    pairs: list[str] = []
    zero = chr(alphabet[0])
    readable = alphabet.lower() + alphabet.upper() if any_case else alphabet
    to_digits = bytes.maketrans(readable, bytes(range(radix)) * (len(readable) // radix))

    def encode_positional(data: bytes) -> str:
        _check_length(name, data)
        if not pairs:
            # Not when the module loads, which has to be quick.
            pairs.extend([chr(high) + chr(low) for high in alphabet for low in alphabet])
        bare = data.lstrip(b"\0")
        number, out = int.from_bytes(bare, "big"), []
        while number:
            number, rest = divmod(number, radix**10)
            for _ in range(5):
                rest, pair = divmod(rest, radix * radix)
                out.append(pairs[pair])
        out.reverse()
        return zero * (len(data) - len(bare)) + "".join(out).lstrip(zero)

    def decode_positional(text: str) -> bytes:
        _check_length(name, text)
        raw = _ascii(name, text, readable)
        digits = raw.translate(to_digits)
        bare = digits.lstrip(b"\0")
        # Neighbouring digits are joined in lanes of one big integer, twice as wide each round: far fewer steps than one
        # a digit.
        number, width, factor = int.from_bytes(bare, "big"), 8, radix
        lanes = len(bare)
        while lanes > 1:
            mask = _lane_mask(width, (lanes + 1) // 2)
            number = (number & mask) + ((number >> width) & mask) * factor
            lanes = (lanes + 1) // 2
            width *= 2
            factor *= factor
        return bytes(len(digits) - len(bare)) + number.to_bytes((number.bit_length() + 7) // 8, "big")

    return Base(name, prefix, encode_positional, decode_positional)


_LANE_MASKS: dict[tuple[int, int], int] = {}


def _lane_mask(width: int, lanes: int) -> int:
    """Return ``lanes`` runs of ``width`` ones, each followed by as many zeros above it."""
    rounded = 1 << (lanes - 1).bit_length()
    mask = _LANE_MASKS.get((width, rounded))
    if mask is None:
        mask = ((1 << 2 * width * rounded) - 1) // ((1 << 2 * width) - 1) * ((1 << width) - 1)
        _LANE_MASKS[width, rounded] = mask
    return mask


def _emoji() -> Base:
    values = {character: value for value, character in enumerate(EMOJI)}

    def decode_emoji(text: str) -> bytes:
        try:
            return bytes([values[character] for character in text])
        except KeyError as error:
            raise _refusal("base256emoji", f"character {error.args[0]!r} is not in its alphabet") from None

    return Base("base256emoji", EMOJI[0], lambda data: "".join([EMOJI[byte] for byte in data]), decode_emoji)


_RFC4648 = b"abcdefghijklmnopqrstuvwxyz234567"
_BASE36 = b"0123456789abcdefghijklmnopqrstuvwxyz"

#: Every base by its name.
BASES: Mapping[str, Base] = MappingProxyType(
    {
        base.name: base
        for base in (
            _identity(),
            _bits("base2", "0", 1, "b"),
            _bits("base8", "7", 3, "o"),
            _positional("base10", "9", b"0123456789"),
            _base16("base16", "f", upper=False),
            _base16("base16upper", "F", upper=True),
            _base32("base32hex", "v", _BASE32_HEX),
            _base32("base32hexupper", "V", _BASE32_HEX, upper=True),
            _base32("base32hexpad", "t", _BASE32_HEX, padded=True),
            _base32("base32hexpadupper", "T", _BASE32_HEX, padded=True, upper=True),
            _base32("base32", "b", _RFC4648),
            _base32("base32upper", "B", _RFC4648, upper=True),
            _base32("base32pad", "c", _RFC4648, padded=True),
            _base32("base32padupper", "C", _RFC4648, padded=True, upper=True),
            _base32("base32z", "h", b"ybndrfg8ejkmcpqxot1uwisza345h769"),
            _positional("base36", "k", _BASE36, any_case=True),
            _positional("base36upper", "K", _BASE36.upper(), any_case=True),
            _positional("base58btc", "z", b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"),
            _positional("base58flickr", "Z", b"123456789abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ"),
            _base64("base64", "m"),
            _base64("base64pad", "M", padded=True),
            _base64("base64url", "u", url=True),
            _base64("base64urlpad", "U", padded=True, url=True),
            _emoji(),
        )
    }
)
_BY_PREFIX = {base.prefix: base for base in BASES.values()}


def get(name: str) -> Base:
    """Return the base of that name.

    Raises
    ------
    InvalidInputError
        There is none.
    """
    try:
        return BASES[name]
    except (KeyError, TypeError):
        raise InvalidInputError(f"there is no multibase {shown(name)}: use one of {', '.join(BASES)}") from None


def encode(data: bytes, base: str = "base32") -> str:
    """Return ``data`` as text in ``base``, prefix included.

    Parameters
    ----------
    data : bytes
        Any bytes.
    base : str, optional
        A name of :data:`BASES`.

    Raises
    ------
    InvalidInputError
        There is no such base.
    LimitError
        Too many bytes for base10, base36 or base58.
    """
    chosen = get(base)
    return chosen.prefix + chosen.encode(data)


def decode_with_base(text: str) -> tuple[str, bytes]:
    """Return the name of the base that ``text`` is in, and its bytes.

    Raises
    ------
    InvalidInputError
        The prefix names no base, or the rest is no text of that base.
    LimitError
        Too many characters for base10, base36 or base58.
    """
    base = _BY_PREFIX.get(text[:1])
    if base is None:
        shown = text if len(text) <= 40 else text[:40] + "…"
        raise InvalidInputError(f"{shown!r} is no multibase text: its first character names no base")
    return base.name, base.decode(text[1:])


def decode(text: str) -> bytes:
    """Return the bytes of multibase text.

    Raises
    ------
    InvalidInputError
        The prefix names no base, or the rest is no text of that base.
    LimitError
        Too many characters for base10, base36 or base58.
    """
    return decode_with_base(text)[1]
