"""Whatever step of a change to a repository is its process's last: what was acknowledged is there, and all is whole."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("steps.py")
#: Seconds for one step's process and the one that looks at what it left.
EACH = 10


def run(folder: Path, kills: int) -> None:
    done = subprocess.run(
        [sys.executable, str(PROGRAM), str(folder), f"{kills}", f"{random.random()}"],
        check=False,
        capture_output=True,
        timeout=60 + kills * EACH,
    )
    assert done.returncode == 0, done.stderr.decode()


def test_nothing_acknowledged_is_lost_at_a_step(tmp_path: Path) -> None:
    run(tmp_path, 8)


@pytest.mark.heavy
@pytest.mark.timeout(7200)
def test_nothing_acknowledged_is_lost_at_any_step(tmp_path: Path) -> None:
    run(tmp_path, int(os.environ.get("IPFS_COMM_STEPS", "500")))
