"""What Windows does otherwise: no ``fcntl``, no reading at an offset, and no file is removed or renamed while open."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ipfs_comm.blockstore import _locks

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

_HANDLES = Path("/proc/self/fd")


def is_open(path: str | os.PathLike[str]) -> bool:
    """Tell whether this process has a file open, SQLite's among them."""
    wanted = Path(path).resolve()
    for handle in _HANDLES.iterdir():
        try:
            if handle.readlink() == wanted:
                return True
        except FileNotFoundError:
            continue
    return False


def apply(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let this process live by Windows' rules; return the list in which refusals are told."""
    assert _HANDLES.is_dir(), "who has which file open is told by /proc here"
    refused: list[str] = []
    monkeypatch.setattr(_locks, "_fcntl", None)
    for name in ("fdatasync", "pread", "pwritev", "pwrite", "preadv"):
        monkeypatch.delattr(os, name, raising=False)

    def guarded(real: Callable[..., None], paths: int) -> Callable[..., None]:
        def call(*arguments: Any, **options: Any) -> None:
            for path in arguments[:paths]:
                if is_open(path):
                    refused.append(str(path))
                    raise PermissionError(errno.EACCES, "the file is being used by another process", str(path))
            real(*arguments, **options)

        return call

    for name, paths in (("unlink", 1), ("remove", 1), ("rename", 2), ("replace", 2)):
        monkeypatch.setattr(os, name, guarded(getattr(os, name), paths))
    return refused
