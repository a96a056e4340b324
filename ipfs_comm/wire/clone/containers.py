"""Map, Set, sparse Array and FileList: JavaScript's containers where Python's differ."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, MutableMapping, MutableSet
from typing import Any

from ipfs_comm.wire.blob import File
from ipfs_comm.wire.clone.arrays import numpy_scalar
from ipfs_comm.wire.clone.types import MAX_SAFE_INTEGER, BigInt

__all__ = ["FileList", "Map", "Set", "SparseArray", "as_primitive", "joined", "same_value_key"]


class FileList(tuple[File, ...]):
    """A FileList: the files that somebody chose."""

    __slots__ = ()


def joined(text: str) -> str:
    """Return `text` with every two surrogates that make a character as that character, as JavaScript sees them."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    return text


class SparseArray:
    """An Array with holes or with named properties.

    Parameters
    ----------
    length : int
        The array's length; elements that are not in `items` are holes.
    items : dict of int to value, optional
        The elements that exist.
    properties : dict of str to value, optional
        The named properties.
    """

    __slots__ = ("__weakref__", "items", "length", "properties")

    def __init__(
        self, length: int, items: dict[int, Any] | None = None, properties: dict[str, Any] | None = None
    ) -> None:
        self.length = length
        self.items: dict[int, Any] = {} if items is None else items
        self.properties: dict[str, Any] = {} if properties is None else properties

    def __len__(self) -> int:
        return self.length

    def __repr__(self) -> str:
        return f"SparseArray({self.length}, {self.items!r}, {self.properties!r})"


def as_primitive(value: Any) -> str | bool | int | float | None:
    """Return an instance of a subclass of str, int or float, or a scalar of numpy's, as the primitive; else None."""
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int.__int__(value)
    if isinstance(value, float):
        return float.__float__(value)
    return numpy_scalar(value)


def same_value_key(value: Any) -> tuple[str, Any]:
    """Return what is equal for two values exactly when SameValueZero (ECMA-262) holds for them.

    Numbers become text: hashes of text are salted, while anybody can write many numbers of one hash.
    """
    kind = type(value)
    if kind is str:
        return ("s", joined(value))
    if kind is bool:
        return ("b", value)
    if kind is int:
        return ("n" if -MAX_SAFE_INTEGER <= value <= MAX_SAFE_INTEGER else "i", hex(value))
    if kind is float:
        return ("n", hex(int(value)) if value.is_integer() else value.hex())
    if value is None:
        return ("0", None)
    if kind is BigInt:
        return ("i", hex(value))
    plain = as_primitive(value)
    return ("o", id(value)) if plain is None else same_value_key(plain)


class Map(MutableMapping[Any, Any]):
    """A Map: ordered, any value as a key, keys told apart as JavaScript does (objects by identity)."""

    __slots__ = ("__weakref__", "_pairs")

    def __init__(self, pairs: Iterable[tuple[Any, Any]] = ()) -> None:
        self._pairs: dict[tuple[str, Any], tuple[Any, Any]] = {}
        for key, value in pairs:
            self[key] = value

    def __getitem__(self, key: Any) -> Any:
        try:
            return self._pairs[same_value_key(key)][1]
        except KeyError:
            raise KeyError(key) from None

    def __setitem__(self, key: Any, value: Any) -> None:
        self._pairs[same_value_key(key)] = (key, value)

    def __delitem__(self, key: Any) -> None:
        del self._pairs[same_value_key(key)]

    def __contains__(self, key: object) -> bool:
        return same_value_key(key) in self._pairs

    def __iter__(self) -> Iterator[Any]:
        return (key for key, _ in self._pairs.values())

    def __len__(self) -> int:
        return len(self._pairs)

    def __repr__(self) -> str:
        return f"<Map of {len(self)}>"

    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        return self is other


class Set(MutableSet[Any]):
    """A Set: ordered, any value as a member, members told apart as JavaScript does (objects by identity)."""

    __slots__ = ("__weakref__", "_members")

    def __init__(self, members: Iterable[Any] = ()) -> None:
        self._members: dict[tuple[str, Any], Any] = {same_value_key(member): member for member in members}

    def __contains__(self, value: object) -> bool:
        return same_value_key(value) in self._members

    def __iter__(self) -> Iterator[Any]:
        return iter(self._members.values())

    def __len__(self) -> int:
        return len(self._members)

    def add(self, value: Any) -> None:
        """Add `value` unless it is a member."""
        self._members.setdefault(same_value_key(value), value)

    def discard(self, value: Any) -> None:
        """Take `value` away if it is a member."""
        self._members.pop(same_value_key(value), None)

    def __repr__(self) -> str:
        return f"<Set of {len(self)}>"
