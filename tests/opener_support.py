"""Another process with a node on a repository, that does what it is told: another version, another host."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

#: Seconds for a process to come to its end.
DEADLINE = 60

_PROGRAM = """
import asyncio, json, sys
from ipfs_comm import open_node
from ipfs_comm.blockstore import _lease, _repository
from ipfs_comm.errors import IPFSCommError

def say(**what):
    print(json.dumps(what), flush=True)

async def answer(node, line):
    verb, _, rest = line.rstrip("\\n").partition(" ")
    if verb == "add":
        return str((await node.add(rest.encode())).cid)
    if verb == "cat":
        return (await node.cat(rest)).decode()
    return len(await node.repo.gc())

async def main():
    try:
        async with open_node(repo=sys.argv[1], offline=True) as node:
            say(answer="open")
            while line := await asyncio.to_thread(sys.stdin.readline):
                try:
                    say(answer=await answer(node, line))
                except IPFSCommError as error:
                    say(error=str(error), detail=error.detail)
    except IPFSCommError as error:
        say(error=str(error), detail=error.detail)

exec(sys.argv[2])
asyncio.run(main())
"""


class Opener:
    """A process that opens a repository at once.

    Parameters
    ----------
    repo : Path
    first : str
        Python that runs before.
    environment : mapping
        Added to this process's.
    """

    def __init__(self, repo: Path, first: str = "", environment: Mapping[str, str] | None = None) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, str(repo), first],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **(environment or {})},
            cwd=repo.parent,
        )

    def hear(self) -> dict[str, Any]:
        """Return what the process has to say next: an answer, or an error with its detail."""
        assert self.process.stdout is not None
        found: dict[str, Any] = json.loads(self.process.stdout.readline())
        return found

    def opened(self) -> Opener:
        """Return the process itself once it has opened the repository."""
        assert self.hear() == {"answer": "open"}
        return self

    def ask(self, command: str) -> Any:
        """Return the answer to ``add TEXT``, ``cat CID`` or ``gc``."""
        return self.try_to(command)["answer"]

    def try_to(self, command: str) -> dict[str, Any]:
        """Return the answer to a command, or an error."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{command}\n")
        self.process.stdin.flush()
        return self.hear()

    def end(self) -> None:
        """Close the node, and come to an end."""
        if self.process.stdin is not None and not self.process.stdin.closed:
            self.process.communicate(timeout=DEADLINE)

    def kill(self) -> None:
        """End without closing anything."""
        self.process.kill()
        self.process.communicate(timeout=DEADLINE)
