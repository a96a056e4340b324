"""A tree on disk is added as Kubo's command adds it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from ipfs_comm import open_node
from ipfs_comm.ipld import CID

if TYPE_CHECKING:
    from pathlib import Path

    from kubo_support import Repository


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Files of several modes and times, hidden ones, a symlink, and directories inside."""
    root = tmp_path / "tree"
    (root / "inner" / ".hidden directory").mkdir(parents=True)
    (root / "empty").mkdir()
    (root / "file").write_bytes(b"x" * 300_000)
    (root / ".hidden").write_bytes(b"hidden")
    (root / "inner" / "ünïcode").write_bytes(b"text")
    (root / "inner" / ".hidden directory" / "file").write_bytes(b"")
    (root / "link").symlink_to("inner/ünïcode")
    (root / "to inner").symlink_to("inner")
    (root / "file").chmod(0o640)
    (root / "inner").chmod(0o750)
    for number, path in enumerate(sorted(root.rglob("*"))):
        os.utime(path, ns=(0, 1_500_000_000_123_456_789 + number), follow_symlinks=False)
    os.utime(root, ns=(0, 1_400_000_000_000_000_000))
    return root


def _text(name: str, value: Any) -> str:
    return f"{value:04o}" if name == "mode" else str(value).lower()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"hidden": True},
        {"preserve_mode": True},
        {"preserve_mtime": True},
        {"hidden": True, "preserve_mode": True, "preserve_mtime": True},
        {"cid_version": 1, "hidden": True},
        {"cid_version": 1, "preserve_mode": True},
        {"cid_version": 1, "mode": 0o640},
        {"cid_version": 1, "mtime": 1_600_000_000},
        {"empty_dirs": False},
        {"empty_dirs": False, "hidden": True},
        {"dereference_symlinks": True},
        {"dereference_symlinks": True, "hidden": True, "preserve_mode": True, "preserve_mtime": True},
        {"max_directory_links": 2},
        {"wrap_with_directory": True},
    ],
    ids=lambda options: " ".join(options) or "default",
)
async def test_a_tree_on_disk_has_the_cid_that_the_command_gives_it(
    repository: Repository, tree: Path, options: dict[str, Any]
) -> None:
    flags = [f"--{name.replace('_', '-')}={_text(name, value)}" for name, value in options.items()]
    said = repository.run("add", "--recursive", "--quieter", *flags, str(tree))
    async with open_node(repo=":memory:") as node:
        assert (await node.add(tree, **options)).cid == CID.parse(said.decode().strip())


@pytest.mark.parametrize("options", [{"dereference_args": True}, {"dereference_symlinks": True}])
async def test_a_symlink_that_is_given_is_followed_as_the_command_does(
    repository: Repository, tree: Path, options: dict[str, Any]
) -> None:
    link = tree.parent / "link to the tree"
    link.symlink_to("tree")
    flags = [f"--{name.replace('_', '-')}" for name in options]
    said = repository.run("add", "--recursive", "--quieter", *flags, str(link))
    async with open_node(repo=":memory:") as node:
        assert (await node.add(link, **options)).cid == CID.parse(said.decode().strip())
