"""Remote pins as Kubo asks for them, and ours: the same service tells both the same."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from kubo_support import KuboError

from ipfs_comm import open_node
from ipfs_comm.errors import InvalidInputError, IPFSCommError
from ipfs_comm.ipld import CID, multihash
from ipfs_comm.testing.pinning import PinningServer, pinning_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from kubo_support import Repository

    from ipfs_comm.node import Node

CIDS = [CID.create(1, "raw", multihash.digest(str(number).encode())) for number in range(12)]
NAMES = ["pinned-a", "pinned-a", "failed-b", "c", "pinning-d", *[f"pinned-{number}" for number in range(7)]]


class Both:
    """Kubo and our node, each with its own name for one service."""

    def __init__(self, repository: Repository, node: Node, server: PinningServer) -> None:
        self.repository, self.node, self.server = repository, node, server

    async def kubo(self, *command: str) -> Any:
        """Run a command of ``ipfs pin remote`` and return the objects that it prints."""
        printed = await asyncio.to_thread(self.repository.run, "pin", "remote", *command, "--enc=json")
        return [json.loads(line) for line in printed.splitlines() if line]


@pytest.fixture
async def both(repository: Repository) -> AsyncIterator[Both]:
    async with pinning_server() as server, open_node(repo=":memory:", gateways=[]) as node:
        made = Both(repository, node, server)
        await made.kubo("service", "add", "here", f"{server.url}//", server.key)
        await node.pin.remote.service.add("here", f"{server.url}//", server.key)
        yield made


async def filled(both: Both) -> None:
    for cid, name in zip(CIDS, NAMES, strict=True):
        await both.node.pin.remote.add(cid, service="here", name=name, background=True)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ([], {}),
        (["--status=queued,pinning,pinned,failed"], {"status": ["queued", "pinning", "pinned", "failed"]}),
        (["--status=failed"], {"status": "failed"}),
        (["--name=pinned-a"], {"name": "pinned-a"}),
        (["--name=pinned"], {"name": "pinned"}),
        (["--name=c"], {"name": "c"}),
        ([f"--cid={CIDS[0]},{CIDS[3]}"], {"cid": [CIDS[0], CIDS[3]]}),
    ],
    ids=lambda value: " ".join(value) or "all" if isinstance(value, list) else "",
)
async def test_both_list_the_same(both: Both, options: list[str], named: dict[str, Any]) -> None:
    await filled(both)
    theirs = await both.kubo("ls", "--service=here", *options)
    ours = await both.node.pin.remote.ls(service="here", **named)
    assert [(pin["Status"], pin["Cid"], pin["Name"]) for pin in theirs] == [
        (pin.status, str(pin.cid), pin.name) for pin in ours
    ]


async def test_both_ask_for_a_pin_alike(both: Both) -> None:
    (theirs,) = await both.kubo("add", "--service=here", "--name=n", "--background", str(CIDS[0]))
    ours = await both.node.pin.remote.add(CIDS[0], service="here", name="n", background=True)
    assert (theirs["Status"], theirs["Cid"], theirs["Name"]) == (ours.status, str(ours.cid), ours.name)
    first, second = both.server.pins.values()
    assert {name: value for name, value in first.pin.items() if value} == second.pin


async def test_both_count_the_same(both: Both) -> None:
    await filled(both)
    ((theirs,),) = [listed["RemoteServices"] for listed in await both.kubo("service", "ls", "--stat")]
    (ours,) = await both.node.pin.remote.service.ls(stat=True)
    assert theirs["ApiEndpoint"] == ours.endpoint
    assert ours.stat is not None
    assert ours.stat.pin_count is not None
    count = ours.stat.pin_count
    assert theirs["Stat"] == {
        "Status": ours.stat.status,
        "PinCount": {
            "Queued": count.queued,
            "Pinning": count.pinning,
            "Pinned": count.pinned,
            "Failed": count.failed,
        },
    }


async def test_both_refuse_to_remove_several_unless_that_was_meant(both: Both) -> None:
    await filled(both)
    with pytest.raises(KuboError, match="multiple remote pins are matching this query"):
        await both.kubo("rm", "--service=here")
    with pytest.raises(InvalidInputError, match="multiple remote pins are matching this query"):
        await both.node.pin.remote.rm(service="here")
    assert len(both.server.pins) == len(CIDS)
    await both.kubo("rm", "--service=here", "--name=pinned-0")
    await both.node.pin.remote.rm(service="here", name="pinned-1")
    assert len(both.server.pins) == len(CIDS) - 2
    await both.kubo("rm", "--service=here", "--force")
    assert await both.node.pin.remote.ls(service="here") == []


@pytest.mark.parametrize(
    "endpoint", ["nowhere", "ftp://a.example.com", "https://a.example.com/pins", "https://a.example.com?a=b"]
)
async def test_both_refuse_the_same_addresses(both: Both, endpoint: str) -> None:
    with pytest.raises(KuboError) as theirs:
        await both.kubo("service", "add", "other", endpoint, "key")
    with pytest.raises(IPFSCommError) as ours:
        await both.node.pin.remote.service.add("other", endpoint, "key")
    said = str(theirs.value).rpartition("service endpoint ")[2].removesuffix(".")
    assert said.removeprefix("should be ") in str(ours.value)


async def test_both_want_a_service_that_is_known(both: Both) -> None:
    for command, call, said in (
        (["ls"], both.node.pin.remote.ls(), "a service name must be passed"),
        (["ls", "--service=nobody"], both.node.pin.remote.ls(service="nobody"), "service not known"),
        (
            ["service", "add", "here", both.server.url, "key"],
            both.node.pin.remote.service.add("here", both.server.url, "key"),
            "service already present",
        ),
    ):
        with pytest.raises(KuboError, match=said):
            await both.kubo(*command)
        with pytest.raises(IPFSCommError, match=said):
            await call
