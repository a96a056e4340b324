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
    (root / "file").chmod(0o640)
    (root / "inner").chmod(0o750)
    for number, path in enumerate(sorted(root.rglob("*"))):
        os.utime(path, ns=(0, 1_500_000_000_123_456_789 + number), follow_symlinks=False)
    os.utime(root, ns=(0, 1_400_000_000_000_000_000))
    return root


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"hidden": True},
        {"preserve_mode": True},
        {"preserve_mtime": True},
        {"hidden": True, "preserve_mode": True, "preserve_mtime": True},
        {"cid_version": 1, "hidden": True},
        {"wrap_with_directory": True},
    ],
    ids=lambda options: " ".join(options) or "default",
)
async def test_a_tree_on_disk_has_the_cid_that_the_command_gives_it(
    repository: Repository, tree: Path, options: dict[str, Any]
) -> None:
    flags = [f"--{name.replace('_', '-')}={str(value).lower()}" for name, value in options.items()]
    said = repository.run("add", "--recursive", "--quieter", *flags, str(tree))
    async with open_node(repo=":memory:") as node:
        assert (await node.add(tree, **options)).cid == CID.parse(said.decode().strip())
