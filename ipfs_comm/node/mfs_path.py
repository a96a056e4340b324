"""Paths of the MFS: ``/a/b``, beside ``/ipfs/<cid>/a/b``, which reads from outside it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ipfs_comm.errors import InvalidInputError, InvalidPathError, IPFSCommError
from ipfs_comm.node.target import Target, target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipfs_comm.node.api import CIDLike

#: The most names in one path.
MAX_DEPTH: Final = 512
#: The longest name, in bytes.
MAX_NAME: Final = 4096
#: A name ends at a slash that no backslash precedes, as in js-ipfs; the backslash stays part of it.
_NAME: Final = re.compile(r"(?:\\/|[^/])+")
_OUTSIDE: Final = ("/ipfs/", "/ipns/")


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the MFS.

    Attributes
    ----------
    names : tuple of str
        From the root; empty for the root itself.
    inside : bool
        Whether the path ends with a slash, so that it can only mean a directory.
    """

    names: tuple[str, ...]
    inside: bool = False

    def __str__(self) -> str:
        return "/" + "/".join(self.names)

    @property
    def name(self) -> str:
        """The last name; empty for the root."""
        return self.names[-1] if self.names else ""

    @property
    def parent(self) -> Place:
        """Where it lies."""
        return Place(self.names[:-1])

    def child(self, name: str) -> Place:
        """Return what has this name here."""
        return Place((*self.names, name))

    def holds(self, other: Place) -> bool:
        """Return whether `other` is this place or lies below it."""
        return other.names[: len(self.names)] == self.names


def readable(path: CIDLike, *, offline: bool = False) -> Place | Target:
    """Parse a path to read from: of the MFS, or ``/ipfs/<cid>/…``, or a CID; ``offline`` is kept in a `Target`.

    Raises
    ------
    InvalidPathError, InvalidCIDError
        When it is neither.
    """
    if not isinstance(path, str) or path.startswith(_OUTSIDE):
        return target(path, offline=offline)
    return place(path)


def place(path: Any) -> Place:
    """Parse a path of the MFS. ``.`` and ``..`` are followed, doubled slashes are one.

    Raises
    ------
    InvalidPathError
        When it is empty, does not begin with a slash, is outside the MFS, or beyond the limits.
    """
    if not isinstance(path, str):
        raise InvalidPathError(f"a path of the MFS is a str such as '/a/b', not a {type(path).__name__}")
    if not path.startswith("/"):
        raise InvalidPathError(
            f"paths must start with a leading slash: {path[:80]!r} does not" if path else "paths must not be empty"
        )
    if path.startswith(_OUTSIDE):
        raise InvalidPathError(f"{path[:80]} cannot be changed: copy it into the MFS with files.cp and change the copy")
    names: list[str] = []
    for name in _NAME.findall(path):
        if name == "..":
            del names[-1:]
        elif name != ".":
            names.append(name)
        if len(names) > MAX_DEPTH or len(name) > MAX_NAME:
            raise InvalidPathError(
                f"the path {path[:40]!r}… is too long: at most {MAX_DEPTH} names of {MAX_NAME} characters"
            )
        if "\0" in name:
            raise InvalidPathError(f"the name {name[:80]!r} has a null character, which no name can have")
    return Place(tuple(names), path.endswith("/") and bool(names))


def places(paths: tuple[Any, ...], *, least: int, what: str) -> list[Any]:
    """Return the paths given to a verb that takes several, each alone or in lists.

    Raises
    ------
    InvalidInputError
        When they are fewer than `least`.
    """
    flat: list[Any] = []
    for path in paths:
        flat += path if isinstance(path, list | tuple) else [path]
    if len(flat) < least:
        raise InvalidInputError(
            f"files.{what} needs at least {least} path{'s' if least > 1 else ''}, {len(flat)} given",
            code="ERR_INVALID_PARAMS",
        )
    return flat


def exists_already(place: Place) -> InvalidInputError:
    """Return the error about a name that is taken."""
    return InvalidInputError(
        f"directory already has entry by that name: {place} is there already", code="ERR_ALREADY_EXISTS"
    )


def is_root() -> InvalidInputError:
    """Return the error about the root, which cannot be removed."""
    return InvalidInputError("cannot delete root: remove what is in it", code="ERR_INVALID_PARAMS")


def not_removed(problems: Sequence[IPFSCommError], count: int) -> IPFSCommError:
    """Return the error about those of ``count`` paths that were not removed, of which there is one at least."""
    first = problems[0]
    if count == 1:
        return first
    return type(first)(
        f"{len(problems)} of {count} paths were not removed: {'; '.join(map(str, problems[:5]))}",
        code=first.code,
        detail=first.detail,
    )
