"""``files`` on a daemon: the same calls beside the embedded node, and what only a daemon meets."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import pytest

from ipfs_comm import open_node
from ipfs_comm.errors import InvalidInputError, InvalidPathError, IPFSCommError, NotFoundError, NotSupportedError
from ipfs_comm.node.api import File, Mtime

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from kubo_support import Daemon

    from ipfs_comm.node import Node

MISSING = "/ipfs/QmPFVLPmp9zv5Z5KUqLhe2EivAGccQW2r7M7jhVJGLZoZU"


async def tree(node: Node, path: str = "/") -> dict[str, Any]:
    """Return everything below a directory, as told by ``files.ls``."""
    found: dict[str, Any] = {}
    async for entry in node.files.ls(path):
        below = f"{path.rstrip('/')}/{entry.name}"
        found[below] = entry
        if entry.type == "directory":
            found.update(await tree(node, below))
    return found


async def outcome(node: Node, call: Callable[[Node], Awaitable[object]]) -> object:
    """Return what a call gives, or the type and code of its error."""
    try:
        return await call(node)
    except IPFSCommError as error:
        return type(error), error.code


async def prepared(node: Node) -> None:
    """Make a tree in which calls go right and wrong."""
    await node.files.mkdir("/dir/inner", parents=True)
    await node.files.write("/file", b"hello", create=True)
    await node.files.write("/dir/other", b"other" * 1000, create=True)
    await node.files.mkdir("/empty")


CALLS: dict[str, Callable[[Node], Awaitable[object]]] = {
    "stat of a file": lambda node: node.files.stat("/file"),
    "stat of a directory": lambda node: node.files.stat("/dir"),
    "stat of the root": lambda node: node.files.stat("/"),
    "stat of nothing": lambda node: node.files.stat("/missing"),
    "stat below a file": lambda node: node.files.stat("/file/below"),
    "stat with locality": lambda node: node.files.stat("/dir", with_local=True),
    "ls of a file": lambda node: node.files.ls("/file"),
    "ls of nothing": lambda node: node.files.ls("/missing"),
    "read from an offset": lambda node: node.files.read("/file", offset=2, length=2),
    "read of nothing at all": lambda node: node.files.read("/file", length=0),
    "read at the end": lambda node: node.files.read("/file", offset=5),
    "read beyond the end": lambda node: node.files.read("/file", offset=6),
    "read of a directory": lambda node: node.files.read("/dir"),
    "read of nothing there": lambda node: node.files.read("/missing"),
    "write without create": lambda node: node.files.write("/new", b"x"),
    "write without parents": lambda node: node.files.write("/new/file", b"x", create=True),
    "write with parents": lambda node: node.files.write("/new/file", b"x", create=True, parents=True),
    "write to a directory": lambda node: node.files.write("/dir", b"x", create=True),
    "write below a file": lambda node: node.files.write("/file/below", b"x", create=True),
    "write some of it": lambda node: node.files.write("/file", b"abcdef", length=2),
    "write nothing": lambda node: node.files.write("/file", b""),
    "write at the root": lambda node: node.files.write("/", b"x"),
    "write into a place that can only be a directory": lambda node: node.files.write("/new/", b"x", create=True),
    "write raw leaves": lambda node: node.files.write("/raw", b"x" * 300_000, create=True, raw_leaves=True),
    "write of version 1": lambda node: node.files.write("/one", b"x" * 300_000, create=True, cid_version=1),
    "write many chunks": lambda node: node.files.write("/large", b"x" * 2_000_000, create=True),
    "mkdir again": lambda node: node.files.mkdir("/dir"),
    "mkdir again with parents": lambda node: node.files.mkdir("/dir", parents=True),
    "mkdir of a file": lambda node: node.files.mkdir("/file"),
    "mkdir of a file with parents": lambda node: node.files.mkdir("/file", parents=True),
    "mkdir without parents": lambda node: node.files.mkdir("/a/b"),
    "mkdir below a file": lambda node: node.files.mkdir("/file/a", parents=True),
    "mkdir of the root": lambda node: node.files.mkdir("/"),
    "mkdir of the root with parents": lambda node: node.files.mkdir("/", parents=True),
    "mkdir of version 1": lambda node: node.files.mkdir("/one", cid_version=1),
    "mkdir with a mode and a time": lambda node: node.files.mkdir("/with", mode=0o700, mtime=Mtime(7, 8)),
    "cp to a name": lambda node: node.files.cp("/file", "/copy"),
    "cp into a directory": lambda node: node.files.cp("/file", "/dir"),
    "cp of several": lambda node: node.files.cp("/file", "/dir/other", "/empty"),
    "cp of several to nothing": lambda node: node.files.cp("/file", "/dir/other", "/missing"),
    "cp of several with parents": lambda node: node.files.cp("/file", "/dir/other", "/a/b", parents=True),
    "cp of several to a file": lambda node: node.files.cp("/dir", "/dir/other", "/file"),
    "cp over a file": lambda node: node.files.cp("/dir/other", "/file"),
    "cp over a file by force": lambda node: node.files.cp("/dir/other", "/file", force=True),
    "cp over a directory by force": lambda node: node.files.cp("/file", "/dir/inner", force=True),
    "cp of a directory": lambda node: node.files.cp("/dir", "/copy"),
    "cp of nothing": lambda node: node.files.cp("/missing", "/copy"),
    "cp without parents": lambda node: node.files.cp("/file", "/a/b/c"),
    "cp with parents": lambda node: node.files.cp("/file", "/a/b/c", parents=True),
    "cp of one path": lambda node: node.files.cp("/file"),
    "cp of the root without a name": lambda node: node.files.cp("/", "/dir"),
    "mv to a name": lambda node: node.files.mv("/file", "/moved"),
    "mv into a directory": lambda node: node.files.mv("/file", "/dir"),
    "mv of several": lambda node: node.files.mv("/file", "/dir", "/empty"),
    "mv over a file": lambda node: node.files.mv("/dir/other", "/file"),
    "mv over a directory": lambda node: node.files.mv("/file", "/dir/inner"),
    "mv of nothing": lambda node: node.files.mv("/missing", "/moved"),
    "mv without parents": lambda node: node.files.mv("/file", "/a/b/c"),
    "mv with parents": lambda node: node.files.mv("/file", "/a/b/c", parents=True),
    "mv into itself": lambda node: node.files.mv("/dir", "/dir/inner/dir"),
    "mv to itself": lambda node: node.files.mv("/file", "/file"),
    "mv of the root": lambda node: node.files.mv("/", "/dir"),
    "mv to where one of its name is": lambda node: node.files.mv("/dir", "/empty/"),
    "rm of a file": lambda node: node.files.rm("/file"),
    "rm of several": lambda node: node.files.rm("/file", "/dir/other"),
    "rm of some that are there": lambda node: node.files.rm("/file", "/missing"),
    "rm of nothing": lambda node: node.files.rm("/missing"),
    "rm of nothing by force": lambda node: node.files.rm("/missing", force=True),
    "rm below nothing by force": lambda node: node.files.rm("/missing/below", force=True),
    "rm of a directory": lambda node: node.files.rm("/dir"),
    "rm of a directory with all in it": lambda node: node.files.rm("/dir", recursive=True),
    "rm of a directory by force": lambda node: node.files.rm("/dir", force=True),
    "rm of the root": lambda node: node.files.rm("/", recursive=True),
    "rm below a file": lambda node: node.files.rm("/file/below"),
    "touch of a file": lambda node: node.files.touch("/file", mtime=Mtime(5, 6)),
    "touch of a directory": lambda node: node.files.touch("/dir", mtime=-5),
    "touch of nothing": lambda node: node.files.touch("/new", mtime=Mtime(5, 6)),
    "touch below nothing": lambda node: node.files.touch("/missing/new", mtime=Mtime(5, 6)),
    "chmod of a file": lambda node: node.files.chmod("/file", 0o600),
    "chmod by symbols": lambda node: node.files.chmod("/file", "u+x,go-r"),
    "chmod of a directory": lambda node: node.files.chmod("/dir", "0700"),
    "chmod of all in it": lambda node: node.files.chmod("/dir", "a+x", recursive=True),
    "chmod of nothing": lambda node: node.files.chmod("/missing", 0o600),
    "chmod of the root": lambda node: node.files.chmod("/", 0o700),
    "flush": lambda node: node.files.flush("/dir"),
    "flush of nothing": lambda node: node.files.flush("/missing"),
    "a path that is none": lambda node: node.files.stat("file"),
    "a path outside that is none": lambda node: node.files.stat("/ipfs/nothing"),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_a_call_does_the_same_as_on_the_embedded_node(
    node: Node, embedded: Node, call: Callable[[Node], Awaitable[object]]
) -> None:
    await prepared(node)
    await prepared(embedded)
    assert await outcome(node, call) == await outcome(embedded, call)
    assert await tree(node) == await tree(embedded)


async def test_what_is_outside_is_read_and_copied_as_on_the_embedded_node(node: Node, embedded: Node) -> None:
    told: list[list[object]] = []
    for each in (node, embedded):
        files = [File("d/a", b"aaa", mode=0o640, mtime=Mtime(9)), File("d/s", target="a")]
        root = (await each.add_all(files, preserve_mode=True, preserve_mtime=True))[-1].cid
        data = await each.dag.put({"a": 1})
        inside = await each.dag.put({"file": root})
        told.append(
            [
                await outcome(each, call)
                for call in (
                    lambda one, root=root: one.files.stat(root),
                    lambda one, root=root: one.files.stat(f"/ipfs/{root}/a"),
                    lambda one, root=root: one.files.ls(f"/ipfs/{root}"),
                    lambda one, root=root: one.files.ls(f"/ipfs/{root}/a"),
                    lambda one, root=root: one.files.read(f"/ipfs/{root}/a"),
                    lambda one, root=root: one.files.read(root),
                    lambda one, root=root: one.files.stat(f"/ipfs/{root}/missing"),
                    lambda one, data=data: one.files.stat(data),
                    lambda one, data=data: one.files.ls(data),
                    lambda one, inside=inside: one.files.stat(f"/ipfs/{inside}/file"),
                    lambda one: one.files.stat(MISSING),
                    lambda one: one.files.cp(MISSING, "/there"),
                    lambda one, root=root: one.files.cp(f"/ipfs/{root}/a", "/x/y/z", parents=True),
                    lambda one, root=root: one.files.cp(root, "/whole"),
                    lambda one, root=root: one.files.cp(f"/ipfs/{root}/a", f"/ipfs/{root}/s", "/whole/"),
                    tree,
                )
            ]
        )
    assert told[0] == told[1]


async def test_a_large_directory_is_listed_to_its_end(node: Node) -> None:
    root = (await node.add_all([File(f"d/{number:05}", b"x") for number in range(2000)], shard_split_threshold=None))[
        -1
    ]
    await node.files.cp(root.cid, "/d")
    assert len(await node.files.ls("/d")) == 2000


async def test_content_that_fails_changes_nothing(node: Node) -> None:
    await node.files.write("/file", b"as it was", create=True)
    before = await tree(node)

    async def failing() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield secrets.token_bytes(2**20)
        raise ValueError("there is no more")

    for path, options in (
        ("/file", {}),
        ("/file", {"truncate": True}),
        ("/new", {"create": True}),
        ("/a/b/new", {"create": True, "parents": True}),
    ):
        with pytest.raises(ValueError, match="there is no more"):
            await node.files.write(path, failing(), **options)
        assert await tree(node) == before


async def test_long_content_makes_the_same_file_as_on_the_embedded_node(node: Node, embedded: Node) -> None:
    content = secrets.token_bytes(5 * 2**20 + 5)

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(content), 100_000):
            yield content[start : start + 100_000]

    for each in (node, embedded):
        await each.files.write("/whole", content, create=True)
        await each.files.write("/pieces", pieces(), create=True)
        await each.files.write("/over", b"x" * 3_000_000, create=True)
        await each.files.write("/over", pieces(), offset=10, length=2**22)
        await each.files.write("/gap", b"x", create=True)
        await each.files.write("/gap", content, offset=300_000)
        await each.files.write("/new", b"x" * 3_000_000, create=True)
        await each.files.write("/new", pieces(), truncate=True, offset=5)
    assert await node.files.read("/over") == content[: 2**22].join((b"x" * 10, b""))
    assert (await node.files.stat("/whole")).cid == (await node.files.stat("/pieces")).cid
    assert await tree(node) == await tree(embedded)


async def test_a_mode_and_a_time_come_with_the_content(node: Node) -> None:
    await node.files.write("/file", b"hello", create=True, mode=0o600, mtime=Mtime(5, 6))
    stat = await node.files.stat("/file")
    assert (stat.mode, stat.mtime) == (0o600, Mtime(5, 6))
    assert [entry.name for entry in await node.files.ls("/")] == ["file"]


async def test_a_file_that_moves_to_a_directory_of_the_same_name_is_gone_where_it_was(node: Node) -> None:
    await node.files.write("/a/x/file", b"hello", create=True, parents=True)
    await node.files.mkdir("/b/x", parents=True)
    await node.files.mv("/a/x/file", "/b/x/file")
    assert sorted(await tree(node)) == ["/a", "/a/x", "/b", "/b/x", "/b/x/file"]


@pytest.mark.parametrize(
    "call",
    [
        lambda node: node.files.mkdir("/d", shard_split_threshold=5),
        lambda node: node.files.write("/f", b"x", create=True, reduce_single_leaf_to_self=True),
        lambda node: node.files.cp("/a", "/b", cid_version=1),
        lambda node: node.files.mv("/a", "/b", hash_alg="blake3"),
        lambda node: node.files.touch("/a", mtime=0),
    ],
    ids=["threshold", "reduce", "cp", "mv", "touch"],
)
async def test_what_kubo_cannot_do_is_refused(node: Node, call: Callable[[Node], Awaitable[object]]) -> None:
    with pytest.raises(NotSupportedError, match="Kubo"):
        await call(node)


async def test_a_name_with_a_slash_in_it_is_refused(node: Node) -> None:
    with pytest.raises(InvalidPathError, match="slash"):
        await node.files.mkdir("/a\\/b")


async def test_a_name_that_is_no_text_is_not_another_name(node: Node, daemon: Daemon) -> None:
    await node.files.write("/name", b"kept", create=True)
    await node.files.write("/name\udcff", b"other", create=True)
    assert await node.files.read("/name") == b"kept"
    assert await node.files.read("/name\udcff") == b"other"
    await node.files.rm("/name\udcff")
    assert [entry.name for entry in await node.files.ls("/")] == ["name"]
    with pytest.raises(InvalidInputError, match="surrogate"):
        await node.files.rm("/name\ud800")


async def test_a_node_opened_to_read_changes_nothing(daemon: Daemon) -> None:
    async with open_node(kind="kubo", kubo_api=daemon.api, read_only=True) as node:
        for call in (
            lambda: node.files.mkdir("/d"),
            lambda: node.files.write("/f", b"x", create=True),
            lambda: node.files.rm("/f", force=True),
            lambda: node.files.cp("/f", "/g"),
            lambda: node.files.mv("/f", "/g"),
            lambda: node.files.touch("/f"),
            lambda: node.files.chmod("/", 0o700),
            lambda: node.pin.add("/ipfs/QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn"),
            lambda: node.key.gen("new"),
            lambda: node.config.set("Provide.Enabled", False),
            lambda: node.bootstrap.clear(),
        ):
            with pytest.raises(NotSupportedError) as caught:
                await call()
            assert caught.value.code == "ERR_DENIED"
        assert await node.files.ls("/") == []
        with pytest.raises(NotFoundError):
            await node.files.stat("/d")
