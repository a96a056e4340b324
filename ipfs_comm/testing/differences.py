"""Where one kind of node differs from the embedded node, by name and with the reason; its contract counts with it."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, ClassVar, Final

import pytest

from ipfs_comm.errors import NotSupportedError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

__all__ = ["KUBO", "Differing"]

#: Of a node on a Kubo daemon: what it refuses, and why.
KUBO: Final[Mapping[str, str]] = {
    "bootstrap.reset": "Kubo asks AutoConf for the usual peers, which a daemon can have disabled",
    "config.set of keys of one's own": "Kubo refuses keys that it does not know",
    "key.export": "Kubo gives no private key to anybody over its RPC",
    "pin metadata": "Kubo keeps a name with a pin and nothing else",
    "pin.remote origins": "Kubo tells a pinning service its own addresses and takes no others",
}


class Differing:
    """A contract that counts with named differences.

    Attributes
    ----------
    differences : mapping of str to str
        What the node refuses, and why; nothing where not set.
    """

    differences: ClassVar[Mapping[str, str]] = {}

    def differs(self, name: str) -> bool:
        """Tell whether the node refuses something by name."""
        assert name in KUBO, f"{name} is no known difference"
        return name in self.differences

    def unless(self, name: str) -> AbstractContextManager[Any]:
        """Return a context in which what is refused by name is expected to be."""
        return pytest.raises(NotSupportedError) if self.differs(name) else nullcontext()
