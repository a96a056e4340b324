"""Domains and TXT records, as they are read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipfs_comm.dnslink import is_domain, links_of, spelled
from ipfs_comm.errors import InvalidNameError

CID = "QmPFVLPmp9zv5Z5KUqLhe2EivAGccQW2r7M7jhVJGLZoZU"


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ("ipfs.tech", "ipfs.tech"),
        ("Docs.IPFS.Tech.", "docs.ipfs.tech"),
        ("_dnslink.ipfs.tech", "_dnslink.ipfs.tech"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("a-b_c.example", "a-b_c.example"),
    ],
)
def test_a_domain_is_spelled_as_dns_has_it(given: str, made: str) -> None:
    assert spelled(given) == made


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        ".",
        "..",
        "example",
        "a..b",
        ".a.b",
        "-a.b",
        "a-.b",
        "a b.c",
        "a/b.c",
        "a.b\0",
        "a" * 64 + ".b",
        "a." * 127 + "b",
    ],
)
def test_what_is_no_domain_is_refused(wrong: str) -> None:
    with pytest.raises(InvalidNameError):
        spelled(wrong)


@given(st.text(max_size=400))
def test_any_text_is_a_domain_or_refused(text: str) -> None:
    try:
        made = spelled(text)
    except InvalidNameError:
        return
    assert spelled(made) == made
    assert made.isascii()
    assert is_domain(made)


@pytest.mark.parametrize(
    ("records", "path"),
    [
        ([f"dnslink=/ipfs/{CID}"], f"/ipfs/{CID}"),
        ([f"dnslink=/ipfs/{CID}/a/b"], f"/ipfs/{CID}/a/b"),
        (["dnslink=/ipns/website.ipfs.tech"], "/ipns/website.ipfs.tech"),
        (["v=spf1 -all", f"dnslink=/ipfs/{CID}"], f"/ipfs/{CID}"),
        ([f"dnslink={CID}"], f"/ipfs/{CID}"),
        ([f"/ipfs/{CID}"], f"/ipfs/{CID}"),
        (["dnslink=/swarm/abc", f"dnslink=/ipfs/{CID}"], f"/ipfs/{CID}"),
        ([CID], f"/ipfs/{CID}"),
    ],
)
def test_a_record_stands_for_a_path(records: list[str], path: str) -> None:
    assert links_of(record.encode() for record in records) == [path]


@pytest.mark.parametrize(
    "record",
    [
        b"",
        b"dnslink=",
        b"dnslink=/",
        b"dnslink=/ipfs/",
        b"dnslink=/ipfs/nothing",
        b"dnslink=/swarm/abc",
        b"dnslink=/ipld/" + CID.encode(),
        b"dnslink= /ipfs/" + CID.encode(),
        b"dnslink=https://example.com",
        b"DNSLINK=/ipfs/" + CID.encode(),
        b"dnslink=/ipfs/" + CID.encode() + b"/../../x",
        b"\xff\xfe",
        b"dnslink=/ipfs/" + CID.encode() + b"/" + b"a" * 5000,
    ],
)
def test_a_record_that_says_something_else_stands_for_nothing(record: bytes) -> None:
    assert links_of([record]) == []


def test_every_path_among_the_records_is_told() -> None:
    records = [f"dnslink=/ipfs/{CID}/{name}".encode() for name in "abb"]
    assert links_of(records) == [f"/ipfs/{CID}/{name}" for name in "abb"]


def test_of_endless_records_the_first_are_looked_at() -> None:
    def endless() -> object:
        while True:
            yield b"nothing"

    assert links_of(endless()) == []  # type: ignore[arg-type]  # bytes, one after another


@given(st.lists(st.binary(max_size=100), max_size=8))
def test_any_records_are_paths_or_nothing(records: list[bytes]) -> None:
    assert all(path.startswith(("/ipfs/", "/ipns/")) for path in links_of(records))
