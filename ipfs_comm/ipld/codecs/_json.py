"""JSON of the IPLD data model: the engine of the codecs dag-json and json.

Specification: ipld.io, codecs, dag-json. Written in one form (no white space, keys sorted by bytes, numbers as
ECMAScript writes them, floats always with a point or an exponent); read in any order and with white space, as people
write it, but never with duplicate keys, numbers outside the data model, or anything else in the reserved name space of
``"/"``.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from json.encoder import encode_basestring
from math import isfinite
from typing import Any, Final

from ipfs_comm._shown import shown
from ipfs_comm.errors import CodecError, InvalidInputError
from ipfs_comm.ipld import multibase
from ipfs_comm.ipld.cid import CID
from ipfs_comm.ipld.codecs.base import MAX_DEPTH, MAX_ITEMS, Bytes, plain, refusal

__all__ = ["decode", "encode"]

_MAX_UINT: Final = (1 << 64) - 1
_MIN_INT: Final = -(1 << 64)
_BASE64 = multibase.get("base64")
_BRACKET = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)|[\[{\]}]', re.DOTALL)


class _Token(str):
    """Text among values that are still to be encoded."""

    __slots__ = ()


def encode(codec: str, value: Any, links: bool, *, ordered: bool = True) -> bytes:
    """Return the canonical bytes of a value.

    Parameters
    ----------
    codec : str
        The codec's name, for errors.
    value : data model value
        What to encode.
    links : bool
        Whether CIDs and bytes may be in it.
    ordered : bool
        Whether keys are sorted; else they stay in the order of the maps.

    Raises
    ------
    CodecError
        The value, or one in it, has no place in the data model.
    """
    out: list[str] = []
    append = out.append
    stack: list[Iterator[Any]] = [iter((value,))]
    while stack:
        for item in stack[-1]:
            kind = type(item)
            if kind is _Token:
                append(item)
            elif kind is str:
                append(encode_basestring(item))
            elif kind is int:
                if not _MIN_INT <= item <= _MAX_UINT:
                    raise refusal(codec, "encode", f"{item:#x} is outside -2^64 … 2^64 - 1; store it as bytes or text")
                append(str(item))
            elif kind is dict or kind is list:
                if len(stack) > MAX_DEPTH or len(out) > 2 * MAX_ITEMS:
                    raise refusal(
                        codec,
                        "encode",
                        f"the value nests deeper than {MAX_DEPTH}, holds more than {MAX_ITEMS} values, or contains "
                        "itself",
                    )
                stack.append(_map_parts(codec, item, links, ordered) if kind is dict else _list_parts(item))
                break
            elif item is None:
                append("null")
            elif item is True:
                append("true")
            elif item is False:
                append("false")
            elif kind is float:
                append(_float(codec, item))
            elif kind is CID and links:
                append(f'{{"/":"{item}"}}')
            elif kind is bytes and links:
                append(f'{{"/":{{"bytes":"{_BASE64.encode(item)}"}}}}')
            elif kind is CID or kind is bytes:
                raise refusal(
                    codec, "encode", f"it can hold neither links nor bytes, and here is {item!r:.80}; use dag-json"
                )
            else:
                stack.append(iter((plain(codec, item),)))
                break
        else:
            stack.pop()
    try:
        return "".join(out).encode()
    except UnicodeEncodeError:
        raise refusal(codec, "encode", "a string has a lone surrogate, which UTF-8 cannot hold") from None


def _list_parts(items: list[Any]) -> Iterator[Any]:
    before = _OPEN_LIST
    for item in items:
        yield before
        yield item
        before = _COMMA
    yield _CLOSE_LIST if items else _EMPTY_LIST


_OPEN_LIST, _CLOSE_LIST, _EMPTY_LIST, _COMMA = _Token("["), _Token("]"), _Token("[]"), _Token(",")
_CLOSE_MAP, _EMPTY_MAP = _Token("}"), _Token("{}")


def _map_parts(codec: str, item: dict[str, Any], links: bool, ordered: bool) -> Iterator[Any]:
    for key in item:
        if not isinstance(key, str):
            raise refusal(codec, "encode", f"the key {key!r:.80} of a map is no str but {type(key).__name__}")
    # Code points sort as their UTF-8 does.
    keys = sorted(item) if ordered else list(item)
    if links and keys and keys[0] == "/" and _is_reserved(item["/"], _begins_sorted):
        raise refusal(
            codec,
            "encode",
            f'a map whose first key is "/" with {item["/"]!r:.80} would be read as a link or bytes; rename the key',
        )
    before = "{"
    for key in keys:
        yield _Token(f"{before}{encode_basestring(key)}:")
        yield item[key]
        before = ","
    yield _CLOSE_MAP if keys else _EMPTY_MAP


def _is_reserved(value: object, begins: Callable[[Mapping[str, Any], str], bool]) -> bool:
    """Whether the value of a first key ``"/"`` is the beginning of a link or of bytes."""
    if isinstance(value, Mapping):
        return isinstance(value.get("bytes"), str) and begins(value, "bytes")
    return isinstance(value, str)


def _begins_sorted(value: Mapping[str, Any], key: str) -> bool:
    return min(value, key=str) == key


def _begins_anyhow(value: Mapping[str, Any], key: str) -> bool:
    """Whether the key is the first as written, or would be once the keys are sorted."""
    return next(iter(value)) == key or min(value) == key


def _float(codec: str, value: float) -> str:
    if not isfinite(value):
        raise refusal(codec, "encode", f"the float {shown(value)} has no place in the data model")
    text = repr(value)
    if "e" not in text:
        return text
    if 1e-6 <= abs(value) < 1e21:
        text = format(Decimal(text), "f")
        return text if "." in text else text + ".0"
    mantissa, exponent = text.split("e")
    return f"{mantissa}e{int(exponent):+d}"


def decode(codec: str, data: Bytes, links: bool) -> Any:
    """Parse one value that takes up all of ``data``.

    Parameters
    ----------
    codec : str
        The codec's name, for errors.
    data : bytes-like
        The whole block.
    links : bool
        Whether ``"/"`` stands for links and bytes.

    Raises
    ------
    CodecError
        The bytes are no JSON, or hold what has no place in the data model.
    """
    raw = data if type(data) is bytes else bytes(data)
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise refusal(codec, "decode", f"it is no UTF-8 at byte {error.start}") from None
    _check_depth(codec, text)
    try:
        value = (_DAG_JSON if links else _JSON)(text)
    except CodecError:
        raise
    except json.JSONDecodeError as error:
        raise refusal(codec, "decode", f"{error.msg} at line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise refusal(codec, "decode", "it nests too deep for the stack that is left here") from None
    if "\\u" in text:
        _check_strings(codec, value)
    return value


def _check_depth(codec: str, text: str) -> None:
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    depth = 0
    for match in _BRACKET.finditer(text):
        token = match[0]
        if token in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise refusal(codec, "decode", f"it nests deeper than {MAX_DEPTH}, at character {match.start()}")
        elif token in "]}":
            depth -= 1


def _check_strings(codec: str, value: Any) -> None:
    """Refuse lone surrogates, which an escape can bring into a string."""
    pending = [value]
    while pending:
        item = pending.pop()
        if type(item) is str:
            if not item.isascii():
                try:
                    item.encode()
                except UnicodeEncodeError:
                    raise refusal(codec, "decode", f"the string {item!r:.80} has a lone surrogate") from None
        elif type(item) is list:
            pending.extend(item)
        elif type(item) is dict:
            pending.extend(item)
            pending.extend(item.values())


def _reader(codec: str, links: bool) -> Callable[[str], Any]:
    def pairs(found: list[tuple[str, Any]]) -> Any:
        made = dict(found)
        if len(made) != len(found):
            [(twice, _count), *_] = Counter(key for key, _ in found).most_common(1)
            raise refusal(codec, "decode", f"the key {twice!r:.80} comes twice in a map")
        if links and "/" in made and _begins_anyhow(made, "/") and _is_reserved(made["/"], _begins_anyhow):
            return _reserved(codec, made)
        return made

    def integer(literal: str) -> int:
        value = int(literal) if len(literal) <= 21 else _MAX_UINT + 1
        if not _MIN_INT <= value <= _MAX_UINT:
            raise refusal(codec, "decode", f"the number {literal:.40} is outside -2^64 … 2^64 - 1")
        return value

    def real(literal: str) -> float:
        value = float(literal)
        if not isfinite(value):
            raise refusal(codec, "decode", f"the number {literal:.40} is too large for a 64-bit float")
        return value

    def constant(literal: str) -> Any:
        raise refusal(codec, "decode", f"{literal} has no place in the data model")

    decoder = json.JSONDecoder(object_pairs_hook=pairs, parse_float=real, parse_int=integer, parse_constant=constant)
    return decoder.decode


def _reserved(codec: str, found: dict[str, Any]) -> CID | bytes:
    inner = found["/"]
    if len(found) != 1 or (isinstance(inner, dict) and len(inner) != 1):
        raise refusal(codec, "decode", 'a map that begins as a link or bytes, {"/": …}, holds more than that')
    try:
        return CID.parse(inner) if isinstance(inner, str) else _BASE64.decode(inner["bytes"])
    except InvalidInputError as error:
        raise refusal(codec, "decode", str(error)) from None


_DAG_JSON = _reader("dag-json", links=True)
_JSON = _reader("json", links=False)
