"""Scripts on the mutable file system end at the same CID in both."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kubo.trees import Bulk, Plan, Tree, modes, plans, trees
from kubo.trees import by_kubo as added_by_kubo
from kubo_support import FACTOR, KuboError, Part

from ipfs_comm import open_node
from ipfs_comm.errors import IPFSCommError
from ipfs_comm.ipld import CID, multihash
from ipfs_comm.unixfs import Mtime
from ipfs_comm.unixfs.format import UnixFS

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from kubo_support import Daemon, Repository

    from ipfs_comm.node.api import Node

CHUNK = 262_144
NAMES = ["a", "b", "c", "ä"]
numbers = count()
offsets = st.integers(0, 40) | st.sampled_from([CHUNK - 1, CHUNK, CHUNK + 1])
contents = st.binary(max_size=30) | st.builds(
    Bulk, st.sampled_from([1_000, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK + 5]), st.integers(0, 3)
)


@dataclass(frozen=True)
class File:
    """What a script must know of a file: whether it has a time, which another write would set to the present one."""

    timed: bool = False


@dataclass
class Model:
    """What is where: directories, and files by their paths."""

    directories: set[str] = field(default_factory=lambda: {""})
    files: dict[str, File] = field(default_factory=dict)

    def free(self) -> list[str]:
        """Return paths where something can be made."""
        return sorted(
            path
            for directory in self.directories
            if directory.count("/") < 3
            for path in (f"{directory}/{name}" for name in NAMES)
            if path not in self.directories and path not in self.files
        )

    def below(self, path: str) -> list[str]:
        return [found for found in [*self.directories, *self.files] if found == path or found.startswith(f"{path}/")]

    def remove(self, path: str) -> None:
        for found in self.below(path):
            self.directories.discard(found)
            self.files.pop(found, None)

    def copy(self, path: str, to: str) -> None:
        for found in self.below(path):
            moved = to + found[len(path) :]
            if found in self.files:
                self.files[moved] = self.files[found]
            else:
                self.directories.add(moved)


#: Options of what is made.
VERSIONS: list[dict[str, Any]] = [
    {},
    {},
    {"cid_version": 0},
    {"cid_version": 1},
    {"hash_alg": "sha2-256"},
    {"cid_version": 1, "hash_alg": "sha2-512"},
]
RAW: list[dict[str, Any]] = [{}, {}, {"raw_leaves": True}, {"raw_leaves": False}]

#: One step: the verb, its paths, what is written, and options as this package names them.
Step = tuple[str, tuple[str, ...], Any, dict[str, Any]]


@st.composite
def scripts(draw: st.DrawFn, flushed: bool = True) -> list[Step]:
    """Steps that succeed one after another; what is not flushed is left to Kubo's memory where it can be."""
    model = Model()
    steps: list[Step] = []
    for _ in range(draw(st.integers(1, 14))):
        verb = draw(st.sampled_from(["mkdir", "write", "write", "cp", "mv", *(["rm", "chmod", "touch"] * flushed)]))
        writable = sorted(path for path, file in model.files.items() if not file.timed)
        version = draw(st.sampled_from(VERSIONS))
        things = sorted([*model.files, *(model.directories - {""})])
        free = model.free()
        if verb == "mkdir" and free:
            path = draw(st.sampled_from(free))
            deeper = draw(st.sampled_from(["", "", "/a", "/b/c"]))
            model.directories |= {path, *([path + deeper[:2], path + deeper] if deeper else [])}
            steps.append((verb, (path + deeper,), None, {"parents": bool(deeper), **version}))
        elif verb == "write" and free + writable:
            path = draw(st.sampled_from(free + writable))
            create = path not in model.files
            # What a file is made with stays; js-ipfs, and so this package, would change it with a later write.
            options: dict[str, Any] = {"create": create, **(version if create else {})}
            # Which leaves are raw Kubo remembers beside a file until that is flushed.
            options |= draw(st.sampled_from(RAW)) if flushed else {}
            for name, values in (("offset", offsets), ("truncate", st.just(True)), ("length", st.integers(0, 40))):
                if draw(st.booleans()):
                    options[name] = draw(values)
            if create and draw(st.booleans()):
                options["parents"] = True
            model.files[path] = File()
            steps.append((verb, (path,), draw(contents), options))
        elif verb in ("cp", "mv") and things and free:
            source = draw(st.sampled_from(things))
            targets = [path for path in free if not path.startswith(f"{source}/")]
            if verb == "mv":
                # Kubo leaves the source where it is if its directory has the same name as that of the target.
                targets = [path for path in targets if path.split("/")[-2:] != source.split("/")[-2:]]
            if not targets:
                continue
            target = draw(st.sampled_from(targets))
            model.copy(source, target)
            if verb == "mv":
                model.remove(source)
            steps.append((verb, (source, target), None, {}))
        elif verb == "rm" and things:
            path = draw(st.sampled_from(things))
            steps.append((verb, (path,), None, {"recursive": path in model.directories}))
            model.remove(path)
        elif verb == "chmod" and things:
            steps.append((verb, (draw(st.sampled_from(things)),), draw(modes), {}))
        elif verb == "touch" and things:
            path = draw(st.sampled_from(things))
            if path in model.files:
                model.files[path] = File(timed=True)
            steps.append((verb, (path,), draw(st.integers(1, 1 << 31)), {}))
    return steps if flushed else [(*step[:3], step[3] | {"flush": False}) for step in steps]


KUBO_NAMES = {"hash_alg": "hash", "length": "count"}


def by_kubo(kubo: Daemon, root: str, step: Step) -> None:
    verb, paths, given_, options = step
    full = [root + path for path in paths]
    options = {KUBO_NAMES.get(name, name): value for name, value in options.items()}
    if verb == "write":
        kubo.call("files/write", *full, files=[bytes(given_)], **options)
    elif verb == "chmod":
        kubo.call("files/chmod", f"{given_:04o}", *full)
        forget(kubo, *full)
    elif verb == "touch":
        kubo.call("files/touch", *full, mtime=given_)
        forget(kubo, *full)
    # What it cannot remove it tells in an answer that began well.
    elif (said := kubo.call(f"files/{verb}", *full, **options)) and verb == "rm":
        raise KuboError(said.decode())


def forget(kubo: Daemon, path: str) -> None:
    """Have Kubo drop what it remembers of a file beside its node: whether its leaves were raw."""
    kubo.call("files/flush", path.rpartition("/")[0] or "/")


async def by_node(node: Node, root: str, step: Step) -> None:
    verb, paths, given_, options = step
    full = [root + path for path in paths]
    if verb == "write":
        await node.files.write(*full, bytes(given_), **options)
    elif verb == "chmod":
        await node.files.chmod(*full, given_)
    elif verb == "touch":
        await node.files.touch(*full, mtime=Mtime(given_))
    else:
        await getattr(node.files, verb)(*full, **options)


async def both_at(kubo: Daemon, node: Node, path: str) -> tuple[CID, CID]:
    (stat,) = kubo.lines("files/stat", path)
    return (await node.files.stat(path)).cid, CID.parse(stat["Hash"])


async def played(kubo: Daemon, node: Node, root: str, script: list[Step]) -> AsyncGenerator[Step, None]:
    """Do a script below a new directory in both, and give each step once both have done it."""
    kubo.call("files/mkdir", root)
    await node.files.mkdir(root)
    for step in script:
        by_kubo(kubo, root, step)
        await by_node(node, root, step)
        yield step


@settings(max_examples=50 * FACTOR)
@given(script=scripts())
async def test_any_script_ends_at_the_same_root(kubo: Daemon, script: list[Step]) -> None:
    root = f"/script-{next(numbers)}"
    async with open_node(repo=":memory:") as node:
        async for step in played(kubo, node, root, script):
            ours, theirs = await both_at(kubo, node, root)
            assert ours == theirs, f"after {step}"
    kubo.call("files/rm", root, recursive=True)


@settings(max_examples=20 * FACTOR)
@given(script=scripts(flushed=False))
async def test_a_script_that_is_flushed_at_its_end_ends_at_the_same_root(kubo: Daemon, script: list[Step]) -> None:
    root = f"/unflushed-{next(numbers)}"
    async with open_node(repo=":memory:") as node:
        async for _ in played(kubo, node, root, script):
            pass
        kubo.call("files/flush", "/")
        assert len(set(await both_at(kubo, node, root))) == 1
    kubo.call("files/rm", root, recursive=True)


@settings(max_examples=20 * FACTOR)
@given(plan=plans().filter(lambda plan: "inline" not in plan.kubo), tree=trees(), content=st.binary(max_size=20))
async def test_a_tree_is_copied_into_it_and_changed_the_same(
    kubo: Daemon, plan: Plan, tree: Tree, content: bytes
) -> None:
    root = f"/copied-{next(numbers)}"
    cid, _ = added_by_kubo(kubo, {"tree": tree}, plan)["tree"]
    async with open_node(repo=":memory:") as node:
        await node.dag.import_(kubo.call("dag/export", str(cid), progress=False))
        kubo.call("files/mkdir", root)
        await node.files.mkdir(root)
        kubo.call("files/cp", f"/ipfs/{cid}", f"{root}/copy")
        await node.files.cp(f"/ipfs/{cid}", f"{root}/copy")
        assert len(set(await both_at(kubo, node, root))) == 1
        write: Step = (
            "write",
            ("/copy/a new file",),
            content,
            {"create": True, "cid_version": 1, "hash_alg": "sha2-256"},
        )
        by_kubo(kubo, root, write)
        await by_node(node, root, write)
        assert len(set(await both_at(kubo, node, root))) == 1
    kubo.call("files/rm", root, recursive=True)


@pytest.mark.parametrize("length", [1, 80])
async def test_a_directory_inside_its_cid_grows_as_kubo_lets_it(kubo: Daemon, length: int) -> None:
    root = f"/inlined-{length}"
    (added,) = kubo.add([Part("tree")], inline=True, inline_limit=4)
    step: Step = ("write", ("/copy/" + "n" * length,), b"", {"create": True, "cid_version": 1, "hash_alg": "sha2-256"})
    async with open_node(repo=":memory:") as node:
        kubo.call("files/mkdir", root)
        await node.files.mkdir(root)
        kubo.call("files/cp", f"/ipfs/{added.cid}", f"{root}/copy")
        await node.files.cp(f"/ipfs/{added.cid}", f"{root}/copy")
        by_kubo(kubo, root, step)
        await by_node(node, root, step)
        assert len(set(await both_at(kubo, node, root))) == 1


@pytest.mark.parametrize(
    "step",
    [
        ("mkdir", ("/file",), None, {}),
        ("mkdir", ("/missing/inner",), None, {}),
        ("write", ("/missing",), b"x", {}),
        ("write", ("/directory",), b"x", {"create": True}),
        ("write", ("/missing/inner",), b"x", {"create": True}),
        ("cp", ("/missing", "/copy"), None, {}),
        ("cp", ("/file", "/other"), None, {}),
        ("mv", ("/missing", "/moved"), None, {}),
        ("rm", ("/missing",), None, {}),
        ("rm", ("/directory",), None, {}),
        ("chmod", ("/missing",), 0o644, {}),
    ],
    ids=lambda step: f"{step[0]} {' '.join(step[1])}",
)
async def test_what_kubo_refuses_is_refused_and_changes_nothing(kubo: Daemon, step: Step) -> None:
    root = f"/refused-{next(numbers)}"
    async with open_node(repo=":memory:") as node:
        for first in (
            ("mkdir", ("",), None, {}),
            ("mkdir", ("/directory",), None, {}),
            ("write", ("/file",), b"x", {"create": True}),
            ("write", ("/other",), b"y", {"create": True}),
        ):
            by_kubo(kubo, root, first)
            await by_node(node, root, first)
        with pytest.raises(KuboError):
            by_kubo(kubo, root, step)
        with pytest.raises(IPFSCommError):
            await by_node(node, root, step)
        ours, theirs = await both_at(kubo, node, root)
        assert ours == theirs


async def test_kubo_cuts_a_long_write_where_its_buffer_ends_and_we_by_the_chunker(kubo: Daemon) -> None:
    root, size = f"/long-{next(numbers)}", 2_500_000
    async with open_node(repo=":memory:") as node:
        kubo.call("files/mkdir", root)
        await node.files.mkdir(root)
        step: Step = ("write", ("/f",), Bulk(size), {"create": True})
        by_kubo(kubo, root, step)
        await by_node(node, root, step)
        ours, theirs = await both_at(kubo, node, f"{root}/f")
        (listed,) = kubo.lines("ls", str(theirs))
        cut = [link["Size"] for link in listed["Objects"][0]["Links"]]
        assert set(cut[:-1]) != {CHUNK}
        file = UnixFS.decode((await node.dag.get(ours)).value["Data"])
        assert file.blocksizes == (*[CHUNK] * (size // CHUNK), size % CHUNK)


async def test_kubo_leaves_what_it_moves_between_directories_of_one_name_and_we_do_not(kubo: Daemon) -> None:
    root = f"/named-{next(numbers)}"
    async with open_node(repo=":memory:") as node:
        for step in (
            ("mkdir", ("",), None, {}),
            ("mkdir", ("/a",), None, {}),
            ("mkdir", ("/b/a",), None, {"parents": True}),
            ("write", ("/a/file",), b"x", {"create": True}),
            ("mv", ("/a/file", "/b/a/file"), None, {}),
        ):
            by_kubo(kubo, root, step)
            await by_node(node, root, step)
        assert [entry["Name"] for entry in kubo.lines("files/ls", f"{root}/a")[0]["Entries"]] == ["file"]
        assert await node.files.ls(f"{root}/a") == []


#: The empty directory and the file "12345" inside their CIDs, which `add` makes with `inline`.
EMPTY_INLINED = CID.create(1, "dag-pb", multihash.digest(b"\x0a\x02\x08\x01", "identity"))
FILE_INLINED = CID.create(1, "dag-pb", multihash.digest(b"\x0a\x0b\x08\x02\x12\x0512345\x18\x05", "identity"))


async def test_kubo_refuses_to_let_a_directory_outgrow_its_cid_and_we_store_it(repository: Repository) -> None:
    name = "n" * 200
    repository.run("files", "cp", f"/ipfs/{EMPTY_INLINED}", "/inlined")
    with pytest.raises(KuboError, match="digest too large"):
        repository.run("files", "write", "--create", f"/inlined/{name}", stdin=b"x")
    async with open_node(repo=":memory:") as node:
        await node.files.cp(f"/ipfs/{EMPTY_INLINED}", "/inlined")
        await node.files.write(f"/inlined/{name}", b"x", create=True)
        assert [entry.name for entry in await node.files.ls("/inlined")] == [name]


async def test_kubo_loses_the_beginning_of_a_file_that_outgrows_its_cid_and_we_keep_it(repository: Repository) -> None:
    repository.run("files", "cp", f"/ipfs/{FILE_INLINED}", "/inlined")
    repository.run("files", "write", "--offset=5", "/inlined", stdin=b"6789")
    assert repository.run("files", "read", "/inlined") == b"6789"
    async with open_node(repo=":memory:") as node:
        await node.files.cp(f"/ipfs/{FILE_INLINED}", "/inlined")
        await node.files.write("/inlined", b"6789", offset=5)
        assert await node.files.read("/inlined") == b"123456789"
