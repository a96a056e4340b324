"""How much one message may hold, on both ways. `docs/protocol.md`, section 4."""

from __future__ import annotations

from typing import Final

__all__ = ["MAX_BUFFERS", "MAX_ENTRIES", "MAX_MESSAGE", "MAX_META", "MAX_PORTS"]

#: Objects, buffers and ports of a message.
MAX_ENTRIES: Final = 1_000_000
MAX_BUFFERS: Final = 65_536
MAX_PORTS: Final = 1_024
#: Bytes of a message's JSON, and of all its buffers.
MAX_META: Final = 256 * 2**20
MAX_MESSAGE: Final = 2 * 2**30
