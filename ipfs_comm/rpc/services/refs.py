"""The namespace ``refs``: what is here; the verb ``refs`` itself is a method of the core."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfs_comm.rpc.method import Answer, Method
from ipfs_comm.rpc.services.core import REF

if TYPE_CHECKING:
    from collections.abc import Mapping

METHODS: Mapping[str, Method] = {"local": Method((), {}, Answer(REF, "stream"))}
