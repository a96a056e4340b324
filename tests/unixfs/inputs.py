"""What the UnixFS fixtures describe, as this package takes it."""

from __future__ import annotations

import importlib.util
import json
from functools import cache
from typing import TYPE_CHECKING, Any

from fixtures_support import fixtures_root

from ipfs_comm.ipld.car import CarReader
from ipfs_comm.unixfs import ImportOptions, Mtime
from ipfs_comm.unixfs.builder import Builder
from ipfs_comm.unixfs.directory import Entry, ImportedEntry, TreeEntry, build_tree, make_directory
from ipfs_comm.unixfs.importer import import_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from types import ModuleType

    from ipfs_comm.blockstore import MemoryBlockstore
    from ipfs_comm.ipld import CID

_ESTIMATES = {"links-bytes": "links", "block-bytes": "block"}


@cache
def generators() -> ModuleType:
    """Return the fixtures' own module of input generators."""
    root = fixtures_root()
    assert root is not None
    spec = importlib.util.spec_from_file_location("fixtures_gen", root / "tools" / "gen.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    # The module leaves the file open that it reads this from.
    module._cooked = [int(x) for x in json.loads((root / "tools" / "go_rngcooked.json").read_text())["rngCooked"]]
    return module


def content_of(description: dict[str, Any], area: str = "unixfs") -> bytes:
    root = fixtures_root()
    assert root is not None
    if description["kind"] == "file":
        return (root / area / description["path"]).read_bytes()
    if description["kind"] == "concat":
        return b"".join(content_of(part, area) for part in description["parts"])
    content: bytes = generators().bytes_of(description)
    return content


def pieces_of(content: bytes, size: int = 100_003) -> Iterator[bytes]:
    """Cut content at places that fall together with nobody's chunks."""
    for at in range(0, len(content), size):
        yield content[at : at + size]


def options_of(params: dict[str, Any], **changes: Any) -> ImportOptions:
    hamt = params.get("hamt", {})
    named: dict[str, Any] = {
        "cid_version": params.get("cidVersion"),
        "raw_leaves": params.get("rawLeaves"),
        "hash_alg": params.get("hash"),
        "chunker": params.get("chunker"),
        "layout": params.get("layout"),
        "max_links": params.get("maxLinks"),
        "leaf_type": params.get("leafType"),
        "reduce_single_leaf": params.get("reduceSingleLeafToSelf"),
        "inline_limit": params.get("inlineLimit"),
        "shard_split_threshold": hamt.get("threshold"),
        "hamt_estimation": _ESTIMATES.get(hamt.get("estimation")),
        "hamt_fanout": hamt.get("fanout"),
        **changes,
    }
    return ImportOptions(**{name: value for name, value in named.items() if value is not None})


def _mtime(described: dict[str, int] | None) -> Mtime | None:
    return None if described is None else Mtime(described["secs"], described.get("nsecs") or 0)


def entries_of(case: dict[str, Any], area: str = "unixfs") -> Iterator[TreeEntry]:
    for entry in case.get("entries", ()):
        yield TreeEntry(
            entry["path"],
            pieces_of(content_of(entry["content"], area)) if "content" in entry else None,
            entry.get("target"),
            entry.get("mode"),
            _mtime(entry.get("mtime")),
        )
    described = case.get("entriesGenerator")
    if described is None:
        return
    if described["kind"] == "chacha20-names":
        names = generators().chacha_names(
            described["count"], described["nameLen"], described["lastNameLen"], described["seed"]
        )
        for name in names:
            yield TreeEntry(name, described["content"].encode())
        return
    for number in range(described["start"], described["end"] + 1):
        name = _printf(described["nameFormat"], number)
        content = (
            None if described["kind"] == "numbered-empty-dirs" else _printf(described["contentFormat"], number).encode()
        )
        yield TreeEntry(name, content)


def _printf(format_: str, number: int) -> str:
    return format_ % number if "%" in format_ else format_


async def imported(
    case: dict[str, Any], store: MemoryBlockstore, area: str = "unixfs", **changes: Any
) -> tuple[ImportedEntry, dict[str, ImportedEntry]]:
    """Import a case; return its root (the one object, or the directory around everything) and all that was made, by
    path."""
    single = [entry["path"] for entry in case.get("entries", ())] == [""]
    made: dict[str, ImportedEntry] = {}
    last = None
    options = options_of(case["params"], **changes)
    entries: Iterable[TreeEntry] = entries_of(case, area)
    if "fileParams" in case:
        return await _files_of_their_own(case, store, options)
    async for entry in build_tree(entries, put=store.put, options=options, wrap=not single):
        made[entry.path] = last = entry
    assert last is not None
    return last, made


async def _files_of_their_own(
    case: dict[str, Any], store: MemoryBlockstore, options: ImportOptions
) -> tuple[ImportedEntry, dict[str, ImportedEntry]]:
    """Import files with other options than the directory that holds them has."""
    file_options = options_of({**case["params"], **case["fileParams"]})
    links = []
    for entry in entries_of(case):
        assert entry.content is not None
        file = await import_file(entry.content, put=store.put, options=file_options)
        links.append(Entry(entry.path, file.cid, file.size))
    made = await make_directory(Builder(store.put, options.resolved()), links)
    return ImportedEntry("", made.cid, made.size, "directory"), {}


async def import_car(store: MemoryBlockstore, path: Path) -> list[CID]:
    """Put all blocks of a CAR into a store; return its roots."""
    with path.open("rb") as file:
        reader = await CarReader.open(iter(lambda: file.read(65_536), b""))
        async for cid, data in reader.blocks():
            await store.put(cid, data)
        return list(reader.roots)
