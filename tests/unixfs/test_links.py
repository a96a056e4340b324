"""Directories of one node that change link by link are those that are made at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipfs_comm.ipld import CID, multihash
from ipfs_comm.ipld.codecs.dag_pb import PBLink, PBNode, encode
from ipfs_comm.node.embedded.mfs import nodes
from ipfs_comm.unixfs import ImportOptions, directory_edit
from ipfs_comm.unixfs._links import Links
from ipfs_comm.unixfs._reader import Reader
from ipfs_comm.unixfs.builder import Builder
from ipfs_comm.unixfs.directory import make_directory
from ipfs_comm.unixfs.hamt import Entry

if TYPE_CHECKING:
    from collections.abc import Sequence

LEAVES = [CID.create(1, "raw", multihash.digest(bytes([at]), at)) for at in (0x12, 0x13)]
NAMES = st.text(st.characters(exclude_characters="/"), min_size=1, max_size=3)
LINKS = st.lists(st.tuples(NAMES, st.sampled_from(LEAVES), st.integers(0, 300)), max_size=10)


def links_of(given: Sequence[tuple[str, CID, int]]) -> list[PBLink]:
    return [PBLink(cid, name, size) for name, cid, size in given]


@given(LINKS, NAMES)
def test_links_are_encoded_as_a_node_of_them_is(given: list[tuple[str, CID, int]], name: str) -> None:
    links = Links.of([])
    held: dict[str, PBLink] = {}
    for link in links_of(given):
        links = links.put(link)
        held[link.name or ""] = link
    for found, expected in (
        (links, list(held.values())),
        (links.without(name), [link for link in held.values() if link.name != name]),
    ):
        assert found.block(b"data") == encode(PBNode(expected, b"data"))
        assert found.size == len(encode(PBNode(expected, None)))
        assert found.tsizes == sum(link.tsize or 0 for link in expected)
        assert found.names_and_cids == sum(len((link.name or "").encode()) + len(bytes(link.hash)) for link in expected)
        assert sorted(found) == sorted(expected)
    assert links.find(name) == held.get(name)


def test_links_without_name_or_size_are_written_as_they_were_always() -> None:
    given = [PBLink(LEAVES[0], None, None), PBLink(LEAVES[1], "b", 3), PBLink(LEAVES[1], "a", None)]
    plain = [PBLink(LEAVES[0], "", 0), PBLink(LEAVES[1], "a", 0), PBLink(LEAVES[1], "b", 3)]
    assert list(Links.of(given)) == plain
    assert Links.of(given).block(b"") == encode(PBNode(plain, b""))


@pytest.mark.parametrize("estimation", ["links", "block"])
@pytest.mark.parametrize("holding", [False, True])
async def test_a_directory_that_grows_and_shrinks_is_at_every_step_as_made_at_once(
    estimation: str, holding: bool
) -> None:
    blocks: dict[CID, bytes] = {}

    async def put(cid: CID, block: bytes) -> None:
        blocks[cid] = block

    async def load(cid: CID) -> bytes:
        return blocks[cid]

    options = ImportOptions(shard_split_threshold=700, hamt_estimation=estimation).resolved()  # type: ignore[arg-type]  # one of the two
    held = nodes.Nodes()
    builder = nodes.HoldingBuilder(put, options, held) if holding else Builder(put, options)
    reader = nodes.HoldingReader(load, held) if holding else Reader(load)
    entries: dict[str, Entry] = {}
    made = await make_directory(builder, ())
    for at in range(60):
        name = f"{at * 7 % 20:x}"
        node = await reader.node(made.cid)
        if at > 30:
            made = await directory_edit.remove(reader, builder, node, name) or made
            entries.pop(name, None)
        else:
            entries[name] = Entry(name, LEAVES[at % 2], at * at)
            made = await directory_edit.put(reader, builder, node, entries[name])
        again = await make_directory(Builder(put, options), list(entries.values()))
        assert (made.cid, made.size) == (again.cid, again.size)
    assert not entries


async def test_directories_are_held_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes, "MAX_BYTES", 1000)
    loaded: list[CID] = []
    blocks: dict[CID, bytes] = {}

    async def put(cid: CID, block: bytes) -> None:
        blocks[cid] = block

    async def load(cid: CID) -> bytes:
        loaded.append(cid)
        return blocks[cid]

    builder = Builder(put, ImportOptions().resolved())
    cids = [(await make_directory(builder, [Entry(f"{at:090}", LEAVES[0], 1)])).cid for at in range(20)]
    reader = nodes.HoldingReader(load, nodes.Nodes())
    for cid in (*cids, *cids[-3:], cids[0]):
        assert (await reader.node(cid)).cid == cid
    assert loaded == [*cids, cids[0]]
