"""Imports that take their time, beside the loop."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ipfs_comm.blockstore._pool import Pool

if TYPE_CHECKING:
    from types import ModuleType


async def imported(name: str) -> Any:
    """Return a module; where it is not loaded yet a thread loads it, for the loop would stand still meanwhile.

    A module that another task is loading is waited for: what stands in ``sys.modules`` until then is a part of it.

    Parameters
    ----------
    name : str
        Its dotted name.
    """
    pool = Pool(1, "ipfs_comm-import")
    try:
        module: ModuleType = await pool.run(importlib.import_module, name)
        return module
    finally:
        pool.close()
