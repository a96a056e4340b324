"""The dag-cbor codec.

Specification: ipld.io, codecs, dag-cbor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ipfs_comm.ipld.codecs import _cbor
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
    return _cbor.encode("dag-cbor", value, links=True)


def decode(data: Bytes) -> Any:
    """Parse a block.

    Raises
    ------
    CodecError
        The bytes are not the canonical form of a value.
    """
    return _cbor.decode("dag-cbor", data, links=True)


def _links(data: Bytes) -> Iterator[tuple[Path, CID]]:
    return links_of(decode(data))


CODEC = Codec("dag-cbor", 0x71, encode, decode, _links)
