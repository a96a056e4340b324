from __future__ import annotations

import pytest

from ipfs_comm.errors import CodecError, UnknownCodecError
from ipfs_comm.ipld import codecs, multicodec


@pytest.mark.parametrize(
    ("name", "code"),
    [("dag-pb", 0x70), ("raw", 0x55), ("dag-cbor", 0x71), ("dag-json", 0x129), ("cbor", 0x51), ("json", 0x200)],
)
def test_a_codec_is_found_by_name_and_by_code(name: str, code: int) -> None:
    assert codecs.get(name) is codecs.get(code) is codecs.get(hex(code))
    assert (codecs.get(name).name, codecs.get(name).code) == (name, code)


@pytest.mark.parametrize("codec", ["git-raw", 0x78, 0x123456, "0x123456", "nonsense", -1, None, True])
def test_a_codec_that_is_not_there_is_refused(codec: object) -> None:
    with pytest.raises(UnknownCodecError, match="use "):
        codecs.get(codec)  # type: ignore[arg-type]  # what the test is about


def test_a_raw_block_is_its_bytes() -> None:
    raw = codecs.get("raw")
    assert raw.encode(bytearray(b"x")) == raw.decode(memoryview(b"x")) == b"x"
    assert list(raw.links(b"x")) == []
    with pytest.raises(CodecError, match="must be bytes"):
        raw.encode("x")


def test_a_code_without_a_name_is_named_by_itself() -> None:
    assert multicodec.name(0x1234) == "0x1234"
    assert multicodec.code(multicodec.name(0x1234)) == 0x1234
