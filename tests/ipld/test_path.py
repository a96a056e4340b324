from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ipld.strategies import cids

from ipfs_comm.errors import CodecError, InvalidPathError, NoLinkError, NotFoundError, UnknownCodecError
from ipfs_comm.ipld import CID, codecs, multihash, path

V1 = "bafybeihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"
names = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=8).filter(
    lambda name: name not in (".", "..")
)


class Blocks:
    """Blocks in a dict, and which of them were asked for."""

    def __init__(self) -> None:
        self.held: dict[CID, bytes] = {}
        self.asked: list[CID] = []

    def put(self, codec: str, value: Any) -> CID:
        data = codecs.get(codec).encode(value)
        cid = CID.create(1, codec, multihash.digest(data))
        self.held[cid] = data
        return cid

    async def load(self, cid: CID) -> bytes:
        self.asked.append(cid)
        try:
            return self.held[cid]
        except KeyError:
            raise NotFoundError(f"no block {cid}", detail={"cid": str(cid)}) from None


@given(cids, st.lists(names, max_size=4), st.booleans())
def test_a_path_prints_as_what_it_was_parsed_from(cid: CID, segments: list[str], slash: bool) -> None:
    text = "/".join(["/ipfs", str(cid), *segments]) + ("/" if slash else "")
    parsed = path.parse(text)
    assert (parsed.namespace, parsed.root, parsed.segments) == ("ipfs", cid, tuple(segments))
    assert str(parsed) == text
    assert path.parse(str(parsed)) == parsed


@given(st.text(max_size=40))
def test_any_text_is_a_path_or_refused_with_a_typed_error(text: str) -> None:
    try:
        parsed = path.parse(text)
    except InvalidPathError:
        return
    assert path.parse(str(parsed)) == parsed


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        (V1, f"/ipfs/{V1}"),
        (f"{V1}/a/b", f"/ipfs/{V1}/a/b"),
        (f"ipfs://{V1}/a%20b/ä?x=1#y", f"/ipfs/{V1}/a b/ä"),
        (f"IPFS://{V1}", f"/ipfs/{V1}"),
        ("ipns://example.org/a", "/ipns/example.org/a"),
        (f"/ipfs/{V1}/a%20b", f"/ipfs/{V1}/a%20b"),
        (f"//ipfs/{V1}", f"/ipfs/{V1}"),
        (f"/ipfs/{V1}/a/../b/./c", f"/ipfs/{V1}/b/c"),
    ],
)
def test_the_forms_of_a_path(text: str, canonical: str) -> None:
    assert str(path.parse(text)) == canonical


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/",
        "a",
        "/ipfs",
        f"/{V1}",
        f"/ipfs/{V1}/..",
        f"/ipfs/{V1}/a/../../b",
        f"/ipfs/{V1}/\0",
        f"ipfs://{V1}/a%2Fb",
        f"ipfs://{V1}/%ff",
        "/ipns/..",
        "ipfs://",
        "/ipfs/" + "a/" * 40_000,
        None,
    ],
)
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(InvalidPathError):
        path.parse(text)


def test_a_cid_is_a_path_and_a_path_is_itself() -> None:
    parsed = path.parse(CID.parse(V1))
    assert parsed == path.parse(V1)
    assert path.parse(parsed) is parsed


def test_a_path_without_a_root_is_cut_into_segments() -> None:
    assert path.split("/a//b/./c/../d/") == ("a", "b", "d")
    assert path.split("") == ()
    with pytest.raises(InvalidPathError, match="above"):
        path.split("a/../..")


async def test_a_path_leads_through_links_of_every_codec() -> None:
    blocks = Blocks()
    leaf = blocks.put("raw", b"leaf")
    json = blocks.put("dag-json", {"list": [0, {"leaf": leaf}]})
    pb = blocks.put(
        "dag-pb",
        {
            "Data": b"pb",
            "Links": [{"Hash": json, "Name": "Links", "Tsize": 1}, {"Hash": json, "Name": "to json", "Tsize": 1}],
        },
    )
    root = blocks.put("dag-cbor", {"deep": {"pb": pb}, "n": 1})
    found = await path.resolve(blocks.load, root, ("deep", "pb", "to json", "list", "1", "leaf"))
    assert (found.cid, found.value, found.remainder) == (leaf, b"leaf", ())
    found = await path.resolve(blocks.load, root, ("deep", "pb", "to json", "list", "1"))
    assert (found.cid, found.value, found.remainder) == (json, {"leaf": leaf}, ("list", "1"))
    assert blocks.asked == [root, pb, json, leaf, root, pb, json]


async def test_a_segment_in_dag_pb_is_a_links_name_before_it_is_a_member() -> None:
    blocks = Blocks()
    leaf = blocks.put("raw", b"leaf")
    pb = blocks.put("dag-pb", {"Data": b"pb", "Links": [{"Hash": leaf, "Name": "Data", "Tsize": 4}]})
    assert (await path.resolve(blocks.load, pb, ("Data",))).value == b"leaf"
    assert (await path.resolve(blocks.load, pb, ("Links", "0", "Hash"))).value == b"leaf"
    assert (await path.resolve(blocks.load, pb, ("Links", "0", "Tsize"))).value == 4
    plain = blocks.put("dag-pb", {"Data": b"pb", "Links": []})
    assert (await path.resolve(blocks.load, plain, ("Data",))).value == b"pb"


async def test_a_local_resolution_stops_at_the_first_link() -> None:
    blocks = Blocks()
    inner = blocks.put("dag-cbor", {"b": 1})
    root = blocks.put("dag-cbor", {"x": {"a": inner}})
    found = await path.resolve(blocks.load, root, ("x", "a", "b", "c"), local=True)
    assert (found.cid, found.value, found.remainder) == (root, inner, ("b", "c"))
    assert blocks.asked == [root]


async def test_the_last_cid_of_a_path_is_found_without_loading_its_block() -> None:
    blocks = Blocks()
    absent = CID.create(1, "raw", multihash.digest(b"absent"))
    root = blocks.put("dag-cbor", {"a": {"b": absent}})
    assert await path.resolve_cid(blocks.load, root, ("a", "b")) == (absent, ())
    assert await path.resolve_cid(blocks.load, root, ("a",)) == (root, ("a",))
    assert await path.resolve_cid(blocks.load, absent) == (absent, ())


async def test_an_identity_block_is_read_from_its_cid() -> None:
    blocks = Blocks()
    inside = CID.create(1, "dag-cbor", multihash.digest(codecs.get("dag-cbor").encode({"a": 1}), "identity"))
    assert (await path.resolve(blocks.load, inside, ("a",))).value == 1
    assert blocks.asked == []


@pytest.mark.parametrize("segment", ["missing", "01", "-1", "3", "length", "__class__", "²"])
async def test_a_segment_that_leads_nowhere_is_an_error_that_names_block_and_segment(segment: str) -> None:
    blocks = Blocks()
    inner = blocks.put("dag-cbor", [1, 2, 3])
    root = blocks.put("dag-cbor", {"a": inner})
    with pytest.raises(NoLinkError) as caught:
        await path.resolve(blocks.load, root, ("a", segment, "x"))
    assert caught.value.code == "ERR_NO_LINK"
    assert caught.value.detail == {"cid": str(inner), "path": f"{root}/a/{segment}/x", "segment": segment}
    assert f'no link named "{segment}" under {inner}' in str(caught.value)


async def test_a_block_that_is_missing_is_an_error_that_names_the_segment_that_led_to_it() -> None:
    blocks = Blocks()
    absent = CID.create(1, "dag-cbor", multihash.digest(b"absent"))
    root = blocks.put("dag-cbor", {"a": {"b": absent}})
    with pytest.raises(NotFoundError, match=f"no block {absent} .*segment 'b' of") as caught:
        await path.resolve(blocks.load, root, ("a", "b", "c"))
    assert caught.value.detail == {"cid": str(absent), "path": f"{root}/a/b/c", "segment": "b"}
    with pytest.raises(NotFoundError, match="begins there"):
        await path.resolve(blocks.load, absent, ("a",))


async def test_a_block_on_the_way_that_cannot_be_decoded_is_a_typed_error() -> None:
    blocks = Blocks()
    strange = CID.create(1, 0x123456, multihash.digest(b"x"))
    broken = CID.create(1, "dag-cbor", multihash.digest(b"\xff"))
    blocks.held[broken] = b"\xff"
    root = blocks.put("dag-cbor", [strange, broken])
    with pytest.raises(UnknownCodecError, match="0x123456"):
        await path.resolve(blocks.load, root, ("0", "a"))
    with pytest.raises(CodecError):
        await path.resolve(blocks.load, root, ("1", "a"))
