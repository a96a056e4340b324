"""Network file systems: found out, without a write-ahead log, and one host at a time."""

# ruff: noqa: ASYNC240 (these tests look at files while nothing else runs)
from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from opener_support import Opener

from ipfs_comm.blockstore import SegmentBlockstore, SqliteState, _lease, _network
from ipfs_comm.errors import InvalidInputError, NoSpaceError, RepositoryError
from ipfs_comm.testing.blockstore import BlockstoreContract, block

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from ipfs_comm.blockstore import Blockstore

MOUNTS = r"""
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:40 / /home/ann rw,relatime shared:2 - nfs4 server:/export/ann rw,vers=4.2
31 30 0:41 / /home/ann/local rw - tmpfs tmpfs rw
32 22 0:42 / /mnt/two\040words rw - cifs //server/share rw
33 22 0:43 / /mnt/ssh rw - fuse.sshfs ann@server: rw
34 22 0:44 / /mnt/crypt rw - fuse.gocryptfs /dev/fuse rw
35 22 0:45 / /mnt/twice rw - nfs server:/a rw
36 22 0:46 / /mnt/twice rw - xfs /dev/vdb rw
37 22 0:47 / /mnt/host rw master:1 propagate_from:2 - 9p host rw
no mount at all
"""


@pytest.mark.parametrize(
    ("place", "kind", "network"),
    [
        ("/home/bob/repo", "ext4", False),
        ("/home/ann/repo", "nfs4", True),
        ("/home/anna/repo", "ext4", False),
        ("/home/ann/local/repo", "tmpfs", False),
        ("/mnt/two words/repo", "cifs", True),
        ("/mnt/ssh", "fuse.sshfs", True),
        ("/mnt/crypt/repo", "fuse.gocryptfs", False),
        ("/mnt/twice/repo", "xfs", False),
        ("/mnt/host/repo", "9p", True),
    ],
)
def test_the_file_system_of_a_folder_is_that_of_the_nearest_mount(place: str, kind: str, network: bool) -> None:
    assert _network.mounted(MOUNTS, Path(place)) == kind
    assert _network.is_network(kind) is network


@pytest.mark.parametrize("kind", ["lustre", "ceph", "glusterfs", "fuse.glusterfs", "afs", "smb3", "nfs", "virtiofs"])
def test_shared_file_systems_are_network_ones(kind: str) -> None:
    assert _network.is_network(kind)


@pytest.mark.parametrize("kind", ["ext4", "btrfs", "xfs", "zfs", "overlay", "fuseblk", "fuse.mergerfs", "tmpfs"])
def test_disks_of_one_machine_are_not(kind: str) -> None:
    assert not _network.is_network(kind)


def test_a_folder_of_the_tests_is_on_a_local_file_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(_network.VARIABLE, raising=False)
    monkeypatch.setattr(_network, "_MOUNTS", tmp_path / "mounts")
    (tmp_path / "mounts").write_text(MOUNTS)
    assert _network.network_type(tmp_path) is None
    (tmp_path / "mounts").write_text(f"{MOUNTS}38 22 0:48 / {tmp_path} rw - nfs server:/b rw\n")
    assert _network.network_type(tmp_path) == "nfs"


def test_a_variable_says_what_cannot_be_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(_network.VARIABLE, "1")
    assert _network.network_type(tmp_path) == "IPFS_COMM_NETWORK_REPO=1"
    monkeypatch.setenv(_network.VARIABLE, "0")
    assert _network.network_type(tmp_path) is None
    monkeypatch.setenv(_network.VARIABLE, "yes")
    with pytest.raises(InvalidInputError, match="IPFS_COMM_NETWORK_REPO"):
        _network.network_type(tmp_path)


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(_network.VARIABLE, "1")
    return tmp_path / "repo"


class TestSegmentBlockstoreOnANetwork(BlockstoreContract):
    @pytest.fixture
    async def store(self, repo: Path) -> AsyncIterator[Blockstore]:
        async with await SegmentBlockstore.open(repo) as store:
            yield store


def logs(repo: Path) -> list[str]:
    return [path.name for path in repo.iterdir() if path.name.endswith(("-wal", "-shm"))]


async def test_databases_have_no_write_ahead_log(repo: Path) -> None:
    state = SqliteState(repo)
    async with await SegmentBlockstore.open(repo) as store:
        await store.put(*block(b"x"))
        await store.sync()
        async with state.transaction() as transaction:
            await transaction.put("space", "key", b"value")
        assert logs(repo) == []
    await state.close()


async def test_a_repository_moves_between_local_and_network_disks(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, network in enumerate("0101"):
        monkeypatch.setenv(_network.VARIABLE, network)
        async with await SegmentBlockstore.open(repo) as store:
            await store.put(*block(b"%d" % number))
            await store.sync()
            assert bool(logs(repo)) is (network == "0")
            for before in range(number):
                assert await store.get(block(b"%d" % before)[0]) == b"%d" % before


async def test_the_last_one_to_close_ends_the_lease(repo: Path) -> None:
    threads = threading.active_count()
    async with await SegmentBlockstore.open(repo):
        async with await SegmentBlockstore.open(repo):
            assert (repo / "lease").exists()
        assert (repo / "lease").exists()
    assert not (repo / "lease").exists()
    assert threading.active_count() == threads


async def test_a_lease_that_cannot_be_written_is_a_typed_error(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(fd: int, parts: object, offset: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ipfs_comm.blockstore._locks.write_at", full)
    with pytest.raises(NoSpaceError):
        await SegmentBlockstore.open(repo)


async def test_a_lease_that_is_gone_keeps_from_committing(repo: Path) -> None:
    store = await SegmentBlockstore.open(repo)
    await store.put(*block(b"x"))
    (repo / "lease").unlink()
    with pytest.raises(RepositoryError, match="not this host's any more"):
        await store.sync()
    with pytest.raises(RepositoryError, match="not this host's any more"):
        await store.close()


def as_host(name: str, **figures: float) -> str:
    """Return Python that makes a process one of another host, for which time is short."""
    chosen = {"RENEWAL": 0.1, "STALE": 1.2, "LOOK": 0.05, "SETTLING": 0.2, **figures}
    lines = [f"_lease.{figure} = {value}" for figure, value in chosen.items()]
    return "\n".join([*lines, f"_lease.this_host = lambda: _lease.Host({name!r}, {name!r})"])


@pytest.fixture
def start(repo: Path) -> Iterator[Callable[..., Opener]]:
    started: list[Opener] = []

    def start(host: str, **figures: float) -> Opener:
        started.append(Opener(repo, as_host(host, **figures)))
        return started[-1]

    yield start
    for opener in started:
        if opener.process.returncode is None:
            opener.kill()


def test_processes_of_one_host_share_a_repository(start: Callable[..., Opener]) -> None:
    first, second = start("alpha").opened(), start("alpha").opened()
    assert second.ask(f"cat {first.ask('add of the first')}") == "of the first"
    assert first.ask(f"cat {second.ask('add of the second')}") == "of the second"


def test_another_host_is_told_who_has_the_repository_and_since_when(repo: Path, start: Callable[..., Opener]) -> None:
    holder = start("alpha").opened()
    refused = start("beta").hear()
    assert refused["detail"]["host"] == "alpha"
    assert refused["detail"]["pid"] == holder.process.pid
    for what in (
        "host alpha",
        f"process {holder.process.pid}",
        refused["detail"]["since"],
        "close it there",
        str(repo),
    ):
        assert what in refused["error"]
    assert holder.ask(f"cat {holder.ask('add x')}") == "x"


def test_another_host_has_the_repository_once_the_first_has_closed_it(start: Callable[..., Opener]) -> None:
    first = start("alpha").opened()
    cid = first.ask("add of alpha")
    first.end()
    # At once: it waits for nobody.
    assert start("beta", STALE=1000).opened().ask(f"cat {cid}") == "of alpha"


def test_a_host_that_is_gone_is_followed_by_another(start: Callable[..., Opener]) -> None:
    first = start("alpha").opened()
    cid = first.ask("add of alpha")
    first.kill()
    second = start("beta").opened()
    assert second.ask(f"cat {cid}") == "of alpha"
    assert second.ask("gc") == 0


def test_the_same_host_goes_on_at_once_after_a_crash(start: Callable[..., Opener]) -> None:
    start("alpha").opened().kill()
    assert start("alpha", STALE=1000).opened().ask("add x")


@pytest.mark.parametrize("skew", [-1_000_000, 1_000_000])
def test_clocks_of_hosts_are_not_compared(repo: Path, start: Callable[..., Opener], skew: int) -> None:
    start("alpha").opened().kill()
    when = time.time() + skew
    os.utime(repo / "lease", (when, when))
    began = time.monotonic()
    start("beta", STALE=1).opened()
    assert time.monotonic() - began >= 1


def test_a_host_that_slept_for_too_long_cannot_commit(start: Callable[..., Opener]) -> None:
    sleeper = start("alpha").opened()
    sleeper.process.send_signal(signal.SIGSTOP)
    other = start("beta").opened()
    cid = other.ask("add of beta")
    sleeper.process.send_signal(signal.SIGCONT)
    lost = sleeper.try_to("add of alpha")
    assert lost["detail"]["host"] == "beta"
    assert "not this host's any more" in lost["error"]
    assert other.ask(f"cat {cid}") == "of beta"
    assert other.ask("add more of beta")


def test_of_two_hosts_that_follow_at_once_one_gets_the_repository(start: Callable[..., Opener]) -> None:
    start("alpha").opened().kill()
    both = [start("beta"), start("gamma")]
    said = [opener.hear() for opener in both]
    assert sorted("error" in answer for answer in said) == [False, True]
    winner, loser = sorted(zip(said, both, strict=True), key=lambda pair: "error" in pair[0])
    assert loser[0]["detail"]["host"] in ("beta", "gamma")
    assert winner[1].ask("add x")


async def test_a_lease_that_nobody_can_read_is_taken_when_it_does_not_change(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.mkdir(mode=0o700)
    (repo / "lease").write_bytes(b"half a le")
    for figure, value in {"STALE": 0.3, "LOOK": 0.05, "SETTLING": 0.05}.items():
        monkeypatch.setattr(_lease, figure, value)
    async with await SegmentBlockstore.open(repo) as store:
        await store.put(*block(b"x"))
