"""What processes that died left in a repository's segments: recovered by whoever opens it next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ipfs_comm.blockstore import _locks
from ipfs_comm.blockstore._salvage import whole_records
from ipfs_comm.blockstore._segment import (
    MAGIC,
    SEGMENT_LIMIT,
    Location,
    OwnedSegment,
    numbers_in,
    path_of,
    record_size,
)

if TYPE_CHECKING:
    from pathlib import Path

    from ipfs_comm.blockstore._index import Index

#: Records that the index learns of at once.
_BATCH: Final = 16_384


def take_over(folder: Path, index: Index) -> OwnedSegment | None:
    """Recover the segments that nobody owns, as far as the index does not know them.

    Parameters
    ----------
    folder : Path
        Of the segments.
    index : Index

    Returns
    -------
    OwnedSegment or None
        One of them that takes more records, to be released by the caller.
    """
    kept: OwnedSegment | None = None
    committed = index.committed()
    try:
        for number in numbers_in(folder):
            try:
                size = path_of(folder, number).stat().st_size
            except FileNotFoundError:
                continue
            known = committed.get(number, 0)
            if size <= known and (kept is not None or size < known or size >= SEGMENT_LIMIT):
                continue
            segment = OwnedSegment.take(folder, number)
            if segment is None:
                continue
            try:
                # Its owner may have committed between our look at the index and its end.
                segment.committed = index.committed().get(number, 0)
                _recover(segment, index)
            except BaseException:
                segment.release()
                raise
            full = segment.end >= SEGMENT_LIMIT or segment.end < segment.committed
            if kept is not None or full or not segment.takes_more:
                segment.release()
            else:
                kept = segment
    except BaseException:
        if kept is not None:
            kept.release()
        raise
    return kept


def _recover(segment: OwnedSegment, index: Index) -> None:
    if segment.committed and segment.end <= segment.committed:
        return
    start = max(segment.committed, len(MAGIC))
    end = start
    found: list[tuple[bytes, Location]] = []
    for key, data, offset in whole_records(segment.fd, start, segment.end):
        found.append((key, Location(segment.number, offset, len(data))))
        end = offset + record_size(key, len(data))
        if len(found) >= _BATCH:
            index.commit(found, (), {segment.number: end})
            found = []
    segment.cut(end)
    _locks.datasync(segment.fd)
    segment.committed = segment.end
    index.commit(found, (), {segment.number: segment.end})
