from __future__ import annotations

from typing import Any

import pytest
from fixtures_support import cases
from unixfs.inputs import content_of, pieces_of

from ipfs_comm.errors import InvalidInputError
from ipfs_comm.unixfs.chunker import parse
from ipfs_comm.unixfs.format import Mtime, UnixFS, link_size, omit_default_mode, varint, varint_size
from ipfs_comm.unixfs.layout import balanced, flat, trickle

_FIELD_NUMBERS = {"mode": 7}


def built(fields: dict[str, Any]) -> UnixFS:
    """Return the message that js-ipfs's constructor makes of these fields."""
    data = fields["dataUtf8"].encode() if "dataUtf8" in fields else None
    mode = omit_default_mode(fields["type"], fields.get("mode"))
    mtime = Mtime(**fields["mtime"]) if fields.get("mtime") else None
    if fields["type"] in ("file", "raw"):
        return UnixFS.file(data, type=fields["type"], mode=mode, mtime=mtime)
    return UnixFS(fields["type"], data, mode=mode, mtime=mtime)


def field_numbers(buffer: bytes) -> set[int]:
    """Return the numbers of the fields of a message whose tags and lengths are one byte each."""
    numbers, at = set(), 0
    while at < len(buffer):
        numbers.add(buffer[at] >> 3)
        if buffer[at] & 7 == 2:
            at += 2 + buffer[at + 1]
        else:
            at += 1
            while buffer[at] & 0x80:
                at += 1
            at += 1
    return numbers


def raw_mode(buffer: bytes) -> int:
    value = 0
    for index, byte in enumerate(buffer[buffer.index(0x38) + 1 :]):
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            break
    return value


@pytest.mark.parametrize("case", cases("unixfs", "format_cases.json"))
def test_a_message_is_read_and_written_as_others_do(case: dict[str, Any]) -> None:
    if "fn" in case:
        check_sizes(case)
        return
    if "error" in case:
        with pytest.raises(InvalidInputError) as caught:
            built(case["fields"]).encode()
        assert caught.value.code == case["error"]
        return
    message = UnixFS.decode(bytes.fromhex(case["hex"])) if "hex" in case else built(case["fields"])
    encoded = message.encode()
    again = UnixFS.decode(encoded)
    compared = 0
    if "decoded" in case:
        expected = case["decoded"]
        assert message.type == expected["type"]
        assert message.data == (expected["dataUtf8"].encode() if "dataUtf8" in expected else expected["data"])
        compared += 1
    if case.get("reencodesSame"):
        assert encoded.hex() == case["hex"]
        compared += 1
    if "encodesTo" in case:
        assert encoded.hex() == case["encodesTo"]
        compared += 1
    if "reencodedRawMode" in case:
        assert raw_mode(encoded) == case["reencodedRawMode"]
        compared += 1
    if "encodedFieldAbsent" in case:
        assert _FIELD_NUMBERS[case["encodedFieldAbsent"]] not in field_numbers(encoded)
        compared += 1
    for name, value in case.get("roundtrip", {}).items():
        if name == "mode":
            assert again.permissions == value
        elif name == "mtime":
            assert again.mtime == (None if value is None else Mtime(**value))
        else:
            assert getattr(again, name) == value
        compared += 1
    assert compared


def check_sizes(case: dict[str, Any]) -> None:
    name = case["fn"].split("(")[0]
    if name == "varintLen":
        assert varint_size(*case["args"]) == len(varint(*case["args"])) == case["expect"]
    elif name == "linkSerializedSize":
        assert link_size(*case["args"]) == case["expect"]
    else:
        assert name == "filesForBlockThreshold"
        threshold, *link = case["args"]
        # The four bytes are the directory's own message with its tag and length.
        assert (threshold - 4) // link_size(*link) == case["expect"]


@pytest.mark.parametrize("case", cases("unixfs", "layout_cases.json"))
async def test_leaves_are_laid_out_as_others_do(case: dict[str, Any]) -> None:
    async def leaves():
        for number in range(case["leaves"]):
            yield number

    async def reduce(children: list[Any], root: bool) -> Any:
        return children[0] if len(children) == 1 else {"children": children}

    params = case["params"]
    if case["layout"] == "balanced":
        found = await balanced(leaves(), reduce, params["maxChildrenPerNode"])
    elif case["layout"] == "trickle":
        found = await trickle(leaves(), reduce, params["maxChildrenPerNode"], params["layerRepeat"])
    else:
        assert case["layout"] == "flat"
        found = await flat(leaves(), reduce)
    assert found == case["expect"]


@pytest.mark.parametrize("case", cases("unixfs", "chunker_cases.json"))
def test_content_is_cut_where_others_cut_it(case: dict[str, Any]) -> None:
    expect = case["expect"]
    if "error" in expect:
        with pytest.raises(InvalidInputError, match=expect.get("errorContains")):
            parse(case["chunker"])
        return
    chunker = parse(case["chunker"])
    content = content_of(case["content"])
    chunks = [chunk for piece in pieces_of(content) for chunk in map(bytes, chunker.feed(piece))]
    chunks += map(bytes, chunker.finish())
    assert b"".join(chunks) == content
    lengths = [len(chunk) for chunk in chunks]
    if "lengths" in expect:
        assert lengths == expect["lengths"]
    elif "allAtLeast" in expect:
        assert min(lengths) >= expect["allAtLeast"]
        assert max(lengths) <= expect["allAtMost"]
    else:
        assert expect == {"valid": True}
