"""What docs/aioipfs.md says of aioipfs is so: each of its blocks prints what is written under it."""

from __future__ import annotations

import contextlib
import gc
import io
import json
import re
import textwrap
import warnings
from typing import TYPE_CHECKING, Any

import pytest
from kubo_support import ROOT
from proxy_support import scripted

from ipfs_comm.ipld import CID, codecs, multihash
from ipfs_comm.node.kubo.address import Address
from ipfs_comm.node.kubo.multipart import Body
from ipfs_comm.node.kubo.rpc import Rpc
from ipfs_comm.node.kubo.session import aioipfs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from kubo_support import Daemon

PAGE = ROOT / "docs" / "aioipfs.md"
BLOCK = re.compile(
    r"^## (?P<title>[^\n]+)\n(?:(?!^## ).)*?^```python\n(?P<code>.*?)^```\n```text\n(?P<says>.*?)^```",
    re.DOTALL | re.MULTILINE,
)
BLOCKS = [
    pytest.param(found["code"], found["says"], id=found["title"]) for found in BLOCK.finditer(PAGE.read_text("utf-8"))
]


def two_roots() -> bytes:
    blocks = [(CID.create(1, "raw", multihash.digest(data, "sha2-256")), data) for data in (b"one", b"two")]
    header = {"version": 1, "roots": [cid for cid, _ in blocks]}
    sections = [codecs.get("dag-cbor").encode(header), *(bytes(cid) + data for cid, data in blocks)]
    return b"".join(bytes([len(section)]) + section for section in sections)


@pytest.fixture
async def names(daemon: Daemon, guarded: Daemon, tmp_path: Path) -> AsyncIterator[dict[str, Any]]:
    """What the blocks have in scope."""
    async with scripted() as server:
        gone = server.url

    def client(url: str, **more: Any) -> Any:
        host, port = url.removeprefix("http://").split(":")
        return aioipfs.AsyncIPFS(host=host, port=int(port), **more)

    clients = {
        "client": client(daemon.api),
        "guarded": client(guarded.api, auth=aioipfs.BearerAuth("token")),
        "gone": client(gone),
    }

    async def put(node: Any) -> str:
        body = Body.of(json.dumps(node).encode())
        rpc = Rpc(Address.parse(daemon.api)[0])
        try:
            said = await rpc.call("dag/put", body=body, store_codec="dag-pb", input_codec="dag-json")
        finally:
            await rpc.close()
        return str(said["Cid"]["/"])

    yield {**clients, "aioipfs": aioipfs, "json": json, "folder": tmp_path, "put": put, "two_roots": two_roots()}
    for each in clients.values():
        await each.close()


@pytest.mark.filterwarnings("ignore")  # files and sessions that it leaves open
@pytest.mark.parametrize(("code", "says"), BLOCKS)
async def test_it_is_so(code: str, says: str, names: dict[str, Any]) -> None:
    exec(f"async def block():\n{textwrap.indent(code, '    ')}", names)
    said = io.StringIO()
    with contextlib.redirect_stdout(said), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        await names["block"]()
        # Before the next test is blamed for it.
        gc.collect()
    assert said.getvalue() == says


def test_every_block_is_run() -> None:
    assert len(BLOCKS) == PAGE.read_text("utf-8").count("```python")
