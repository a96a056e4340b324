"""What all suites share: laws are judged by what they find, not by how busy the machine is."""

from __future__ import annotations

import os

from hypothesis import settings

# Nothing here asks the public network, nor do the processes that tests start.
os.environ["IPFS_COMM_GATEWAYS"] = ""
# Nor do they find the Kubo daemon of whoever runs them.
os.environ["IPFS_PATH"] = "/nonexistent/ipfs"
for name in ("IPFS_COMM_NODE", "IPFS_COMM_KUBO_API", "IPFS_COMM_KUBO_AUTH"):
    os.environ.pop(name, None)

settings.register_profile("laws", deadline=None, max_examples=60)
settings.load_profile("laws")
