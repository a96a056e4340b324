"""What `wire` may use and what it offers."""

from __future__ import annotations

from pathlib import Path

import pytest
from floor_support import imported

import ipfs_comm.wire
from ipfs_comm.wire import clone

WIRE = Path(ipfs_comm.wire.__file__).parent
FILES = sorted(WIRE.rglob("*.py"))
ALLOWED = ("ipfs_comm.wire", "ipfs_comm.errors", "ipfs_comm._version")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(WIRE)))
def test_the_wire_knows_nothing_of_ipfs(path: Path) -> None:
    ours = {name for name in imported(path) if name.split(".")[0] == "ipfs_comm"}
    assert {name for name in ours if not name.startswith(ALLOWED)} == set()


def test_exported_names() -> None:
    assert ipfs_comm.wire.__all__ == [
        "Acceptor",
        "Carrier",
        "Interceptor",
        "Link",
        "MessageChannel",
        "MessageEvent",
        "MessagePort",
        "clone",
    ]
    assert set(clone.__all__) >= {"undefined", "ArrayBuffer", "View", "Map", "Set", "Blob", "File", "Date", "RegExp"}
