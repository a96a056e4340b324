from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from fixtures_support import cases, fixtures_root
from unixfs.inputs import content_of, import_car

from ipfs_comm.blockstore import MemoryBlockstore
from ipfs_comm.errors import InvalidInputError, IPFSCommError, NoLinkError, NotFoundError, NotUnixFSError
from ipfs_comm.ipld import CID, codecs, multihash
from ipfs_comm.ipld.codecs.dag_pb import PBLink, PBNode, encode
from ipfs_comm.node.open import open_node
from ipfs_comm.unixfs import ImportOptions, UnixFS, exporter
from ipfs_comm.unixfs.directory import split_path
from ipfs_comm.unixfs.importer import import_file

_ERRORS: dict[str, tuple[type[IPFSCommError], str | None]] = {
    "BadPathError": (NoLinkError, "ERR_NO_LINK"),
    "NotFoundError": (NotFoundError, None),
    "NotUnixFSError": (NotUnixFSError, "ERR_NOT_UNIXFS"),
    "InvalidParametersError": (InvalidInputError, "ERR_INVALID_INPUT"),
    "UnderReadError": (NotUnixFSError, "ERR_UNDER_READ"),
    "OverReadError": (NotUnixFSError, "ERR_OVER_READ"),
}


class Loader:
    """Loads from a store and notes what was loaded."""

    def __init__(self, store: MemoryBlockstore) -> None:
        self._store = store
        self.loaded: list[CID] = []

    async def __call__(self, cid: CID) -> bytes:
        self.loaded.append(cid)
        return await self._store.get(cid)


def parsed(path: str) -> tuple[CID, list[str]]:
    root, *segments = path.removeprefix("/ipfs/").split("/")
    return CID.parse(root), segments


async def check_error(name: str, message: str | None, doing: Any) -> None:
    kind, code = _ERRORS[name]
    with pytest.raises(kind) as caught:
        await doing
    if code is not None:
        assert caught.value.code == code
    if message is not None and name == "InvalidParametersError":
        assert message.lower() in str(caught.value).lower()


async def read(load: Any, root: CID, **options: Any) -> bytes:
    return b"".join([piece async for piece in exporter.cat(load, root, **options)])


async def check_reads(case: dict[str, Any], load: Any, root: CID) -> None:
    assert case["reads"]
    for wanted in case["reads"]:
        options = {name: wanted[name] for name in ("offset", "length") if name in wanted}
        if "error" in wanted:
            await check_error(wanted["error"], wanted.get("message"), read(load, root, **options))
        else:
            assert (await read(load, root, **options)).hex() == wanted["expectHex"]


async def check_resolve(case: dict[str, Any], load: Loader) -> None:
    expect = case["expect"]
    root, segments = parsed(case["path"])
    if "error" in expect:
        await check_error(expect["error"], None, exporter.resolve(load, root, segments))
        return
    found = await exporter.resolve(load, root, segments)
    if "steps" in expect:
        steps = []
        for step in found.steps:
            gone = len(segments) - len(step.remainder)
            path = "/".join([str(root), *segments[:gone]])
            steps.append(
                {"cid": str(step.cid), "name": step.name or str(root), "path": path, "remainder": list(step.remainder)}
            )
        assert steps == expect["steps"]
    if "target" in expect:
        assert str(found.cid) == expect["target"]
    if "blocksTouched" in expect:
        assert [str(cid) for cid in found.blocks] == expect["blocksTouched"]
    if "cid" in expect:
        assert str(found.cid) == expect["cid"]
        assert list(found.remainder) == expect["remainder"]
    if "blocksOnPath" in expect:
        assert [str(cid) for cid in found.blocks] == expect["blocksOnPath"]
    # What was loaded lies on the path; the block that it leads to need not be.
    assert set(load.loaded) <= set(found.blocks)


@pytest.mark.parametrize("case", cases("unixfs", "read_cases.json"))
async def test_blocks_are_read_as_others_read_them(case: dict[str, Any]) -> None:
    async with MemoryBlockstore() as store:
        for block in case.get("blocks", ()):
            cid, data = CID.parse(block["cid"]), base64.b64decode(block["b64"])
            multihash.verify(cid.multihash, data)
            await store.put(cid, data)
        load = Loader(store)
        match case["kind"]:
            case "resolve":
                await check_resolve(case, load)
            case "ls":
                root, segments = parsed(case["path"])
                assert segments == []
                found = [[entry.name, str(entry.cid)] async for entry in exporter.ls(load, root)]
                assert sorted(found) == sorted(case["expect"]["entries"])
            case "read":
                await check_reads(case, load, CID.parse(case["root"]))
            case "read-generated":
                root = await deep_chain(store, 100_000)
                assert str(root) == case["root"]
                await check_reads(case, load, root)
            case "import-read":
                for layout in case["layouts"]:
                    options = ImportOptions(chunker=case["params"]["chunker"], layout=layout)
                    file = await import_file(content_of(case["content"]), put=store.put, options=options)
                    await check_reads(case, load, file.cid)
            case "path-components":
                assert split_path(case["path"]) == case["expect"]
                assert len(case["expect"]) == case["count"]
            case "mfs":
                await check_mfs(case)
            case "encode-pb":
                links = [PBLink(CID.parse(link["Hash"]), link["Name"], link["Tsize"]) for link in case["node"]["Links"]]
                block_bytes = encode(PBNode(links, bytes.fromhex(case["node"]["Data"]["hex"])))
                assert str(CID.create(0, "dag-pb", multihash.digest(block_bytes))) == case["expect"]["cidV0"]
            case _:
                pytest.fail(f"nothing here does {case['kind']}")


async def check_mfs(case: dict[str, Any]) -> None:
    """Run the steps, each an English sentence, on a node of its own."""
    async with open_node(repo=":memory:", offline=True) as ipfs:
        for step in case["steps"]:
            match step.split(" ", 1):
                case ["mkdir", arguments]:
                    await ipfs.files.mkdir(arguments.removeprefix("-p "), parents=True)
                case ["put", sentence]:
                    text, where = sentence.removeprefix("UnixFS file node with data ").rsplit('" at ', 1)
                    data = UnixFS.file(json.loads(text + '"').encode()).encode()
                    file = await ipfs.block.put(encode(PBNode((), data)), format="dag-pb", version=0)
                    for path in where.replace(" and ", ", ").split(", "):
                        await ipfs.files.cp(f"/ipfs/{file}", path)
                case ["flush", path]:
                    assert await ipfs.files.flush(path) == (await ipfs.files.stat(path)).cid
                case _:
                    pytest.fail(f"nothing here does {step!r}")
        for path, cid in case["expect"].items():
            assert str((await ipfs.files.stat(path)).cid) == cid


async def deep_chain(store: MemoryBlockstore, depth: int) -> CID:
    block = bytes(range(5))
    cid = CID.create(1, "raw", multihash.digest(block))
    await store.put(cid, block)
    message = UnixFS.file(blocksizes=(5,)).encode()
    for _ in range(depth):
        block = encode(PBNode([PBLink(cid, "", len(block))], message))
        cid = CID.create(1, "dag-pb", multihash.digest(block))
        await store.put(cid, block)
    return cid


@pytest.mark.parametrize("case", cases("gateway", "gateway_cases.json"))
async def test_a_gateways_content_is_read_as_others_read_it(case: dict[str, Any]) -> None:
    root = fixtures_root()
    assert root is not None
    async with MemoryBlockstore() as store:
        await import_car(store, Path(root, "gateway", case["file"]))
        load = Loader(store)
        match case["op"]:
            case "ls-cat-recursive":
                await check_tree(case, load)
            case "resolve":
                await check_resolve(case, load)
            case "cat":
                await check_range(case, load)
            case "dag.get":
                found = await exporter.resolve(load, *parsed(case["path"]))
                assert found.remainder == ()
                value = codecs.get(found.cid.code).decode(await store.get(found.cid))
                assert codecs.get("dag-json").encode(value).decode() == case["expect"]["dagJson"]
            case "block.get":
                cid = CID.parse(case["root"])
                assert (await load(cid)).hex() == case["expect"]["hex"]
                assert cid.code == case["expect"]["codec"]
            case _:
                pytest.fail(f"nothing here does {case['op']}")


async def check_range(case: dict[str, Any], load: Loader) -> None:
    expect = case["expect"]
    options = {name: case[name] for name in ("offset", "length") if name in case}
    content = await read(load, CID.parse(case["root"]), **options)
    assert len(content) == expect["size"]
    assert hashlib.sha256(content).hexdigest() == expect["sha256"]
    assert {str(cid) for cid in load.loaded} == set(expect["minimalBlocks"])


async def check_tree(case: dict[str, Any], load: Loader) -> None:
    found = {}
    listings: dict[str, list[str]] = {}
    async for entry in exporter.walk(load, CID.parse(case["root"])):
        found[entry.path] = entry.stat
        if entry.path:
            parent = entry.path.removesuffix(entry.name).removesuffix("/")
            listings.setdefault(parent, []).append(f"{entry.name} {entry.cid}")
    for expected in case["expect"]:
        stat = found[expected["path"]]
        assert str(stat.cid) == expected["cid"]
        assert ("file" if stat.type == "raw" else stat.type) == expected["type"]
        for name in expected.keys() - {"path", "cid", "type"}:
            await check_member(name, expected, stat, listings.get(expected["path"], []), load)
    if all("entries" not in expected or expected["entries"] < 100 for expected in case["expect"]):
        assert len(found) == len(case["expect"])


async def check_member(
    name: str, expected: dict[str, Any], stat: exporter.Stat, listing: list[str], load: Loader
) -> None:
    value = expected[name]
    match name:
        case "unixfsType":
            assert ("hamt-sharded-directory" if stat.sharded else stat.type) == value
        case "entries":
            assert len(listing) == value
        case "listingSha256":
            assert hashlib.sha256("\n".join(sorted(listing)).encode()).hexdigest() == value
        case "size":
            assert stat.size == value
        case "sha256":
            assert hashlib.sha256(await read(load, stat.cid)).hexdigest() == value
        case "utf8":
            assert (await read(load, stat.cid)).decode() == value
        case "target":
            assert stat.target == value
        case "mode":
            assert stat.mode == value
        case "mtime":
            assert stat.mtime is not None
            assert {"secs": stat.mtime.secs, "nsecs": stat.mtime.nsecs} == {"nsecs": 0, **value}
        case "readError":
            await check_error(value, None, read(load, stat.cid))
        case _:
            pytest.fail(f"nothing here compares {name}")
