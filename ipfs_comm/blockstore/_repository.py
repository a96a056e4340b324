"""A repository's directory: whose it is, which format it has, and that nobody changes either while it is open."""

from __future__ import annotations

import errno
import os
import stat
import time
from typing import TYPE_CHECKING, Final, NoReturn

from ipfs_comm.blockstore import _locks
from ipfs_comm.blockstore._lease import Lease
from ipfs_comm.blockstore._migrate import Version, check_steps, migrate, read_version, write_version
from ipfs_comm.blockstore._network import network_type
from ipfs_comm.errors import NoSpaceError, RepositoryError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

#: The format that this code writes.
FORMAT: Final = 2
#: The oldest code that may read, and that may write, what this code writes, by the format it knows.
OLDEST_READER: Final = 2
OLDEST_WRITER: Final = 2

#: What tells a repository, also one whose making was interrupted.
_SIGNS: Final = ("version", "index.sqlite", "segments")
#: Seconds to wait for another process that is making or migrating the repository.
PATIENCE: Final = 30.0


class Hold:
    """One opener's share in a repository: while it lasts nobody migrates it, and no other host writes it.

    Made by `enter`.

    Parameters
    ----------
    directory : Path
    lease : Lease, optional
        Where the repository is on a network file system; ended with this share.
    """

    def __init__(self, directory: Path, lease: Lease | None) -> None:
        self.directory = directory
        self._lease = lease
        self._network = lease is not None
        self._path = directory / "repo.lock"
        self._lock: int | None = None
        self._give_back: Callable[[int], None] | None = None

    @property
    def network(self) -> bool:
        """Whether the repository is on a network file system."""
        return self._network

    def verify(self) -> None:
        """See, before something is committed, that the repository is this host's still.

        Raises
        ------
        RepositoryError
            Another host has it now.
        """
        if self._lease is not None:
            try:
                self._lease.verify()
            except OSError as error:
                refuse(self.directory, error)

    def share(self) -> None:
        """Wait until nobody has the repository alone, and be one of those who use it.

        Raises
        ------
        RepositoryError
            Somebody has it alone for too long.
        """
        lock = self._open()
        if not _locks.waited(lambda: _locks.try_lock_shared(lock), within=PATIENCE):
            raise _locks.too_long(self._path, PATIENCE)
        self._give_back = _locks.unlock_shared

    def alone(self, *, within: float) -> bool:
        """Be the only one who uses the repository; False where others do for that many seconds."""
        self._unlock()
        lock = self._open()
        if not _locks.waited(lambda: _locks.try_lock(lock), within=within):
            return False
        self._give_back = _locks.unlock
        return True

    def stands(self) -> bool:
        """Tell whether the host has the repository still, now that this process uses it."""
        return self._lease is None or self._lease.present()

    def leave(self) -> None:
        """Give the share back."""
        lease, self._lease = self._lease, None
        try:
            if lease is not None:
                # The last of its host's processes ends the lease.
                lease.leave(lambda: self.alone(within=0))
        finally:
            self._unlock()
            lock, self._lock = self._lock, None
            if lock is not None:
                os.close(lock)

    def _open(self) -> int:
        if self._lock is None:
            self._lock = _locks.open_file(self._path, create=True)
        return self._lock

    def _unlock(self) -> None:
        give_back, self._give_back = self._give_back, None
        if give_back is not None and self._lock is not None:
            give_back(self._lock)


def enter(directory: Path, stopped: Callable[[float], bool] | None = None, *, create: bool = True) -> Hold:
    """Make the directory if need be (mode 0700), check that it can be used, and take a share in it.

    It must be ours, writable by nobody else, of a format that this code may write or can migrate, and on a network file
    system no other host's. Blocks; on a network file system for as long as it takes to see whether its holder is gone.

    Parameters
    ----------
    directory : Path
    stopped : callable, optional
        Waits for that many seconds; True where the caller has no use for the repository any more.
    create : bool
        Make a repository where there is none.

    Raises
    ------
    RepositoryError
        There is none, and none is to be made (code ``ERR_NO_REPO``), or it cannot be used; the message says why, where
        and what to do. Nothing was written then.
    """
    try:
        if create:
            directory.parent.mkdir(parents=True, exist_ok=True)
            directory.mkdir(mode=0o700, exist_ok=True)
        elif not any(os.path.lexists(directory / name) for name in _SIGNS):
            raise RepositoryError(
                f"there is no repository at {directory}, and one that is opened read-only is not made: check the "
                'place, open it once with read_only=False, or keep nothing with repo=":memory:"',
                code="ERR_NO_REPO",
                detail={"path": str(directory)},
            )
        _check_owner(directory, directory.stat())
        # Nothing is written before this is known.
        _check_version(directory, read_version(directory))
        if not os.access(directory, os.W_OK | os.X_OK):
            refuse(directory, PermissionError(errno.EACCES, "the directory is read-only"))
        kind = network_type(directory)
        while (hold := _attempt(directory, kind, stopped or _asleep)) is None:
            pass
        return hold
    except OSError as error:
        refuse(directory, error)


def _asleep(seconds: float) -> bool:
    time.sleep(seconds)
    return False


def _attempt(directory: Path, kind: str | None, stopped: Callable[[float], bool]) -> Hold | None:
    """Take a share; None where somebody else changed what was found, and all is to be looked at again."""
    hold = Hold(directory, None if kind is None else Lease.take(directory, kind, stopped))
    try:
        hold.share()
        found = read_version(directory)
        _check_version(directory, found)
        if found is None or found.format < FORMAT:
            if _bring_up(hold, found):
                hold.leave()
                return None
            hold.share()
        # The host's last process before us may have ended the lease while we came.
        if not hold.stands():
            hold.leave()
            return None
    except BaseException:
        hold.leave()
        raise
    return hold


def _bring_up(hold: Hold, found: Version | None) -> bool:
    """Have a version file of our format; False where that must wait and need not be."""
    directory, known = hold.directory, Version(FORMAT, OLDEST_READER, OLDEST_WRITER)
    # Code that writes what is there now may also write what we write, and we what it writes.
    can_wait = found is not None and found.oldest_writer >= OLDEST_WRITER
    if found is not None:
        check_steps(directory, found, known)
    if not hold.alone(within=0 if can_wait else PATIENCE):
        if can_wait:
            return False
        raise RepositoryError(
            f"the repository {directory} "
            + ("has no version file" if found is None else f"is to be brought from format {found.format} to {FORMAT}")
            + ", which only one process alone can do, and another one has it open: end it, and open the repository "
            "once more",
            detail={"path": str(directory)},
        )
    # Somebody else may have been faster.
    if read_version(directory) == found:
        if found is None:
            write_version(directory, known)
        else:
            migrate(directory, found, known)
    return True


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
    if error.errno in (errno.ENOLCK, getattr(errno, "EOPNOTSUPP", errno.ENOLCK), errno.ENOSYS):
        raise RepositoryError(
            f"the file system of the repository {directory} cannot do what is needed ({error.strerror}), most likely "
            f"lock files: choose a local disk with IPFS_COMM_REPO",
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


def _check_version(directory: Path, found: Version | None) -> None:
    if found is None or (found.oldest_reader <= FORMAT and found.oldest_writer <= FORMAT):
        return
    what = "read" if found.oldest_reader > FORMAT else "write"
    has = f"has format {found.format}"
    if found.format < found.oldest_reader:
        has = f"is being brought from format {found.format} to {found.oldest_reader}"
    raise RepositoryError(
        f"the repository {directory} {has}, which only newer versions of ipfs-comm can {what}; this one knows format "
        f"{FORMAT}. Upgrade with: pip install --upgrade ipfs-comm",
        detail={"path": str(directory), "format": found.format, "known": FORMAT},
    )
