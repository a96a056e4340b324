from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest
from fixtures_support import cases, fixtures_root

from ipfs_comm.blockstore import MemoryBlockstore
from ipfs_comm.errors import IPFSCommError, NotFoundError
from ipfs_comm.ipld import CID, car, multihash, varint
from ipfs_comm.ipld.car import CarReader
from ipfs_comm.unixfs import exporter

if TYPE_CHECKING:
    from pathlib import Path


def folder() -> Path:
    root = fixtures_root()
    assert root is not None
    return root / "car"


def content_of(case: dict[str, Any]) -> bytes:
    if "hex" in case:
        return bytes.fromhex(case["hex"])
    if "patch" in case:
        patch = case["patch"]
        content = bytearray((folder() / patch["file"]).read_bytes())
        content += bytes.fromhex(patch.get("appendHex", ""))
        for at, value in patch.get("set", ()):
            content[at] = value
        return bytes(content[: len(content) - patch.get("dropLast", 0)])
    if "build" in case:
        return built(case["build"])
    return (folder() / case["file"]).read_bytes()


def built(description: dict[str, Any]) -> bytes:
    block = description.get("block") or description["rawBlock"]
    data = bytes([block["byte"]]) * block["size"]
    cid = bytes(CID.create(1, "raw", multihash.digest(data)))
    header = bytes.fromhex(description.get("headerHex", "11a265726f6f7473806776657273696f6e01"))
    return header + varint.encode(len(cid) + len(data)) + cid + data


async def read(content: bytes) -> tuple[CarReader, list[tuple[CID, bytes]]]:
    reader = await CarReader.open(content)
    return reader, [pair async for pair in reader.blocks()]


def check_listing(reader: CarReader, blocks: list[tuple[CID, bytes]], expect: dict[str, Any]) -> None:
    assert [str(root) for root in reader.roots] == expect["roots"]
    assert len(blocks) == expect["blockCount"]
    if "blockBytes" in expect:
        assert sum(len(data) for _, data in blocks) == expect["blockBytes"]
        names = [str(cid) for cid, _ in blocks]
        assert hashlib.sha256("\n".join(names).encode()).hexdigest() == expect["cidListSha256"]
        assert (names[0] if names else None) == expect["firstCid"]
        assert (names[-1] if names else None) == expect["lastCid"]


async def check_files(blocks: list[tuple[CID, bytes]], root: CID, expect: dict[str, Any]) -> None:
    async with MemoryBlockstore() as store:
        await store.put_many(blocks)
        for path, text in expect["files"].items():
            found = await exporter.resolve(store.get, root, path.split("/"))
            content = b"".join([bytes(piece) async for piece in exporter.cat(store.get, found.cid)])
            # These were noted without a final newline, whether or not the file has one; its blocks are verified anyway.
            assert content.decode().rstrip("\n") == text.rstrip("\n")
        for path in expect.get("missing", ()):
            found = await exporter.resolve(store.get, root, path.split("/"))
            with pytest.raises(NotFoundError):
                await exporter.stat(store.get, found.cid)


async def check_rewriting(case: dict[str, Any]) -> None:
    _, before = await read(content_of(case))
    roots = [CID.parse(root) for root in case["newRoots"]]
    reader, after = await read(b"".join([piece async for piece in car.write(roots, before)]))
    assert reader.roots == tuple(roots)
    assert case["expect"]["blocks"] == "unchanged"
    assert after == before


#: What is not only read: the node's own tests run these.
OF_THE_NODE = ("import", "export")


@pytest.mark.parametrize(
    "case",
    [one for one in cases("car", "car_cases.json") if (one.values[0] or {}).get("op") not in OF_THE_NODE],
)
async def test_a_car_is_read_as_others_read_it(case: dict[str, Any]) -> None:
    match case["op"]:
        case "read" if "error" in case:
            with pytest.raises(IPFSCommError):
                await read(content_of(case))
        case "read":
            reader, blocks = await read(content_of(case))
            assert reader.version == case["version"]
            check_listing(reader, blocks, case["expect"])
        case "header-only":
            assert (await CarReader.open(content_of(case))).version == case["version"]
        case "extract":
            reader, blocks = await read(content_of(case))
            check_listing(reader, blocks, case["expect"])
            await check_files(blocks, reader.roots[0], case["expect"])
        case "replace-roots":
            await check_rewriting(case)
        case _:
            pytest.fail(f"nothing here does {case['op']}")
