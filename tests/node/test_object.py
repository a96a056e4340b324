"""``object``: dag-pb nodes, as interface-ipfs-core and the js-ipfs core API describe them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ipfs_comm import CID, open_node
from ipfs_comm.errors import CodecError, InvalidInputError, IPFSCommError, LimitError, NoLinkError, NotFoundError
from ipfs_comm.ipld.codecs.dag_pb import PBLink, PBNode
from ipfs_comm.node.api import ObjectStat
from ipfs_comm.testing.dag import MISSING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ipfs_comm.node import Node


@pytest.fixture
async def node() -> AsyncIterator[Node]:
    async with open_node(repo=":memory:") as node:
        yield node


async def test_a_new_object_is_empty(node: Node) -> None:
    assert str(await node.object.new()) == "QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n"


async def test_a_new_object_can_be_a_directory(node: Node) -> None:
    cid = await node.object.new(template="unixfs-dir")
    assert str(cid) == "QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn"
    assert await node.ls(cid) == []


async def test_there_is_no_other_template(node: Node) -> None:
    with pytest.raises(InvalidInputError, match="unixfs-dir"):
        await node.object.new("unixfs-file")


@pytest.mark.parametrize("given", [{"Data": b"data"}, {"Data": b"data", "Links": []}, b"data", PBNode(data=b"data")])
async def test_a_node_is_put_in_every_form(node: Node, given: Any) -> None:
    cid = await node.object.put(given)
    assert (cid.version, cid.codec) == (1, "dag-pb")
    assert await node.object.get(cid) == PBNode([], b"data")
    assert await node.object.get(cid.to_v0()) == PBNode([], b"data")
    assert await node.object.data(str(cid)) == b"data"


@pytest.mark.parametrize("given", ["text", 7, None, [b"data"]])
async def test_what_is_no_node_is_not_put(node: Node, given: Any) -> None:
    with pytest.raises(InvalidInputError):
        await node.object.put(given)


async def test_a_node_is_pinned_only_where_that_is_asked_for(node: Node) -> None:
    await node.object.put(b"one")
    cid = await node.object.put(b"two", pin=True)
    assert [(pin.cid, pin.type) for pin in await node.pin.ls(type="recursive")] == [(cid, "recursive")]


async def test_links_are_told_in_their_order(node: Node) -> None:
    child = await node.object.put(b"child")
    links = [PBLink(child.to_v0(), "a", 13), PBLink(child, "b", 13)]
    cid = await node.object.put(PBNode(links, b"parent"))
    assert await node.object.links(cid) == links


async def test_links_of_another_codec_have_no_names(node: Node) -> None:
    one, two = await node.object.put(b"1"), await node.object.put(b"2")
    cid = await node.dag.put({"some": "data", "mylink": one, "myobj": {"another": two}})
    assert sorted(await node.object.links(cid)) == sorted([PBLink(one, "", 0), PBLink(two, "", 0)])


async def test_stat_tells_the_sizes(node: Node) -> None:
    cid = await node.object.put(b"get test object")
    assert await node.object.stat(cid) == ObjectStat(
        hash=CID.parse("QmNggDXca24S6cMPEYHZjeuc4QRmofkRrAEqVL3Ms2sdJZ").to_v1(),
        num_links=0,
        block_size=17,
        links_size=2,
        data_size=15,
        cumulative_size=17,
    )


async def test_stat_adds_what_links_say(node: Node) -> None:
    data = b"x" * 21
    child = (await node.object.put(data)).to_v0()
    cid = await node.object.put({"Data": data, "Links": [{"Name": "some-link", "Tsize": 23, "Hash": child}]})
    assert await node.object.stat(cid) == ObjectStat(cid, 1, 74, 53, 21, 97)


async def test_a_link_is_added(node: Node) -> None:
    child = (await node.object.put(b"some other node")).to_v0()
    cid = await node.object.put(b"patch test object")
    link = {"Name": "link-to-node", "Tsize": 17, "Hash": child}
    expected = await node.object.put({"Data": b"patch test object", "Links": [link]})
    assert await node.object.patch.add_link(cid, link) == expected
    assert await node.object.patch.add_link(cid, PBLink(child, "link-to-node", 17)) == expected
    assert await node.object.patch.add_link(cid, {"name": "link-to-node", "size": 17, "cid": str(child)}) == expected


async def test_a_link_is_removed_by_name_or_as_it_is(node: Node) -> None:
    child = await node.object.put(b"child")
    cid = await node.object.put(b"parent")
    link = PBLink(child, "my-link", 7)
    parent = await node.object.patch.add_link(cid, link)
    for given in ("my-link", link, {"Name": "my-link"}, {"name": "my-link"}):
        assert await node.object.patch.rm_link(parent, given) == cid
    with pytest.raises(NoLinkError, match="nope"):
        await node.object.patch.rm_link(parent, "nope")


async def test_data_is_set_and_appended(node: Node) -> None:
    cid = await node.object.put(b"one")
    longer = await node.object.patch.append_data(cid, b" two")
    assert await node.object.data(longer) == b"one two"
    assert await node.object.data(await node.object.patch.set_data(longer, b"three")) == b"three"
    assert await node.object.data(await node.object.patch.append_data(await node.object.new(), b"x")) == b"x"
    assert await node.object.data(cid) == b"one"


async def test_a_node_cannot_be_patched_beyond_the_size_of_a_block(node: Node) -> None:
    cid = await node.object.put(bytes(2 * 1024 * 1024 - 10))
    with pytest.raises(LimitError):
        await node.object.patch.append_data(cid, bytes(100))


async def test_a_block_that_is_no_dag_pb_is_refused(node: Node) -> None:
    cid = await node.dag.put({"a": 1})
    with pytest.raises(CodecError, match=r"dag-cbor.*dag\.get"):
        await node.object.get(cid)
    broken = await node.block.put(b"\xff")
    with pytest.raises(CodecError, match=str(broken)):
        await node.object.get(broken)


@pytest.mark.parametrize("given", [None, "invalid", "", 7])
async def test_what_is_no_cid_is_refused(node: Node, given: Any) -> None:
    for verb in (node.object.get, node.object.data, node.object.links, node.object.stat):
        with pytest.raises(IPFSCommError):
            await verb(given)


async def test_a_missing_node_is_an_error_at_once(node: Node) -> None:
    with pytest.raises(NotFoundError, match=str(MISSING)):
        await node.object.get(MISSING)


@pytest.mark.parametrize("link", [None, "name", {"Name": "no hash"}, {"Hash": "invalid", "Name": "x"}])
async def test_what_is_no_link_is_not_added(node: Node, link: Any) -> None:
    cid = await node.object.new()
    with pytest.raises(InvalidInputError):
        await node.object.patch.add_link(cid, link)
