"""Scripts on the mutable file system end at the same CID in both."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
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
from ipfs_comm.ipld import CID
from ipfs_comm.unixfs import Mtime

if TYPE_CHECKING:
    from kubo_support import Daemon

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
    """What a script must know of a file.

    `closed` says that what Kubo makes of another write depends on more than the file: the time it is, where the file
    has one, or what Kubo remembers of the file, where its node was raw before it got a mode.
    """

    size: int = 0
    raw: bool = False
    closed: bool = False

    @property
    def takes_metadata(self) -> bool:
        # Kubo turns an empty raw node into a message with an empty member for data, which nothing else writes.
        return not (self.raw and not self.size)


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


#: One step: the verb, its paths, what is written, and options as this package names them.
Step = tuple[str, tuple[str, ...], Any, dict[str, Any]]


@st.composite
def scripts(draw: st.DrawFn) -> list[Step]:
    """Steps that succeed one after another."""
    model = Model()
    steps: list[Step] = []
    # Where none is given Kubo takes its configuration's, and this package that of the directory around it.
    version = draw(st.sampled_from([{}, {"cid_version": 1, "hash_alg": "sha2-256"}]))
    # One choice for a whole script: of files whose leaves are of both kinds, what Kubo makes depends on what it
    # remembers of them. A leaf that is no raw block loses its CID version where Kubo truncates it.
    raw = draw(st.sampled_from([{}, {"raw_leaves": True}, *([] if version else [{"raw_leaves": False}])]))
    for _ in range(draw(st.integers(1, 14))):
        verb = draw(st.sampled_from(["mkdir", "write", "write", "cp", "mv", "rm", "chmod", "touch"]))
        writable = sorted(path for path, file in model.files.items() if not file.closed)
        described = sorted(path for path, file in model.files.items() if file.takes_metadata)
        things = sorted([*model.files, *(model.directories - {""})])
        free = model.free()
        if verb == "mkdir" and free:
            path = draw(st.sampled_from(free))
            deeper = draw(st.sampled_from(["", "", "/a", "/b/c"]))
            model.directories |= {path, *([path + deeper[:2], path + deeper] if deeper else [])}
            steps.append((verb, (path + deeper,), None, {"parents": bool(deeper), **version}))
        elif verb == "write" and free + writable:
            path = draw(st.sampled_from(free + writable))
            options: dict[str, Any] = {"create": path not in model.files, **version, **raw}
            for name, values in (("offset", offsets), ("truncate", st.just(True))):
                if draw(st.booleans()):
                    options[name] = draw(values)
            content = draw(contents)
            before = model.files.get(path, File())
            model.files[path] = File(
                max(0 if options.get("truncate") else before.size, options.get("offset", 0) + len(bytes(content))),
                before.raw or bool(version) or options.get("raw_leaves", False),
            )
            steps.append((verb, (path,), content, options))
        elif verb in ("cp", "mv") and things and free:
            source = draw(st.sampled_from(things))
            targets = [path for path in free if not path.startswith(f"{source}/")]
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
        elif verb == "chmod" and described:
            path = draw(st.sampled_from(described))
            model.files[path] = replace(model.files[path], closed=model.files[path].closed or model.files[path].raw)
            steps.append((verb, (path,), draw(modes), {}))
        elif verb == "touch" and described:
            path = draw(st.sampled_from(described))
            model.files[path] = replace(model.files[path], closed=True)
            steps.append((verb, (path,), draw(st.integers(1, 1 << 31)), {}))
        elif verb == "chmod" and model.directories - {""}:
            steps.append((verb, (draw(st.sampled_from(sorted(model.directories - {""}))),), draw(modes), {}))
    return steps


def by_kubo(kubo: Daemon, root: str, step: Step) -> None:
    verb, paths, given_, options = step
    full = [root + path for path in paths]
    options = {"hash" if name == "hash_alg" else name: value for name, value in options.items()}
    if verb == "write":
        kubo.call("files/write", *full, files=[bytes(given_)], **options)
    elif verb == "chmod":
        kubo.call("files/chmod", f"{given_:04o}", *full)
    elif verb == "touch":
        kubo.call("files/touch", *full, mtime=given_)
    # What it cannot remove it tells in an answer that began well.
    elif (said := kubo.call(f"files/{verb}", *full, **options)) and verb == "rm":
        raise KuboError(said.decode())


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


@settings(max_examples=50 * FACTOR)
@given(script=scripts())
async def test_any_script_ends_at_the_same_root(kubo: Daemon, script: list[Step]) -> None:
    root = f"/script-{next(numbers)}"
    async with open_node(repo=":memory:") as node:
        kubo.call("files/mkdir", root)
        await node.files.mkdir(root)
        for step in script:
            by_kubo(kubo, root, step)
            await by_node(node, root, step)
            ours, theirs = await both_at(kubo, node, root)
            assert ours == theirs, f"after {step}"
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
