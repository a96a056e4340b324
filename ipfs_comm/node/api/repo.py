"""The namespace ``repo``: the repository as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from ipfs_comm.errors import IPFSCommError
    from ipfs_comm.ipld import CID
    from ipfs_comm.node.stream import Stream


#: ``storage_max`` where there is no limit: the largest whole number of JavaScript.
NO_LIMIT: Final = 2**53 - 1


@dataclass(frozen=True, slots=True)
class GCResult:
    """One block that garbage collection removed, by its multihash: version 1, codec raw."""

    cid: CID
    err: IPFSCommError | None = None


@dataclass(frozen=True, slots=True)
class RepoStat:
    """The size of a repository; sizes in bytes. Where it has no limit ``storage_max`` is `NO_LIMIT`."""

    num_objects: int
    repo_size: int
    repo_path: str
    version: str
    storage_max: int


@dataclass(frozen=True, slots=True)
class VerifyResult:
    """One block that is not what its CID says, or cannot be read; ``error`` says why."""

    cid: CID
    error: IPFSCommError


class RepoAPI(Protocol):
    """The repository as a whole."""

    def gc(self, *, quiet: bool = False, timeout: float | None = None) -> Stream[GCResult, list[GCResult]]:
        """Remove every block that no pin and no file of the MFS needs; ``quiet`` tells of none."""

    async def stat(self, *, size_only: bool = False, timeout: float | None = None) -> RepoStat:
        """Return how many blocks there are and how much room they take; ``size_only`` leaves the count at 0."""

    async def version(self, *, timeout: float | None = None) -> str:
        """Return the version of the repository's format."""

    def verify(
        self, *, progress: Callable[[int], object] | None = None, timeout: float | None = None
    ) -> Stream[VerifyResult, list[VerifyResult]]:
        """Read every block and hash it: whatever is damaged comes as a result, nothing comes where all is well."""
