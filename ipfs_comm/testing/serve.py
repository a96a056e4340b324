"""Serves one link on standard input and output: ``python -m ipfs_comm.testing.serve [--node KIND] [--repo REPO]``.

Standard output carries packets and nothing else; what the process has to say goes to standard error. It ends when the
link ends or standard input does.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import sys
from typing import IO, TYPE_CHECKING, Any

from ipfs_comm.errors import DaemonError, InvalidInputError
from ipfs_comm.wire.acceptor import Acceptor
from ipfs_comm.wire.carriers.stdio import StdioCarrier

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipfs_comm.wire.link import Link
    from ipfs_comm.wire.port import MessagePort

__all__ = ["main"]


def _take_stdout() -> IO[bytes]:
    """Return a file on standard output, and let everything else that writes there write to standard error."""
    mine = os.dup(1)
    os.dup2(2, 1)
    return os.fdopen(mine, "wb", buffering=0)


async def _serve(kind: str, sink: IO[bytes], config: dict[str, Any], **options: Any) -> None:
    from ipfs_comm import open_node
    from ipfs_comm.rpc import IPFSService, Server

    async with open_node(kind, **options) as node:
        for key, value in config.items():
            await node.config.set(key, value)
        server = Server(IPFSService(node, admin=True))

        def connect(link: Link, port: MessagePort, _params: dict[str, Any]) -> None:
            server.connect(port, link)

        acceptor = Acceptor({"ipfs": connect})
        carrier = await StdioCarrier.connect(os.fdopen(0, "rb", buffering=0, closefd=False), sink)
        reason = await acceptor.accept(carrier)
        acceptor.close()
        await server.aclose()
        logging.getLogger(__name__).info("the link has ended: %s", reason or "nobody opened one")


def _setting(text: str) -> tuple[str, Any]:
    """Parse ``KEY=JSON``."""
    key, _, value = text.partition("=")
    return key, json.loads(value)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the server; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m ipfs_comm.testing.serve", description="Serve one link on standard input and output."
    )
    parser.add_argument(
        "--node", default="embedded", help="kind of the node, as for ipfs_comm.open_node (default: %(default)s)"
    )
    parser.add_argument("--repo", help="the repository of an embedded node (default: :memory:, which keeps nothing)")
    parser.add_argument("--kubo-api", metavar="ADDRESS", help="where the RPC API of a Kubo daemon is, for --node kubo")
    parser.add_argument(
        "--shard-split-threshold",
        type=int,
        metavar="BYTES",
        help="default of the node's add: directories that are larger are sharded",
    )
    parser.add_argument(
        "--gateway",
        action="append",
        default=[],
        metavar="URL",
        help="a trustless gateway that the node asks for blocks it does not have; may be given again (default: none)",
    )
    parser.add_argument(
        "--config",
        action="append",
        default=[],
        type=_setting,
        metavar="KEY=JSON",
        help='set in the node\'s configuration before anything is served, as DNS.Resolvers=\'{".": "https://…"}\'; '
        "may be given again",
    )
    parser.add_argument("--verbose", action="store_true", help="say on standard error what happens")
    options = parser.parse_args(arguments)
    node_options: dict[str, Any] = {"kubo_api": options.kubo_api}
    if options.node == "kubo":
        # What the user gave all the same is refused there.
        node_options |= {"repo": options.repo, "gateways": options.gateway or None}
    else:
        node_options |= {"repo": options.repo or ":memory:", "gateways": options.gateway}
    if options.shard_split_threshold is not None:
        node_options["shard_split_threshold"] = options.shard_split_threshold
    sink = _take_stdout()
    logging.basicConfig(stream=sys.stderr, level=logging.INFO if options.verbose else logging.WARNING)
    try:
        asyncio.run(_serve(options.node, sink, dict(options.config), **node_options))
    except (InvalidInputError, DaemonError) as error:
        sys.stderr.write(f"{parser.prog}: {error}\n")
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
