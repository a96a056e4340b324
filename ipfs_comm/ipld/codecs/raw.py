"""The raw codec: a block that is just bytes.

Specification: ipld.io, codecs, raw.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ipfs_comm.ipld.codecs.base import Bytes, Codec, Path, refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ipfs_comm.ipld.cid import CID

__all__ = ["CODEC", "decode", "encode"]


def encode(value: Any) -> bytes:
    """Return the bytes themselves.

    Raises
    ------
    CodecError
        The value is not bytes-like.
    """
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    raise refusal(
        "raw", "encode", f"the value must be bytes, not {type(value).__name__}; use dag-cbor for structured data"
    )


def decode(data: Bytes) -> bytes:
    """Return the bytes themselves."""
    return bytes(data)


def _links(data: Bytes) -> Iterator[tuple[Path, CID]]:
    return iter(())


CODEC = Codec("raw", 0x55, encode, decode, _links)
