"""Nodes of the IPLD data model have the same bytes and the same CIDs in both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ipld.strategies import cids, floats
from kubo.trees import Plan, Tree, by_kubo, plans, trees
from kubo_support import FACTOR, KuboError

from ipfs_comm import open_node
from ipfs_comm.errors import IPFSCommError
from ipfs_comm.ipld import CID, codecs, multihash

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from kubo_support import Daemon

    from ipfs_comm.node.api import Node

CODECS = ["dag-cbor", "dag-json"]
PLAIN_CODECS = [*CODECS, "cbor", "json"]
#: What Go has integers for; the data model has no limit.
integers = st.integers(-(1 << 63), (1 << 63) - 1)
#: See the tests below for the rest.
common_floats = floats.filter(lambda number: not number.is_integer() or abs(number) >= 1e21)
common_text = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\b\f\u2028\u2029"), max_size=20)
scalars = st.one_of(st.none(), st.booleans(), integers, common_floats, common_text, st.binary(max_size=30), cids)
values = st.recursive(
    scalars,
    # A map with the one key "/" is no map in dag-json.
    lambda inner: (
        st.lists(inner, max_size=5) | st.dictionaries(common_text.filter(lambda key: key != "/"), inner, max_size=5)
    ),
    max_leaves=25,
)


def without_links(value: Any) -> Any:
    """Return the value without what plain CBOR and JSON have no place for."""
    if isinstance(value, dict):
        return {key: without_links(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [without_links(inner) for inner in value]
    return repr(value) if isinstance(value, (bytes, CID)) else value


def addressed(codec: str, block: bytes) -> CID:
    return CID.create(1, codec, multihash.digest(block, "sha2-256"))


def put(kubo: Daemon, blocks: list[bytes], read_as: str, stored_as: str) -> list[CID]:
    lines = kubo.lines("dag/put", files=blocks, input_codec=read_as, store_codec=stored_as)
    return [CID.parse(line["Cid"]["/"]) for line in lines]


@pytest.mark.parametrize("stored_as", CODECS)
@pytest.mark.parametrize("read_as", CODECS)
@settings(max_examples=40 * FACTOR)
@given(some=st.lists(values, min_size=1, max_size=12))
def test_what_kubo_reads_of_ours_it_writes_as_we_do(
    kubo: Daemon, read_as: str, stored_as: str, some: list[Any]
) -> None:
    given_as = [codecs.get(read_as).encode(value) for value in some]
    expected = [addressed(stored_as, codecs.get(stored_as).encode(value)) for value in some]
    assert put(kubo, given_as, read_as, stored_as) == expected


@pytest.mark.parametrize("stored_as", PLAIN_CODECS)
@pytest.mark.parametrize("read_as", PLAIN_CODECS)
@settings(max_examples=10 * FACTOR)
@given(some=st.lists(values.map(without_links), min_size=1, max_size=12))
def test_plain_values_are_stored_alike_by_every_codec(
    kubo: Daemon, read_as: str, stored_as: str, some: list[Any]
) -> None:
    given_as = [codecs.get(read_as).encode(value) for value in some]
    expected = [
        addressed(stored_as, codecs.get(stored_as).encode(codecs.get(read_as).decode(block))) for block in given_as
    ]
    assert put(kubo, given_as, read_as, stored_as) == expected


@pytest.mark.parametrize("stored_as", CODECS)
@settings(max_examples=30 * FACTOR)
@given(value=values)
def test_what_kubo_writes_we_read(kubo: Daemon, stored_as: str, value: Any) -> None:
    codec = codecs.get(stored_as)
    (cid,) = put(kubo, [codec.encode(value)], stored_as, stored_as)
    for written_as in CODECS:
        block = kubo.call("dag/get", str(cid), output_codec=written_as)
        assert codecs.get(written_as).encode(codecs.get(written_as).decode(block)) == block
        assert codecs.get(stored_as).encode(codecs.get(written_as).decode(block)) == codec.encode(value)


def test_kubo_writes_whole_floats_into_dag_json_as_integers_and_we_as_the_specification_says(kubo: Daemon) -> None:
    (cid,) = put(kubo, [codecs.get("dag-cbor").encode(1.0)], "dag-cbor", "dag-cbor")
    assert kubo.call("dag/get", str(cid), output_codec="dag-json") == b"1"
    assert codecs.get("dag-json").encode(1.0) == b"1.0"


@pytest.mark.parametrize(
    ("text", "theirs", "ours"),
    [
        ("\b", b'"\\u0008"', b'"\\b"'),
        ("\f", b'"\\u000c"', b'"\\f"'),
        ("\u2028", b'"\\u2028"', '"\u2028"'.encode()),
        ("\u2029", b'"\\u2029"', '"\u2029"'.encode()),
    ],
)
def test_kubo_escapes_four_characters_as_go_does_and_we_as_javascript_does(
    kubo: Daemon, text: str, theirs: bytes, ours: bytes
) -> None:
    (cid,) = put(kubo, [codecs.get("dag-cbor").encode(text)], "dag-cbor", "dag-cbor")
    assert kubo.call("dag/get", str(cid), output_codec="dag-json") == theirs
    assert codecs.get("dag-json").encode(text) == ours
    assert codecs.get("dag-json").decode(theirs) == text
    assert put(kubo, [ours], "dag-json", "dag-cbor") == [cid]


@pytest.mark.parametrize(
    ("input_codec", "given"),
    [
        ("dag-pb", b""),
        ("dag-pb", b"\x0a\x02\x08\x01"),
        ("dag-pb", b"\x0a\x00"),
        ("dag-pb", bytes.fromhex("120a0a040155000012001800")),
        ("dag-pb", bytes.fromhex("12060a04015500000a00")),
        ("dag-pb", bytes.fromhex("12021200")),
        ("dag-cbor", codecs.get("dag-cbor").encode({"Data": b"x", "Links": []})),
        ("dag-cbor", codecs.get("dag-cbor").encode({"Links": []})),
        ("dag-cbor", codecs.get("dag-cbor").encode({"Data": b"x"})),
        ("dag-cbor", codecs.get("dag-cbor").encode(b"bytes")),
        ("dag-json", b'{"Links":[{"Hash":{"/":"bafkqaaa"},"Name":"x","Tsize":3}]}'),
        ("dag-json", b'{"Links":[{"Hash":{"/":"bafkqaaa"}}]}'),
        ("dag-json", b'{"Links":[],"x":1}'),
        ("dag-json", b'{"Data":"x","Links":[]}'),
        ("dag-json", b'{"/":{"bytes":"AQI"}}'),
        ("dag-json", b' { "b" : 1 , "a" : 2 } '),
        ("dag-json", b'{"a":1,"a":2}'),
        ("dag-json", b"1 2"),
        ("dag-json", b""),
        ("raw", b"abc"),
        ("raw", b""),
        ("json", b'{"b":1,"a":[ ]}'),
        ("cbor", b"\xa2\x61b\x01\x61a\x02"),
        ("cbor", b"\x18\x01"),
        ("cbor", b"\x9f\x01\xff"),
        ("cbor", b"\xd8\x2a\x45\x00\x01\x55\x00\x00"),
    ],
)
@pytest.mark.parametrize("store_codec", ["dag-pb", "dag-cbor", "dag-json", "raw", "cbor", "json"])
async def test_what_one_codec_reads_another_stores_alike_or_not_at_all(
    kubo: Daemon, input_codec: str, given: bytes, store_codec: str
) -> None:
    try:
        (theirs,) = put(kubo, [given], input_codec, store_codec)
    except KuboError:
        async with open_node(repo=":memory:") as node:
            with pytest.raises(IPFSCommError):
                await node.dag.put(given, input_codec=input_codec, store_codec=store_codec)
        return
    async with open_node(repo=":memory:") as node:
        assert await node.dag.put(given, input_codec=input_codec, store_codec=store_codec) == theirs


class Linked:
    """Nodes of every codec that lead to each other, in Kubo and in a node."""

    def __init__(self, kubo: Daemon, node: Node) -> None:
        self._kubo = kubo
        self._node = node

    async def put(self, value: Any, codec: str = "dag-cbor") -> CID:
        cid = await self._node.dag.put(value, store_codec=codec)
        (line,) = self._kubo.lines("block/put", files=[codecs.get(codec).encode(value)], cid_codec=codec)
        assert CID.parse(line["Key"]) == cid
        return cid

    async def make(self) -> list[CID]:
        leaf = await self.put({"x": {"y": [1, {"z": 2}]}, "": 3})
        node = await self.put({"Data": b"\x08\x01", "Links": [{"Hash": leaf, "Name": "kid", "Tsize": 5}]}, "dag-pb")
        raw = await self.put(b"abc", "raw")
        text = await self.put({"l": leaf, "r": raw, "p": node, "list": [raw, [leaf]]}, "dag-json")
        inner = await self.put({"l": leaf, "0": {"1": text}, "n": None, "t": "text"})
        plain = await self.put({"a": {"b": [1, 2]}}, "json")
        root = await self.put({"a": inner, "b": [text, node, plain, leaf], "c": {"d": {"e": inner}}})
        return [root, text, node, raw, inner, plain, leaf]


@pytest.fixture
async def node() -> AsyncIterator[Node]:
    async with open_node(repo=":memory:") as opened:
        yield opened


PATHS = [
    "a", "a/l", "a/l/x", "a/l/x/y", "a/l/x/y/0", "a/l/x/y/1/z", "a/l/x/y/2", "a/l/x/y/-1", "a/0/1/list/1/0/x",
    "b", "b/0", "b/1", "b/1/kid", "b/1/kid/x/y", "b/2", "b/2/a", "b/2/a/b/1", "b/9", "b/x", "b/1/0", "b/1/none",
    "c/d", "c/d/e", "c/d/e/t", "c/d/e/n", "c/d/e/n/x", "c/d/e/t/x", "none", "a/none", "a/l/none/x", "b/0/r",
    "b/0/r/x", "a/l/", "a//l", "b/0/p/kid",
]  # fmt: skip


async def test_paths_lead_to_the_same_nodes_and_values(kubo: Daemon, node: Node) -> None:
    root, *_ = await Linked(kubo, node).make()
    for path in ("", *PATHS):
        full = f"{root}/{path}"
        try:
            (line,) = kubo.lines("dag/resolve", full)
        except KuboError:
            with pytest.raises(IPFSCommError):
                await node.dag.resolve(root, path=path)
            with pytest.raises(IPFSCommError):
                await node.dag.get(root, path=path)
            continue
        found = await node.dag.resolve(root, path=path)
        assert (found.cid, found.remainder_path) == (CID.parse(line["Cid"]["/"]), line["RemPath"].strip("/")), path
        value = kubo.call("dag/get", full, output_codec="dag-json").strip()
        assert codecs.get("dag-json").encode((await node.dag.get(root, path=path)).value) == value, path


async def stats_of(kubo: Daemon, node: Node, roots: list[CID]) -> None:
    said = kubo.lines("dag/stat", *map(str, roots), progress=False)[-1]
    ours = await node.dag.stat(roots)
    assert (ours.unique_blocks, ours.total_size, ours.shared_size) == (
        said["UniqueBlocks"],
        said["TotalSize"],
        said.get("SharedSize", 0),
    )
    # Kubo divides by the bytes that all blocks have together; none of them is no number.
    assert ours.ratio == pytest.approx(said.get("Ratio", 1.0), rel=1e-5)
    assert [(stat.cid, stat.size, stat.num_blocks) for stat in ours.dag_stats] == [
        (CID.parse(stat["Cid"]), stat["Size"], stat["NumBlocks"]) for stat in said["DagStats"]
    ]


async def test_dags_have_the_same_statistics_alone_and_together(kubo: Daemon, node: Node) -> None:
    made = await Linked(kubo, node).make()
    for cid in made:
        await stats_of(kubo, node, [cid])
    await stats_of(kubo, node, made[1:4])
    await stats_of(kubo, node, [made[4], made[6]])


@settings(max_examples=15 * FACTOR)
@given(plan=plans(), tree=trees())
async def test_trees_have_the_same_statistics(kubo: Daemon, plan: Plan, tree: Tree) -> None:
    cid, _ = by_kubo(kubo, {"tree": tree}, plan)["tree"]
    async with open_node(repo=":memory:") as node:
        await node.dag.import_(kubo.call("dag/export", str(cid), progress=False))
        await stats_of(kubo, node, [cid])
