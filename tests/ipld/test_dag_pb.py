from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ipld.strategies import cids

from ipfs_comm.errors import CodecError
from ipfs_comm.ipld import CID, codecs
from ipfs_comm.ipld.codecs import dag_pb
from ipfs_comm.ipld.codecs.dag_pb import PBLink, PBNode

LEAF = CID.parse("bafkqabiaaebagba")
links = st.builds(PBLink, cids, st.none() | st.text(max_size=12), st.none() | st.integers(0, (1 << 64) - 1))
nodes = st.builds(PBNode, st.lists(links, max_size=6), st.none() | st.binary(max_size=200))


def ordered(node: PBNode) -> PBNode:
    return PBNode(sorted(node.links, key=lambda link: (link.name or "").encode()), node.data)


@given(nodes)
def test_a_node_is_read_back_with_its_links_in_order_of_their_names(node: PBNode) -> None:
    assert dag_pb.decode(dag_pb.encode(node)) == ordered(node)


@given(nodes)
def test_the_form_of_the_data_model_makes_the_same_block(node: PBNode) -> None:
    block = dag_pb.encode(node)
    codec = codecs.get("dag-pb")
    assert codec.encode(codec.decode(block)) == block
    assert dag_pb.from_form(dag_pb.to_form(ordered(node))) == ordered(node)


@given(st.binary(max_size=80))
def test_any_bytes_are_a_node_or_refused_with_a_typed_error(data: bytes) -> None:
    try:
        node = dag_pb.decode(data)
    except CodecError:
        return
    assert dag_pb.decode(dag_pb.encode(node)) == ordered(node)


@given(nodes, st.data())
def test_a_block_that_is_cut_off_inside_a_field_is_refused(node: PBNode, data: st.DataObject) -> None:
    block = dag_pb.encode(node)
    cut = block[: data.draw(st.integers(0, len(block)))]
    try:
        read = dag_pb.decode(cut)
    except CodecError:
        return
    assert dag_pb.encode(read) == cut


def test_an_absent_field_is_not_an_empty_one() -> None:
    assert dag_pb.encode(PBNode()) == b""
    assert dag_pb.encode(PBNode(data=b"")) == b"\x0a\x00"
    assert codecs.get("dag-pb").decode(b"") == {"Links": []}
    assert codecs.get("dag-pb").decode(b"\x0a\x00") == {"Data": b"", "Links": []}


def test_links_of_equal_names_keep_their_order() -> None:
    first, second = PBLink(LEAF, "same", 1), PBLink(LEAF.with_codec("dag-pb"), "same", 1)
    for pair in ([first, second], [second, first]):
        assert dag_pb.decode(dag_pb.encode(PBNode(pair))).links == pair


def test_data_before_links_is_read_and_written_back_in_the_usual_order() -> None:
    usual = dag_pb.encode(PBNode([PBLink(LEAF, "a", 3)], b"x"))
    link, data = usual[:-3], usual[-3:]
    assert dag_pb.encode(dag_pb.decode(data + link)) == usual


def test_a_name_that_is_no_utf8_survives() -> None:
    block = dag_pb.encode(PBNode([PBLink(LEAF, "ä", 1)])).replace("ä".encode(), b"\xe4\xf6")
    assert dag_pb.encode(dag_pb.decode(block)) == block


def test_links_are_listed_with_their_paths() -> None:
    block = dag_pb.encode(PBNode([PBLink(LEAF, "a", 1), PBLink(LEAF, "b", 1)]))
    assert list(codecs.get("dag-pb").links(block)) == [(("Links", 0, "Hash"), LEAF), (("Links", 1, "Hash"), LEAF)]


@pytest.mark.parametrize(
    "node",
    [
        PBNode([PBLink("bafkqabiaaebagba", "", 0)]),  # type: ignore[arg-type]  # what the test is about
        PBNode([PBLink(LEAF, "\ud800", 0)]),
        PBNode([PBLink(LEAF, "", -1)]),
        PBNode([PBLink(LEAF, "", 1 << 64)]),
        PBNode([PBLink(LEAF, "", True)]),
        PBNode([], "text"),  # type: ignore[arg-type]  # what the test is about
    ],
)
def test_a_node_with_a_wrong_field_is_refused(node: PBNode) -> None:
    with pytest.raises(CodecError):
        dag_pb.encode(node)


@pytest.mark.parametrize(
    "form",
    [{"Links": [], "links": []}, {"Links": [{"Hash": LEAF, "name": ""}]}, {"Data": b""}, {1: 2}, {"Links": LEAF}],
)
def test_a_form_that_is_no_node_is_refused(form: object) -> None:
    with pytest.raises(CodecError):
        codecs.get("dag-pb").encode(form)


def test_an_error_names_the_codec_and_the_place() -> None:
    with pytest.raises(CodecError, match="cannot encode dag-pb: Links/1/Tsize must be int") as caught:
        codecs.get("dag-pb").encode({"Links": [{"Hash": LEAF}, {"Hash": LEAF, "Tsize": "1"}]})
    assert caught.value.detail == {"codec": "dag-pb", "doing": "encode"}


def test_a_number_of_more_than_64_bits_is_refused() -> None:
    with pytest.raises(CodecError, match="64 bits"):
        dag_pb.decode(b"\x0a" + b"\xff" * 20)
