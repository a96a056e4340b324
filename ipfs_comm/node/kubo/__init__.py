"""A Kubo daemon as a node: the core API over its RPC."""
