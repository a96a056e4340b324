"""What a domain stands for: which names are asked, which servers, and how long answers are kept."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from dns_support import over_https

from ipfs_comm.dnslink import DNSLink, Records
from ipfs_comm.dnslink import resolver as resolving
from ipfs_comm.errors import InvalidInputError, InvalidNameError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Mapping

A = "/ipfs/QmPFVLPmp9zv5Z5KUqLhe2EivAGccQW2r7M7jhVJGLZoZU"


class Table:
    """Answers from a table, and remembers what it was asked."""

    def __init__(self, table: Mapping[str, tuple[str, ...]], ttl: float = 60) -> None:
        self.table = dict(table)
        self.ttl = ttl
        self.asked: list[str] = []

    async def txt(self, name: str, *, seconds: float) -> Records:
        self.asked.append(name)
        return Records(tuple(text.encode() for text in self.table.get(name, ())), self.ttl)

    async def close(self) -> None:
        self.asked.append("closed")


async def test_the_records_below_dnslink_count() -> None:
    table = Table({"_dnslink.example.com": (f"dnslink={A}",), "example.com": (f"dnslink={A}/other",)})
    assert await DNSLink(table).resolve("Example.COM.") == A
    assert table.asked == ["_dnslink.example.com"]


async def test_those_of_the_domain_itself_do_not() -> None:
    table = Table({"_dnslink.example.com": ("v=1",), "example.com": (f"dnslink={A}",)})
    with pytest.raises(NotFoundError):
        await DNSLink(table).resolve("example.com")
    assert table.asked == ["_dnslink.example.com"]


async def test_more_than_one_path_is_a_mistake_of_the_owner() -> None:
    table = Table({"_dnslink.example.com": (f"dnslink={A}/a", f"dnslink={A}/b")})
    with pytest.raises(NotFoundError, match="more than one content path"):
        await DNSLink(table).resolve("example.com")


async def test_a_name_that_has_the_prefix_is_asked_as_it_is() -> None:
    table = Table({"_dnslink.example.com": (f"dnslink={A}",)})
    assert await DNSLink(table).resolve("_dnslink.example.com") == A
    assert table.asked == ["_dnslink.example.com"]


async def test_a_domain_without_a_record_is_not_found() -> None:
    with pytest.raises(NotFoundError, match=r"could not resolve name: .example\.com. is missing a DNSLink record"):
        await DNSLink(Table({})).resolve("example.com")


async def test_what_is_no_domain_is_not_asked_about() -> None:
    table = Table({})
    with pytest.raises(InvalidNameError):
        await DNSLink(table).resolve("no domain")
    assert table.asked == []


async def test_answers_are_kept_for_their_time() -> None:
    table = Table({"_dnslink.example.com": (f"dnslink={A}",)})
    link = DNSLink(table)
    for _ in range(3):
        assert await link.resolve("example.com") == A
    assert len(table.asked) == 1
    assert await link.resolve("example.com", nocache=True) == A
    assert len(table.asked) == 2


@pytest.mark.parametrize(("ttl", "max_ttl"), [(0, 60), (-5, 60), (60, 0)])
async def test_answers_without_time_are_not_kept(ttl: float, max_ttl: float) -> None:
    table = Table({"_dnslink.example.com": (f"dnslink={A}",)}, ttl)
    link = DNSLink(table)
    for _ in range(2):
        await link.resolve("example.com", max_ttl=max_ttl)
    assert len(table.asked) == 2


async def test_no_answer_is_kept_for_longer_than_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    table = Table({"_dnslink.example.com": (f"dnslink={A}",)}, ttl=2**31)
    link = DNSLink(table)
    await link.resolve("example.com")
    loop = asyncio.get_running_loop()
    now = loop.time()
    monkeypatch.setattr(loop, "time", lambda: now + resolving.MAX_TTL + 1)
    await link.resolve("example.com")
    assert len(table.asked) == 2


async def test_so_many_answers_are_kept_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolving, "MAX_KEPT", 2)
    names = ["a.example", "b.example", "c.example"]
    table = Table({f"_dnslink.{name}": (f"dnslink={A}",) for name in names})
    link = DNSLink(table)
    for name in (*names, "c.example", "b.example", "a.example"):
        await link.resolve(name)
    assert table.asked == [f"_dnslink.{name}" for name in (*names, "a.example")]


async def test_a_failure_is_not_kept() -> None:
    table = Table({})
    link = DNSLink(table)
    with pytest.raises(NotFoundError):
        await link.resolve("example.com")
    table.table["_dnslink.example.com"] = (f"dnslink={A}",)
    assert await link.resolve("example.com") == A


async def test_the_server_for_the_longest_end_of_a_name_is_asked() -> None:
    system = Table({"_dnslink.b.example": (f"dnslink={A}/system",)})
    async with (
        over_https({"_dnslink.name.eth": [f'60 IN TXT "dnslink={A}/eth"']}) as eth,
        over_https({"_dnslink.name.other.eth": [f'60 IN TXT "dnslink={A}/other"']}) as other,
    ):
        servers = {"eth.": eth.url, "other.eth": other.url}
        link = DNSLink(system)
        assert await link.resolve("name.eth", servers=servers) == f"{A}/eth"
        assert await link.resolve("name.other.eth", servers=servers) == f"{A}/other"
        assert await link.resolve("b.example", servers=servers) == f"{A}/system"
        assert eth.asked == ["_dnslink.name.eth"]
        await link.close()
    assert system.asked[-1] == "closed"


async def test_answers_of_one_server_are_not_those_of_another() -> None:
    system = Table({"_dnslink.a.example": (f"dnslink={A}/system",)})
    async with over_https({"_dnslink.a.example": [f'60 IN TXT "dnslink={A}/server"']}) as server:
        link = DNSLink(system)
        assert await link.resolve("a.example") == f"{A}/system"
        assert await link.resolve("a.example", servers={".": server.url}) == f"{A}/server"
        assert await link.resolve("a.example", servers={".": "auto"}) == f"{A}/system"
        await link.close()


async def test_servers_that_cannot_be_meant_are_refused() -> None:
    link = DNSLink(Table({}))
    with pytest.raises(InvalidInputError):
        await link.resolve("a.example", servers={".": "http://dns.example/"})
    with pytest.raises(InvalidInputError):
        await link.resolve("a.example", servers={f"{number}.": "https://dns.example/" for number in range(65)})
