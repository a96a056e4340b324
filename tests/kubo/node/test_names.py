"""``name``, ``resolve`` and ``dns`` on a daemon: the same calls beside the embedded node."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ipfs_comm.errors import IPFSCommError
from ipfs_comm.ipns import Name, PrivateKey
from ipfs_comm.ipns.armor import export_key

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ipfs_comm.node import Node


EMPTY = "QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn"
ABSENT = "QmPFVLPmp9zv5Z5KUqLhe2EivAGccQW2r7M7jhVJGLZoZU"


@pytest.fixture
def key() -> PrivateKey:
    """A key that has published nothing."""
    return PrivateKey.generate()


async def outcome(node: Node, call: Callable[[Node, Name], Awaitable[object]], name: Name) -> object:
    """Return what a call gives, or the type and code of its error."""
    try:
        return await call(node, name)
    except IPFSCommError as error:
        return type(error), error.code


CALLS: dict[str, Callable[[Node, Name], Awaitable[object]]] = {
    "publish": lambda node, _: node.name.publish(EMPTY, key="key"),
    "publish by ID": lambda node, name: node.name.publish(EMPTY, key=str(name)),
    "publish a path": lambda node, _: node.name.publish(f"/ipfs/{EMPTY}/", key="key"),
    "publish a path that leads nowhere": lambda node, _: node.name.publish(f"/ipfs/{EMPTY}/nothing", key="key"),
    "publish what is not here": lambda node, _: node.name.publish(ABSENT, key="key"),
    "publish what is not here all the same": lambda node, _: node.name.publish(ABSENT, key="key", resolve=False),
    "publish a name": lambda node, name: node.name.publish(f"/ipns/{name}", key="key", resolve=False),
    "publish by no key": lambda node, _: node.name.publish(EMPTY, key="nothing"),
    "publish no path": lambda node, _: node.name.publish("nothing", key="key"),
    "publish for no time": lambda node, _: node.name.publish(EMPTY, key="key", lifetime=0),
    "publish for a time that is none": lambda node, _: node.name.publish(EMPTY, key="key", lifetime="a while"),
    "publish to be cached for longer": lambda node, _: node.name.publish(EMPTY, key="key", lifetime="1h", ttl="2h"),
    "resolve of nothing published": lambda node, name: node.name.resolve(str(name)),
    "resolve of no name": lambda node, _: node.name.resolve("/ipns/no name"),
    "resolve of a path": lambda node, _: node.name.resolve(f"/ipfs/{EMPTY}"),
    "cat below a name that is not published": lambda node, name: node.cat(f"/ipns/{name}/a"),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_a_call_does_the_same_as_on_the_embedded_node(
    node: Node, embedded: Node, key: PrivateKey, call: Callable[[Node, Name], Awaitable[object]]
) -> None:
    for each in (node, embedded):
        await each.key.import_("key", export_key(key, "libp2p-protobuf-cleartext"))
        await each.files.mkdir("/empty")
    assert await outcome(node, call, key.name) == await outcome(embedded, call, key.name)

    async def resolved(each: Node, name: Name) -> object:
        return await each.name.resolve(str(name), recursive=False)

    assert await outcome(node, resolved, key.name) == await outcome(embedded, resolved, key.name)


async def test_a_path_goes_on_below_a_name(node: Node) -> None:
    await node.files.write("/d/file", b"hello", create=True, parents=True)
    root = (await node.files.stat("/d")).cid
    made = await node.key.gen("below")
    await node.name.publish(root, key="below")
    assert await node.name.resolve(f"/ipns/{made.id}/file") == f"/ipfs/{root}/file"
    assert await node.files.read(f"/ipns/{made.id}/file") == b"hello"
    assert await node.files.stat(f"/ipns/{made.id}") == await node.files.stat(root)


async def test_a_name_in_a_circle_ends(node: Node) -> None:
    names = [(await node.key.gen(name)).id for name in ("a", "b")]
    await node.name.publish(f"/ipns/{names[1]}", key="a", resolve=False)
    await node.name.publish(f"/ipns/{names[0]}", key="b", resolve=False)
    with pytest.raises(IPFSCommError) as caught:
        await node.name.resolve(names[0])
    assert caught.value.code == "ERR_RECURSION_LIMIT"
