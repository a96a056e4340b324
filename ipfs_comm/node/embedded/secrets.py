"""What only the owner of a repository may read, by name: files in a folder of its own, or this process's memory.

One file a secret, as in Kubo's keystore: its name is ``key_`` and the secret's name in base32. The folder has mode 0700
and the files 0600; a file that others can read is not used.
"""

from __future__ import annotations

import os
import secrets
import stat
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Final

from ipfs_comm._shown import shown
from ipfs_comm.blockstore import _locks, _repository
from ipfs_comm.errors import InvalidInputError, RepositoryError
from ipfs_comm.ipld import multibase

if TYPE_CHECKING:
    from pathlib import Path


_PREFIX: Final = "key_"


class Secrets(ABC):
    """Secrets by name; blocking, and without a rule for who comes first."""

    @abstractmethod
    def names(self) -> list[str]:
        """Return the names, in no order."""

    @abstractmethod
    def get(self, name: str) -> bytes | None:
        """Return a secret, or None where there is none of that name."""

    @abstractmethod
    def put(self, name: str, content: bytes) -> None:
        """Add or replace a secret, durably."""

    @abstractmethod
    def move(self, old: str, new: str) -> None:
        """Give a secret that is there another name, at once."""

    @abstractmethod
    def delete(self, name: str) -> None:
        """Forget a secret that is there."""

    @abstractmethod
    def damaged(self, name: str, why: object) -> RepositoryError:
        """Return the error of a secret that cannot be read."""


class MemorySecrets(Secrets):
    """Secrets that end with this process.

    Parameters
    ----------
    what : str
        What they are, for errors.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._kept: dict[str, bytes] = {}

    def names(self) -> list[str]:
        """Return the names."""
        return list(self._kept)

    def get(self, name: str) -> bytes | None:
        """Return a secret, or None."""
        return self._kept.get(name)

    def put(self, name: str, content: bytes) -> None:
        """Add or replace a secret."""
        self._kept[name] = content

    def move(self, old: str, new: str) -> None:
        """Give a secret another name."""
        self._kept[new] = self._kept.pop(old)

    def delete(self, name: str) -> None:
        """Forget a secret."""
        del self._kept[name]

    def damaged(self, name: str, why: object) -> RepositoryError:
        """Return the error of a secret that cannot be read."""
        return RepositoryError(f"the {self._what} {shown(name)} is damaged ({why})")


class FolderSecrets(Secrets):
    """Secrets in files that only their owner can read.

    Parameters
    ----------
    folder : Path
        Made at the first secret.
    what : str
        What they are, for errors.
    max_size : int
        Bytes of one that are read.
    """

    def __init__(self, folder: Path, what: str, *, max_size: int) -> None:
        self._folder = folder
        self._what = what
        self._max_size = max_size

    def names(self) -> list[str]:
        """Return the names; files that are no secrets are passed over."""
        try:
            found = [_name_of(entry.name) for entry in os.scandir(self._folder)]
        except FileNotFoundError:
            return []
        except OSError as error:
            _repository.refuse(self._folder, error)
        return [name for name in found if name is not None]

    def get(self, name: str) -> bytes | None:
        """Return a secret, or None.

        Raises
        ------
        RepositoryError
            The file can be read by others.
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
                    f"the {self._what} {shown(name)} in {path} can be read by others (mode "
                    f"{stat.S_IMODE(status.st_mode):04o}): run chmod 600 on it, and make a new one if somebody may "
                    "have read it",
                    detail={"path": str(path)},
                )
            return file.read(self._max_size + 1)

    def put(self, name: str, content: bytes) -> None:
        """Write a secret beside its place and move it there: whoever looks finds a whole one or none."""
        draft = self._folder / f".{secrets.token_hex(8)}.tmp"
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            # What a process that died here left behind is a secret that nobody would ever forget.
            for stale in self._folder.glob(".*.tmp"):
                stale.unlink(missing_ok=True)
            try:
                with open(_locks.open_file(draft, create=True, exclusive=True), "wb") as file:  # noqa: PTH123 (mode)
                    file.write(content)
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
        """Rename the file of a secret."""
        try:
            self._path(old).replace(self._path(new))
            _locks.sync_directory(self._folder)
        except OSError as error:
            _repository.refuse(self._folder, error)

    def delete(self, name: str) -> None:
        """Remove the file of a secret."""
        try:
            self._path(name).unlink(missing_ok=True)
            _locks.sync_directory(self._folder)
        except OSError as error:
            _repository.refuse(self._folder, error)

    def damaged(self, name: str, why: object) -> RepositoryError:
        """Return the error of a secret that cannot be read."""
        path = self._path(name)
        return RepositoryError(
            f"the {self._what} {shown(name)} in {path} is damaged ({why}): restore that file, or remove it",
            detail={"path": str(path)},
        )

    def _path(self, name: str) -> Path:
        return self._folder / (_PREFIX + multibase.encode(name.encode(), "base32")[1:])


def _name_of(file_name: str) -> str | None:
    if not file_name.startswith(_PREFIX):
        return None
    try:
        return multibase.decode("b" + file_name.removeprefix(_PREFIX)).decode()
    except (InvalidInputError, UnicodeDecodeError):
        return None
