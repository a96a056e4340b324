"""What is written goes to the disk while more comes; a disk that fails to keep it is never asked to try again."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest

from ipfs_comm.blockstore import SegmentBlockstore, _locks
from ipfs_comm.errors import RepositoryError
from ipfs_comm.ipld import CID, multihash

if TYPE_CHECKING:
    from pathlib import Path

MIB = 1 << 20


def block(size: int) -> tuple[CID, bytes]:
    data = os.urandom(size)
    return CID.create(1, 0x55, multihash.digest(data, "sha2-256")), data


class Disk:
    """Counts how often it is waited for, and fails once when told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.waits = 0
        self.fails = False
        self._real = _locks.datasync
        monkeypatch.setattr(_locks, "datasync", self.sync)

    def sync(self, fd: int) -> None:
        self.waits += 1
        if self.fails:
            self.fails = False
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        self._real(fd)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


async def test_a_small_call_waits_for_the_disk_once(tmp_path: Path, disk: Disk) -> None:
    async with await SegmentBlockstore.open(tmp_path / "repo") as store:
        before = disk.waits
        await store.put(*block(1000))
        await store.sync()
        assert disk.waits == before + 1


async def test_a_long_stream_reaches_the_disk_before_its_end(tmp_path: Path, disk: Disk) -> None:
    async with await SegmentBlockstore.open(tmp_path / "repo") as store:
        before = disk.waits
        for _ in range(80):
            await store.put(*block(MIB))
        # The second flush begins when the first has ended, so this much has been waited for.
        assert disk.waits > before
        await store.sync()


@pytest.mark.parametrize("size", [1, 80], ids=["in the end", "in a flush"])
async def test_what_the_disk_failed_to_keep_is_never_acknowledged(tmp_path: Path, disk: Disk, size: int) -> None:
    kept, lost = block(1000), [block(MIB) for _ in range(size)]
    store = await SegmentBlockstore.open(tmp_path / "repo")
    await store.put(*kept)
    await store.sync()
    disk.fails = True

    async def write() -> None:
        for one in lost:
            await store.put(*one)
        await store.sync()

    with pytest.raises(RepositoryError, match="Input/output error"):
        await write()
    # The system says that all is well now; it has forgotten what it could not write.
    with pytest.raises(RepositoryError, match="has failed to keep what was written"):
        await store.sync()
    assert await store.get(kept[0]) == kept[1]
    with pytest.raises(RepositoryError, match="has failed to keep what was written"):
        await store.close()

    async with await SegmentBlockstore.open(tmp_path / "repo") as again:
        assert await again.get(kept[0]) == kept[1]
        for one in lost:
            await again.put(*one)
        await again.sync()
        assert await again.get_many([cid for cid, _ in lost]) == [data for _, data in lost]
