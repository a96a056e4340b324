"""The parts of the question about a Kubo daemon, a subject a file."""

import sys

from harness.server import REPO

# What the tests start a Kubo with serves here as well.
sys.path.insert(0, str(REPO / "tests"))
