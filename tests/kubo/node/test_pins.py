"""``pin``, ``pin.remote`` and ``repo`` on a daemon: the same calls beside the embedded node."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ipfs_comm.errors import IPFSCommError, NotSupportedError, PinningServiceError
from ipfs_comm.ipld import CID
from ipfs_comm.node.api import PinInput, RepoStat
from ipfs_comm.testing.pinning import pinning_server

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from kubo_support import Daemon

    from ipfs_comm.node import Node

LEAF = "bafyreihc7uf633rvrrv6k2lpneyen26gdfenih5gy5xha7ednme3unyrqa"
ABSENT = "QmPFVLPmp9zv5Z5KUqLhe2EivAGccQW2r7M7jhVJGLZoZU"


async def prepared(node: Node) -> CID:
    """Pin a DAG, and another block directly; return the DAG's root."""
    leaf = await node.dag.put({"leaf": 1})
    root = await node.dag.put({"link": leaf})
    await node.pin.add(root, name="a DAG")
    await node.pin.add(await node.dag.put("direct"), recursive=False, name="a block")
    await node.dag.put("not pinned")
    return root


async def outcome(node: Node, call: Callable[[Node], Awaitable[object]]) -> object:
    """Return what a call gives, or the type and code of its error."""
    try:
        result = await call(node)
    except IPFSCommError as error:
        return type(error), error.code
    # Pins of a type come in any order.
    return sorted(result, key=repr) if isinstance(result, list) else result


ROOT = "bafyreicnlw4p7rgpm2d6s2nml64s4xxld5ovtqtswqth527td3jo6fvz5q"
DIRECT = "bafyreiapwlqvldu5wrr6u73fdeaujpflqlm2jsgguzwvj5jdpdypyu3wsa"
CALLS: dict[str, Callable[[Node], Awaitable[object]]] = {
    "all pins": lambda node: node.pin.ls(),
    "recursive pins": lambda node: node.pin.ls(type="recursive"),
    "direct pins": lambda node: node.pin.ls(type="direct"),
    "indirect pins": lambda node: node.pin.ls(type="indirect"),
    "pins of no type": lambda node: node.pin.ls(type="unknown"),
    "pins of a name": lambda node: node.pin.ls(name="DAG"),
    "pins of a name that there is not": lambda node: node.pin.ls(name="nothing"),
    "a root": lambda node: node.pin.ls(ROOT),
    "a leaf": lambda node: node.pin.ls(LEAF),
    "a path": lambda node: node.pin.ls(f"/ipfs/{ROOT}/link"),
    "several": lambda node: node.pin.ls([ROOT, LEAF]),
    "none of them": lambda node: node.pin.ls([]),
    "a root as direct pin": lambda node: node.pin.ls(ROOT, type="direct"),
    "what is not pinned": lambda node: node.pin.ls(ABSENT),
    "pin of a path": lambda node: node.pin.add(f"/ipfs/{ROOT}/link"),
    "pin of a path that is none": lambda node: node.pin.add("/ipfs/nothing"),
    "pin of a link that there is not": lambda node: node.pin.add(f"/ipfs/{ROOT}/missing"),
    "pin of what nobody has": lambda node: node.pin.add(ABSENT),
    "direct pin of a root": lambda node: node.pin.add(ROOT, recursive=False),
    "pin of a direct pin": lambda node: node.pin.add(DIRECT),
    "another name": lambda node: node.pin.add(ROOT, name="another"),
    "too long a name": lambda node: node.pin.add(ROOT, name="x" * 256),
    "pins of several": lambda node: node.pin.add_all([LEAF, {"cid": DIRECT, "name": "third"}, PinInput(ROOT)]),
    "no pins": lambda node: node.pin.add_all([]),
    "pins of what is none": lambda node: node.pin.add_all([{}]),
    "unpin": lambda node: node.pin.rm(ROOT),
    "unpin of a direct pin": lambda node: node.pin.rm(DIRECT),
    "unpin without recursive": lambda node: node.pin.rm(ROOT, recursive=False),
    "unpin of a leaf": lambda node: node.pin.rm(LEAF),
    "unpin of what is not pinned": lambda node: node.pin.rm(ABSENT),
    "unpin of several": lambda node: node.pin.rm_all([ROOT, {"cid": DIRECT}]),
    "update": lambda node: node.pin.update(ROOT, LEAF),
    "update that keeps the old": lambda node: node.pin.update(ROOT, LEAF, unpin=False),
    "update of what is not pinned": lambda node: node.pin.update(LEAF, ROOT),
    "update of a direct pin": lambda node: node.pin.update(DIRECT, LEAF),
    "update to itself": lambda node: node.pin.update(ROOT, ROOT),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_a_call_does_the_same_as_on_the_embedded_node(
    node: Node, embedded: Node, call: Callable[[Node], Awaitable[object]]
) -> None:
    for each in (node, embedded):
        assert await prepared(each) == CID.parse(ROOT)
    assert await outcome(node, call) == await outcome(embedded, call)
    assert await outcome(node, CALLS["all pins"]) == await outcome(embedded, CALLS["all pins"])


async def test_a_pinning_service_that_refuses_is_told_as_one(node: Node) -> None:
    cid = await node.dag.put("x")
    async with pinning_server() as server:
        await node.pin.remote.service.add("wrong", server.url, "not the key")
        for call in (
            lambda: node.pin.remote.add(cid, service="wrong"),
            lambda: node.pin.remote.ls(service="wrong"),
            lambda: node.pin.remote.rm_all(service="wrong"),
        ):
            with pytest.raises(PinningServiceError):
                await call()


async def test_the_repository_is_told_as_it_is(node: Node, daemon: Daemon) -> None:
    await node.dag.put("x")
    stat = await node.repo.stat()
    # The other one is the root of the MFS.
    assert stat == RepoStat(2, stat.repo_size, str(daemon.repository.folder), "18", 10 * 10**9)
    short = await node.repo.stat(size_only=True)
    assert (short.num_objects, short.version) == (0, "18")
    assert short.repo_size > 0


async def test_blocks_that_are_damaged_are_told(node: Node, daemon: Daemon) -> None:
    cid = await node.block.put(b"whole", format="raw")
    (file,) = (one for one in daemon.repository.folder.glob("blocks/*/*.data") if one.read_bytes() == b"whole")
    file.chmod(0o600)
    file.write_bytes(b"broken")
    done: list[int] = []
    (found,) = await node.repo.verify(progress=done.append)
    assert (found.cid.multihash, found.error.code) == (cid.multihash, "ERR_HASH_MISMATCH")
    assert done == [1, 2]


async def test_garbage_is_told_unless_that_is_not_wished(node: Node) -> None:
    cid = await node.dag.put("garbage")
    assert [result.cid.multihash for result in await node.repo.gc()] == [cid.multihash]
    before = (await node.repo.stat()).num_objects
    await node.dag.put("garbage")
    assert await node.repo.gc(quiet=True) == []
    assert (await node.repo.stat()).num_objects == before


async def test_origins_of_ones_own_are_refused(node: Node) -> None:
    with pytest.raises(NotSupportedError, match="origins"):
        await node.pin.remote.add(LEAF, service="any", origins=["/dnsaddr/example.com"])
