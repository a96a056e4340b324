"""What a verb is about: a CID, or a path from a CID or a name, as callers give it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ipfs_comm import dnslink, ipns
from ipfs_comm.errors import InvalidPathError, NotSupportedError
from ipfs_comm.ipld import CID
from ipfs_comm.ipld import path as content_path

if TYPE_CHECKING:
    from ipfs_comm.node.api import CIDLike

__all__ = ["Target", "name_of", "one_cid", "target"]


@dataclass(frozen=True, slots=True)
class Target:
    """What a verb is about: its beginning, segments below it, how the caller wrote it, whether nobody else is asked.

    It begins at a CID, or at a name, which ``Context.settle`` follows.
    """

    start: CID | ipns.Name | str
    segments: tuple[str, ...]
    text: str
    offline: bool = False

    @property
    def mutable(self) -> bool:
        """Whether it begins at a name."""
        return not isinstance(self.start, CID)

    @property
    def root(self) -> CID:
        """The CID that it begins at.

        Raises
        ------
        NotSupportedError
            It begins at a name, and has not been settled.
        """
        if not isinstance(self.start, CID):
            raise NotSupportedError(f"{self.text} is a mutable name, not taken here: ask resolve for it first")
        return self.start

    def check_settled(self) -> None:
        """See that it begins at a CID; raises as `root` does."""
        _ = self.root


def target(path: CIDLike, further: str = "", *, offline: bool = False) -> Target:
    """Parse a CID or content path; ``further`` is a path below it, ``offline`` asks nobody else for its blocks.

    Raises
    ------
    InvalidPathError, InvalidCIDError
        When it is neither.
    InvalidNameError
        For ``/ipns/`` and no name of a key or a domain after it.
    """
    below = content_path.split(further) if further else ()
    parsed = content_path.parse(path if isinstance(path, str) else CID.of(path))
    start = parsed.root if isinstance(parsed.root, CID) else name_of(parsed.root)
    text = path.rstrip("/") if isinstance(path, str) else str(parsed.root)
    return Target(start, (*parsed.segments, *below), "/".join((text, *below)), offline)


def one_cid(value: CIDLike) -> CID:
    """Return the CID that ``value`` stands for; ``/ipfs/<cid>`` will do, a path below it will not.

    Raises
    ------
    InvalidCIDError, InvalidPathError
        When it is none.
    """
    if isinstance(value, str) and value.startswith("/"):
        found = target(value)
        if found.mutable:
            raise NotSupportedError(f"{value} is a mutable name; one CID is needed here: ask resolve for it first")
        if found.segments:
            raise InvalidPathError(f"{value} is a path; one CID is needed here: resolve it first")
        return found.root
    return CID.of(value)


def name_of(text: str) -> ipns.Name | str:
    """Parse what follows ``/ipns/``: a key's name, or a domain as DNS spells it.

    Raises
    ------
    InvalidNameError
        It is neither.
    """
    try:
        return ipns.Name.parse(text)
    except ipns.InvalidNameError:
        if not dnslink.is_domain(text):
            raise
        return dnslink.spelled(text)
