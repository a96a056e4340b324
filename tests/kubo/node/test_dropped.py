"""Something between that drops what a daemon says behind its answers: what breaks off is told wherever that is known.

Kubo begins to answer before its work is done, and tells in a trailer where it fails after that. `proxied` passes no
trailers on, as many proxies do not.
"""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from proxy_support import proxied

from ipfs_comm import open_node
from ipfs_comm.errors import CodecError, DaemonError, HashMismatchError, IPFSCommError
from ipfs_comm.node.api import File

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from kubo_support import Daemon
    from proxy_support import Proxy

    from ipfs_comm.ipld import CID
    from ipfs_comm.node import Node

CHUNK = 256 * 1024


@pytest.fixture
async def proxy(daemon: Daemon) -> AsyncIterator[Proxy]:
    async with proxied(daemon.api) as proxy:
        yield proxy


@pytest.fixture
async def between(proxy: Proxy) -> AsyncIterator[Node]:
    """A node that reaches the daemon through it."""
    async with open_node("kubo", kubo_api=proxy.url) as node:
        yield node


@pytest.fixture
def damage(proxy: Proxy, daemon: Daemon) -> Callable[..., None]:
    """Have the answers of a command end earlier, in the way that ``cut`` changes them, and look whole."""

    def damage(command: str, cut: Callable[[bytes], bytes]) -> None:
        async def answer(request: web.Request) -> web.Response:
            assert proxy.session is not None
            url, body = f"{daemon.api}{request.raw_path}", io.BytesIO(await request.read())
            kind = {name: value for name, value in request.headers.items() if name == "Content-Type"}
            async with proxy.session.post(url, data=body, headers=kind) as upstream:
                return web.Response(body=cut(await upstream.read()), status=upstream.status)

        proxy.hijacked[command] = answer

    return damage


def without_last_line(answer: bytes) -> bytes:
    return b"".join(answer.splitlines(keepends=True)[:-1])


async def large(node: Node) -> CID:
    """Return a file of four blocks and a root."""
    content = b"".join(bytes([number]) * CHUNK for number in range(4))
    return (await node.add(content, cid_version=1, raw_leaves=True)).cid


def missing(daemon: Daemon, content: bytes) -> None:
    """Take one block of a file from the daemon."""
    said = daemon.lines("add", files=[content], only_hash=True, cid_version=1, raw_leaves=True)
    daemon.call("pin/rm", *[line["Cid"] for line in daemon.lines("pin/ls", type="recursive", stream=True)])
    daemon.call("block/rm", said[-1]["Hash"])


class TestAMissingBlock:
    """The daemon meets a block that it does not have, in the middle of its answer."""

    async def test_a_file_is_not_whole(self, between: Node, daemon: Daemon) -> None:
        cid = await large(between)
        missing(daemon, b"\x02" * CHUNK)
        with pytest.raises(IPFSCommError):
            await between.cat(cid)

    async def test_a_file_of_the_mfs_is_not_whole(self, between: Node, daemon: Daemon) -> None:
        await between.files.cp(f"/ipfs/{await large(between)}", "/file")
        # A collector keeps what is in the MFS: so this is damage.
        missing(daemon, b"\x02" * CHUNK)
        with pytest.raises(DaemonError, match="fewer bytes of /file"):
            await between.files.read("/file")
        assert await between.files.read("/file", offset=7, length=CHUNK) == b"\x00" * (CHUNK - 7) + b"\x01" * 7

    async def test_a_file_outside_the_mfs_is_not_whole(self, between: Node, daemon: Daemon) -> None:
        cid = await large(between)
        missing(daemon, b"\x02" * CHUNK)
        with pytest.raises(DaemonError, match="fewer bytes"):
            await between.files.read(f"/ipfs/{cid}")

    async def test_an_export_is_not_whole(self, between: Node, daemon: Daemon) -> None:
        cid = await large(between)
        assert (await between.dag.export(cid)).endswith(b"\x03" * CHUNK)
        missing(daemon, b"\x02" * CHUNK)
        with pytest.raises(DaemonError, match="ends without"):
            await between.dag.export(cid)


class TestAnAnswerThatIsCut:
    """An answer ends where a line, or a block, does."""

    async def test_of_a_directory(self, between: Node, damage: Callable[..., None]) -> None:
        *_, root = await between.add_all([File(f"top/{name}", name.encode()) for name in "abc"])
        await between.files.cp(f"/ipfs/{root.cid}", "/top")
        assert len(await between.ls(root.cid)) == len(await between.files.ls("/top")) == 3
        damage("ls", without_last_line)
        with pytest.raises(DaemonError, match="tells of 2 entries"):
            await between.ls(root.cid)
        with pytest.raises(DaemonError, match="tells of 2 entries"):
            await between.files.ls("/top")
        with pytest.raises(DaemonError, match="tells of 2 entries"):
            await between.files.chmod("/top", "0700", recursive=True)

    async def test_of_an_import(self, between: Node, damage: Callable[..., None]) -> None:
        car = await between.dag.export(await large(between))
        damage("dag/import", without_last_line)
        with pytest.raises(DaemonError, match="tells of none"):
            await between.dag.import_([car], pin_roots=False)

    async def test_of_blocks_that_are_made_here(self, between: Node, damage: Callable[..., None]) -> None:
        damage("dag/import", lambda _: json.dumps({"Stats": {"BlockCount": 0}}).encode())
        with pytest.raises(DaemonError, match="was sent 1 blocks and tells of 0"):
            await between.add(File("f", b"x", mode=0o1777))

    async def test_of_a_verification(self, between: Node, damage: Callable[..., None]) -> None:
        await large(between)
        assert await between.repo.verify() == []
        damage("repo/verify", without_last_line)
        with pytest.raises(DaemonError, match="does not say that it has verified everything"):
            await between.repo.verify()

    async def test_of_a_removal(self, between: Node, damage: Callable[..., None]) -> None:
        cids = [await between.block.put(bytes([number])) for number in range(2)]
        damage("block/rm", without_last_line)
        with pytest.raises(DaemonError, match="does not tell whether it has removed"):
            await between.block.rm(cids)

    async def test_of_pins_that_are_asked_for(self, between: Node, damage: Callable[..., None]) -> None:
        cid = await large(between)
        damage("pin/ls", without_last_line)
        with pytest.raises(DaemonError, match="says nothing of"):
            await between.pin.ls(cid)

    @pytest.mark.parametrize("most", [1, 60, CHUNK, 2 * CHUNK])
    async def test_of_an_export(self, between: Node, damage: Callable[..., None], most: int) -> None:
        cid = await large(between)
        damage("dag/export", lambda answer: answer[:-most])
        with pytest.raises((DaemonError, CodecError)):
            await between.dag.export(cid)

    async def test_an_export_with_another_block_is_refused(self, between: Node, damage: Callable[..., Any]) -> None:
        cid = await large(between)
        damage("dag/export", lambda answer: answer.replace(b"\x02" * CHUNK, b"\x05" * CHUNK))
        with pytest.raises(HashMismatchError):
            await between.dag.export(cid)


@pytest.mark.parametrize(
    ("options", "made"),
    [
        ({"cid_version": 1}, "QmWfVY9y3xjsixTgbd9AorQxH7VtMpzfx2HaWtsoUYecaX"),
        ({"hash_alg": "blake2b-256"}, "bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq"),
        ({}, "bafyriqa"),
        ({}, "bafkqabdimvwgy3y"),
        ({}, "bafyreihyrpefhacm6kkp4ql6j6udakdit7g3dmkzfriqfykhjw6cad5lrm"),
    ],
)
async def test_a_file_that_is_made_in_another_way_is_told(
    between: Node, damage: Callable[..., None], options: dict[str, Any], made: str
) -> None:
    damage("add", lambda _: json.dumps({"Name": made, "Hash": made, "Size": "13"}).encode())
    with pytest.raises(DaemonError):
        await between.add(b"hello", **options)
