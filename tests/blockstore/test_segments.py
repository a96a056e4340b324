# ruff: noqa: ASYNC221, ASYNC240 (these tests look at files and processes while nothing else runs)
from __future__ import annotations

import asyncio
import gc
import json
import multiprocessing
import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ipfs_comm.blockstore import Blockstore, SegmentBlockstore, _locks, _segment
from ipfs_comm.errors import HashMismatchError, NoSpaceError, NotFoundError, RepositoryError
from ipfs_comm.testing.blockstore import BlockstoreContract, block

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class TestSegmentBlockstore(BlockstoreContract):
    @pytest.fixture
    async def store(self, tmp_path: Path) -> AsyncIterator[Blockstore]:
        async with await SegmentBlockstore.open(tmp_path / "repo") as store:
            yield store


class TestSegmentBlockstoreWithoutThreads(BlockstoreContract):
    @pytest.fixture
    async def store(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Blockstore]:
        monkeypatch.setattr("ipfs_comm.blockstore._pool.HAVE_THREADS", False)
        before = threading.active_count()
        async with await SegmentBlockstore.open(tmp_path / "repo") as store:
            yield store
            assert threading.active_count() == before


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return tmp_path / "repo"


def segments(repo: Path) -> list[Path]:
    return sorted((repo / "segments").iterdir())


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def fill(repo: Path, *contents: bytes) -> None:
    async with await SegmentBlockstore.open(repo) as store:
        for content in contents:
            await store.put(*block(content))


async def test_blocks_are_there_after_reopening(repo: Path) -> None:
    await fill(repo, b"kept")
    async with await SegmentBlockstore.open(repo) as store:
        assert await store.get(block(b"kept")[0]) == b"kept"


async def test_the_directory_and_its_files_are_private(repo: Path) -> None:
    await fill(repo, b"secret")
    assert stat.S_IMODE(repo.stat().st_mode) == 0o700
    for path in (repo / "index.sqlite", *segments(repo)):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_close_gives_back_threads_and_handles(repo: Path) -> None:
    await fill(repo, b"warm up")
    gc.collect()
    threads, files = threading.active_count(), open_files()
    async with await SegmentBlockstore.open(repo) as store:
        await store.put(*block(b"x"))
        await store.sync()
        assert await store.get(block(b"warm up")[0]) == b"warm up"
    assert threading.active_count() == threads
    assert open_files() == files


async def test_a_store_that_only_reads_owns_no_segment(repo: Path) -> None:
    async with await SegmentBlockstore.open(repo) as store:
        with pytest.raises(NotFoundError):
            await store.get(block(b"nothing")[0])
    assert segments(repo) == []


async def test_reopening_goes_on_in_the_same_segment(repo: Path) -> None:
    await fill(repo, b"one")
    await fill(repo, b"two")
    assert len(segments(repo)) == 1


async def test_two_stores_at_once_write_segments_of_their_own_and_see_each_other(repo: Path) -> None:
    async with await SegmentBlockstore.open(repo) as first, await SegmentBlockstore.open(repo) as second:
        await first.put(*block(b"first"))
        await second.put(*block(b"second"))
        await first.sync()
        await second.sync()
        assert len(segments(repo)) == 2
        assert await first.get(block(b"second")[0]) == b"second"
        assert await second.get(block(b"first")[0]) == b"first"


async def test_a_block_of_another_store_is_not_written_again(repo: Path) -> None:
    async with await SegmentBlockstore.open(repo) as first, await SegmentBlockstore.open(repo) as second:
        await first.put(*block(b"shared"))
        await first.sync()
        await second.put(*block(b"shared"))
        await second.sync()
        assert len(segments(repo)) == 1


async def test_a_full_segment_is_followed_by_another(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ipfs_comm.blockstore._files.SEGMENT_LIMIT", 3_000_000)
    contents = [os.urandom(1_000_000) for _ in range(8)]
    async with await SegmentBlockstore.open(repo) as store:
        for content in contents:
            await store.put(*block(content))
        await store.sync()
        assert len(segments(repo)) > 1
        for content in contents:
            assert await store.get(block(content)[0]) == content


async def test_readers_of_many_segments_stay_bounded(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ipfs_comm.blockstore._files.SEGMENT_LIMIT", 1_000_000)
    monkeypatch.setattr("ipfs_comm.blockstore._readers._MOST", 2)
    contents = [os.urandom(1_100_000) for _ in range(8)]
    await fill(repo, *contents)
    async with await SegmentBlockstore.open(repo) as store:
        before = open_files()
        got = await asyncio.gather(*(store.get(block(content)[0]) for content in contents))
        assert got == contents
        assert open_files() <= before + 2


async def test_one_sync_is_one_fdatasync(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    real = _locks.datasync
    monkeypatch.setattr(_locks, "datasync", lambda fd: (calls.append(fd), real(fd)))
    async with await SegmentBlockstore.open(repo) as store:
        for number in range(1000):
            await store.put(*block(b"%d" % number))
        await store.sync()
        assert len(calls) == 1
        await store.sync()
        assert len(calls) == 1


async def test_records_of_a_dead_process_are_taken_over(repo: Path) -> None:
    script = f"""
import asyncio, os, signal
from ipfs_comm.blockstore import SegmentBlockstore
from ipfs_comm.testing.blockstore import block
async def main():
    store = await SegmentBlockstore.open({str(repo)!r})
    await store.put(*block(b"acknowledged"))
    await store.sync()
    await store.put(*block(b"written, not acknowledged"))
    await store._write_fresh()
    os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == -signal.SIGKILL
    async with await SegmentBlockstore.open(repo) as store:
        assert await store.get(block(b"acknowledged")[0]) == b"acknowledged"
        assert await store.get(block(b"written, not acknowledged")[0]) == b"written, not acknowledged"


@pytest.mark.parametrize("cut", [1, 5, 11, 30, 45])
async def test_a_torn_record_at_the_end_is_cut_off(repo: Path, cut: int) -> None:
    await fill(repo, b"whole")
    (segment,) = segments(repo)
    good = segment.stat().st_size
    key = block(b"torn")[0].multihash_bytes
    torn = b"".join(_segment.record(key, b"torn"))[: -cut or None]
    with segment.open("ab") as file:
        file.write(torn)
    async with await SegmentBlockstore.open(repo) as store:
        assert segment.stat().st_size == good
        assert await store.get(block(b"whole")[0]) == b"whole"
        assert not await store.has(block(b"torn")[0])
        await store.put(*block(b"next"))
        await store.sync()
        assert await store.get(block(b"next")[0]) == b"next"


async def test_garbage_at_the_end_is_cut_off(repo: Path) -> None:
    await fill(repo, b"whole")
    (segment,) = segments(repo)
    good = segment.stat().st_size
    with segment.open("ab") as file:
        file.write(os.urandom(10_000))
    await fill(repo)
    assert segment.stat().st_size == good


async def test_a_whole_record_whose_data_does_not_match_its_hash_is_not_taken_over(repo: Path) -> None:
    await fill(repo, b"whole")
    (segment,) = segments(repo)
    forged = block(b"expected")[0]
    with segment.open("ab") as file:
        file.write(b"".join(_segment.record(forged.multihash_bytes, b"forged")))
    async with await SegmentBlockstore.open(repo) as store:
        assert not await store.has(forged)


async def test_a_segment_whose_header_never_reached_the_disk_is_used_again(repo: Path) -> None:
    await fill(repo)
    (repo / "segments" / "00000001.seg").touch(mode=0o600)
    await fill(repo, b"first")
    async with await SegmentBlockstore.open(repo) as store:
        assert await store.get(block(b"first")[0]) == b"first"
    assert len(segments(repo)) == 1


async def test_a_lost_index_is_made_again_from_the_segments(repo: Path) -> None:
    contents = [b"%d" % number for number in range(500)]
    await fill(repo, *contents)
    for path in repo.glob("index.sqlite*"):
        path.unlink()
    async with await SegmentBlockstore.open(repo) as store:
        for content in contents:
            assert await store.get(block(content)[0]) == content


async def test_a_flipped_bit_is_found_on_read(repo: Path) -> None:
    await fill(repo, b"precious data")
    (segment,) = segments(repo)
    content = bytearray(segment.read_bytes())
    content[-1] ^= 1
    segment.write_bytes(content)
    async with await SegmentBlockstore.open(repo) as store:
        with pytest.raises(HashMismatchError, match=segment.name):
            await store.get(block(b"precious data")[0])


async def test_a_truncated_segment_is_found_on_read_and_not_written_on(repo: Path) -> None:
    await fill(repo, b"precious data")
    (segment,) = segments(repo)
    os.truncate(segment, segment.stat().st_size - 3)
    async with await SegmentBlockstore.open(repo) as store:
        with pytest.raises(HashMismatchError):
            await store.get(block(b"precious data")[0])
        await store.put(*block(b"new"))
        await store.sync()
        assert await store.get(block(b"new")[0]) == b"new"
    assert len(segments(repo)) == 2


async def test_a_damaged_index_is_a_typed_error(repo: Path) -> None:
    await fill(repo, b"x")
    for path in repo.glob("index.sqlite-*"):
        path.unlink()
    (repo / "index.sqlite").write_bytes(b"this is no database at all" * 100)
    with pytest.raises(RepositoryError, match=r"index\.sqlite"):
        await SegmentBlockstore.open(repo)


async def test_the_version_file_names_format_reader_and_writer(repo: Path) -> None:
    await fill(repo)
    assert json.loads((repo / "version").read_text()) == {"format": 2, "oldest_reader": 2, "oldest_writer": 2}


@pytest.mark.parametrize(("reader", "writer"), [(3, 3), (2, 3)])
async def test_a_newer_format_is_refused_and_nothing_written(repo: Path, reader: int, writer: int) -> None:
    repo.mkdir(mode=0o700)
    (repo / "version").write_text(json.dumps({"format": 3, "oldest_reader": reader, "oldest_writer": writer}))
    before = {path.name: path.read_bytes() for path in repo.iterdir()}
    with pytest.raises(RepositoryError, match="pip install --upgrade"):
        await SegmentBlockstore.open(repo)
    assert {path.name: path.read_bytes() for path in repo.iterdir()} == before


async def test_a_newer_format_that_this_code_may_write_is_used(repo: Path) -> None:
    repo.mkdir(mode=0o700)
    text = json.dumps({"format": 3, "oldest_reader": 2, "oldest_writer": 2})
    (repo / "version").write_text(text)
    await fill(repo, b"x")
    assert (repo / "version").read_text() == text


@pytest.mark.parametrize(
    "text", ["not json", "{}", '{"format": 1e999, "oldest_reader": 1, "oldest_writer": 1}', '{"format": "x"}', "[1]"]
)
async def test_a_damaged_version_file_is_refused(repo: Path, text: str) -> None:
    repo.mkdir(mode=0o700)
    (repo / "version").write_text(text)
    with pytest.raises(RepositoryError, match="damaged"):
        await SegmentBlockstore.open(repo)


@pytest.mark.parametrize("mode", [0o770, 0o702, 0o777])
async def test_a_directory_that_others_can_write_is_refused(repo: Path, mode: int) -> None:
    repo.mkdir()
    repo.chmod(mode)
    with pytest.raises(RepositoryError, match="chmod go-w"):
        await SegmentBlockstore.open(repo)
    assert list(repo.iterdir()) == []


async def test_a_directory_of_another_user_is_refused(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repo.mkdir(mode=0o700)
    owner = repo.stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    with pytest.raises(RepositoryError, match="belongs to user"):
        await SegmentBlockstore.open(repo)
    assert list(repo.iterdir()) == []


async def test_a_file_in_the_place_of_the_directory_is_refused(repo: Path) -> None:
    repo.write_text("x")
    with pytest.raises(RepositoryError, match="repo"):
        await SegmentBlockstore.open(repo)


async def test_a_read_only_directory_says_where_and_what_to_do(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(repo, b"x")
    real = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: mode & os.W_OK == 0 and real(path, mode))
    with pytest.raises(RepositoryError, match="IPFS_COMM_REPO") as caught:
        await SegmentBlockstore.open(repo)
    assert caught.value.detail["path"] == str(repo)


async def test_a_full_disk_is_a_typed_error_and_nothing_is_lost(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with await SegmentBlockstore.open(repo) as store:
        await store.put(*block(b"before"))
        await store.sync()

        def full(fd: int, parts: object, offset: int) -> None:
            raise OSError(28, "No space left on device")

        large = block(os.urandom(2 << 20))
        with monkeypatch.context() as patch:
            patch.setattr(_locks, "write_at", full)
            await store.put(*block(b"waits"))
            with pytest.raises(NoSpaceError, match="repo"):
                await store.put(*large)
            with pytest.raises(NoSpaceError):
                await store.sync()
        assert not await store.has(large[0])
        assert await store.get(block(b"before")[0]) == b"before"
        await store.sync()
        assert await store.get(block(b"waits")[0]) == b"waits"
    async with await SegmentBlockstore.open(repo) as store:
        assert await store.get(block(b"waits")[0]) == b"waits"


async def test_a_failed_append_leaves_the_segment_as_it_was(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with await SegmentBlockstore.open(repo) as store:
        await store.put(*block(b"before"))
        await store.sync()
        (segment,) = segments(repo)
        size = segment.stat().st_size
        real = _locks.write_at

        def partly(fd: int, parts: list[bytes], offset: int) -> None:
            real(fd, [b"".join(parts)[:20]], offset)
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(_locks, "write_at", partly)
            await store.put(*block(b"after"))
            with pytest.raises(NoSpaceError):
                await store.sync()
        assert segment.stat().st_size == size


async def test_a_lock_held_for_too_long_is_a_typed_error(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    first, second = _locks.open_file(path, create=True), _locks.open_file(path)
    try:
        assert _locks.try_lock(first)
        with pytest.raises(RepositoryError, match="another process"), _locks.locked(second, path, within=0.05):
            pass
        _locks.unlock(first)
        with _locks.locked(second, path, within=0.05):
            assert not _locks.try_lock(first)
    finally:
        os.close(first)
        os.close(second)


def _in_child(store: SegmentBlockstore, results: multiprocessing.SimpleQueue[str]) -> None:
    for call in (store.get(block(b"parent's")[0]), store.put(*block(b"child's")), store.sync()):
        try:
            asyncio.run(call)
        except RepositoryError as error:
            results.put(str(error))
    asyncio.run(store.close())
    results.put("closed")


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
async def test_a_forked_child_may_not_use_the_parents_store(repo: Path) -> None:
    async with await SegmentBlockstore.open(repo) as store:
        await store.put(*block(b"parent's"))
        await store.sync()
        context = multiprocessing.get_context("fork")
        results = context.SimpleQueue()
        child = context.Process(target=_in_child, args=(store, results))
        child.start()
        child.join(30)
        assert child.exitcode == 0
        answers = [results.get() for _ in range(4)]
        assert all("forked" in answer for answer in answers[:3])
        assert answers[3] == "closed"
        await store.put(*block(b"afterwards"))
        await store.sync()
        assert await store.get(block(b"parent's")[0]) == b"parent's"
        assert len(segments(repo)) == 1


def test_a_store_can_be_closed_while_the_interpreter_exits(tmp_path: Path) -> None:
    program = """
import asyncio, atexit, sys
from ipfs_comm.blockstore import SegmentBlockstore
from ipfs_comm.ipld import CID, multihash

loop = asyncio.new_event_loop()

async def fill():
    store = await SegmentBlockstore.open(sys.argv[1])
    await store.put(CID.create(1, "raw", multihash.digest(b"kept")), b"kept")
    return store

store = loop.run_until_complete(fill())
atexit.register(lambda: (loop.run_until_complete(store.close()), loop.close()))
"""
    command = [sys.executable, "-c", program, str(tmp_path / "repo")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
