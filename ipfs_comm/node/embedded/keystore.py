"""The node's private keys: secrets of the repository, as libp2p serializes keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfs_comm._shown import shown
from ipfs_comm.errors import InvalidInputError, InvalidNameError, NotFoundError
from ipfs_comm.ipns.keys import PrivateKey
from ipfs_comm.ipns.name import Name
from ipfs_comm.node.secret_names import SELF, check_key_name

if TYPE_CHECKING:
    from ipfs_comm.blockstore._pool import Pool
    from ipfs_comm.blockstore.state import State
    from ipfs_comm.node.embedded.secrets import Secrets


class Keystore:
    """The keys of one repository, for tasks and processes that change them side by side.

    Parameters
    ----------
    kept : Secrets
    state : State
        Of the same repository: its transactions say who comes first.
    pool : Pool
        Where files are read and written.
    read_only : bool
        Whether no key is ever made or changed. Where the node has none of its own yet, it is told by one that ends with
        this process.
    """

    def __init__(self, kept: Secrets, state: State, pool: Pool, *, read_only: bool = False) -> None:
        self._kept = kept
        self._state = state
        self._pool = pool
        self._own: PrivateKey | None = None
        self._read_only = read_only
        #: Whether the node's own key is nowhere but in this process, because nothing may be written.
        self.ephemeral = False

    async def own(self) -> PrivateKey:
        """Return the node's own key, made at the first call."""
        if self._own is None:
            found = await self._pool.run(self._read, SELF)
            if found is None and self._read_only:
                found = await self._pool.run(PrivateKey.generate)
                self.ephemeral = True
            elif found is None:
                async with self._state.transaction():
                    found = await self._pool.run(self._read, SELF)
                    if found is None:
                        found = await self._pool.run(PrivateKey.generate)
                        await self._pool.run(self._kept.put, SELF, found.encode())
            self._own = found
        return self._own

    async def get(self, name: str) -> PrivateKey:
        """Return a key.

        Raises
        ------
        InvalidInputError
            No key can have that name.
        NotFoundError
            There is no such key.
        """
        if name == SELF:
            own = await self.own()
            if self.ephemeral:
                raise NotFoundError(
                    "this repository has no key of its own yet, and a node that was opened read-only keeps none",
                    detail={"name": name},
                )
            return own
        found = await self._pool.run(self._read, check_key_name(name))
        if found is None:
            raise self._missing(name)
        return found

    async def find(self, text: str) -> PrivateKey:
        """Return a key by its name, or else by its ID in any spelling.

        Raises
        ------
        InvalidInputError, NotFoundError
            As for :meth:`get`.
        """
        try:
            return await self.get(text)
        except NotFoundError:
            try:
                wanted = Name.parse(text)
            except InvalidNameError:
                wanted = None
            for _name, key in await self.items() if wanted else ():
                if key.name == wanted:
                    return key
            raise

    async def items(self) -> list[tuple[str, PrivateKey]]:
        """Return names and keys, the node's own first, the others in the order of their names."""
        own = await self.own()
        found = [] if self.ephemeral else [(SELF, own)]
        for name in sorted(await self._pool.run(self._kept.names)):
            key = None if name == SELF else await self._pool.run(self._read, name)
            if key is not None:
                found.append((name, key))
        return found

    async def add(self, name: str, key: PrivateKey) -> None:
        """Add a key under a new name.

        Raises
        ------
        InvalidInputError
            There is one of that name already (code ``ERR_KEY_ALREADY_EXISTS``), or none can have it.
        """
        check_key_name(name, changing=True)
        async with self._state.transaction():
            await self._free(name)
            await self._pool.run(self._kept.put, name, key.encode())

    async def remove(self, name: str) -> PrivateKey:
        """Forget a key and return it.

        Raises
        ------
        InvalidInputError
            It is the node's own.
        NotFoundError
            There is no such key.
        """
        check_key_name(name, changing=True)
        async with self._state.transaction():
            found = await self.get(name)
            await self._pool.run(self._kept.delete, name)
        return found

    async def rename(self, old: str, new: str, *, force: bool) -> tuple[PrivateKey, bool]:
        """Give a key another name; return it, and whether it took the place of another.

        Raises
        ------
        InvalidInputError
            One of the names is the node's own, or another key has the new one and there is no ``force``.
        NotFoundError
            There is no such key.
        """
        check_key_name(old, changing=True)
        check_key_name(new, changing=True)
        async with self._state.transaction():
            found = await self.get(old)
            if old == new:
                return found, False
            taken = await self._pool.run(self._read, new) is not None
            if not force:
                await self._free(new)
            await self._pool.run(self._kept.move, old, new)
        return found, taken

    def _read(self, name: str) -> PrivateKey | None:
        content = self._kept.get(name)
        try:
            return None if content is None else PrivateKey.decode(content)
        except InvalidInputError as error:
            raise self._kept.damaged(name, error) from None

    async def _free(self, name: str) -> None:
        if await self._pool.run(self._read, name) is not None:
            raise InvalidInputError(
                f"there is a key named {shown(name)} already: choose another name, or remove that one with key.rm",
                code="ERR_KEY_ALREADY_EXISTS",
                detail={"key": name},
            )

    def _missing(self, name: str) -> NotFoundError:
        return NotFoundError(
            f"there is no key named {shown(name)}: make one with key.gen, or see key.list for those that are there",
            detail={"key": name},
        )
