"""``repo``: the daemon's repository as a whole."""

from __future__ import annotations

import re
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final

from ipfs_comm.errors import DaemonError, HashMismatchError, InvalidCIDError
from ipfs_comm.ipld import CID
from ipfs_comm.node.api import GCResult, RepoStat, VerifyResult
from ipfs_comm.node.api.repo import NO_LIMIT
from ipfs_comm.node.kubo.answers import Said
from ipfs_comm.node.stream import Stream, as_list, deadline

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from ipfs_comm.node.kubo.context import Context

_CORRUPT: Final = re.compile(r"block (\S+) was corrupt \((.*)\)", re.DOTALL)
_COMPLETE: Final = "verify complete"
_FORMAT: Final = "fs-repo@"


class Repo:
    """The repository of a daemon.

    Parameters
    ----------
    context : Context
    """

    def __init__(self, context: Context) -> None:
        self._context = context

    def gc(self, *, quiet: bool = False, timeout: float | None = None) -> Stream[GCResult, list[GCResult]]:
        """Remove every block that no pin and no file of the MFS needs; results come as blocks go."""
        self._context.writing("repo.gc")

        async def removed() -> AsyncGenerator[GCResult, None]:
            async with aclosing(self._context.rpc.lines("repo/gc", silent=quiet or None)) as told:
                async for line in told:
                    said = Said("repo/gc", line)
                    if error := said.text("Error", ""):
                        raise DaemonError(f"repo/gc: {error}")
                    if not quiet:
                        yield GCResult(CID.create(1, "raw", said.cid("Key").multihash))

        return Stream(removed, as_list, timeout=timeout, what="repo.gc")

    async def stat(self, *, size_only: bool = False, timeout: float | None = None) -> RepoStat:
        """Return how many blocks there are and how much room they take; ``size_only`` leaves the count at 0."""
        async with deadline(timeout, "repo.stat"):
            said = Said("repo/stat", await self._context.rpc.call("repo/stat", size_only=size_only or None))
            version = said.text("Version", "") or await self._version()
        return RepoStat(
            said.whole("NumObjects"),
            said.whole("RepoSize"),
            said.text("RepoPath", ""),
            version.removeprefix(_FORMAT),
            min(said.whole("StorageMax"), NO_LIMIT),
        )

    async def version(self, *, timeout: float | None = None) -> str:
        """Return the version of the repository's format."""
        async with deadline(timeout, "repo.version"):
            return await self._version()

    async def _version(self) -> str:
        said: Any = await self._context.rpc.call("repo/version")
        return Said("repo/version", said).text("Version").removeprefix(_FORMAT)

    def verify(
        self, *, progress: Callable[[int], object] | None = None, timeout: float | None = None
    ) -> Stream[VerifyResult, list[VerifyResult]]:
        """Have the daemon read every block and hash it; what is damaged stays where it is."""

        async def damaged() -> AsyncGenerator[VerifyResult, None]:
            found = ended = False
            try:
                async with aclosing(self._context.rpc.lines("repo/verify")) as told:
                    async for line in told:
                        said = Said("repo/verify", line)
                        message = said.text("Msg", "")
                        if done := said.whole("Progress"):
                            if progress is not None:
                                progress(done)
                        elif corrupt := _CORRUPT.match(message):
                            found = True
                            yield _damage(corrupt[1], corrupt[2])
                        ended = ended or _COMPLETE in message
            except DaemonError as error:
                # Kubo ends with an error where anything is damaged; each has been told by then.
                ended = found and _COMPLETE in str(error)
                if not ended:
                    raise
            if not ended:
                raise DaemonError(
                    "repo/verify: the daemon does not say that it has verified everything: blocks are damaged, or "
                    "something between drops what it says at the end"
                )

        return Stream(damaged, as_list, timeout=timeout, what="repo.verify")


def _damage(text: str, why: str) -> VerifyResult:
    try:
        cid = CID.parse(text)
    except InvalidCIDError as error:
        raise DaemonError(f"repo/verify: the daemon tells of a block {text[:80]!r}, which is no CID") from error
    return VerifyResult(cid, HashMismatchError(f"block {cid}: {why}", detail={"cid": str(cid)}))
