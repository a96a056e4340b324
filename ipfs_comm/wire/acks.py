"""When an end acknowledges without being asked, and what its peer may count on: frames, bytes and seconds."""

from __future__ import annotations

from typing import Final

__all__ = ["ACK_BYTES", "ACK_DELAY", "ACK_FRAMES"]

#: After so many frames or bytes at once; after less, so many seconds later.
ACK_FRAMES: Final = 64
ACK_BYTES: Final = 1024 * 1024
ACK_DELAY: Final = 0.025
