"""Which rooms of `node` use which: kubo stands on embedded, both on what they share, and that on the API alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from floor_support import imported

import ipfs_comm.node

NODE = Path(ipfs_comm.node.__file__).parent
#: It opens either kind.
DOORS = {NODE / "open.py", NODE / "__init__.py"}
SHARED = sorted({*NODE.glob("*.py"), *(NODE / "api").glob("*.py")} - DOORS)


def of(path: Path, *rooms: str) -> set[str]:
    return {name for name in imported(path) if name.startswith(tuple(f"ipfs_comm.node.{room}" for room in rooms))}


@pytest.mark.parametrize("path", SHARED, ids=lambda path: str(path.relative_to(NODE)))
def test_what_both_kinds_share_knows_neither(path: Path) -> None:
    assert of(path, "embedded", "kubo", "open") == set()


@pytest.mark.parametrize("path", sorted((NODE / "embedded").rglob("*.py")), ids=lambda path: path.stem)
def test_the_embedded_node_knows_nothing_of_daemons(path: Path) -> None:
    assert of(path, "kubo", "open") == set()


@pytest.mark.parametrize("path", sorted((NODE / "kubo").glob("*.py")), ids=lambda path: path.stem)
def test_a_daemon_s_node_uses_no_private_module_of_another_room(path: Path) -> None:
    assert of(path, "open") == set()
    ours = {name for name in imported(path) if name.startswith("ipfs_comm.")}
    assert {name for name in ours if "._" in name and not name.startswith("ipfs_comm._shown")} == set()
