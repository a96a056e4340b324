"""Which segments are worth emptying, and what is alive in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from ipfs_comm.blockstore._segment import MAGIC, numbers_in, path_of, record_size, scan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

#: A segment is emptied when less than this part of it is alive.
LIVE_SHARE: Final = 0.6
#: Bytes of blocks, and records, that are looked at together.
_BATCH: Final = 4 << 20
_RECORDS: Final = 1000


class Victim(NamedTuple):
    """A segment to empty: how many live blocks it holds, and the committed bytes by which that was found."""

    number: int
    live: int
    committed: int


def victims_of(
    folder: Path, live: Mapping[int, tuple[int, int]], committed: Mapping[int, int], spared: set[int]
) -> list[Victim]:
    """Return the segments to empty, those with the least to move first.

    Parameters
    ----------
    folder : Path
    live : mapping of int to (int, int)
        By segment number how many live blocks it has, and their bytes.
    committed : mapping of int to int
        By segment number the bytes that the index knows of.
    spared : set of int
        Numbers to leave alone.
    """
    found: list[tuple[int, Victim]] = []
    for number in numbers_in(folder):
        if number in spared:
            continue
        try:
            size = path_of(folder, number).stat().st_size
        except FileNotFoundError:
            continue
        count, data = live.get(number, (0, 0))
        alive = data + count * record_size(b"", 0)
        if not count or alive < LIVE_SHARE * (size - len(MAGIC)):
            found.append((alive, Victim(number, count, committed.get(number, 0))))
    return [victim for _, victim in sorted(found)]


def live_records(
    fd: int, end: int, living: Callable[[Sequence[tuple[bytes, int]]], set[int]]
) -> Iterator[list[tuple[bytes, bytes, int]]]:
    """Yield the live records of a segment, (multihash, data, offset), in batches.

    Ends at the first record that is damaged: whoever counts them finds that some are missing.

    Parameters
    ----------
    fd : int
    end : int
        Bytes of the segment.
    living : callable
        From multihashes and offsets to the offsets of those records that are alive.
    """
    batch: list[tuple[bytes, bytes, int]] = []
    size = 0

    def alive() -> list[tuple[bytes, bytes, int]]:
        offsets = living([(key, offset) for key, _, offset in batch])
        return [record for record in batch if record[2] in offsets]

    for record in scan(fd, len(MAGIC), end):
        batch.append(record)
        size += len(record[1])
        if size >= _BATCH or len(batch) == _RECORDS:
            yield alive()
            batch, size = [], 0
    if batch:
        yield alive()
