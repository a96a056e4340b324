"""What domains stand for, by the same TXT records, to both."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from dns_support import over_https
from kubo_support import KuboError, Repository

from ipfs_comm.dnslink import DNSLink
from ipfs_comm.errors import NotFoundError

if TYPE_CHECKING:
    from pathlib import Path

A = "/ipfs/QmPFVLPmp9zv5Z5KUqLhe2EivAGccQW2r7M7jhVJGLZoZU"
SUB, ROOT = "_dnslink.site.example", "site.example"
ZONES = {
    "a path": {SUB: [f"dnslink={A}/b"]},
    "two paths": {SUB: [f"dnslink={A}/b", f"dnslink={A}/a"]},
    "a path and a name": {SUB: [f"dnslink={A}", "dnslink=/ipns/other.example"]},
    "the domain alone": {ROOT: [f"dnslink={A}"]},
    "the domain too": {ROOT: [f"dnslink={A}/domain"], SUB: [f"dnslink={A}/below"]},
    "a path without a key": {SUB: [f"{A}/b"]},
    "a CID without a key": {SUB: [A.removeprefix("/ipfs/")]},
    "a CID": {SUB: [f"dnslink={A.removeprefix('/ipfs/')}"]},
    "with and without a key": {SUB: [f"{A}/b", f"dnslink={A}/a"]},
    "another namespace beside": {SUB: ["dnslink=/swarm/abc", f"dnslink={A}/a"]},
    "a damaged path beside": {SUB: ["dnslink=/ipfs/damaged", f"dnslink={A}/a"]},
    "ipld": {SUB: [f"dnslink=/ipld/{A.removeprefix('/ipfs/')}"]},
    "large letters": {SUB: [f"DNSLINK={A}"]},
    "a blank": {SUB: [f"dnslink= {A}"]},
    "another text": {SUB: ["v=spf1 -all"]},
    "nothing": {},
}


@pytest.mark.parametrize("zone", ZONES.values(), ids=ZONES)
async def test_both_read_the_same_records_alike(repository: Repository, zone: dict[str, list[str]]) -> None:
    async with over_https({name: [f'60 IN TXT "{text}"' for text in texts] for name, texts in zone.items()}) as server:
        link = DNSLink()
        try:
            ours: str | None = await link.resolve(ROOT, servers={".": server.url})
        except NotFoundError:
            ours = None
        await link.close()
        assert await asyncio.to_thread(theirs, repository, server.url) == ours
        assert server.asked == [SUB, SUB]


def theirs(repository: Repository, url: str) -> str | None:
    repository.configure({"DNS.Resolvers": {".": url}})
    try:
        return repository.run("name", "resolve", "--recursive=false", f"/ipns/{ROOT}").decode().strip()
    except KuboError as error:
        if "could not resolve name" not in str(error):
            raise
        return None


async def test_a_record_that_a_server_sends_twice_is_one_here_and_two_to_kubo(repository: Repository) -> None:
    async with over_https({SUB: [f'60 IN TXT "dnslink={A}"'] * 2}) as server:
        link = DNSLink()
        assert await link.resolve(ROOT, servers={".": server.url}) == A
        await link.close()
        assert await asyncio.to_thread(theirs, repository, server.url) is None


async def test_kubo_asks_though_it_is_offline(repository: Repository) -> None:
    async with over_https({SUB: [f'60 IN TXT "dnslink={A}"']}) as server:
        # Every command of these repositories runs with --offline.
        assert await asyncio.to_thread(theirs, repository, server.url) == A
        assert server.asked == [SUB]


def test_kubo_has_no_dns_command(repository: Repository) -> None:
    with pytest.raises(KuboError, match="Unknown Command"):
        repository.run("dns", ROOT)


@pytest.mark.parametrize("command", [["swarm", "peers"], ["swarm", "addrs"], ["stats", "bw"], ["bitswap", "stat"]])
def test_kubo_tells_nothing_of_its_peers_offline(repository: Repository, command: list[str]) -> None:
    with pytest.raises(KuboError, match="online mode"):
        repository.run(*command)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    folder: Path = tmp_path_factory.mktemp("kubo") / "repository"
    return Repository(folder)
