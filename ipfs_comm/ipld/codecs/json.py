"""The json codec: dag-json without links and bytes.

Specification: RFC 8259, written as dag-json is, since blocks are named by their bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ipfs_comm.ipld.codecs import _json
from ipfs_comm.ipld.codecs.base import Bytes, Codec, Path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ipfs_comm.ipld.cid import CID

__all__ = ["CODEC", "decode", "encode"]


def encode(value: Any) -> bytes:
    """Return the canonical bytes of a value of the data model.

    Raises
    ------
    CodecError
        The value, or one in it, has no place in the data model, or is a link or bytes.
    """
    return _json.encode("json", value, links=False)


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
