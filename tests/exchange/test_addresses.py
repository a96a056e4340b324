"""Lists of gateways as people write them."""

from __future__ import annotations

import pytest

from ipfs_comm.errors import InvalidInputError
from ipfs_comm.exchange.addresses import DEFAULT_GATEWAYS, chosen, parse


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("https://a.example, http://127.0.0.1:8080/\n", ("https://a.example", "http://127.0.0.1:8080")),
        (["HTTPS://A.example/", "https://a.example"], ("https://a.example",)),
        ("http://[::1]:8080", ("http://[::1]:8080",)),
        ("", ()),
        ("none", ()),
        ([], ()),
        ("default", DEFAULT_GATEWAYS),
    ],
)
def test_a_list_is_read(written: str | list[str], meant: tuple[str, ...]) -> None:
    assert parse(written) == meant


@pytest.mark.parametrize(
    "written",
    [
        "trustless-gateway.link",
        "ftp://host",
        "file:///etc",
        "https://",
        "https://host:port",
        "https://host:99999",
        "https://user:word@host",
        "https://host/ipfs",
        "https://host?x",
        ["https://a b"],
        [7],
        7,
        b"https://host",
        [f"https://host{n}" for n in range(33)],
    ],
)
def test_what_is_no_list_of_gateways_is_refused(written: str) -> None:
    with pytest.raises(InvalidInputError):
        parse(written)


def test_the_environment_counts_if_only_by_being_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("IPFS_COMM_GATEWAYS")
    assert chosen() == DEFAULT_GATEWAYS
    monkeypatch.setenv("IPFS_COMM_GATEWAYS", "")
    assert chosen() == ()
    monkeypatch.setenv("IPFS_COMM_GATEWAYS", "nonsense")
    with pytest.raises(InvalidInputError, match="IPFS_COMM_GATEWAYS is 'nonsense'"):
        chosen()
