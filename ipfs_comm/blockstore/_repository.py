"""A repository's directory: whose it is, and which format it has."""

from __future__ import annotations

import errno
import json
import os
import stat
from typing import TYPE_CHECKING, Final, NoReturn

from ipfs_comm.blockstore._locks import sync_directory
from ipfs_comm.errors import NoSpaceError, RepositoryError

if TYPE_CHECKING:
    from pathlib import Path

#: The format that this code writes.
FORMAT: Final = 1
#: The oldest code that may read, and that may write, what this code writes, by the format it knows.
OLDEST_READER: Final = 1
OLDEST_WRITER: Final = 1

_VERSION_LIMIT: Final = 4096


def prepare(directory: Path) -> None:
    """Make the directory if need be (mode 0700), and check that it can be used.

    It must be ours, writable by nobody else, and of a format that this code may write.

    Raises
    ------
    RepositoryError
        It cannot be used; the message says why, where and what to do. Nothing was written then.
    """
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        directory.mkdir(mode=0o700, exist_ok=True)
        status = directory.stat()
    except OSError as error:
        refuse(directory, error)
    _check_owner(directory, status)
    version = directory / "version"
    try:
        with version.open("rb") as file:
            text = file.read(_VERSION_LIMIT)
    except FileNotFoundError:
        text = b""
    except OSError as error:
        refuse(directory, error)
    if text:
        _check_version(directory, text)
    if not os.access(directory, os.W_OK | os.X_OK):
        refuse(directory, PermissionError(errno.EACCES, "the directory is read-only"))
    if not text:
        _write_version(directory, version)


def refuse(directory: Path, error: OSError) -> NoReturn:
    """Raise the typed error for an operating system error about this repository."""
    detail = {"path": str(directory)}
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC), errno.EFBIG):
        raise NoSpaceError(
            f"no room left on the disk of the repository {directory}: remove files or blocks there, or choose "
            f"another place with IPFS_COMM_REPO",
            detail=detail,
        ) from error
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        raise RepositoryError(
            f"the repository {directory} cannot be written ({error.strerror}): make it writable for you, choose "
            f"another place with the environment variable "
            'IPFS_COMM_REPO, or keep nothing with repo=":memory:"',
            detail=detail,
        ) from error
    raise RepositoryError(f"the repository {directory} cannot be used: {error}", detail=detail) from error


def _check_owner(directory: Path, status: os.stat_result) -> None:
    if not stat.S_ISDIR(status.st_mode):
        raise RepositoryError(f"the repository {directory} is no directory", detail={"path": str(directory)})
    geteuid = getattr(os, "geteuid", None)
    if geteuid is None:
        return
    if status.st_uid != geteuid():
        raise RepositoryError(
            f"the repository {directory} belongs to user {status.st_uid}, not to you ({geteuid()}): use a "
            f"directory of your own",
            detail={"path": str(directory)},
        )
    if status.st_mode & 0o022:
        raise RepositoryError(
            f"the repository {directory} can be written by others (mode {stat.S_IMODE(status.st_mode):04o}): "
            f"run chmod go-w {directory}",
            detail={"path": str(directory)},
        )


def _check_version(directory: Path, text: bytes) -> None:
    try:
        found = json.loads(text)
        written, reader, writer = (int(found[key]) for key in ("format", "oldest_reader", "oldest_writer"))
    except (ValueError, KeyError, TypeError):
        raise RepositoryError(
            f"{directory / 'version'} is damaged: restore it, or use another directory", detail={"path": str(directory)}
        ) from None
    if reader > FORMAT or writer > FORMAT:
        raise RepositoryError(
            f"the repository {directory} has format {written}, which only newer versions of ipfs-comm can "
            f"{'read' if reader > FORMAT else 'write'}; this one knows "
            f"format {FORMAT}. Upgrade with: pip install --upgrade ipfs-comm",
            detail={"path": str(directory), "format": written, "known": FORMAT},
        )


def _write_version(directory: Path, version: Path) -> None:
    text = json.dumps({"format": FORMAT, "oldest_reader": OLDEST_READER, "oldest_writer": OLDEST_WRITER}) + "\n"
    # Two processes may do this at the same time; both write the same.
    draft = directory / f"version.{os.getpid()}.tmp"
    try:
        with draft.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(version)
        sync_directory(directory)
    except OSError as error:
        draft.unlink(missing_ok=True)
        refuse(directory, error)
