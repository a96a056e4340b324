"""What a codec is, and what all codecs share: limits and the walk over a value."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, SupportsBytes, TypeAlias

from ipfs_comm.errors import CodecError, InvalidCIDError
from ipfs_comm.ipld.cid import CID

__all__ = ["MAX_DEPTH", "MAX_ITEMS", "Bytes", "Codec", "Path", "links_of", "plain", "refusal"]

#: How deep lists and maps may nest in a block.
MAX_DEPTH: Final = 512
#: How many values a block may hold. A block of 2 MiB cannot hold more; a value in memory that refers to itself many
#: times can.
MAX_ITEMS: Final = 1 << 22

Bytes: TypeAlias = "bytes | bytearray | memoryview"
Path: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Codec:
    """One codec: from values of the IPLD data model to the bytes of a block and back.

    Values are None, bool, int (-2^64 to 2^64 - 1), float, str, bytes, list, dict with str keys, and CID.

    Attributes
    ----------
    name : str
        Multicodec name.
    code : int
        Multicodec code.
    encode : callable
        From a value to the block's bytes; raises CodecError.
    decode : callable
        From the block's bytes to a value; raises CodecError.
    links : callable
        From the block's bytes to an iterator over its links, each with its path in the value; raises CodecError.
    """

    name: str
    code: int
    encode: Callable[[Any], bytes]
    decode: Callable[[Bytes], Any]
    links: Callable[[Bytes], Iterator[tuple[Path, CID]]]


def refusal(codec: str, doing: str, why: str) -> CodecError:
    """Return the error of a codec that cannot go on.

    Parameters
    ----------
    codec : str
        The codec's name.
    doing : str
        ``"encode"`` or ``"decode"``.
    why : str
        What is wrong, and where.
    """
    return CodecError(f"cannot {doing} {codec}: {why}", detail={"codec": codec, "doing": doing})


def links_of(value: Any) -> Iterator[tuple[Path, CID]]:
    """Yield every link in a value with its path, in the order of the value; depth costs no stack."""
    if isinstance(value, CID):
        yield (), value
        return
    pending: list[tuple[Path, Iterator[tuple[str | int, Any]]]] = [((), _children(value))]
    while pending:
        path, children = pending[-1]
        for key, child in children:
            kind = type(child)
            if kind is CID:
                yield (*path, key), child
            elif kind is dict or kind is list:
                pending.append(((*path, key), _children(child)))
                break
        else:
            pending.pop()


def _children(value: Any) -> Iterator[tuple[str | int, Any]]:
    if isinstance(value, dict):
        return iter(value.items())
    if isinstance(value, list):
        return iter(enumerate(value))
    return iter(())


def plain(codec: str, value: Any) -> Any:
    """Return a value of another type as the one of the data model that it stands for, one level deep.

    Subclasses, tuples, mappings, byte buffers and CIDs of other packages are taken; anything else is refused.

    Raises
    ------
    CodecError
        It stands for none.
    """
    if isinstance(value, (tuple, list)):
        return list(value)
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, SupportsBytes):
        try:
            return CID.of(value)
        except InvalidCIDError:
            pass
    raise refusal(
        codec,
        "encode",
        f"a value of type {type(value).__name__} has no place in the data model: "
        "None, bool, int, float, str, bytes, list, dict and CID have",
    )
