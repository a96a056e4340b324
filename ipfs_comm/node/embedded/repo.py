"""``repo``: gc, stat, version, verify."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Final

from ipfs_comm.errors import HashMismatchError, InvalidInputError, IPFSCommError, NotFoundError, UnknownHashError
from ipfs_comm.ipld import CID, multihash
from ipfs_comm.node.api import GCResult, RepoStat, VerifyResult
from ipfs_comm.node.api.repo import NO_LIMIT
from ipfs_comm.node.embedded import gc
from ipfs_comm.node.embedded.ident import REPO_VERSION
from ipfs_comm.node.stream import Stream, as_list, deadline

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from ipfs_comm.node.embedded.context import Context

#: Blocks hashed at once.
_BATCH: Final = 16


class Repo:
    """The repository of the embedded node.

    Parameters
    ----------
    context : Context
    path : str
        Where it is, for people to read.
    """

    def __init__(self, context: Context, path: str) -> None:
        self._context = context
        self._path = path

    def gc(self, *, quiet: bool = False, timeout: float | None = None) -> Stream[GCResult, list[GCResult]]:
        """Remove every block that no root needs: no pin and no file of the MFS.

        It waits for all calls, of this process and of others, that are writing blocks; those that begin meanwhile
        wait for it. Results come when all is done.

        Parameters
        ----------
        quiet : bool
            Give no results.
        timeout : float, optional
            Seconds for the whole; blocks that were removed before the time was over stay removed.

        Returns
        -------
        Stream of GCResult
            The blocks that were removed.

        Raises
        ------
        NotFoundError
            A block that a pin needs is not in the repository; nothing was removed then.
        """
        return Stream(lambda: self._gc(quiet), as_list, timeout=timeout, what="repo.gc")

    async def _gc(self, quiet: bool) -> AsyncGenerator[GCResult, None]:
        removed = await gc.collect(self._context)
        if not quiet:
            for cid in removed:
                yield GCResult(cid)

    async def stat(self, *, size_only: bool = False, timeout: float | None = None) -> RepoStat:
        """Return how many blocks there are and how much room they take.

        Parameters
        ----------
        size_only : bool
            Do not count blocks; the number is 0 then.
        timeout : float, optional
            Seconds.
        """
        async with deadline(timeout, "repo.stat"):
            usage = await self._context.store.usage(count=not size_only)
        limit = self._context.store.storage_max
        return RepoStat(usage.blocks, usage.size, self._path, REPO_VERSION, NO_LIMIT if limit is None else limit)

    async def version(self, *, timeout: float | None = None) -> str:
        """Return the version of the repository's format."""
        async with deadline(timeout, "repo.version"):
            return REPO_VERSION

    def verify(
        self, *, progress: Callable[[int], object] | None = None, timeout: float | None = None
    ) -> Stream[VerifyResult, list[VerifyResult]]:
        """Read every block and hash it, after a look at what is kept about blocks and roots.

        Parameters
        ----------
        progress : callable, optional
            Called with the number of blocks so far.
        timeout : float, optional
            Seconds until any one result.

        Returns
        -------
        Stream of VerifyResult
            Those that are damaged; none where all is well. Adding a block's content again makes it whole.

        Raises
        ------
        RepositoryError
            The index of the blocks, or the records of pins, keys and the MFS, are damaged; the message says what to do.
        """
        return Stream(lambda: self._verify(progress), as_list, timeout=timeout, what="repo.verify")

    async def _verify(self, progress: Callable[[int], object] | None) -> AsyncGenerator[VerifyResult, None]:
        await self._context.store.verify()
        await self._context.state.verify()
        done = 0
        batch: list[CID] = []
        async with aclosing(self._context.store.cids()) as cids:
            async for cid in cids:
                batch.append(cid)
                if len(batch) < _BATCH:
                    continue
                for result in await self._damaged(batch):
                    yield result
                done += len(batch)
                batch.clear()
                if progress is not None:
                    progress(done)
        for result in await self._damaged(batch):
            yield result
        if progress is not None:
            progress(done + len(batch))

    async def _damaged(self, cids: list[CID]) -> list[VerifyResult]:
        found: list[VerifyResult] = []
        for cid in cids:
            try:
                block = await self._context.store.get(cid)
            except NotFoundError:
                # Removed since it was listed.
                continue
            except IPFSCommError as error:
                found.append(VerifyResult(cid, error))
                continue
            wrong = await self._context.pool.run(_checked, cid, block)
            if wrong is not None:
                found.append(VerifyResult(cid, wrong))
        return found


def _checked(cid: CID, block: bytes) -> IPFSCommError | None:
    try:
        multihash.verify(cid.multihash, block)
    except UnknownHashError:
        # Nothing here can compute it; the store's checksum has vouched for it.
        return None
    except (HashMismatchError, InvalidInputError) as error:
        return error
    return None
