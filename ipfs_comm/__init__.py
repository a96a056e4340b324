"""An IPFS node in the Jupyter kernel, served to the page as message ports over comms."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ipfs_comm._version import __version__

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from ipfs_comm import errors
    from ipfs_comm.ipld import CID
    from ipfs_comm.node import open_node
    from ipfs_comm.rpc import IPFSClient, IPFSService, Server
    from ipfs_comm.wire import MessageChannel, MessagePort

__all__ = [
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

#: Where each public name lives; loaded when it is first used, so that importing this package costs next to nothing.
_HOMES = {
    "CID": "ipfs_comm.ipld",
    "IPFSClient": "ipfs_comm.rpc",
    "IPFSService": "ipfs_comm.rpc",
    "MessageChannel": "ipfs_comm.wire",
    "MessagePort": "ipfs_comm.wire",
    "Server": "ipfs_comm.rpc",
    "open_node": "ipfs_comm.node",
}


def __getattr__(name: str) -> Any:
    if name == "errors":
        return import_module("ipfs_comm.errors")
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(home), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Start the node of this kernel: what ``%load_ext ipfs_comm`` calls."""
    import_module("ipfs_comm.extension").load_ipython_extension(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Give everything back: what ``%unload_ext ipfs_comm`` calls."""
    import_module("ipfs_comm.extension").unload_ipython_extension(shell)


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    """Tell JupyterLab where the built labextension is."""
    return [{"src": "labextension", "dest": "ipfs-comm"}]
