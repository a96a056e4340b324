"""A repository that nobody can write: a typed error that says what to do, and nothing written."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
import volume_support

from ipfs_comm.node.open import open_node

if TYPE_CHECKING:
    from pathlib import Path

OPENING = """
import asyncio, sys
from ipfs_comm.errors import RepositoryError
from ipfs_comm.node.open import open_node


async def main():
    try:
        async with open_node(repo=sys.argv[1], offline=True) as node:
            await node.add(b"new")
            await node.files.write("/new", b"new", create=True)
    except RepositoryError as error:
        print(error)


asyncio.run(main())
"""


def contents(folder: Path) -> dict[str, bytes]:
    # SQLite's index into its log is made anew by whoever opens the database.
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.endswith("-shm")
    }


async def fill(repo: Path) -> None:
    async with open_node(repo=repo, offline=True) as node:
        await node.add(b"old")
        await node.files.write("/old", b"old", create=True)


def test_a_read_only_folder_says_what_to_do(tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    asyncio.run(fill(repo))
    before = contents(repo)
    told = volume_support.read_only(repo, OPENING, repo)
    assert str(repo) in told
    assert "IPFS_COMM_REPO" in told
    assert contents(repo) == before


def test_a_place_for_a_new_repository_that_is_read_only_says_what_to_do(tmp_path: Path) -> None:
    told = volume_support.read_only(tmp_path, OPENING, tmp_path / "deep" / "repo")
    assert str(tmp_path / "deep" / "repo") in told
    assert "IPFS_COMM_REPO" in told
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["index.sqlite", "index.lock", "state.sqlite", "segments", "segments/00000001.seg"])
def test_a_part_of_it_that_is_read_only_is_a_typed_error(tmp_path: Path, name: str) -> None:
    repo = tmp_path / "repo"
    asyncio.run(fill(repo))
    told = volume_support.read_only(repo / name, OPENING, repo)
    assert str(repo) in told
    assert "IPFS_COMM_REPO" in told
