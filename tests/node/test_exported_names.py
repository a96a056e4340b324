from __future__ import annotations

import subprocess
import sys

import ipfs_comm


def test_the_public_names_are_these() -> None:
    assert ipfs_comm.__all__ == [
        "CID",
        "IPFSClient",
        "IPFSService",
        "MessageChannel",
        "MessagePort",
        "Server",
        "__version__",
        "errors",
        "load_ipython_extension",
        "open_node",
        "unload_ipython_extension",
    ]


def test_every_public_name_is_there() -> None:
    assert [name for name in ipfs_comm.__all__ if getattr(ipfs_comm, name, None) is None] == []


def test_jupyterlab_is_told_where_the_labextension_is() -> None:
    assert ipfs_comm._jupyter_labextension_paths() == [{"src": "labextension", "dest": "ipfs-comm"}]


def test_a_name_that_there_is_not_is_an_attribute_error() -> None:
    assert not hasattr(ipfs_comm, "nonsense")


def test_importing_the_package_imports_nothing_else_of_it() -> None:
    code = "import sys, ipfs_comm; print(sorted(m for m in sys.modules if m.startswith('ipfs_comm')))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout
    assert shown.strip() == "['ipfs_comm', 'ipfs_comm._version']"
