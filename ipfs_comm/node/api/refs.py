"""The verb ``refs`` and what goes with it: the links of DAGs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ipfs_comm.node.api.core import CIDLike
    from ipfs_comm.node.stream import Stream


@dataclass(frozen=True, slots=True)
class RefEntry:
    """One reference, as text; ``err`` says why it could not be followed."""

    ref: str
    err: str = ""


class RefsAPI(Protocol):
    """The links of DAGs."""

    def __call__(
        self,
        paths: CIDLike | Iterable[CIDLike],
        *,
        format: str | None = None,
        edges: bool = False,
        unique: bool = False,
        recursive: bool = False,
        max_depth: int | None = None,
        max_size: int | None = None,
        offline: bool = False,
        timeout: float | None = None,
    ) -> Stream[RefEntry, list[RefEntry]]:
        """List the links of what ``paths`` name, with ``recursive`` those of everything under it."""

    def local(self, *, timeout: float | None = None) -> Stream[RefEntry, list[RefEntry]]:
        """List every block of the repository, by multihash: version 1, codec raw."""
