"""How a repository of an older format becomes one of ours: step by step, alone, and again where it was interrupted.

The ``version`` file is written before the first step, so that older code refuses what is half changed; after each step,
so that the next one begins where this one ended; and after the last. A step that was interrupted is done again from its
beginning: it must bear what its own first half has left.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ipfs_comm.blockstore._locks import open_file, sync_directory
from ipfs_comm.errors import RepositoryError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path


def _with_both_checksums(directory: Path) -> None:
    """From 1 to 2: new segments have another checksum than the old ones, which stay as they are."""


#: What makes of a repository of each older format one of the next, given its directory.
MIGRATIONS: Mapping[int, Callable[[Path], None]] = {1: _with_both_checksums}

_VERSION_LIMIT: Final = 4096


@dataclass(frozen=True, slots=True)
class Version:
    """What a ``version`` file says: the format, and the oldest code that may read and write it, by what it knows."""

    format: int
    oldest_reader: int
    oldest_writer: int


def read_version(directory: Path) -> Version | None:
    """Return what a repository's ``version`` file says; None where there is none.

    Raises
    ------
    RepositoryError
        The file is damaged.
    OSError
        It cannot be read.
    """
    path = directory / "version"
    try:
        with path.open("rb") as file:
            text = file.read(_VERSION_LIMIT)
    except FileNotFoundError:
        return None
    if not text:
        return None
    try:
        found = json.loads(text)
        return Version(*(int(found[key]) for key in ("format", "oldest_reader", "oldest_writer")))
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        raise RepositoryError(
            f"{path} is damaged: restore it, or use another directory", detail={"path": str(directory)}
        ) from None


def write_version(directory: Path, version: Version) -> None:
    """Write a repository's ``version`` file, durably and at once. The caller has the repository alone."""
    said = {
        "format": version.format,
        "oldest_reader": version.oldest_reader,
        "oldest_writer": version.oldest_writer,
    }
    draft = directory / "version.tmp"
    draft.unlink(missing_ok=True)
    with open(open_file(draft, create=True, exclusive=True), "w", encoding="utf-8") as file:  # noqa: PTH123 (mode)
        file.write(json.dumps(said) + "\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(directory / "version")
    sync_directory(directory)


def check_steps(directory: Path, found: Version, known: Version) -> None:
    """See that there is a way from a repository's format to ours.

    Raises
    ------
    RepositoryError
        It is too old for this code.
    """
    missing = [step for step in range(found.format, known.format) if step not in MIGRATIONS]
    if missing:
        raise RepositoryError(
            f"the repository {directory} has format {found.format}, and this version of ipfs-comm knows no way from "
            f"format {missing[0]} to the next one: open it once with an older version that does",
            detail={"path": str(directory), "format": found.format, "known": known.format},
        )


def migrate(directory: Path, found: Version, known: Version) -> None:
    """Bring a repository from its format to ours. The caller has it alone.

    Raises
    ------
    RepositoryError
        There is no way; nothing was changed then.
    OSError
        A file cannot be written. The repository can be opened by this code again, not by older code.
    """
    check_steps(directory, found, known)
    for step in range(found.format, known.format):
        write_version(directory, Version(step, known.format, known.format))
        MIGRATIONS[step](directory)
    write_version(directory, known)
