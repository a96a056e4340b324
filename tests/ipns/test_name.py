"""IPNS names and peer IDs in all their spellings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipfs_comm.errors import InvalidNameError
from ipfs_comm.ipld import CID, Multihash, multihash
from ipfs_comm.ipns import Name, parse_name

names = st.binary(max_size=64).map(lambda digest: Name(Multihash.create("identity", digest))) | st.binary().map(
    lambda data: Name(multihash.digest(data, "sha2-256"))
)


@given(names)
def test_a_name_comes_back_from_every_spelling(name: Name) -> None:
    cid = name.cid
    spellings = [str(name), name.path, *(cid.encode(base) for base in ("base32", "base58btc", "base64url", "base16"))]
    for given_as in (*spellings, cid, bytes(name.multihash), name):
        assert Name.parse(given_as) == name
    assert Name.from_routing_key(name.routing_key) == name


@given(st.binary().map(lambda data: Name(multihash.digest(data, "sha2-256"))))
def test_a_peer_id_is_the_multihash_in_base58(name: Name) -> None:
    assert name.peer_id.startswith("Qm")
    assert parse_name(name.peer_id) == parse_name(f"/ipns/{name.peer_id}") == name


def test_a_cid_of_content_is_no_name() -> None:
    content = CID.create(1, "raw", multihash.digest(b"x", "sha2-256"))
    for given_as in (content, str(content), f"/ipns/{content}"):
        with pytest.raises(InvalidNameError, match="libp2p-key"):
            Name.parse(given_as)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/ipns/",
        "/ipns//",
        "k51",
        "Qm",
        "1",
        "12D3KooW",
        "example.com",
        "/ipfs/k51",
        "k51 ",
        "Qm" + "1" * 5000,
        "\0",
    ],
)
def test_other_text_is_no_name(text: str) -> None:
    with pytest.raises(InvalidNameError) as refused:
        parse_name(text)
    assert len(str(refused.value)) < 600


@given(st.text(max_size=80) | st.binary(max_size=80))
def test_whatever_comes_is_a_name_or_a_typed_error(value: str | bytes) -> None:
    try:
        name = Name.parse(value)
    except InvalidNameError:
        return
    assert Name.parse(str(name)) == name


def test_a_routing_key_begins_with_its_namespace() -> None:
    with pytest.raises(InvalidNameError):
        Name.from_routing_key(b"/pk/" + bytes(34))
