"""The node of one kernel: opened at the first call, closed with the extension, opened anew when it is chosen anew."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from ipfs_comm.errors import IPFSCommError, NoSpaceError, NotSupportedError, RepositoryError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ipfs_comm.kernel.config import IPFSComm

__all__ = ["KernelNode"]

#: What would write to the repository; refused where it was chosen to be read-only.
WRITES = frozenset(
    {
        ("add",),
        ("add_all",),
        ("block", "put"),
        ("block", "rm"),
        ("bootstrap", "add"),
        ("bootstrap", "clear"),
        ("bootstrap", "reset"),
        ("bootstrap", "rm"),
        ("config", "profiles", "apply"),
        ("config", "replace"),
        ("config", "set"),
        ("dag", "import_"),
        ("dag", "put"),
        ("files", "chmod"),
        ("files", "cp"),
        ("files", "flush"),
        ("files", "mkdir"),
        ("files", "mv"),
        ("files", "rm"),
        ("files", "touch"),
        ("files", "write"),
        ("key", "gen"),
        ("key", "import_"),
        ("key", "rename"),
        ("key", "rm"),
        ("name", "publish"),
        ("object", "new"),
        ("object", "patch", "add_link"),
        ("object", "patch", "append_data"),
        ("object", "patch", "rm_link"),
        ("object", "patch", "set_data"),
        ("object", "put"),
        ("pin", "add"),
        ("pin", "add_all"),
        ("pin", "rm"),
        ("pin", "rm_all"),
        ("pin", "update"),
        ("repo", "gc"),
    }
)

#: Seconds for a daemon to say how it is.
PATIENCE = 5.0
#: How the line begins that is told of a node in this process.
EMBEDDED = "embedded"

REMEDY = (
    "choose another folder with `%ipfs repo /a/folder/you/can/write` or the environment variable IPFS_COMM_REPO, "
    'or keep nothing with `%ipfs repo ":memory:"`'
)


class KernelNode:
    """Opens, holds and closes the node that the configuration asks for.

    All coroutines run on the runtime's loop.

    Parameters
    ----------
    config : IPFSComm
        What was chosen.
    announce : callable
        Told one line once for each node that opens: which it is, where, and why.
    """

    def __init__(self, config: IPFSComm, announce: Callable[[str], None]) -> None:
        self._config = config
        self._announce = announce
        self._keeper: asyncio.Task[None] | None = None
        self._opened: asyncio.Future[Any] | None = None
        self._leave: asyncio.Event | None = None
        #: Where the repository of the open node is; empty while none is open.
        self.where = ""
        #: The line that was told of it, or why none could be opened.
        self.told = ""
        #: Whether it is a Kubo daemon's.
        self.daemon = False
        #: Whether it has what a node that is opened anew would not: it is in memory, and could be written to.
        self.fleeting = False

    def allow(self, path: tuple[str, ...]) -> None:
        """Check that the verb at `path` may be called.

        Raises
        ------
        NotSupportedError
            With code ``ERR_DENIED``, if it writes and the node was chosen to be read-only.
        """
        if path in WRITES and (chosen := self._config.choice("read_only")).value:
            raise NotSupportedError(
                f"ipfs.{'.'.join(path)} would write to the repository, and read_only is {chosen}: "
                "allow it with `%ipfs read_only false`",
                code="ERR_DENIED",
            )

    async def open(self) -> Any:
        """Return the node, open.

        Raises
        ------
        RepositoryError
            If the repository cannot be used; the message says where it is and what to do.
        UnreachableError, DaemonError
            If a daemon was chosen that is not there, or does not let us in.
        """
        if self._opened is None:
            self._opened = asyncio.get_running_loop().create_future()
            self._leave = asyncio.Event()
            self._keeper = asyncio.create_task(self._keep(self._opened, self._leave), name="ipfs_comm node")
        # Shielded: the call that came first may be cancelled, the others wait for the same node.
        return await asyncio.shield(self._opened)

    async def tell(self) -> str:
        """Return what to tell of the node now: a daemon may have gone, or been started again with other settings.

        Returns
        -------
        str
            Empty where no node was opened yet.
        """
        if not self.daemon or self._opened is None:
            return self.told
        try:
            self.told = await (await self.open()).told(timeout=PATIENCE)
        except IPFSCommError as error:
            return f"{self.told}\nnot now   {error}"
        return self.told

    async def close(self) -> None:
        """Close the node; the next call opens one again, as the configuration then says."""
        self.told = ""
        keeper, leave = self._keeper, self._leave
        self._keeper = self._opened = self._leave = None
        if keeper is not None and leave is not None:
            leave.set()
            await keeper

    async def _keep(self, opened: asyncio.Future[Any], leave: asyncio.Event) -> None:
        """Hold the node's context from its opening to its end, all in one task."""
        try:
            from ipfs_comm.node import open_node
            from ipfs_comm.node.open import MEMORY

            repo = self._config.choice("repo")
            options = self._config.opening()
            line = ""

            def tell(told: str) -> None:
                nonlocal line
                line = told

            context = open_node(**options, tell=tell)
            node = await _entered(context, repo)
        except BaseException as error:
            # A failure is not kept: what was wrong may be mended, and the next call tries again.
            if self._opened is opened:
                self._opened = None
                self.told = f"none: {error}"
            if not opened.done():
                opened.set_exception(error)
                # Whoever waits gets it; if everybody was cancelled meanwhile there is nothing to warn of.
                opened.exception()
            if isinstance(error, asyncio.CancelledError):
                raise
            return
        try:
            self.where = node.repo_path
            self.daemon = not line.startswith(EMBEDDED)
            self.told = line
            self.fleeting = self.where == MEMORY and not options["read_only"]
            # In the context of the call that came first, and so in its output; before that call goes on.
            asyncio.get_running_loop().call_soon(self._announce, line)
            opened.set_result(node)
            await leave.wait()
        finally:
            self.where = self.told = ""
            self.fleeting = self.daemon = False
            await context.__aexit__(None, None, None)


async def _entered(context: Any, repo: Any) -> Any:
    try:
        return await context.__aenter__()
    except (RepositoryError, NoSpaceError) as error:
        raise type(error)(_mended(error, repo), code=error.code, detail=error.detail) from error
    except IPFSCommError:
        raise
    except OSError as error:
        raise RepositoryError(
            f"the IPFS repository {repo} cannot be opened: {error}: {REMEDY}", detail={"path": repo.value}
        ) from error


def _mended(error: Exception, repo: Any) -> str:
    text = str(error)
    source = f" (repo {repo})" if repo.source else ""
    return text if "%ipfs repo" in text else f"{text}{source}: {REMEDY}"
