"""Canonical CBOR, as dag-cbor restricts it: the engine of the codecs dag-cbor and cbor.

Specification: ipld.io, codecs, dag-cbor, section Strictness (RFC 8949 with: shortest integers and lengths, no
indefinite lengths, 64-bit floats that are finite, only null, false and true of the simple values, keys that are strings
sorted by length, then bytes, only tag 42). Both directions keep their own stack, so that depth costs no recursion.
"""

from __future__ import annotations

import struct
from itertools import chain
from math import isfinite
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

from ipfs_comm._shown import shown
from ipfs_comm.errors import InvalidCIDError
from ipfs_comm.ipld.cid import CID
from ipfs_comm.ipld.codecs.base import MAX_DEPTH, MAX_ITEMS, Bytes, plain, refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["decode", "encode"]

_FLOAT = struct.Struct(">Bd")
_DOUBLE = struct.Struct(">d")
_SHORT_FLOATS: Final = {0xF9: struct.Struct(">e"), 0xFA: struct.Struct(">f")}
_MAX_UINT: Final = (1 << 64) - 1
_NEGATIVE_ZERO = _DOUBLE.pack(-0.0)


class _Key(bytes):
    """An encoded key among values that are still to be encoded."""


def _head(major: int, size: int) -> bytes:
    if size < 24:
        return bytes((major | size,))
    if size < 0x100:
        return bytes((major | 24, size))
    if size < 0x10000:
        return bytes((major | 25,)) + size.to_bytes(2, "big")
    if size < 0x100000000:
        return bytes((major | 26,)) + size.to_bytes(4, "big")
    return bytes((major | 27,)) + size.to_bytes(8, "big")


#: Heads of small values, by major type: nearly every head there is.
_UINT, _NINT, _BYTES, _TEXT, _LIST, _MAP = (
    tuple(_head(major, size) for size in range(256)) for major in (0x00, 0x20, 0x40, 0x60, 0x80, 0xA0)
)
_first = itemgetter(0)
_CID36 = b"\xd8\x2a\x58\x25\x00"
_CID34 = b"\xd8\x2a\x58\x23\x00"


def encode(codec: str, value: Any, links: bool, *, ordered: bool = True) -> bytes:
    """Return the canonical bytes of a value.

    Parameters
    ----------
    codec : str
        The codec's name, for errors.
    value : data model value
        What to encode.
    links : bool
        Whether CIDs may be in it.
    ordered : bool
        Whether keys are sorted; else they stay in the order of the maps.

    Raises
    ------
    CodecError
        The value, or one in it, has no place in the data model.
    """
    out: list[bytes] = []
    append = out.append
    stack: list[Iterator[Any]] = [iter((value,))]
    while stack:
        for item in stack[-1]:
            kind = type(item)
            if kind is _Key:
                append(item)
            elif kind is str:
                try:
                    raw = item.encode()
                except UnicodeEncodeError as error:
                    raise refusal(
                        codec, "encode", f"a string has a lone surrogate at {error.start}, which UTF-8 cannot hold"
                    ) from None
                size = len(raw)
                append(_TEXT[size] if size < 256 else _head(0x60, size))
                append(raw)
            elif kind is int:
                if item >= 0:
                    if item > _MAX_UINT:
                        raise refusal(codec, "encode", f"{item:#x} is larger than 2^64 - 1; store it as bytes or text")
                    append(_UINT[item] if item < 256 else _head(0x00, item))
                else:
                    if ~item > _MAX_UINT:
                        raise refusal(codec, "encode", f"{item:#x} is smaller than -2^64; store it as bytes or text")
                    append(_NINT[~item] if item >= -256 else _head(0x20, ~item))
            elif kind is CID:
                if not links:
                    raise refusal(codec, "encode", f"it cannot hold the link {item}; use dag-cbor")
                raw = bytes(item)
                size = len(raw)
                append(_CID36 if size == 36 else _CID34 if size == 34 else b"\xd8\x2a" + _head(0x40, size + 1) + b"\0")
                append(raw)
            elif kind is dict:
                if len(stack) > MAX_DEPTH or len(out) > MAX_ITEMS:
                    raise _endless(codec)
                append(_MAP[len(item)] if len(item) < 256 else _head(0xA0, len(item)))
                stack.append(_items(codec, item, ordered))
                break
            elif kind is list:
                if len(stack) > MAX_DEPTH or len(out) > MAX_ITEMS:
                    raise _endless(codec)
                append(_LIST[len(item)] if len(item) < 256 else _head(0x80, len(item)))
                stack.append(iter(item))
                break
            elif item is None:
                append(b"\xf6")
            elif item is True:
                append(b"\xf5")
            elif item is False:
                append(b"\xf4")
            elif kind is bytes:
                size = len(item)
                append(_BYTES[size] if size < 256 else _head(0x40, size))
                append(item)
            elif kind is float:
                raw = _FLOAT.pack(0xFB, item)
                if not isfinite(item) or raw[1:] == _NEGATIVE_ZERO:
                    raise refusal(codec, "encode", f"the float {shown(item)} has no place in the data model")
                append(raw)
            else:
                stack.append(iter((plain(codec, item),)))
                break
        else:
            stack.pop()
    return b"".join(out)


def _endless(codec: str) -> Exception:
    return refusal(
        codec,
        "encode",
        f"the value nests deeper than {MAX_DEPTH}, holds more than {MAX_ITEMS} values, or contains itself",
    )


_KEYS: dict[str, _Key] = {}
_MAX_KEYS: Final = 4096
_MAX_KEPT_KEY: Final = 32


def _encoded_key(codec: str, key: object) -> _Key:
    """Return a key as it is written.

    Short ones are kept: the maps of a block, and the blocks of a kind, have the same keys.
    """
    if not isinstance(key, str):
        raise refusal(codec, "encode", f"the key {key!r:.80} of a map is no str but {type(key).__name__}")
    try:
        raw = key.encode()
    except UnicodeEncodeError:
        raise refusal(
            codec, "encode", f"the key {key!r:.80} of a map has a lone surrogate, which UTF-8 cannot hold"
        ) from None
    size = len(raw)
    encoded = _Key((_TEXT[size] if size < 256 else _head(0x60, size)) + raw)
    if size <= _MAX_KEPT_KEY and type(key) is str:
        if len(_KEYS) >= _MAX_KEYS:
            _KEYS.clear()
        _KEYS[key] = encoded
    return encoded


def _items(codec: str, item: dict[str, Any], ordered: bool) -> Iterator[Any]:
    # The shorter head is the smaller one: encoded keys sort as bytes into the canonical order, by length and then by
    # bytes.
    if len(item) == 1:
        [(key, value)] = item.items()
        return iter((_KEYS.get(key) or _encoded_key(codec, key), value))
    keyed = [(_KEYS.get(key) or _encoded_key(codec, key), value) for key, value in item.items()]
    if ordered:
        keyed.sort(key=_first)
    return chain.from_iterable(keyed)


def decode(codec: str, data: Bytes, links: bool, *, ordered: bool = True) -> Any:
    """Parse one value that takes up all of ``data``.

    Parameters
    ----------
    codec : str
        The codec's name, for errors.
    data : bytes-like
        The whole block.
    links : bool
        Whether tag 42 may be in it.
    ordered : bool
        Whether keys have to be sorted and floats to be long; else keys may come in any order, each once.

    Raises
    ------
    CodecError
        The bytes are not the canonical form of a value.
    """
    raw = data if type(data) is bytes else bytes(data)
    try:
        value, position = _decode(codec, raw, links, ordered)
    except IndexError:
        raise refusal(
            codec, "decode", f"the block is cut off: it ends after {len(raw)} bytes, in the middle of a value"
        ) from None
    except UnicodeDecodeError as error:
        raise refusal(codec, "decode", f"a string is no UTF-8: {error.reason}") from None
    if position != len(raw):
        raise refusal(codec, "decode", f"{len(raw) - position} bytes follow the value of {position} bytes")
    return value


def _long(codec: str, raw: bytes, position: int, info: int) -> tuple[int, int]:
    """Read the number that follows a head with additional information ``info`` from 24 on."""
    if info > 27:
        what = "indefinite lengths are" if info == 31 else f"additional information {info} is"
        raise refusal(codec, "decode", f"{what} not allowed, at byte {position - 1}")
    size = 1 << info - 24
    if position + size > len(raw):
        raise IndexError
    value = int.from_bytes(raw[position : position + size], "big")
    if value < (24 if size == 1 else 1 << size * 4):
        raise refusal(codec, "decode", f"the number {value} at byte {position} is not in its shortest form")
    return value, position + size


def _decode(codec: str, raw: bytes, links: bool, ordered: bool) -> tuple[Any, int]:
    total = len(raw)
    position = 0
    stack: list[tuple[Any, int, str, bytes]] = []
    # The container that is being filled: a list, a dict, or None at the top; how many values it lacks; the key that
    # waits for its value.
    target: Any = None
    missing = 1
    key = ""
    last_key = b""
    value: Any
    while True:
        initial = raw[position]
        position += 1
        major = initial >> 5
        info = initial & 31
        if major == 7:
            if initial == 0xF6:
                value = None
            elif initial == 0xF5:
                value = True
            elif initial == 0xF4:
                value = False
            elif initial == 0xFB:
                if position + 8 > total:
                    raise IndexError
                value = _DOUBLE.unpack_from(raw, position)[0]
                if not isfinite(value) or (value == 0 and raw[position]):
                    raise refusal(
                        codec,
                        "decode",
                        f"the float {shown(value)} at byte {position - 1} has no place in the data model",
                    )
                position += 8
            elif not ordered and initial in _SHORT_FLOATS:
                value, position = _short_float(codec, raw, position)
            else:
                raise refusal(
                    codec,
                    "decode",
                    f"{initial:#04x} at byte {position - 1} is none of null, false, true and 64-bit floats",
                )
        else:
            if info > 23:
                info, position = _long(codec, raw, position, info)
            if major == 3:
                end = position + info
                if end > total:
                    raise IndexError
                value = raw[position:end].decode()
                position = end
            elif major == 0:
                value = info
            elif major == 2:
                end = position + info
                if end > total:
                    raise IndexError
                value = raw[position:end]
                position = end
            elif major == 6:
                value, position = _link(codec, raw, position, info, links)
            elif major == 1:
                value = ~info
            else:
                # A claim of more values than bytes are left is refused before anything is made for it.
                if info * (major - 3) > total - position:
                    raise refusal(
                        codec,
                        "decode",
                        f"a list or map at byte {position} claims {info} entries, {total - position} bytes are there",
                    )
                value = [] if major == 4 else {}
                if info:
                    if len(stack) >= MAX_DEPTH:
                        raise refusal(codec, "decode", f"it nests deeper than {MAX_DEPTH}, at byte {position}")
                    stack.append((target, missing, key, last_key))
                    target, missing = value, info
                    last_key = b""
                    if major == 5:
                        key, last_key, position = _key(codec, raw, position, last_key)
                    continue
        while True:
            missing -= 1
            if type(target) is list:
                target.append(value)
                if missing:
                    break
            elif target is None:
                return value, position
            else:
                if not ordered:
                    last_key = b""
                    if key in target:
                        raise refusal(codec, "decode", f"the key {key!r:.80} before byte {position} comes twice")
                target[key] = value
                if missing:
                    key, last_key, position = _key(codec, raw, position, last_key)
                    break
            value = target
            target, missing, key, last_key = stack.pop()


def _short_float(codec: str, raw: bytes, position: int) -> tuple[float, int]:
    form = _SHORT_FLOATS[raw[position - 1]]
    if position + form.size > len(raw):
        raise IndexError
    value: float = form.unpack_from(raw, position)[0]
    if not isfinite(value) or (value == 0 and raw[position]):
        raise refusal(
            codec, "decode", f"the float {shown(value)} at byte {position - 1} has no place in the data model"
        )
    return value, position + form.size


def _key(codec: str, raw: bytes, position: int, last: bytes) -> tuple[str, bytes, int]:
    """Read the key of a map at ``position``; return it, its encoding, and the offset after it."""
    start = position
    info = raw[position] - 0x60
    position += 1
    if not 0 <= info < 32:
        raise refusal(codec, "decode", f"the key at byte {start} of a map is no string")
    if info > 23:
        info, position = _long(codec, raw, position, info)
    end = position + info
    if end > len(raw):
        raise IndexError
    encoded = raw[start:end]
    if encoded <= last:
        what = "comes twice" if encoded == last else "is not in order (shorter first, then by bytes)"
        raise refusal(codec, "decode", f"the key {raw[position:end]!r:.80} at byte {start} {what}")
    return raw[position:end].decode(), encoded, end


def _link(codec: str, raw: bytes, position: int, tag: int, links: bool) -> tuple[CID, int]:
    if tag != 42 or not links:
        what = "only tag 42 is allowed" if links else "tags are not allowed"
        raise refusal(codec, "decode", f"tag {tag} before byte {position}: {what}")
    info = raw[position] - 0x40
    position += 1
    if not 0 <= info < 32:
        raise refusal(codec, "decode", f"the link at byte {position - 1} is no byte string")
    if info > 23:
        info, position = _long(codec, raw, position, info)
    end = position + info
    if end > len(raw):
        raise IndexError
    if not info or raw[position]:
        raise refusal(codec, "decode", f"the link at byte {position} does not begin with a zero byte")
    try:
        return CID.decode(raw[position + 1 : end]), end
    except InvalidCIDError as error:
        raise refusal(codec, "decode", f"the link at byte {position} is no CID: {error}") from None
