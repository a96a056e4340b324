"""The links in a dag-cbor block, found without making its values and without asking for the canonical form.

Who keeps, copies or counts a DAG must see every link that others see. There are blocks in the wild that no strict
decoder takes (Filecoin's have strings that are no UTF-8), and their children are as much a part of the DAG as any.

Specification: RFC 8949, sections 3 and 5.1, well-formedness; ipld.io, codecs, dag-cbor, links.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ipfs_comm.errors import InvalidCIDError
from ipfs_comm.ipld.cid import CID
from ipfs_comm.ipld.codecs.base import MAX_DEPTH, refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ipfs_comm.ipld.codecs.base import Bytes, Path

_BREAK: Final = 0xFF
_LINK: Final = 42


class _Open:
    """A list, map or string of indefinite length that has begun: where it is, and what of it is still to come."""

    __slots__ = ("index", "is_map", "missing", "name")

    def __init__(self, is_map: bool, missing: int | None) -> None:
        self.is_map = is_map
        # None for an indefinite length.
        self.missing = missing
        self.index = 0
        self.name: str | int = 0

    def begin(self, raw: bytes, position: int) -> int:
        """Note the name of the entry that begins at `position`; return where its value begins."""
        self.name = self.index
        if self.is_map:
            self.name, position = _key(raw, position)
        return position


def scan(data: Bytes) -> Iterator[tuple[Path, CID]]:
    """Yield every link with its path, in the order of the bytes; depth costs no stack.

    Raises
    ------
    CodecError
        The bytes are no well-formed CBOR, nest deeper than `MAX_DEPTH`, or have a link that is no CID.
    """
    raw = data if type(data) is bytes else bytes(data)
    try:
        yield from _scan(raw)
    except IndexError:
        raise refusal(
            "dag-cbor", "decode", f"the block is cut off: it ends after {len(raw)} bytes, in the middle of a value"
        ) from None


def _scan(raw: bytes) -> Iterator[tuple[Path, CID]]:
    position = 0
    stack: list[_Open] = []
    while True:
        start = position
        major, size, position = _head(raw, position)
        if major == 6:
            if size != _LINK:
                continue
            cid, position = _link(raw, position)
            yield tuple(one.name for one in stack), cid
        elif major in (2, 3) and size is not None:
            position = _past(raw, position, size)
        elif major in (2, 3, 4, 5) and size != 0:
            if len(stack) >= MAX_DEPTH:
                raise refusal("dag-cbor", "decode", f"it nests deeper than {MAX_DEPTH}, at byte {start}")
            if size is not None or raw[position] != _BREAK:
                stack.append(_Open(major == 5, size))
                position = stack[-1].begin(raw, position)
                continue
            position += 1
        # A value ends here, and perhaps some that it is the last of.
        while stack:
            inner = stack[-1]
            inner.index += 1
            if inner.index == inner.missing:
                stack.pop()
            elif inner.missing is None and raw[position] == _BREAK:
                position += 1
                stack.pop()
            else:
                position = inner.begin(raw, position)
                break
        else:
            if position != len(raw):
                raise refusal("dag-cbor", "decode", f"{len(raw) - position} bytes follow the value of {position} bytes")
            return


def _head(raw: bytes, position: int) -> tuple[int, int | None, int]:
    """Return the major type at `position`, its number (None for an indefinite length), and the offset after it."""
    initial = raw[position]
    major, info = initial >> 5, initial & 31
    if info < 24:
        return major, info, position + 1
    if info < 28:
        end = _past(raw, position + 1, 1 << info - 24)
        return major, int.from_bytes(raw[position + 1 : end], "big"), end
    if info < 31 or major not in (2, 3, 4, 5):
        raise refusal("dag-cbor", "decode", f"{initial:#04x} at byte {position} begins no value")
    return major, None, position + 1


def _past(raw: bytes, position: int, size: int) -> int:
    if size > len(raw) - position:
        raise IndexError
    return position + size


def _key(raw: bytes, position: int) -> tuple[str | int, int]:
    major, size, start = _head(raw, position)
    if size is None or major not in (0, 2, 3):
        raise refusal("dag-cbor", "decode", f"the key at byte {position} of a map is no string")
    if major == 0:
        return size, start
    end = _past(raw, start, size)
    return raw[start:end].decode("utf-8", "surrogateescape"), end


def _link(raw: bytes, position: int) -> tuple[CID, int]:
    major, size, start = _head(raw, position)
    if major != 2 or size is None:
        raise refusal("dag-cbor", "decode", f"the link at byte {position} is no byte string")
    end = _past(raw, start, size)
    if not size or raw[start]:
        raise refusal("dag-cbor", "decode", f"the link at byte {position} does not begin with a zero byte")
    try:
        return CID.decode(raw[start + 1 : end]), end
    except InvalidCIDError as error:
        raise refusal("dag-cbor", "decode", f"the link at byte {position} is no CID: {error}") from None
