"""CIDs as they travel: plain objects with the fields of multiformats' CID class.

``{code, version, multihash: {code, size, digest, bytes}, bytes, "/"}``; ``bytes`` and ``/`` are one object, and in
version 0 so is ``multihash.bytes``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ipfs_comm.errors import InvalidCIDError
from ipfs_comm.ipld import CID
from ipfs_comm.rpc.values import bytes_like, missing
from ipfs_comm.wire import clone

#: No CID that anyone makes is longer; an identity CID of more belongs into a block.
MAX_CID_BYTES = 8192
MAX_CID_CHARACTERS = 16384
_IPFS = "/ipfs/"


def cid_of(value: Any) -> CID:
    """Return the CID that a caller of the client means: a CID, its text (``/ipfs/`` before it or not), its bytes.

    Raises
    ------
    InvalidCIDError
        For anything else.
    """
    return CID.parse(value.removeprefix(_IPFS)) if isinstance(value, str) else CID.of(value)


def encode_cid(cid: CID) -> dict[str, Any]:
    """Return ``cid`` in its travelling form; its views look at one buffer, which is its own."""
    raw = bytes(cid)
    multihash = cid.multihash
    length = len(bytes(multihash))
    buffer = clone.ArrayBuffer(raw)
    own = clone.View("Uint8Array", buffer, 0, len(raw))
    hashed = own if cid.version == 0 else clone.View("Uint8Array", buffer, len(raw) - length, length)
    digest = clone.View("Uint8Array", buffer, len(raw) - multihash.size, multihash.size)
    return {
        "code": cid.code,
        "version": cid.version,
        "multihash": {"code": multihash.code, "size": multihash.size, "digest": digest, "bytes": hashed},
        "bytes": own,
        "/": own,
    }


def cid_bytes(value: object) -> bytes | None:
    """Return the bytes of an object that has the shape of a CID, else None."""
    if not isinstance(value, Mapping) or not isinstance(value.get("multihash"), Mapping):
        return None
    for key in ("bytes", "/"):
        raw = bytes_like(value.get(key))
        if raw is not None and len(raw) <= MAX_CID_BYTES:
            return bytes(raw)
    return None


def decode_cid(value: object, what: str = "cid") -> CID:
    """Return the CID that ``value`` stands for: the travelling form, its text (``/ipfs/`` before it or not), its bytes.

    Raises
    ------
    InvalidCIDError
        For anything else.
    """
    if missing(value):
        raise InvalidCIDError(f"{what} is missing: give a CID, its text or its bytes")
    if isinstance(value, str):
        if len(value) > MAX_CID_CHARACTERS:
            raise InvalidCIDError(f"{what} has {len(value)} characters, which no CID has")
        return CID.parse(value.removeprefix(_IPFS))
    raw: Any = bytes_like(value)
    if raw is None:
        raw = cid_bytes(value)
    if raw is None:
        raise InvalidCIDError(
            f"{what} is a {type(value).__name__} without the members of a CID: give a CID, its text or its bytes"
        )
    if len(raw) > MAX_CID_BYTES:
        raise InvalidCIDError(f"{what} has {len(raw)} bytes, which no CID has")
    return CID.decode(bytes(raw))


def decode_path(value: object, what: str = "path") -> CID | str:
    """Return a CID, or the text of a path, that ``value`` stands for.

    Raises
    ------
    InvalidCIDError
        For anything else.
    """
    if isinstance(value, str):
        if len(value) > MAX_CID_CHARACTERS:
            raise InvalidCIDError(f"{what} has {len(value)} characters: at most {MAX_CID_CHARACTERS}")
        return value
    return decode_cid(value, what)
