"""Formats of a repository: what is too new is left alone, what is older is migrated, alone and however interrupted."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from opener_support import DEADLINE, Opener

import ipfs_comm
from ipfs_comm.blockstore import SegmentBlockstore, SqliteState, _migrate, _repository
from ipfs_comm.errors import NoSpaceError, RepositoryError
from ipfs_comm.testing.blockstore import block

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return tmp_path / "repo"


def everything(repo: Path) -> dict[str, tuple[bytes, int]]:
    """Return all files, with their contents and the times of their last changes."""
    files = [path for path in repo.rglob("*") if path.is_file()]
    return {str(path.relative_to(repo)): (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


def version(repo: Path) -> dict[str, int]:
    found: dict[str, int] = json.loads((repo / "version").read_text())
    return found


def write_version(repo: Path, form: int, reader: int, writer: int) -> None:
    (repo / "version").write_text(json.dumps({"format": form, "oldest_reader": reader, "oldest_writer": writer}))


async def fill(repo: Path, *contents: bytes) -> None:
    async with await SegmentBlockstore.open(repo) as store:
        for content in contents:
            await store.put(*block(content))


def know(monkeypatch: pytest.MonkeyPatch, form: int, oldest: int, *steps: Callable[[Path], None]) -> None:
    """Be code of another format, that migrates from the formats before it."""
    monkeypatch.setattr(_repository, "FORMAT", form)
    monkeypatch.setattr(_repository, "OLDEST_READER", oldest)
    monkeypatch.setattr(_repository, "OLDEST_WRITER", oldest)
    monkeypatch.setattr(_repository, "PATIENCE", 0.2)
    monkeypatch.setattr(_migrate, "MIGRATIONS", dict(enumerate(steps, start=form - len(steps))))


@pytest.mark.parametrize(("reader", "writer"), [(3, 3), (2, 3)])
async def test_a_repository_that_is_too_new_is_not_touched(repo: Path, reader: int, writer: int) -> None:
    await fill(repo, b"x")
    write_version(repo, 3, reader, writer)
    before = everything(repo)
    with pytest.raises(RepositoryError, match="pip install --upgrade") as caught:
        await SegmentBlockstore.open(repo)
    assert caught.value.detail == {"path": str(repo), "format": 3, "known": 2}
    assert everything(repo) == before


async def test_the_state_of_a_repository_that_is_too_new_is_not_touched(repo: Path) -> None:
    await fill(repo, b"x")
    write_version(repo, 3, 3, 3)
    before = everything(repo)
    state = SqliteState(repo)
    with pytest.raises(RepositoryError, match="pip install --upgrade"):
        await state.get("pins", "x")
    await state.close()
    assert everything(repo) == before


async def test_an_older_repository_is_migrated_step_by_step(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(repo, b"kept")
    seen: list[dict[str, int]] = []
    know(monkeypatch, 4, 4, lambda directory: seen.append(version(directory)), lambda d: seen.append(version(d)))
    async with await SegmentBlockstore.open(repo) as store:
        assert await store.get(block(b"kept")[0]) == b"kept"
    # Older code refuses what is half changed, newer code knows where to go on.
    assert seen == [
        {"format": 2, "oldest_reader": 4, "oldest_writer": 4},
        {"format": 3, "oldest_reader": 4, "oldest_writer": 4},
    ]
    assert version(repo) == {"format": 4, "oldest_reader": 4, "oldest_writer": 4}


async def test_a_repository_is_migrated_once(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(repo)
    steps: list[Path] = []
    know(monkeypatch, 3, 3, steps.append)
    await fill(repo)
    await fill(repo)
    assert steps == [repo]


async def test_a_repository_in_use_is_not_migrated(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with await SegmentBlockstore.open(repo):
        before = (repo / "version").read_bytes()
        steps: list[Path] = []
        know(monkeypatch, 3, 3, steps.append)
        with pytest.raises(RepositoryError, match="another one has it open"):
            await SegmentBlockstore.open(repo)
        assert steps == []
        assert (repo / "version").read_bytes() == before
    await fill(repo)
    assert steps == [repo]


async def test_the_state_alone_keeps_a_repository_from_being_migrated(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(repo)
    state = SqliteState(repo)
    await state.get("pins", "x")
    know(monkeypatch, 3, 3, lambda _: None)
    with pytest.raises(RepositoryError, match="another one has it open"):
        await SegmentBlockstore.open(repo)
    await state.close()
    await fill(repo)


async def test_a_format_that_older_code_may_write_waits_until_that_has_gone(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with await SegmentBlockstore.open(repo) as older:
        steps: list[Path] = []
        know(monkeypatch, 3, 2, steps.append)
        async with await SegmentBlockstore.open(repo) as newer:
            await newer.put(*block(b"of the newer"))
            await newer.sync()
            assert await older.get(block(b"of the newer")[0]) == b"of the newer"
        assert version(repo)["format"] == 2
        assert steps == []
    await fill(repo)
    assert version(repo) == {"format": 3, "oldest_reader": 2, "oldest_writer": 2}
    assert steps == [repo]


async def test_a_repository_that_is_too_old_is_not_touched(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(repo)
    before = everything(repo)
    know(monkeypatch, 4, 4, lambda _: None)
    with pytest.raises(RepositoryError, match="no way from format 2"):
        await SegmentBlockstore.open(repo)
    assert everything(repo) == before


async def test_a_step_that_fails_is_done_again(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(repo, b"kept")

    def full(_: Path) -> None:
        raise OSError(28, "No space left on device")

    know(monkeypatch, 4, 4, lambda _: None, full)
    with pytest.raises(NoSpaceError):
        await SegmentBlockstore.open(repo)
    assert version(repo) == {"format": 3, "oldest_reader": 4, "oldest_writer": 4}
    steps: list[Path] = []
    know(monkeypatch, 4, 4, lambda _: None, steps.append)
    await fill(repo)
    assert steps == [repo]


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from ipfs_comm.blockstore import SegmentBlockstore, _migrate, _repository

def killed(directory):
    (directory / "half").write_text("changed")
    os.kill(os.getpid(), signal.SIGKILL)

_repository.FORMAT = _repository.OLDEST_READER = _repository.OLDEST_WRITER = 4
_migrate.MIGRATIONS = {2: lambda directory: None, 3: killed}
asyncio.run(SegmentBlockstore.open(sys.argv[1]))
"""


async def test_a_migration_that_was_killed_is_gone_on_with(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(repo, b"kept")
    killed = subprocess.run([sys.executable, "-c", KILLED, str(repo)], check=False, timeout=DEADLINE)  # noqa: ASYNC221 (nothing else runs)
    assert killed.returncode == -signal.SIGKILL
    before = everything(repo)
    with pytest.raises(RepositoryError, match="is being brought from format 3 to 4"):
        await SegmentBlockstore.open(repo)
    assert everything(repo) == before
    steps: list[str] = []
    know(
        monkeypatch,
        4,
        4,
        lambda _: steps.append("first"),
        lambda directory: steps.append((directory / "half").read_text()),
    )
    async with await SegmentBlockstore.open(repo) as store:
        assert await store.get(block(b"kept")[0]) == b"kept"
    assert steps == ["changed"]
    assert version(repo)["format"] == 4


def install(place: Path, oldest: int) -> Path:
    """Install a version of format 3 that code of format `oldest` may share a repository with."""
    package = Path(ipfs_comm.__file__).parent
    shutil.copytree(package, place / "ipfs_comm", ignore=shutil.ignore_patterns("labextension", "static"))
    for name, changes in {
        "_repository.py": {
            "FORMAT: Final = 2": "FORMAT: Final = 3",
            "OLDEST_READER: Final = 2": f"OLDEST_READER: Final = {oldest}",
            "OLDEST_WRITER: Final = 2": f"OLDEST_WRITER: Final = {oldest}",
        },
        "_migrate.py": {"{1: _with_both_checksums}": "{2: lambda directory: None}"},
    }.items():
        path = place / "ipfs_comm" / "blockstore" / name
        text = path.read_text()
        for old, new in changes.items():
            assert text.count(old) == 1
            text = text.replace(old, new)
        path.write_text(text)
    return place


@pytest.fixture(scope="module")
def this_version() -> Path:
    return Path(ipfs_comm.__file__).parent.parent


@pytest.fixture(scope="module")
def compatible(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install(tmp_path_factory.mktemp("compatible"), 2)


@pytest.fixture(scope="module")
def incompatible(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install(tmp_path_factory.mktemp("incompatible"), 3)


@pytest.fixture
def start(repo: Path) -> Iterator[Callable[[Path], Opener]]:
    started: list[Opener] = []

    def start(version: Path) -> Opener:
        started.append(Opener(repo, "_repository.PATIENCE = 0.5", {"PYTHONPATH": str(version)}))
        return started[-1]

    yield start
    for opener in started:
        opener.end()


@pytest.mark.parametrize("newer_first", [False, True])
def test_two_installed_versions_share_a_repository_that_both_may_write(
    this_version: Path, compatible: Path, start: Callable[[Path], Opener], newer_first: bool
) -> None:
    versions = (compatible, this_version) if newer_first else (this_version, compatible)
    first, second = start(versions[0]).opened(), start(versions[1]).opened()
    assert first.ask(f"cat {second.ask('add of the second')}") == "of the second"
    assert second.ask(f"cat {first.ask('add of the first')}") == "of the first"


def test_an_older_version_that_may_not_write_what_a_newer_one_has_is_refused(
    this_version: Path, incompatible: Path, start: Callable[[Path], Opener]
) -> None:
    newer = start(incompatible).opened()
    assert "pip install --upgrade" in start(this_version).hear()["error"]
    assert newer.ask(f"cat {newer.ask('add x')}") == "x"


def test_a_newer_version_does_not_change_what_an_older_one_has_open(
    this_version: Path, incompatible: Path, start: Callable[[Path], Opener]
) -> None:
    older = start(this_version).opened()
    assert "another one has it open" in start(incompatible).hear()["error"]
    cid = older.ask("add of the older")
    older.end()
    assert start(incompatible).opened().ask(f"cat {cid}") == "of the older"
