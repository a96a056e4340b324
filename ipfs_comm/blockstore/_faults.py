"""What SQLite's errors mean for the user of a repository."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Final

from ipfs_comm.errors import NoSpaceError, RepositoryError

if TYPE_CHECKING:
    from pathlib import Path

#: What Python's ``sqlite3`` raises; of a damaged database also this, where a message quotes what is no text.
ERRORS: Final = (sqlite3.Error, UnicodeDecodeError)

_FULL: Final = ("SQLITE_FULL", "SQLITE_IOERR_SHMSIZE", "SQLITE_IOERR_SHMMAP")
_REFUSED: Final = ("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH")
_BUSY: Final = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_PROTOCOL")


def is_full(error: Exception) -> bool:
    """Tell whether the disk had no room for what the database was to write."""
    return _name(error).startswith(_FULL)


def translated(path: Path, error: Exception, remedy: str) -> NoSpaceError | RepositoryError:
    """Return the typed error for an error of SQLite.

    Parameters
    ----------
    path : Path
        The database, in the repository's directory.
    error : Exception
        One of `ERRORS`.
    remedy : str
        What to do where the database is damaged.
    """
    name = _name(error)
    detail = {"path": str(path), "sqlite": name}
    if is_full(error):
        return NoSpaceError(
            f"no room left on the disk of the repository {path.parent} for {path.name}: remove files there, or unpin "
            "what is not needed and run repo.gc",
            detail=detail,
        )
    if name.startswith(_REFUSED):
        return RepositoryError(
            f"{path} cannot be opened or written ({error}): make the repository's folder and all files in it writable "
            "for you, choose another place with the environment variable IPFS_COMM_REPO, or keep nothing with "
            'repo=":memory:"',
            detail=detail,
        )
    if name.startswith(_BUSY):
        return RepositoryError(
            f"{path} is kept busy by another process ({error}): end it, or use another repository", detail=detail
        )
    if name.startswith("SQLITE_IOERR"):
        return RepositoryError(
            f"{path} cannot be read or written ({error}, {name}): check the disk, and whether it is full", detail=detail
        )
    return RepositoryError(f"{path} is damaged: {error}. {remedy}", detail=detail)


def _name(error: Exception) -> str:
    # Errors that Python's module raises itself have no name.
    return getattr(error, "sqlite_errorname", "")
