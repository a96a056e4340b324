"""Addresses and keys of pinning services, as people give them."""

from __future__ import annotations

import pytest

from ipfs_comm.errors import InvalidInputError
from ipfs_comm.pinning import checked_endpoint, checked_key


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("https://api.example.com", "https://api.example.com"),
        ("https://api.example.com/", "https://api.example.com"),
        ("http://127.0.0.1:5000//psa///v1/", "http://127.0.0.1:5000/psa/v1"),
        ("http://[::1]:5000/", "http://[::1]:5000"),
        (" https://API.example.com/PSA ", "https://api.example.com/PSA"),
    ],
)
def test_slashes_too_many_are_taken_away(given: str, address: str) -> None:
    assert checked_endpoint(given) == address


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("", "endpoint is required"),
        (None, "endpoint is required"),
        ("api.example.com", "valid HTTP URL"),
        ("ftp://api.example.com", "valid HTTP URL"),
        ("https://", "valid HTTP URL"),
        ("https://api.example.com:port", "valid HTTP URL"),
        ("https://[::1", "valid HTTP URL"),
        ("https://api.example.com/pins", "without the /pins suffix"),
        ("https://api.example.com/pins//", "without the /pins suffix"),
        ("https://api.example.com?key=1", "without any query"),
        ("https://api.example.com/#part", "without any query"),
        ("https://api.example.com/../secret", "must not hold"),
        ("https://api.example.com/a b", "blanks"),
        ("https://api.example.com/\r\nHost: x", "blanks"),
        (f"https://api.example.com/{'a' * 3000}", "too long"),
    ],
)
def test_what_is_no_address_of_a_service_is_refused(given: object, why: str) -> None:
    with pytest.raises(InvalidInputError, match=why):
        checked_endpoint(given)


def test_a_password_in_an_address_is_refused_and_not_shown() -> None:
    with pytest.raises(InvalidInputError, match="a name or password") as caught:
        checked_endpoint("https://me:secret@api.example.com")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("given", ["", None, "a\r\nHost: x", " secret", "geheim-ß", "k" * 5000])
def test_what_cannot_be_a_key_is_refused_and_not_shown(given: str | None) -> None:
    with pytest.raises(InvalidInputError, match="key") as caught:
        checked_key(given)
    assert not given or given not in str(caught.value)
