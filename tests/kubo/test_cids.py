"""CIDs are written and read in every base as `ipfs cid format` does it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kubo_support import FACTOR

from ipfs_comm.errors import IPFSCommError
from ipfs_comm.ipld import CID, multihash

if TYPE_CHECKING:
    from kubo_support import Daemon

HASHES = ["sha2-256", "sha2-512", "sha3-384", "blake2b-256", "blake3", "dbl-sha2-256", "identity"]
CODECS = ["raw", "dag-pb", "dag-cbor", "dag-json", "json", "libp2p-key"]
BASES = [
    "base2", "base16", "base16upper", "base32", "base32upper", "base32pad", "base32padupper", "base32hex",
    "base32hexupper", "base32hexpad", "base32hexpadupper", "base36", "base36upper", "base58btc", "base58flickr",
    "base64", "base64pad", "base64url", "base64urlpad", "base256emoji",
]  # fmt: skip
VERSION_1 = [CID.create(1, codec, multihash.digest(b"hello", hashed)) for hashed in HASHES for codec in CODECS]
ALL = [*VERSION_1, *(CID.create(0, "dag-pb", multihash.digest(text, "sha2-256")) for text in (b"", b"hello"))]


def formatted(kubo: Daemon, texts: list[str], **options: str) -> list[str | None]:
    """Return what Kubo makes of each text; None for what it refuses."""
    lines = kubo.lines("cid/format", *texts, **options)
    assert [line["CidStr"] for line in lines] == texts
    return [None if line["ErrorMsg"] else line["Formatted"] for line in lines]


@pytest.mark.parametrize("base", BASES)
def test_every_base_is_written_and_read_alike(kubo: Daemon, base: str) -> None:
    theirs = formatted(kubo, [str(cid) for cid in VERSION_1], b=base)
    assert [cid.encode(base) for cid in VERSION_1] == theirs
    assert [CID.parse(text or "") for text in theirs] == VERSION_1


def test_the_parts_of_a_cid_have_the_same_names(kubo: Daemon) -> None:
    assert formatted(kubo, [str(cid) for cid in ALL], f="%V %c %C %h %H %L %s") == [
        f"{cid.version} {cid.codec} {cid.code} {cid.multihash.name} {cid.multihash.code} {cid.multihash.size} {cid}"
        for cid in ALL
    ]


#: Why text is refused here that Kubo reads: a code that no hash function has, a digest longer than its function makes,
#: a last character of a base that stands for no byte.
STRICTER = ("hash function", "digest has at most", "it is cut off")


@settings(max_examples=40 * FACTOR)
@given(
    changes=st.lists(
        st.tuples(
            st.sampled_from(ALL),
            st.sampled_from(["base16", "base32", "base36", "base58btc", "base64url"]),
            st.integers(0, 200),
            st.sampled_from(["drop", "change", "insert", "cut"]),
            st.sampled_from("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+/=-_! "),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_damaged_text_is_read_alike_or_by_none(kubo: Daemon, changes: list[tuple[CID, str, int, str, str]]) -> None:
    texts = []
    for cid, base, at, change, new in changes:
        text = str(cid) if cid.version == 0 else cid.encode(base)
        at %= len(text)
        kept = {"drop": text[at + 1 :], "change": new + text[at + 1 :], "insert": new + text[at:], "cut": ""}[change]
        texts.append(text[:at] + kept)
    texts = [text for text in dict.fromkeys(texts) if text] or ["none"]
    for text, theirs in zip(texts, formatted(kubo, texts, v="1", b="base32"), strict=True):
        read, refusal = _read(text)
        if read is None:
            assert theirs is None or any(reason in refusal for reason in STRICTER), text
        else:
            assert str(read.to_v1()) == theirs, text


def _read(text: str) -> tuple[CID | None, str]:
    try:
        return CID.parse(text), ""
    except IPFSCommError as error:
        return None, str(error)
