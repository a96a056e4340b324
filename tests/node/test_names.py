"""Names: published in the repository, resolved from it, and taken wherever a path is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

import ipfs_comm
from ipfs_comm import ipns
from ipfs_comm.errors import (
    InvalidInputError,
    InvalidNameError,
    InvalidRecordError,
    LimitError,
    NotFoundError,
    NotSupportedError,
)
from ipfs_comm.ipld import CID
from ipfs_comm.node.duration import duration

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from ipfs_comm.node.api import Node

ABSENT = "/ipfs/QmPFVLPmp9zv5Z5KUqLhe2EivAGccQW2r7M7jhVJGLZoZU"


@pytest.fixture
async def node() -> AsyncGenerator[Node, None]:
    async with ipfs_comm.open_node(repo=":memory:", offline=True) as opened:
        yield opened


async def kept(node: Any, name: str) -> ipns.Record:
    """Return the record as it lies in the repository."""
    data = await node._context.state.get("ipns", name)
    assert data is not None
    return ipns.validate(data, name=name)


async def test_what_was_published_is_resolved(node: Node) -> None:
    added = await node.add(b"hello")
    published = await node.name.publish(added.cid)
    assert published.value == f"/ipfs/{added.cid}"
    assert ipns.parse_name(published.name).peer_id == (await node.id()).id
    assert await node.name.resolve() == f"/ipfs/{added.cid}"


async def test_a_name_is_resolved_in_every_spelling(node: Node) -> None:
    name = ipns.parse_name((await node.name.publish(ABSENT, resolve=False)).name)
    for spelling in (str(name), name.path, name.peer_id, f"/ipns/{name.peer_id}", f"ipns://{name}", name.cid, name):
        assert await node.name.resolve(spelling) == ABSENT
    assert await node.name.resolve(f"/ipns/{name.cid.encode('base32')}") == ABSENT


async def test_resolving_is_a_stream(node: Node) -> None:
    await node.name.publish(ABSENT, resolve=False)
    assert [path async for path in node.name.resolve()] == [ABSENT]


async def test_a_path_after_the_name_stays(node: Node) -> None:
    published = await node.name.publish(f"{ABSENT}/a", resolve=False)
    assert await node.name.resolve(f"/ipns/{published.name}/b/c.txt") == f"{ABSENT}/a/b/c.txt"
    assert await node.name.resolve(f"{published.name}/b", recursive=False) == f"{ABSENT}/a/b"


async def test_names_are_followed_from_one_to_the_next(node: Node) -> None:
    own = (await node.id()).id
    other = await node.key.gen("other", type="rsa")
    await node.name.publish(ABSENT, resolve=False)
    await node.name.publish(f"/ipns/{own}/x", key="other", resolve=False)
    assert await node.name.resolve(other.id) == f"{ABSENT}/x"
    assert await node.name.resolve(other.id, recursive=False) == f"/ipns/{own}/x"
    assert await node.resolve(f"/ipns/{other.id}", recursive=False) == f"/ipns/{own}/x"


async def test_names_in_a_circle_are_an_error(node: Node) -> None:
    own = (await node.id()).id
    other = await node.key.gen("other")
    await node.name.publish(f"/ipns/{other.id}", resolve=False)
    await node.name.publish(f"/ipns/{own}", key="other", resolve=False)
    with pytest.raises(LimitError, match="circle"):
        await node.name.resolve()
    with pytest.raises(LimitError):
        await node.name.publish(f"/ipns/{own}")


async def test_a_name_that_nobody_published_is_not_found(node: Node) -> None:
    key = await node.key.gen("key")
    with pytest.raises(NotFoundError, match=key.id):
        await node.name.resolve(key.id)
    with pytest.raises(NotFoundError, match=key.id):
        await node.cat(f"/ipns/{key.id}/a")


async def test_a_node_that_is_offline_asks_no_dns(node: Node) -> None:
    for call in (node.name.resolve("example.com"), node.name.resolve("/ipns/example.com/a")):
        with pytest.raises(NotFoundError, match="this node is offline"):
            await call
    with pytest.raises(InvalidNameError):
        await node.name.resolve("/ipns/nothing")


async def test_publishing_makes_sure_of_what_it_publishes_unless_told_not_to(node: Node) -> None:
    with pytest.raises(NotFoundError):
        await node.name.publish(ABSENT)
    with pytest.raises(NotFoundError):
        await node.name.resolve()
    added = await node.add({"path": "d/a.txt", "content": b"a"}, wrap_with_directory=True)
    assert (await node.name.publish(f"/ipfs/{added.cid}/d/a.txt")).value == f"/ipfs/{added.cid}/d/a.txt"
    with pytest.raises(NotFoundError):
        await node.name.publish(f"/ipfs/{added.cid}/d/b.txt")


async def test_the_sequence_grows_with_every_other_value(node: Node) -> None:
    first, second = (await node.add(b"1")).cid, (await node.add(b"2")).cid
    sequences = []
    for cid in (first, second, second, first):
        name = (await node.name.publish(cid)).name
        sequences.append((await kept(node, name)).sequence)
    assert sequences == [0, 1, 1, 2]


async def test_lifetime_and_ttl_are_in_the_record(node: Node) -> None:
    before = datetime.now(UTC)
    published = await node.name.publish(ABSENT, resolve=False, lifetime="1h30m", ttl="10s")
    record = await kept(node, published.name)
    lasting = record.expires / 1e9 - before.timestamp()
    assert record.ttl == 10 * 10**9
    assert 5400 <= lasting < 5460


async def test_a_record_is_cached_no_longer_than_it_lasts(node: Node) -> None:
    name = (await node.name.publish(ABSENT, resolve=False)).name
    assert (await kept(node, name)).ttl == 300 * 10**9
    await node.name.publish(ABSENT, resolve=False, lifetime="1m")
    assert (await kept(node, name)).ttl == 60 * 10**9
    with pytest.raises(InvalidInputError, match="cached"):
        await node.name.publish(ABSENT, resolve=False, lifetime="1m", ttl="2m")


async def test_a_sequence_can_be_chosen_if_it_grows(node: Node) -> None:
    name = (await node.name.publish(ABSENT, resolve=False, sequence=41)).name
    for stale in (40, 41, -1, 2**64):
        with pytest.raises(InvalidInputError, match="sequence"):
            await node.name.publish(f"{ABSENT}/a", resolve=False, sequence=stale)
    await node.name.publish(f"{ABSENT}/a", resolve=False)
    assert (await kept(node, name)).sequence == 42


async def test_what_older_readers_need_can_be_left_out(node: Node) -> None:
    name = (await node.name.publish(ABSENT, resolve=False, v1compat=False)).name
    assert (await kept(node, name)).signature_v1 is None


async def test_a_key_is_named_by_its_id_too(node: Node) -> None:
    made = await node.key.gen("key")
    for spelling in (made.id, ipns.parse_name(made.id).peer_id, "key"):
        assert (await node.name.publish(ABSENT, resolve=False, key=spelling)).name == made.id


async def test_a_record_ends(node: Any) -> None:
    key = await node._context.keys.own()
    ended = ipns.create(key, ABSENT, sequence=7, expires=datetime.now(UTC) - timedelta(seconds=1), ttl=0)
    async with node._context.state.transaction() as transaction:
        await transaction.put("ipns", str(key.name), ended.encode())
    with pytest.raises(InvalidRecordError) as refused:
        await node.name.resolve()
    assert refused.value.code == "ERR_IPNS_EXPIRED_RECORD"
    published = await node.name.publish((await node.add(b"new")).cid)
    assert (await kept(node, published.name)).sequence == 8


async def test_a_record_that_others_wrote_into_the_repository_is_not_believed(node: Any) -> None:
    forged = ipns.create(
        ipns.PrivateKey.generate(), ABSENT, sequence=9, expires=datetime(2200, 1, 1, tzinfo=UTC), ttl=0
    )
    name = (await node._context.keys.own()).name
    async with node._context.state.transaction() as transaction:
        await transaction.put("ipns", str(name), forged.encode())
    with pytest.raises(InvalidRecordError):
        await node.name.resolve()


async def test_names_survive_the_process(tmp_path: Path) -> None:
    async with ipfs_comm.open_node(repo=tmp_path / "repo", offline=True) as node:
        first = await node.name.publish((await node.add(b"1")).cid)
    async with ipfs_comm.open_node(repo=tmp_path / "repo", offline=True) as node:
        assert await node.name.resolve(first.name) == first.value
        second = await node.name.publish((await node.add(b"2")).cid)
        assert second.name == first.name
        assert (await kept(node, second.name)).sequence == 1


async def test_publishing_asks_for_a_key_and_times_that_there_are(node: Node) -> None:
    with pytest.raises(NotFoundError, match="none"):
        await node.name.publish(ABSENT, key="none", resolve=False)
    for wrong in (
        {"lifetime": "soon"},
        {"lifetime": -1},
        {"lifetime": 0},
        {"ttl": "1x"},
        {"lifetime": "999999999999h"},
    ):
        with pytest.raises(InvalidInputError):
            await node.name.publish(ABSENT, resolve=False, **wrong)  # type: ignore[arg-type]  # one wrong at a time
    with pytest.raises(InvalidInputError):
        await node.name.publish("/nowhere", resolve=False)
    with pytest.raises(NotSupportedError):
        await node.name.publish(ABSENT, allow_offline=False)


@pytest.mark.parametrize(
    ("text", "seconds"), [("24h", 86_400), ("1h30m", 5400), ("1.5s", 1.5), ("300ms", 0.3), ("2d", 172_800), (7, 7)]
)
def test_lengths_of_time_are_read(text: str | float, seconds: float) -> None:
    assert duration("ttl", text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "h", "1", "1h 2m", "-1h", "1h2", None, True, float("nan"), float("inf"), [1]])
def test_other_text_is_no_length_of_time(text: Any) -> None:
    with pytest.raises(InvalidInputError):
        duration("ttl", text)


async def test_a_name_is_taken_wherever_a_path_is(node: Node) -> None:
    tree = await node.add({"path": "d/a.txt", "content": b"hello"}, wrap_with_directory=True)
    name = (await node.name.publish(tree.cid)).name
    root, file = f"/ipns/{name}", f"/ipns/{name}/d/a.txt"
    assert await node.cat(file) == b"hello"
    assert [entry.name for entry in await node.ls(root)] == ["d"]
    assert [entry.name for entry in await node.get(f"{root}/d")][-1] == "a.txt"
    assert (await node.dag.get(root)).value["Links"][0]["Name"] == "d"
    leaf = (await node.dag.resolve(file)).cid
    assert await node.resolve(file) == f"/ipfs/{leaf}"
    assert (await node.files.stat(file)).cid == leaf


async def test_the_same_path_leads_elsewhere_after_another_publish(node: Node) -> None:
    name = (await node.name.publish((await node.add(b"1")).cid)).name
    assert await node.cat(f"/ipns/{name}") == b"1"
    await node.name.publish((await node.add(b"2")).cid)
    assert await node.cat(f"/ipns/{name}") == b"2"


async def test_resolve_gives_the_last_block_and_what_is_inside_it(node: Node) -> None:
    child = await node.dag.put({"node": {"with": {"file": "x"}}})
    parent = await node.dag.put({"path": {"to": child}})
    assert await node.resolve(f"/ipfs/{parent}/path/to/node/with/file") == f"/ipfs/{child}/node/with/file"
    assert await node.resolve(f"/ipfs/{child}/node/with") == f"/ipfs/{child}/node/with"
    assert await node.resolve(parent) == f"/ipfs/{parent}"


async def test_resolve_writes_the_cid_in_the_base_that_is_asked_for(node: Node) -> None:
    cid = (await node.add(b"x", cid_version=0)).cid
    assert await node.resolve(cid, cid_base="base58btc") == f"/ipfs/{cid}"
    shown = await node.resolve(cid, cid_base="base64url")
    assert CID.parse(shown.removeprefix("/ipfs/")) == cid.to_v1()
    with pytest.raises(InvalidInputError):
        await node.resolve(cid, cid_base="base7000")
