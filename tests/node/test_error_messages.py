"""Whatever size it was that was given, the error that refuses it is typed, and says so in a few lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ipfs_comm._shown import cut, listed, shown
from ipfs_comm.errors import IPFSCommError, NotFoundError
from ipfs_comm.exchange import addresses
from ipfs_comm.ipld import CID, codecs, multibase, multihash
from ipfs_comm.node.open import open_node

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

TEXT = "a" * 1_000_000
NUMBER = 10**10_000
MAPPING = {f"{n:100000}": n for n in range(100)}
HELLO = CID.parse("QmWfVY9y3xjsixTgbd9AorQxH7VtMpzfx2HaWtsoUYecaX")


@pytest.fixture
async def node() -> AsyncIterator[Any]:
    async with open_node(repo=":memory:", offline=True) as node:
        await node.add(b"hello")
        await node.add({"path": "dir/file", "content": b"content"})
        yield node


async def _whole(stream: Awaitable[Any]) -> Any:
    return await stream


VERBS: dict[str, Callable[[Any], Any]] = {
    "add of a mapping": lambda node: node.add(MAPPING),
    "add of a path that leads out": lambda node: node.add({"path": f"../{TEXT}", "content": b""}),
    "add with a chunker": lambda node: node.add(b"", chunker=TEXT),
    "add with a hash function": lambda node: node.add(b"", hash_alg=TEXT),
    "add with a mode": lambda node: node.add({"content": b"", "mode": NUMBER}),
    "add with a mode of text": lambda node: node.add({"content": b"", "mode": TEXT}),
    "add with a number": lambda node: node.add(b"", shard_split_threshold=-NUMBER),
    "add with a time": lambda node: node.add({"content": b"", "mtime": NUMBER}),
    "add with a version": lambda node: node.add(b"", cid_version=NUMBER),
    "add with an option": lambda node: node.add(b"", **{TEXT: 1}),
    "bitswap of nobody": lambda node: node.id(peer_id=TEXT),
    "block.get": lambda node: node.block.get(TEXT),
    "block.put with a format": lambda node: node.block.put(b"", format=TEXT),
    "cat": lambda node: node.cat(f"/ipfs/{HELLO}/{TEXT}"),
    "cat from before": lambda node: node.cat(HELLO, offset=-NUMBER),
    "cat of a negative length": lambda node: node.cat(HELLO, length=-NUMBER),
    "cat of a namespace": lambda node: node.cat(f"/{TEXT}/{HELLO}"),
    "cat of many names": lambda node: node.cat(f"/ipfs/{HELLO}{'/a' * 500_000}"),
    "cat with a limit": lambda node: node.cat(HELLO, max_size=-NUMBER),
    "cat with a time": lambda node: node.cat(HELLO, timeout=MAPPING),
    "config.get": lambda node: node.config.get(TEXT),
    "config.profiles.apply": lambda node: node.config.profiles.apply(TEXT),
    "config.set": lambda node: node.config.set(TEXT + ".a.b", object()),
    "dag.put of an integer": lambda node: node.dag.put(NUMBER),
    "dag.put of an object": lambda node: node.dag.put({TEXT: object()}),
    "dag.put with a codec": lambda node: node.dag.put({}, store_codec=TEXT),
    "dag.resolve": lambda node: node.dag.resolve(f"{HELLO}/{TEXT}"),
    "files.chmod": lambda node: node.files.chmod("/", TEXT),
    "files.ls": lambda node: node.files.ls(f"/{TEXT}"),
    "files.mkdir": lambda node: node.files.mkdir(TEXT),
    "files.read from before": lambda node: node.files.read(f"/ipfs/{HELLO}", offset=-NUMBER),
    "files.rm of many": lambda node: node.files.rm([f"/{n:200}" for n in range(5000)]),
    "files.stat": lambda node: node.files.stat("/a" * 500_000),
    "files.write far": lambda node: node.files.write("/a", b"", offset=NUMBER, create=True),
    "get with a level": lambda node: node.get(HELLO, compress=True, compression_level=NUMBER),
    "get with symlinks": lambda node: node.get(HELLO, to="/nowhere/at/all", symlinks=TEXT),
    "key.gen": lambda node: node.key.gen(TEXT),
    "key.gen of a kind": lambda node: node.key.gen("a", type=TEXT),
    "key.gen of a size": lambda node: node.key.gen("a", type="rsa", size=NUMBER),
    "key.import_": lambda node: node.key.import_("a", TEXT, "password of some length"),
    "key.rm": lambda node: node.key.rm(TEXT),
    "name.publish": lambda node: node.name.publish(HELLO, key=TEXT),
    "name.publish for a time": lambda node: node.name.publish(HELLO, lifetime=TEXT),
    "name.resolve": lambda node: node.name.resolve(TEXT),
    "object.new": lambda node: node.object.new(TEXT),
    "object.patch.rm_link": lambda node: node.object.patch.rm_link(HELLO, TEXT),
    "pin.add of a mapping": lambda node: node.pin.add(MAPPING),
    "pin.add with a name": lambda node: node.pin.add(HELLO, name=TEXT),
    "pin.add with metadata": lambda node: node.pin.add(HELLO, metadata={"a": TEXT * 3}),
    "pin.ls of a type": lambda node: node.pin.ls(type=TEXT),
    "pin.rm": lambda node: node.pin.rm(f"/ipfs/{HELLO}/{TEXT}"),
    "refs of a depth": lambda node: node.refs(HELLO, recursive=True, max_depth=MAPPING),
    "refs with a format": lambda node: node.refs(TEXT, format=TEXT),
    "resolve": lambda node: node.resolve(f"/ipns/{TEXT}"),
}


@pytest.mark.parametrize("verb", VERBS)
async def test_a_verb_refuses_in_a_few_lines(node: Any, verb: str) -> None:
    with pytest.raises((IPFSCommError, TypeError)) as caught:
        await _whole(VERBS[verb](node))
    assert len(str(caught.value)) < 9000
    if isinstance(caught.value, IPFSCommError):
        assert all(len(value) < 9000 for value in caught.value.detail.values() if isinstance(value, str))


@pytest.mark.parametrize(
    "parse",
    [
        lambda: CID.parse(TEXT),
        lambda: CID.parse(TEXT[:1000]),
        lambda: CID.create(NUMBER, "raw", multihash.digest(b"")),
        lambda: CID.create(1, NUMBER, multihash.digest(b"")),
        lambda: CID.create(1, TEXT, multihash.digest(b"")),
        lambda: addresses.parse(TEXT),
        lambda: addresses.parse(["https://" + TEXT]),
        lambda: codecs.get(TEXT),
        lambda: codecs.get(NUMBER),
        lambda: codecs.get("dag-pb").encode({"Data": TEXT}),
        lambda: codecs.get("dag-pb").encode({"Links": [{"Hash": HELLO, "Name": TEXT, "Tsize": NUMBER}]}),
        lambda: codecs.get("dag-pb").encode(dict.fromkeys(MAPPING, 1)),
        lambda: codecs.get("dag-json").decode(b'{"' + TEXT.encode() + b'": x}'),
        lambda: multibase.decode(TEXT),
        lambda: multihash.digest(b"", TEXT),
        lambda: multihash.digest(b"", NUMBER),
        lambda: multihash.digest(b"", "sha2-256", size=NUMBER),
    ],
)
def test_a_parser_refuses_in_a_few_lines(parse: Callable[[], Any]) -> None:
    with pytest.raises(IPFSCommError) as caught:
        parse()
    assert len(str(caught.value)) < 9000


def test_a_long_message_loses_its_middle() -> None:
    error = NotFoundError("who " + TEXT + " what to do", detail={"path": TEXT, "number": 1})
    assert len(str(error)) == 8192
    assert str(error).startswith("who ")
    assert str(error).endswith(" what to do")
    assert len(error.detail["path"]) == 8192
    assert error.detail["number"] == 1


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("short", "'short'"),
        ("it's", '"it\'s"'),
        (12, "12"),
        (None, "None"),
        (b"\0", r"b'\x00'"),
        (NUMBER, "a number of 33220 bits"),
        ([1, 2, 3, 4, 5, 6], "[1, 2, 3, 4, 5, ...]"),
    ],
    ids=["text", "quote", "number", "none", "bytes", "huge number", "list"],
)
def test_a_value_is_shown_as_python_writes_it_but_for_its_length(value: object, text: str) -> None:
    assert shown(value) == text


@pytest.mark.parametrize("value", [TEXT, TEXT.encode(), bytearray(1_000_000), MAPPING, [TEXT] * 1000, object()])
def test_nothing_is_shown_at_length(value: object) -> None:
    assert len(shown(value)) <= 240


def test_of_many_values_the_first_are_listed() -> None:
    assert listed(["a", "b"]) == "'a', 'b'"
    assert listed(range(9)) == "0, 1, 2, 3, 4 and 4 more"
    assert cut("abcdefghij", 8) == "abcde…ij"
    assert cut("abcdefgh", 8) == "abcdefgh"


async def test_nor_is_what_a_node_is_opened_with() -> None:
    for options in ({"repo": ":memory:", TEXT: 1}, {"kind": TEXT}, {"gateways": [TEXT]}, {"storage_max": TEXT}):
        with pytest.raises(IPFSCommError) as caught:
            async with open_node(**{"repo": ":memory:", **options}):
                pass
        assert len(str(caught.value)) < 9000
