"""How much a repository may hold, and whether there is room for more of it.

Two limits, looked at before anything is written: the most bytes that the repository's files may take together, and
bytes of its volume that are left free for others. Nobody counts bytes for all processes; each measures the folder,
takes what it may write until its next look, and measures again when that is used up. So the limits can be exceeded by
what the *other* processes that write at that moment have taken and not written: each at most a 1024th of the limit, not
less than 1 MiB and not more than 64 MiB (16 MiB of the reserve, where the repository has no limit), with the batch that
it gathers before it writes, 2 MiB at most and no more than that; and by one write-ahead log of the index, about 8 MiB,
for it is counted as it is and can grow with the last commit. The records beside the blocks (pins, keys, the MFS's root)
and what garbage collection moves are counted and never refused: they are what makes room.
"""

from __future__ import annotations

import math
import os
import re
import shutil
from typing import TYPE_CHECKING, Any, Final

from ipfs_comm._shown import shown
from ipfs_comm.errors import InvalidInputError, NoSpaceError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

#: Free bytes of a volume that are left alone where nothing else was chosen: this much, or this share of a small volume.
RESERVE: Final = 256 * 1024 * 1024
RESERVE_SHARE: Final = 0.05
#: The largest size that can be given: the largest whole number of JavaScript.
MAX_SIZE: Final = 2**53 - 1

#: Bytes that may be written between two looks.
_LEAST_GRANT: Final = 1024 * 1024
_MOST_GRANT: Final = 64 * 1024 * 1024
_LOOKS: Final = 1024
_STEPS: Final = 16
#: Bytes of the volume that may be written between two looks where the repository itself has no limit.
_UNLIMITED_GRANT: Final = 16 * 1024 * 1024

_SIZE: Final = re.compile(r"\s*(\d{1,18}(?:\.\d{1,6})?)\s*([kmgtp]?)(i?)b?\s*", re.IGNORECASE)
_POWERS: Final = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}


def parse_size(size: Any, *, least: int = 0) -> int:
    """Return a number of bytes.

    Parameters
    ----------
    size : int or str
        Bytes, or text such as ``"10GB"`` (powers of 1000) and ``"512 MiB"`` (powers of 1024).
    least : int
        The smallest that can be meant.

    Raises
    ------
    InvalidInputError
        It is neither, less than ``least`` or more than 2^53 - 1.
    """
    found: float | None = None
    if isinstance(size, int) and not isinstance(size, bool):
        found = size
    elif isinstance(size, str) and (match := _SIZE.fullmatch(size)) and not (match[3] and not match[2]):
        number = float(match[1]) if "." in match[1] else int(match[1])
        found = number * (1024 if match[3] else 1000) ** _POWERS[match[2].lower()]
    if found is None or not least <= found <= MAX_SIZE:
        raise InvalidInputError(
            f"{shown(size)} is no size: give a number of bytes from {least} on, or text such as '10GB' or '512MiB'"
        )
    return math.floor(found)


def readable(size: int) -> str:
    """Return a number of bytes as text for people, such as ``1.5 GiB``."""
    number, unit = float(size), "bytes"
    for larger in ("KiB", "MiB", "GiB", "TiB", "PiB"):
        if abs(number) < 1024:
            break
        number, unit = number / 1024, larger
    return f"{number:.4g} {unit}"


def size_of(directory: Path) -> int:
    """Return the bytes of all files under a directory; what goes away meanwhile does not count."""
    total = 0
    folders: list[str | Path] = [directory]
    while folders:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    try:
                        if entry.is_dir(follow_symlinks=False):
                            folders.append(entry.path)
                        else:
                            total += entry.stat(follow_symlinks=False).st_size
                    except FileNotFoundError:
                        continue
        except FileNotFoundError:
            continue
    return total


class Room:
    """The limits of one repository on disk.

    Parameters
    ----------
    directory : Path
    limit : int, optional
        The most bytes that its files may take together; no limit where not given.
    reserve : int, optional
        Free bytes of the volume that blocks leave alone; where not given 256 MiB, or 5 % of a volume of less than
        5 GiB.
    """

    def __init__(self, directory: Path, *, limit: int | None = None, reserve: int | None = None) -> None:
        self._directory = directory
        self._reserve = reserve
        self.limit = limit
        grant = _UNLIMITED_GRANT if limit is None else max(_LEAST_GRANT, limit // _LOOKS)
        #: The most bytes that are granted at once, where not more are needed.
        self.step = min(grant, _MOST_GRANT)

    def grant(self, needed: int, waiting: int, tidy: Callable[[], None]) -> int:
        """Look how much room there is, and return how many bytes may be written before the next look.

        Parameters
        ----------
        needed : int
            Bytes that are to be written now; the answer is not less.
        waiting : int
            Bytes that were granted before and are in no file yet.
        tidy : callable
            Gives back what the repository takes without need; called before anything is refused.

        Raises
        ------
        NoSpaceError
            There is less room than that.
        """
        room = self._left(waiting)
        if room < needed:
            tidy()
            room = self._left(waiting)
        if room < needed:
            self._refuse(needed, waiting)
        # Smaller and smaller steps towards the end, where several processes see the same room.
        return min(room, max(needed, min(self.step, max(_LEAST_GRANT, room // _STEPS))))

    def _left(self, waiting: int) -> int:
        free, reserve = self._free()
        left = free - reserve
        if self.limit is not None:
            left = min(left, self.limit - size_of(self._directory))
        return left - waiting

    def _free(self) -> tuple[int, int]:
        """Return the free bytes of the volume, and how many of them are left alone."""
        if self._reserve == 0 or not hasattr(shutil, "disk_usage"):
            return MAX_SIZE, 0
        volume = shutil.disk_usage(self._directory)
        if not volume.total:
            # Some file systems do not know.
            return MAX_SIZE, 0
        share = math.floor(volume.total * RESERVE_SHARE)
        return volume.free, min(RESERVE, share) if self._reserve is None else self._reserve

    def _refuse(self, needed: int, waiting: int) -> None:
        where = f"no room for {needed} more bytes in the repository {self._directory}"
        detail: dict[str, Any] = {"path": str(self._directory), "needed": needed}
        used = size_of(self._directory) + waiting
        if self.limit is not None and used + needed > self.limit:
            raise NoSpaceError(
                f"{where}: its files take {used} ({readable(used)}) of at most {self.limit} bytes (storage_max, "
                f"{readable(self.limit)}). Unpin what is not needed and run repo.gc, or open it with a larger "
                "storage_max",
                detail={**detail, "used": used, "limit": self.limit},
            )
        free, reserve = self._free()
        raise NoSpaceError(
            f"{where}: {free} bytes ({readable(free)}) are free on its volume, and {reserve} of them are left alone "
            f"(storage_reserve, {readable(reserve)}). Remove files there, unpin what is not needed and run repo.gc, "
            "choose another place, or open it with a smaller storage_reserve",
            detail={**detail, "used": used, "free": free, "reserve": reserve},
        )
