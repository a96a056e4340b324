"""The json codec: dag-json without links and bytes, for people to read.

Specification: RFC 8259, in the one form that Kubo writes, since blocks are named by their bytes: keys in the order of
the map, each entry on a line of its own behind a tab for every level.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from ipfs_comm.ipld.codecs import _json
from ipfs_comm.ipld.codecs.base import Bytes, Codec, Path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ipfs_comm.ipld.cid import CID

__all__ = ["CODEC", "decode", "encode"]


def encode(value: Any) -> bytes:
    """Return the bytes of a value of the data model.

    Raises
    ------
    CodecError
        The value, or one in it, has no place in the data model, or is a link or bytes.
    """
    return _indented(_json.encode("json", value, links=False, ordered=False))


_TOKEN: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[^"\[\]{},:]+|[\[{][\]}]?|[\]},:]')


def _indented(text: bytes) -> bytes:
    """Return JSON without white space in lines."""
    if text[:1] not in b"[{":
        return text
    out: list[bytes] = []
    line = b"\n"
    for token in _TOKEN.findall(text):
        if token in (b"[", b"{"):
            line += b"\t"
            out += (token, line)
        elif token in (b"]", b"}"):
            line = line[:-1]
            out += (line, token)
        elif token == b",":
            out += (token, line)
        else:
            out.append(b": " if token == b":" else token)
    return b"".join((*out, b"\n"))


def decode(data: Bytes) -> Any:
    """Parse a block.

    Raises
    ------
    CodecError
        The bytes are no JSON, or hold what has no place in the data model.
    """
    return _json.decode("json", data, links=False)


def _links(data: Bytes) -> Iterator[tuple[Path, CID]]:
    return iter(())


CODEC = Codec("json", 0x0200, encode, decode, _links)
