"""Paths as a daemon takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ipfs_comm._shown import listed
from ipfs_comm.errors import InvalidPathError, NotSupportedError
from ipfs_comm.node.mfs_path import Place
from ipfs_comm.node.mfs_path import place as parsed
from ipfs_comm.node.target import Target, target

if TYPE_CHECKING:
    from ipfs_comm.node.api import CIDLike

__all__ = ["argument", "place", "refused", "root_or_path", "written"]


def argument(path: CIDLike) -> str:
    """Return a CID or content path as the text that a daemon takes: ``/ipfs/<cid>/a/b``, or ``/ipns/<name>/a/b``.

    Raises
    ------
    InvalidPathError, InvalidCIDError, InvalidNameError
        It is none.
    """
    return written(target(path))


def root_or_path(path: CIDLike) -> str:
    """Return a CID as it is, and any other path as `argument` does: an IPFS Cluster's proxy knows pins by CIDs."""
    wanted = target(path)
    return written(wanted) if wanted.mutable or wanted.segments else str(wanted.start)


def written(wanted: Target) -> str:
    """Return a parsed path as the text that a daemon takes."""
    return "/".join(("", "ipns" if wanted.mutable else "ipfs", str(wanted.start), *wanted.segments))


def place(path: Any) -> Place:
    """Parse a path of the MFS; see ``ipfs_comm.node.mfs_path.place``.

    Raises
    ------
    InvalidPathError
        It is none, or has a name with a slash in it, which Kubo cannot tell from two names.
    """
    found = parsed(path)
    for name in found.names:
        if "/" in name:
            raise InvalidPathError(f"the name {name[:80]!r} has a slash in it, and a Kubo daemon knows no such names")
    return found


def refused(verb: str, **options: object) -> None:
    """Refuse options that Kubo's command does not have; those that are None were not given.

    Raises
    ------
    NotSupportedError
        One was given.
    """
    given = [name for name, value in options.items() if value is not None]
    if given:
        raise NotSupportedError(
            f"{verb}: a Kubo daemon's command has no {listed(given)}: leave that out, or use a node of kind='embedded'",
            detail={"verb": verb, "options": given},
        )
