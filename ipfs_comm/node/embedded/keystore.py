"""Where the node's private keys are: files in the repository's folder ``keystore``, or this process's memory.

One file a key, as in Kubo's keystore: its name is ``key_`` and the key's name in base32, its content libp2p's
serialization. The folder has mode 0700 and the files 0600; a file that others can read is not used.
"""

from __future__ import annotations

import os
import secrets
import stat
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Final

from ipfs_comm._shown import shown
from ipfs_comm.blockstore import _locks, _repository
from ipfs_comm.errors import InvalidInputError, InvalidNameError, NotFoundError, RepositoryError
from ipfs_comm.ipld import multibase
from ipfs_comm.ipns.keys import MAX_KEY_SIZE, PrivateKey
from ipfs_comm.ipns.name import Name

if TYPE_CHECKING:
    from pathlib import Path

    from ipfs_comm.blockstore._pool import Pool
    from ipfs_comm.blockstore.state import State

#: The name of the key that is the node's own identity.
SELF: Final = "self"
#: Longest name of a key, in bytes of UTF-8: its file's name has 255 at most.
MAX_NAME: Final = 128

_PREFIX: Final = "key_"


class Chest(ABC):
    """Keys by name; blocking, and without a rule for who comes first."""

    @abstractmethod
    def names(self) -> list[str]:
        """Return the names, in no order."""

    @abstractmethod
    def get(self, name: str) -> PrivateKey | None:
        """Return a key, or None where there is none of that name."""

    @abstractmethod
    def put(self, name: str, key: PrivateKey) -> None:
        """Add or replace a key, durably."""

    @abstractmethod
    def move(self, old: str, new: str) -> None:
        """Give a key that is there another name, at once."""

    @abstractmethod
    def delete(self, name: str) -> None:
        """Forget a key that is there."""


class MemoryChest(Chest):
    """Keys that end with this process."""

    def __init__(self) -> None:
        self._keys: dict[str, PrivateKey] = {}

    def names(self) -> list[str]:
        """Return the names."""
        return list(self._keys)

    def get(self, name: str) -> PrivateKey | None:
        """Return a key, or None."""
        return self._keys.get(name)

    def put(self, name: str, key: PrivateKey) -> None:
        """Add or replace a key."""
        self._keys[name] = key

    def move(self, old: str, new: str) -> None:
        """Give a key another name."""
        self._keys[new] = self._keys.pop(old)

    def delete(self, name: str) -> None:
        """Forget a key."""
        del self._keys[name]


class FolderChest(Chest):
    """Keys in files that only their owner can read.

    Parameters
    ----------
    folder : Path
        Made at the first key.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> list[str]:
        """Return the names; files that are no keys are passed over."""
        try:
            found = [_name_of(entry.name) for entry in os.scandir(self._folder)]
        except FileNotFoundError:
            return []
        except OSError as error:
            _repository.refuse(self._folder, error)
        return [name for name in found if name is not None]

    def get(self, name: str) -> PrivateKey | None:
        """Return a key, or None.

        Raises
        ------
        RepositoryError
            The file can be read by others, or is damaged.
        """
        path = self._path(name)
        try:
            fd = _locks.open_file(path, write=False)
        except FileNotFoundError:
            return None
        except OSError as error:
            _repository.refuse(path, error)
        with open(fd, "rb") as file:  # noqa: PTH123 (a descriptor, so that mode and content are of the same file)
            status = os.fstat(file.fileno())
            if os.name == "posix" and status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise RepositoryError(
                    f"the key {shown(name)} in {path} can be read by others (mode {stat.S_IMODE(status.st_mode):04o}): "
                    "run chmod 600 on it, and make a new key if somebody may have read it",
                    detail={"path": str(path)},
                )
            content = file.read(MAX_KEY_SIZE + 1)
        try:
            return PrivateKey.decode(content)
        except InvalidInputError as error:
            raise RepositoryError(
                f"the key {shown(name)} in {path} is damaged ({error}): restore that file, or remove it",
                detail={"path": str(path)},
            ) from None

    def put(self, name: str, key: PrivateKey) -> None:
        """Write a key beside its place and move it there: whoever looks finds a whole one or none."""
        draft = self._folder / f".{secrets.token_hex(8)}.tmp"
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            # What a process that died here left behind is a secret that nobody would ever forget.
            for stale in self._folder.glob(".*.tmp"):
                stale.unlink(missing_ok=True)
            try:
                with open(_locks.open_file(draft, create=True, exclusive=True), "wb") as file:  # noqa: PTH123 (mode)
                    file.write(key.encode())
                    file.flush()
                    os.fsync(file.fileno())
                draft.replace(self._path(name))
            except BaseException:
                draft.unlink(missing_ok=True)
                raise
            _locks.sync_directory(self._folder)
        except OSError as error:
            _repository.refuse(self._folder, error)

    def move(self, old: str, new: str) -> None:
        """Rename the file of a key."""
        try:
            self._path(old).replace(self._path(new))
            _locks.sync_directory(self._folder)
        except OSError as error:
            _repository.refuse(self._folder, error)

    def delete(self, name: str) -> None:
        """Remove the file of a key."""
        try:
            self._path(name).unlink(missing_ok=True)
            _locks.sync_directory(self._folder)
        except OSError as error:
            _repository.refuse(self._folder, error)

    def _path(self, name: str) -> Path:
        return self._folder / (_PREFIX + multibase.encode(name.encode(), "base32")[1:])


def _name_of(file_name: str) -> str | None:
    if not file_name.startswith(_PREFIX):
        return None
    try:
        return multibase.decode("b" + file_name.removeprefix(_PREFIX)).decode()
    except (InvalidInputError, UnicodeDecodeError):
        return None


class Keystore:
    """The keys of one repository, for tasks and processes that change them side by side.

    Parameters
    ----------
    chest : Chest
    state : State
        Of the same repository: its transactions say who comes first.
    pool : Pool
        Where files are read and written.
    read_only : bool
        Whether no key is ever made or changed. Where the node has none of its own yet, it is told by one that ends with
        this process.
    """

    def __init__(self, chest: Chest, state: State, pool: Pool, *, read_only: bool = False) -> None:
        self._chest = chest
        self._state = state
        self._pool = pool
        self._own: PrivateKey | None = None
        self._read_only = read_only
        #: Whether the node's own key is nowhere but in this process, because nothing may be written.
        self.ephemeral = False

    async def own(self) -> PrivateKey:
        """Return the node's own key, made at the first call."""
        if self._own is None:
            found = await self._pool.run(self._chest.get, SELF)
            if found is None and self._read_only:
                found = await self._pool.run(PrivateKey.generate)
                self.ephemeral = True
            elif found is None:
                async with self._state.transaction():
                    found = await self._pool.run(self._chest.get, SELF)
                    if found is None:
                        found = await self._pool.run(PrivateKey.generate)
                        await self._pool.run(self._chest.put, SELF, found)
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
        found = await self._pool.run(self._chest.get, check_name(name))
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
        for name in sorted(await self._pool.run(self._chest.names)):
            key = None if name == SELF else await self._pool.run(self._chest.get, name)
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
        check_name(name, changing=True)
        async with self._state.transaction():
            await self._free(name)
            await self._pool.run(self._chest.put, name, key)

    async def remove(self, name: str) -> PrivateKey:
        """Forget a key and return it.

        Raises
        ------
        InvalidInputError
            It is the node's own.
        NotFoundError
            There is no such key.
        """
        check_name(name, changing=True)
        async with self._state.transaction():
            found = await self.get(name)
            await self._pool.run(self._chest.delete, name)
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
        check_name(old, changing=True)
        check_name(new, changing=True)
        async with self._state.transaction():
            found = await self.get(old)
            if old == new:
                return found, False
            taken = await self._pool.run(self._chest.get, new) is not None
            if not force:
                await self._free(new)
            await self._pool.run(self._chest.move, old, new)
        return found, taken

    async def _free(self, name: str) -> None:
        if await self._pool.run(self._chest.get, name) is not None:
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


def check_name(name: str, *, changing: bool = False) -> str:
    """Return the name of a key, checked; with ``changing`` it must not be the node's own.

    Raises
    ------
    InvalidInputError
        Code ``ERR_INVALID_KEY_NAME``.
    """
    why = ""
    if not isinstance(name, str):
        why = f"it is a {type(name).__name__}, not a str"
    elif not name.strip() or name in (".", ".."):
        why = "it says nothing"
    elif "/" in name or not name.isprintable():
        why = "it holds a slash or characters that cannot be shown"
    elif len(name.encode()) > MAX_NAME:
        why = f"it is longer than {MAX_NAME} bytes"
    elif changing and name == SELF:
        why = "that is the node's own key, which stays what it is"
    if why:
        raise InvalidInputError(f"{shown(name)} cannot be the name of a key here: {why}", code="ERR_INVALID_KEY_NAME")
    return name
