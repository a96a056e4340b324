"""Which host writes a repository on a network file system: the one that its lease names.

Locks and memory are not to be trusted between hosts there. So one host at a time has the repository, and all of its
processes share it. The file ``lease`` says who; they write it anew every few seconds. Who finds another host's lease
watches it: when it changes, that host is alive, which is an error that names it; when it does not for long enough *by
the watcher's own clock*, its host is gone and the lease is taken. Clocks of different hosts are never compared. Nobody
can keep a host that slept through all that from waking up, so every commit looks first whether the lease is still its
own.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from ipfs_comm.blockstore import _locks
from ipfs_comm.blockstore._pool import HAVE_THREADS
from ipfs_comm.errors import RepositoryError

if TYPE_CHECKING:
    from collections.abc import Callable

#: Seconds between two signs of life, and without one after which a host is held to be gone.
RENEWAL: Final = 5.0
STALE: Final = 30.0
#: Seconds between two looks at another host's lease, and from taking a stale one to being sure that nobody else has.
LOOK: Final = 0.5
SETTLING: Final = 1.0
#: Bytes of the file, whatever it says: one write replaces all of it.
_SIZE: Final = 1024
_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Host:
    """A machine since its last start: its name for people, and what distinguishes it from all others."""

    name: str
    identity: str


def this_host() -> Host:
    """Return who we are; containers on one kernel are one host, whose locks work between them."""
    try:
        identity = _BOOT.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        identity = f"{sys.platform} {uuid.getnode():012x} {socket.gethostname()}"
    return Host(socket.gethostname()[:200], identity)


@dataclass(frozen=True, slots=True)
class Holder:
    """What a lease says."""

    host: Host
    pid: int
    since: str


class Lease:
    """A process's share in its host's lease; made by `take`.

    Parameters
    ----------
    directory : Path
        The repository.
    kind : str
        Its file system, for people to read.
    """

    def __init__(self, directory: Path, kind: str) -> None:
        self._directory = directory
        self._kind = kind
        self._path = directory / "lease"
        self._host = this_host()
        self._since = datetime.now(UTC).isoformat(timespec="seconds")
        # One at a time looks and writes.
        self._turn = threading.Lock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._renewed = time.monotonic()

    @classmethod
    def take(cls, directory: Path, kind: str, stopped: Callable[[float], bool]) -> Self:
        """Have the lease for this host, waiting for a holder that seems gone.

        Parameters
        ----------
        directory, kind
            See the class.
        stopped : callable
            Waits for that many seconds; True where nobody wants the lease any more.

        Raises
        ------
        RepositoryError
            Another host holds it; the message names it.
        OSError
            It cannot be read or written.
        """
        lease = cls(directory, kind)
        lease._acquire(stopped)
        lease._start()
        return lease

    def _acquire(self, stopped: Callable[[float], bool]) -> None:
        seen: bytes | None = None
        since = time.monotonic()
        while True:
            text = self._read()
            if text is None:
                if self._create():
                    return
                continue
            holder = _parsed(text)
            if holder is not None and holder.host.identity == self._host.identity:
                self._since = holder.since
                self._write()
                return
            if text != seen:
                # What cannot be read is being written, or was when its writer ended.
                if seen is not None and holder is not None:
                    raise self._held_by(holder)
                seen, since = text, time.monotonic()
            elif time.monotonic() - since >= STALE:
                self._replace()
                seen = None
                # Whoever else took it at the same time has written over ours, or finds ours.
                if stopped(SETTLING):
                    raise self._given_up()
                continue
            if stopped(LOOK):
                raise self._given_up()

    def _start(self) -> None:
        if HAVE_THREADS:
            self._thread = threading.Thread(target=self._renew, name="ipfs_comm-lease", daemon=True)
            self._thread.start()

    def _renew(self) -> None:
        while not self._ended.wait(RENEWAL):
            # A file system that does not answer now may do so at the next turn; commits will tell.
            with suppress(OSError), self._turn:
                if self._is_mine(self._read()):
                    self._write()

    def verify(self) -> None:
        """See that the lease is this host's still.

        Raises
        ------
        RepositoryError
            It is not: this host gave no sign of life for too long, and another one took it.
        OSError
            It cannot be read.
        """
        with self._turn:
            text = self._read()
            if not self._is_mine(text):
                raise self._lost(text)
            if time.monotonic() - self._renewed > RENEWAL * 2:
                self._write()

    def present(self) -> bool:
        """Tell whether the lease is there and this host's."""
        with self._turn:
            return self._is_mine(self._read())

    def leave(self, last: Callable[[], bool]) -> None:
        """End this process's share, and the lease itself where ``last`` says that the host has no other process."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
        if last() and self.present():
            self._path.unlink(missing_ok=True)

    def _is_mine(self, text: bytes | None) -> bool:
        holder = None if text is None else _parsed(text)
        return holder is not None and holder.host.identity == self._host.identity

    def _read(self) -> bytes | None:
        try:
            with self._path.open("rb") as file:
                return file.read(_SIZE)
        except FileNotFoundError:
            return None

    def _text(self) -> bytes:
        said = {
            "host": self._host.name,
            "identity": self._host.identity,
            "pid": os.getpid(),
            "since": self._since,
            "sign": uuid.uuid4().hex,
        }
        return json.dumps(said).encode().ljust(_SIZE - 1) + b"\n"

    def _create(self) -> bool:
        try:
            fd = _locks.open_file(self._path, create=True, exclusive=True)
        except FileExistsError:
            return False
        self._write_to(fd)
        return True

    def _write(self) -> None:
        self._write_to(_locks.open_file(self._path))
        self._renewed = time.monotonic()

    def _replace(self) -> None:
        draft = self._path.with_name(f"lease.{uuid.uuid4().hex}.tmp")
        try:
            self._write_to(_locks.open_file(draft, create=True, exclusive=True))
            draft.replace(self._path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise

    def _write_to(self, fd: int) -> None:
        try:
            _locks.write_at(fd, (self._text(),), 0)
            os.fsync(fd)
        finally:
            os.close(fd)

    def _held_by(self, holder: Holder) -> RepositoryError:
        return RepositoryError(
            f"the repository {self._directory} is on a network file system ({self._kind}), where one host at a time "
            f"can use it, and host {holder.host.name} (process {holder.pid}) has it since {holder.since}: close it "
            f"there, or use another repository with IPFS_COMM_REPO. Should that host be gone, its hold ends by itself "
            f"{STALE:g} s after its last sign of life: try again then",
            detail={**self._detail(), "host": holder.host.name, "pid": holder.pid, "since": holder.since},
        )

    def _lost(self, text: bytes | None) -> RepositoryError:
        holder = None if text is None else _parsed(text)
        now = "nobody" if holder is None else f"host {holder.host.name} (process {holder.pid}), since {holder.since},"
        return RepositoryError(
            f"the repository {self._directory} is not this host's any more: it gave no sign of life for {STALE:g} s on "
            f"the network file system ({self._kind}), and {now} has it now. What was not acknowledged is not kept: "
            "close the node, and open it once more where nobody else uses it",
            detail=self._detail() if holder is None else {**self._detail(), "host": holder.host.name},
        )

    def _given_up(self) -> RepositoryError:
        return RepositoryError(
            f"opening the repository {self._directory} was given up while it waited for the host that has it",
            detail=self._detail(),
        )

    def _detail(self) -> dict[str, Any]:
        return {"path": str(self._directory), "file_system": self._kind}


def _parsed(text: bytes) -> Holder | None:
    try:
        said = json.loads(text)
        return Holder(Host(str(said["host"]), str(said["identity"])), int(said["pid"]), str(said["since"]))
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None
