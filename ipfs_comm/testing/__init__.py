"""What tests can build on, here and elsewhere: linked ports, contract suites, a server on standard input and output."""

from __future__ import annotations

from ipfs_comm.testing.linked import LinkedPorts, linked_ports

__all__ = ["LinkedPorts", "linked_ports"]
