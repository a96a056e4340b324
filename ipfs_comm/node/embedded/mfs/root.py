"""The one root of a repository's MFS: read, and changed so that nobody's change is lost and no crash breaks it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, TypeVar

from ipfs_comm.exchange import FetchContext
from ipfs_comm.ipld import CID
from ipfs_comm.node.embedded.mfs.nodes import Nodes
from ipfs_comm.node.embedded.mfs.tree import Form, Tree
from ipfs_comm.unixfs import ImportOptions
from ipfs_comm.unixfs.builder import Builder
from ipfs_comm.unixfs.directory import make_directory

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ipfs_comm.node.embedded.context import Context

T = TypeVar("T")

#: Where the root is recorded among the records of a repository, for garbage collection too.
SPACE: Final = "mfs"
KEY: Final = "root"
#: Tries without holding the repository's records; after so many, the work is done while everybody else waits.
TRIES: Final = 3
#: Options of ``add`` that are defaults of the MFS too.
_DEFAULTS: Final = ("cid_version", "hash_alg", "shard_split_threshold", "hamt_estimation", "hamt_fanout", "chunker")


class Root:
    """The root of the MFS of one repository, shared with all who have it open.

    A change is worked out on the root as it was found, made durable, and recorded if the root is still the same;
    otherwise it is worked out anew. So blocks are durable before the root leads to them, and slow work keeps nobody
    else waiting.

    Parameters
    ----------
    context : Context
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._turn = asyncio.Lock()
        given = {name: context.defaults[name] for name in _DEFAULTS if context.defaults.get(name) is not None}
        self._base = ImportOptions(**given, leaf_type="raw").resolved()
        self._empty: tuple[CID, bytes] | None = None
        self._nodes = Nodes()

    async def cid(self) -> CID:
        """Return the root as it is recorded; that of an empty directory where nothing is."""
        recorded = await self._context.state.get(SPACE, KEY)
        return (await self._nothing())[0] if recorded is None else CID.decode(recorded)

    async def _nothing(self) -> tuple[CID, bytes]:
        if self._empty is None:
            kept: list[tuple[CID, bytes]] = []

            async def keep(cid: CID, block: bytes) -> None:
                kept.append((cid, block))

            made = await make_directory(Builder(keep, self._base), ())
            self._empty = kept[0] if kept else (made.cid, made.cid.multihash.digest)
        return self._empty

    async def tree(self, form: Form | None = None, root: CID | None = None) -> Tree:
        """Return the tree below a root to change, or below the recorded one to read, where none is given."""
        empty, block = await self._nothing()
        form = form or Form()
        wish = FetchContext(offline=form.offline)

        async def load(cid: CID) -> bytes:
            # Nobody has written the empty directory yet when a repository is new.
            return block if cid == empty else await self._context.load(cid, wish, reading=root is None)

        return Tree(root or await self.cid(), load, self._context.store.put, self._base, form, self._nodes)

    async def change(self, edit: Callable[[Tree], Awaitable[T]], form: Form | None = None) -> T:
        """Change the tree, and return what `edit` returns.

        To be called while garbage collection is kept waiting (``context.keeping``).

        Parameters
        ----------
        edit : coroutine function
            Changes the tree that it is given; called again, with another tree, when somebody else was faster. An
            exception leaves everything as it was.
        form : Form, optional
            How new nodes are made, and whether others are asked.
        """
        state = self._context.state
        async with self._turn:
            for _ in range(TRIES):
                before = await self.cid()
                tree = await self.tree(form, before)
                result = await edit(tree)
                if tree.root == before:
                    return result
                await self._context.store.sync()
                async with state.transaction() as transaction:
                    recorded = await transaction.get(SPACE, KEY)
                    if recorded == bytes(before) or (recorded is None and before == (await self._nothing())[0]):
                        await transaction.put(SPACE, KEY, bytes(tree.root))
                        return result
            async with state.transaction() as transaction:
                recorded = await transaction.get(SPACE, KEY)
                before = (await self._nothing())[0] if recorded is None else CID.decode(recorded)
                tree = await self.tree(form, before)
                result = await edit(tree)
                if tree.root != before:
                    await self._context.store.sync()
                    await transaction.put(SPACE, KEY, bytes(tree.root))
                return result

    async def keep_empty(self) -> None:
        """Store the empty directory, for readers that know nothing of the MFS."""
        cid, block = await self._nothing()
        if not cid.is_identity:
            await self._context.store.put(cid, block)
