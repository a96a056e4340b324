from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import fixtures_support
import pytest

from ipfs_comm.errors import InvalidInputError, IPFSCommError
from ipfs_comm.ipld import CID, Multihash, multibase, multicodec, multihash, path, varint

if TYPE_CHECKING:
    from collections.abc import Callable

CODES = fixtures_support.load("multiformats", "codes.json") or {"bases": {}, "codecs": {}, "hashes": {}}


@pytest.mark.fixtures
@pytest.mark.parametrize(("name", "row"), CODES["bases"].items())
def test_base(name: str, row: dict[str, Any]) -> None:
    assert (multibase.get(name).prefix, multibase.get(name).code) == (row["prefix"], row["code"])


@pytest.mark.fixtures
@pytest.mark.parametrize(("name", "code"), CODES["codecs"].items())
def test_codec(name: str, code: int) -> None:
    assert (multicodec.code(name), multicodec.name(code)) == (code, name)


@pytest.mark.fixtures
@pytest.mark.parametrize(("name", "code"), CODES["hashes"].items())
def test_hash_function(name: str, code: int) -> None:
    assert (multihash.code(name), multihash.name(code)) == (code, name)


@pytest.mark.parametrize("case", fixtures_support.cases("multiformats", "varint.json"))
def test_varint(case: dict[str, Any]) -> None:
    if case.get("error"):
        with pytest.raises(InvalidInputError):
            varint.decode(bytes.fromhex(case["hex"]))
        return
    value = int(case["value"])
    if "hex" in case:
        data = bytes.fromhex(case["hex"])
        assert varint.encode(value) == data
        assert varint.decode(data) == (value, len(data))
    if "size" in case:
        assert len(varint.encode(value)) == varint.size(value) == case["size"]


@pytest.mark.parametrize("case", fixtures_support.cases("multiformats", "multibase.json"))
def test_multibase(case: dict[str, Any]) -> None:
    if case.get("error"):
        with pytest.raises(InvalidInputError):
            multibase.decode(case["text"])
        return
    data = bytes.fromhex(case["bytesHex"])
    assert multibase.decode_with_base(case["text"]) == (case["base"], data)
    if "encode" in case["op"]:
        assert multibase.encode(data, case["base"]) == case["text"]


def go_code(name: str) -> int:
    """Return the code that a constant of go-multihash stands for, such as ``BLAKE2B_MAX - 32``."""
    matched = re.fullmatch(r"(\w+)(?: ([+-]) (\d+))?", name)
    assert matched, f"the constant {name} is new"
    constant, operator, offset = matched.groups()
    named = {
        "BLAKE2B_MIN": "blake2b-8",
        "BLAKE2B_MAX": "blake2b-512",
        "BLAKE2S_MIN": "blake2s-8",
        "BLAKE2S_MAX": "blake2s-256",
        "MURMUR3X64_64": "murmur3-x64-64",
    }
    code = multihash.code(
        named.get(constant) or constant.lower().replace("_", "-", 1).replace("dbl-sha2_", "dbl-sha2-")
    )
    return code + int(f"{operator}{offset}") if offset else code


@pytest.mark.parametrize("case", fixtures_support.cases("multiformats", "multihash.json"))
def test_multihash(case: dict[str, Any]) -> None:
    if case.get("op") == "decode":
        with pytest.raises(InvalidInputError):
            Multihash.decode(bytes.fromhex(case["hex"]))
        return
    code = multihash.code(case["algorithm"]) if "algorithm" in case else go_code(case["goCode"])
    size = case["bits"] // 8 if "bits" in case else case["length"]
    data = bytes.fromhex(case["inputHex"]) if "inputHex" in case else case["inputUtf8"].encode()
    if case.get("error"):
        with pytest.raises(InvalidInputError, match="makes no digest"):
            multihash.digest(data, code, size=size)
        return
    expected = bytes.fromhex(case["multihashHex"])
    made = multihash.digest(data, code, size=None if size == -1 else size)
    assert bytes(made).hex() == expected.hex()
    assert Multihash.decode(expected) == made
    multihash.verify(made, data)


@pytest.mark.parametrize("case", fixtures_support.cases("multiformats", "cid.json"))
def test_cid(case: dict[str, Any]) -> None:
    {
        "cid": parts_and_forms,
        "cid-first": first_of_many,
        "cid-error": refused,
        "cid-optional": found_in_a_path,
        "cid-security": insecure,
    }[case["group"]](case)


def parts_and_forms(case: dict[str, Any]) -> None:
    read = [CID.parse(case["text"])] if "text" in case else []
    if "hex" in case:
        read.append(CID.decode(bytes.fromhex(case["hex"])))
        assert bytes(read[0]).hex() == case["hex"]
    for cid in read:
        found = {
            "version": cid.version,
            "codec": cid.code,
            "canonical": str(cid),
            "multihashCode": cid.multihash.code,
            "digestHex": cid.multihash.digest.hex(),
            "toV1": str(cid.to_v1()),
            "toV1Base58": cid.to_v1().encode("base58btc"),
        }
        for key, value in found.items():
            assert value == case.get(key, value)
        if "toV0" in case:
            assert str(cid.to_v0()) == case["toV0"]
        for codec, text in case.get("withCodec", {}).items():
            assert str(cid.with_codec(codec)) == text


def first_of_many(case: dict[str, Any]) -> None:
    if "concatenationOf" in case:
        parts = [CID.parse(text) for text in case["concatenationOf"]]
        data, offset, found = b"".join(map(bytes, parts)), 0, []
        while offset < len(data):
            cid, offset = CID.decode_first(data, offset)
            found.append(cid)
        assert found == parts
        return
    data = bytes.fromhex(case["hex"])
    cid, end = CID.decode_first(data)
    assert (str(cid), data[end:].hex()) == (case["first"], case["remainderHex"])


def refused(case: dict[str, Any]) -> None:
    attempt: dict[str, Callable[[], object]] = {
        "parse": lambda: CID.parse(case["text"]),
        "decode": lambda: CID.decode(bytes.fromhex(case["hex"])),
        "create": lambda: CID.create(case["version"], case["codec"], multihash.digest(b"abc")),
        "toString": lambda: CID.parse(case["text"]).encode(case["base"]),
        "toV0": lambda: CID.parse(case["text"]).to_v0(),
    }
    if case["op"].startswith("to"):
        CID.parse(case["text"])
    with pytest.raises(InvalidInputError):
        attempt[case["op"]]()


def found_in_a_path(case: dict[str, Any]) -> None:
    assert str(path.parse(case["text"]).root) == case["canonical"]


def insecure(case: dict[str, Any]) -> None:
    words = " ".join(case["error"].split()[:2])
    with pytest.raises(IPFSCommError, match=re.escape(words)):
        multihash.check_secure(CID.parse(case["text"]).multihash)


@pytest.mark.parametrize("case", fixtures_support.cases("multiformats", "paths.json"))
def test_path(case: dict[str, Any]) -> None:
    if case.get("error") and not begins_with_a_cid(case["text"]):
        with pytest.raises(InvalidInputError):
            path.parse(case["text"])
        return
    parsed = path.parse(case["text"])
    if case.get("error"):
        assert str(parsed) == f"/ipfs/{case['text']}"
    else:
        assert (str(parsed), parsed.namespace, parsed.mutable) == (
            case["canonical"],
            case["namespace"],
            case["mutable"],
        )


def begins_with_a_cid(text: str) -> bool:
    """Whether js-ipfs takes the text as a path, which boxo does not."""
    try:
        CID.parse(text.split("/")[0])
    except InvalidInputError:
        return False
    return True
