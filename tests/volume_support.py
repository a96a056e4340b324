"""Programs that run on a small volume, or with a folder that nobody can write, in namespaces of their own."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

#: Ways to a mount namespace: as an ordinary user, as root, and as one who may become root.
_WAYS = (("unshare", "-Urm"), ("unshare", "-m"), ("sudo", "-n", "-E", "unshare", "-m"))


@functools.cache
def _way() -> tuple[str, ...]:
    for way in _WAYS:
        if shutil.which(way[0]):
            command = [*way, "sh", "-c", "mount -t tmpfs -o size=1m none /mnt"]
            if subprocess.run(command, capture_output=True, check=False).returncode == 0:
                return way
    return ()


def _run(mount: str, arguments: tuple[object, ...]) -> str:
    if sys.platform != "linux":
        pytest.skip("mounting a small volume for one program is Linux's")
    if not _way():
        # As most containers are; a file that may not grow stands for a full disk there.
        pytest.skip("nobody may mount anything here: this needs user namespaces, CAP_SYS_ADMIN or sudo")
    command = [*_way(), "sh", "-ec", f'{mount}; shift; exec "$@"', "sh", *map(str, arguments)]
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def on_small_volume(folder: Path, size: int, program: str, *arguments: str) -> str:
    """Return what a Python program prints that has `folder` (its first argument) on a volume of `size` bytes."""
    mount = f'mount -t tmpfs -o size={size},mode=0700 none "$1"'
    return _run(mount, (folder, sys.executable, "-c", program, folder, *arguments))


def read_only(path: Path, program: str, *arguments: object) -> str:
    """Return what a Python program prints for which nobody can write `path`, a file or folder; root neither."""
    mount = 'mount --bind "$1" "$1"; mount -o remount,bind,ro "$1"'
    return _run(mount, (path, sys.executable, "-c", program, *arguments))
