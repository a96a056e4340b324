"""What a CARv1 is made of: a header with the roots, and sections of a CID and its block, each with its length.

Specification: ipld.io, specs, transport, CARv1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ipfs_comm.errors import CodecError, InvalidInputError, LimitError
from ipfs_comm.ipld import varint
from ipfs_comm.ipld.cid import CID
from ipfs_comm.ipld.codecs import dag_cbor

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Most bytes of a header, and of one section (CID and block); go-car's limit for sections.
MAX_HEADER: Final = 1024 * 1024
MAX_SECTION: Final = 8 * 1024 * 1024


def refusal(reason: str) -> CodecError:
    """Return the error for a file that cannot be read."""
    return CodecError(f"cannot read the CAR: {reason}", detail={"codec": "car"})


def header(roots: Iterable[CID]) -> bytes:
    """Return the header of a CARv1, with its length in front.

    Parameters
    ----------
    roots : iterable of CID
        In this order; there may be none.

    Raises
    ------
    InvalidInputError
        A root is no CID.
    LimitError
        The roots take more than `MAX_HEADER` bytes, so that nobody would read them.
    """
    listed = list(roots)
    for root in listed:
        if not isinstance(root, CID):
            raise InvalidInputError(f"a root of a CAR is a CID, not a {type(root).__name__}: make one with CID.of")
    encoded = dag_cbor.encode({"roots": listed, "version": 1})
    if len(encoded) > MAX_HEADER:
        raise LimitError(
            f"the header of a CAR with {len(listed)} roots has {len(encoded)} bytes: at most {MAX_HEADER}; write "
            "several CARs, or link the roots from one node",
            detail={"limit": MAX_HEADER},
        )
    return varint.encode(len(encoded)) + encoded


def section(cid: CID, block: bytes) -> bytes:
    """Return one section: its length, the CID, the block.

    Raises
    ------
    LimitError
        CID and block take more than `MAX_SECTION` bytes, so that nobody would read them.
    """
    name = bytes(cid)
    size = len(name) + len(block)
    if size > MAX_SECTION:
        raise LimitError(
            f"block {str(cid)[:200]} and its CID take {size} bytes of a CAR: at most {MAX_SECTION}",
            detail={"limit": MAX_SECTION},
        )
    return b"".join((varint.encode(size), name, block))


def parse_header(encoded: bytes) -> dict[str, Any]:
    """Return the map in a header, with a ``version`` that can be read; raises CodecError."""
    try:
        found = dag_cbor.decode(encoded)
    except CodecError as error:
        raise refusal(f"its header is no dag-cbor: {error}") from error
    if not isinstance(found, dict):
        raise refusal("its header is no map")
    version = found.get("version")
    if type(version) is not int or version not in (1, 2):
        raise refusal(f"invalid version: {str(version)[:80]}; 1 and 2 can be read")
    return found


def parse_section(content: bytes, at: int) -> tuple[CID, bytes]:
    """Return the CID and the block of a section that begins at byte `at` of the file; raises CodecError."""
    try:
        cid, start = CID.decode_first(content)
    except InvalidInputError as error:
        raise refusal(f"the section at byte {at} begins with no CID: {error}") from error
    return cid, content[start:]
