"""The links of a directory that is one node, with their bytes: one changes without the others being encoded again."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import TYPE_CHECKING, overload

from ipfs_comm.ipld.codecs.dag_pb import PBLink, PBNode, encode

if TYPE_CHECKING:
    from collections.abc import Iterator


class Links(Sequence[PBLink]):
    """Links in the order of their names, which never change; made by `of`, `put` and `without`.

    Attributes
    ----------
    size : int
        Bytes that they take in a block.
    names_and_cids : int
        Bytes of their names and CIDs alone.
    tsizes : int
        Cumulative size of what they lead to.
    """

    __slots__ = ("_encoded", "_links", "_names", "names_and_cids", "size", "tsizes")

    def __init__(self, links: list[PBLink], names: list[bytes], encoded: list[bytes]) -> None:
        self._links = links
        self._names = names
        self._encoded = encoded
        self.size = self.names_and_cids = self.tsizes = 0

    @classmethod
    def of(cls, links: Sequence[PBLink]) -> Links:
        """Return these links, those without a name or size with empty ones; in constant time if they are `Links`."""
        if isinstance(links, Links):
            return links
        whole = [PBLink(link.hash, link.name or "", link.tsize or 0) for link in links]
        whole.sort(key=_name)
        made = cls(whole, [_name(link) for link in whole], [encode(PBNode((link,), None)) for link in whole])
        made.size = sum(map(len, made._encoded))
        made.names_and_cids = sum(len(bytes(link.hash)) for link in whole) + sum(map(len, made._names))
        made.tsizes = sum(link.tsize or 0 for link in whole)
        return made

    def _range(self, name: str) -> tuple[int, int]:
        wanted = name.encode("utf-8", "surrogateescape")
        return bisect_left(self._names, wanted), bisect_right(self._names, wanted)

    def find(self, name: str) -> PBLink | None:
        """Return the first link of a name, or None."""
        at, end = self._range(name)
        return self._links[at] if at < end else None

    def put(self, link: PBLink) -> Links:
        """Return these links with one more, in the place of any of its name."""
        return self._with(*self._range(link.name or ""), Links.of([link]))

    def without(self, name: str) -> Links:
        """Return these links without those of a name."""
        return self._with(*self._range(name), Links([], [], []))

    def _with(self, at: int, end: int, other: Links) -> Links:
        made = Links(
            [*self._links[:at], *other._links, *self._links[end:]],
            [*self._names[:at], *other._names, *self._names[end:]],
            [*self._encoded[:at], *other._encoded, *self._encoded[end:]],
        )
        gone = Links.of(self._links[at:end])
        made.size = self.size - gone.size + other.size
        made.names_and_cids = self.names_and_cids - gone.names_and_cids + other.names_and_cids
        made.tsizes = self.tsizes - gone.tsizes + other.tsizes
        return made

    def block(self, data: bytes) -> bytes:
        """Return the dag-pb node of these links and some data."""
        return b"".join((*self._encoded, encode(PBNode((), data))))

    def __len__(self) -> int:
        return len(self._links)

    @overload
    def __getitem__(self, index: int) -> PBLink: ...

    @overload
    def __getitem__(self, index: slice) -> list[PBLink]: ...

    def __getitem__(self, index: int | slice) -> PBLink | list[PBLink]:
        return self._links[index]

    def __iter__(self) -> Iterator[PBLink]:
        return iter(self._links)


def _name(link: PBLink) -> bytes:
    return (link.name or "").encode("utf-8", "surrogateescape")
