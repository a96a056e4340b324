"""The dag-json codec.

Specification: ipld.io, codecs, dag-json.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ipfs_comm.ipld.codecs import _json
from ipfs_comm.ipld.codecs.base import Bytes, Codec, Path, links_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ipfs_comm.ipld.cid import CID

__all__ = ["CODEC", "decode", "encode"]


def encode(value: Any) -> bytes:
    """Return the canonical bytes of a value of the data model.

    Raises
    ------
    CodecError
        The value, or one in it, has no place in the data model.
    """
    return _json.encode("dag-json", value, links=True)


def decode(data: Bytes) -> Any:
    """Parse a block.

    Raises
    ------
    CodecError
        The bytes are no JSON, or hold what has no place in the data model.
    """
    return _json.decode("dag-json", data, links=True)


def _links(data: Bytes) -> Iterator[tuple[Path, CID]]:
    return links_of(decode(data))


CODEC = Codec("dag-json", 0x0129, encode, decode, _links)
