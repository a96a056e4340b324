"""One call of ``add`` under way: files made by the daemon while they arrive, directories by the embedded node's code.

Files go to Kubo in trees as they come, and it makes, keeps and pins them as ``ipfs add`` does. What it takes for a tree
ends where another begins, whereas here entries come in any order: so the directories are made here too, of what it says
of the files, and where it made the same nothing more is to do. Where it did not (entries out of order, a threshold for
sharding that only its configuration has) it is given ours, and the pin of the tree goes over to them.
"""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from ipfs_comm._shown import shown
from ipfs_comm.errors import DaemonError, InvalidInputError, NotFoundError
from ipfs_comm.node.adding import Plan, Totals, is_root, result_of, tree_entries
from ipfs_comm.node.kubo.answers import Said
from ipfs_comm.node.kubo.cluster import check_options, is_cluster
from ipfs_comm.node.kubo.giving import giving
from ipfs_comm.node.kubo.multipart import Body
from ipfs_comm.node.kubo.sending import MODE, PLAIN, Sending, Sent
from ipfs_comm.unixfs.builder import Builder, Made
from ipfs_comm.unixfs.directory import Directory, ImportedEntry, TreeEntry, build_tree, finish, make_directory
from ipfs_comm.unixfs.importer import resolved

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import AsyncGenerator, Iterable, Mapping

    from ipfs_comm.ipld import CID
    from ipfs_comm.node.api import AddResult, File
    from ipfs_comm.node.kubo.context import Context
    from ipfs_comm.node.kubo.rpc import Option

__all__ = ["Call", "Uploading"]

#: Links of a node of a file where a call does not say.
_USUAL_LINKS: Final = 174
_CODECS: Final = ("raw", "dag-pb")
_HASHES: Final = {"id": "identity"}


@dataclass(frozen=True, slots=True)
class Call:
    """How one call adds.

    Attributes
    ----------
    plan : Plan
    cluster : mapping
        What only an IPFS Cluster takes, by its names here; None where it was not given.
    """

    plan: Plan
    cluster: Mapping[str, Any]

    def options(self, sending: Sending) -> dict[str, Option]:
        """Return the options of one request: all that decide what a DAG is, whatever the daemon's configuration."""
        chosen = self.plan.options
        kept: dict[str, Option] = {}
        if sending.kind != PLAIN:
            kept = {"preserve_mode": True, "preserve_mtime": sending.kind != MODE or None}
        return {
            "chunker": chosen.chunker,
            "cid_version": chosen.cid_version,
            "hash": chosen.hash_alg,
            "raw_leaves": sending.kind == PLAIN and resolved(chosen, described=False).raw_leaves,
            "trickle": chosen.layout == "trickle",
            "inline": chosen.inline_limit > 0,
            "inline_limit": chosen.inline_limit or None,
            "max_file_links": chosen.max_links,
            "max_directory_links": chosen.max_directory_links or 0,
            "max_hamt_fanout": chosen.hamt_fanout,
            "wrap_with_directory": self.plan.wrap,
            "pin": self.plan.pin,
            "pin_name": self.plan.pin_name,
            # A Cluster's word for it.
            "name": self.plan.pin_name,
            **self.cluster,
            "progress": self.plan.progress is not None,
            "empty_dirs": True,
            **kept,
        }


@dataclass(slots=True)
class _Top:
    """One thing that nothing else holds, while it is made: its directories' blocks, and what is told of them."""

    blocks: list[tuple[CID, bytes]] = field(default_factory=list)
    entries: list[ImportedEntry] = field(default_factory=list)


class Uploading:
    """One call of ``add`` or ``add_all``.

    Parameters
    ----------
    context : Context
    files : async generator of File
        What is added.
    call : Call
        How.
    """

    def __init__(self, context: Context, files: AsyncGenerator[File, None], call: Call) -> None:
        self._context = context
        self._rpc = context.rpc
        self._plan = call.plan
        self._call = call
        self._root = Directory("")
        self._sending = Sending(tree_entries(files, call.plan, context.blocks.disk), self._root, call.plan)
        self._progress = None if call.plan.progress is None else Totals(call.plan.progress)
        #: Pieces of top-level directories that the daemon made and pinned, by their names as it tells them.
        self._pieces: dict[str, list[CID]] = {}
        #: What is to stay pinned.
        self._roots: set[CID] = set()
        self._cluster: bool | None = None

    async def run(self) -> AsyncGenerator[AddResult, None]:
        """Generate what is made, as soon as the daemon has it.

        Raises
        ------
        DaemonError
            It says something else of a file than what was asked for.
        NotSupportedError
            The node is read-only, or an option is for an IPFS Cluster and there is none.
        """
        self._context.writing("add")
        await check_options(self._rpc, "add", self._call.cluster)
        async with aclosing(self._made()) as entries:
            async for entry in entries:
                result = result_of(entry, self._plan)
                if is_root(entry, self._plan):
                    self._roots.add(result.cid)
                yield result

    async def _made(self) -> AsyncGenerator[ImportedEntry, None]:
        try:
            while (entry := await self._sending.next()) is not None:
                part = self._alone(entry) if await self._is_made_here(entry) else self._request()
                async with aclosing(part) as made:
                    async for one in made:
                        yield one
        finally:
            await self._sending.aclose()
        async with aclosing(self._directories()) as directories:
            async for one in directories:
                yield one
        await self._unpin()

    async def _is_made_here(self, entry: TreeEntry) -> bool:
        """Tell whether a file has a form that Kubo's importer does not make, or that of a Cluster, which knows less."""
        if self._sending.alone(entry):
            return True
        options = self._plan.options
        plain = options.max_links == _USUAL_LINKS and not options.inline_limit
        return not (plain and entry.mode is None and entry.mtime is None) and await self._is_cluster()

    async def _is_cluster(self) -> bool:
        if self._cluster is None:
            self._cluster = await is_cluster(self._rpc)
        return self._cluster

    async def _request(self) -> AsyncGenerator[ImportedEntry, None]:
        """Have the daemon add the entries that come next, as many as one request can hold."""
        self._sending.begin()
        expected = self._sending.sent
        body = Body(self._sending.parts())
        told = _Progress(self._progress)
        async with aclosing(self._rpc.lines("add", body=body, **self._call.options(self._sending))) as lines:
            async for line in lines:
                said = Said("add", line)
                name = said.text("Name", "")
                if not said.text("Hash", ""):
                    told.bytes(said.whole("Bytes"), expected)
                    continue
                cid = said.cid("Hash")
                if expected and expected[0].is_told_as(name, str(cid)):
                    sent = expected.popleft()
                    self._check(sent, cid)
                    told.end()
                    yield self._file(sent, Made(cid, _size(said), 0, 0))
                elif "/" not in name and (not self._plan.wrap or not name):
                    self._pieces.setdefault(name, []).append(cid)
        if expected:
            raise DaemonError(f"add: the daemon says nothing of {shown(expected[0].entry.path)}, which it was sent")

    def _check(self, sent: Sent, cid: CID) -> None:
        """Check that a file's CID is of the form that was asked for."""
        options = self._plan.options
        hashed = _HASHES.get(options.hash_alg, options.hash_alg)
        usual = (
            cid.version >= options.cid_version
            and cid.codec in _CODECS
            and (cid.multihash.name == hashed or (cid.is_identity and options.inline_limit > 0))
        )
        if not usual:
            raise DaemonError(
                f"add: the daemon made {cid} of {shown(sent.entry.path)}, which is no CID of version "
                f"{options.cid_version} with {hashed}, of a file: something between changes the call or its answer",
                detail={"cid": str(cid), "path": sent.entry.path},
            )

    def _file(self, sent: Sent, made: Made) -> ImportedEntry:
        entry = sent.entry
        if sent.names or self._plan.wrap:
            sent.parent.children[sent.names[-1] if sent.names else str(made.cid)] = made
        kind = "file" if entry.target is None else "symlink"
        return ImportedEntry("/".join(sent.names), made.cid, made.size, kind, sent.mode, entry.mtime)  # type: ignore[arg-type]  # a literal

    async def _alone(self, entry: TreeEntry) -> AsyncGenerator[ImportedEntry, None]:
        """Import a file here, of a form that Kubo's importer does not make, and give the daemon its blocks."""
        sent = self._sending.take()
        plain = replace(entry, path="")
        if entry.content is None and entry.target is None:
            made = None
            async with giving(self._rpc) as put:
                builder = Builder(put, resolved(self._plan.options, described=True))
                made = await make_directory(builder, (), mode=entry.mode, mtime=entry.mtime)
            yield ImportedEntry("", made.cid, made.size, "directory", sent.mode, entry.mtime)
            if self._plan.pin:
                await self._pin(made.cid)
            return
        progress = self._progress
        async with giving(self._rpc) as put:
            (one,) = [
                made
                async for made in build_tree(
                    [plain],
                    put=put,
                    options=self._plan.options,
                    progress=None if progress is None else lambda size, _: progress(size, entry.path),
                    pool=self._context.blocks.pool,
                )
            ]
        made_file = self._file(sent, Made(one.cid, one.size, 0, 0))
        if self._plan.pin and is_root(made_file, self._plan):
            await self._pin(result_of(made_file, self._plan).cid)
        yield made_file

    async def _directories(self) -> AsyncGenerator[ImportedEntry, None]:
        """Make the directories, and give the daemon those that it has not made itself."""
        top = _Top()

        async def put(cid: CID, data: bytes) -> None:
            top.blocks.append((cid, data))

        builder = Builder(put, resolved(self._plan.options, described=False))
        async with aclosing(finish(builder, self._root, self._plan.wrap)) as made:
            async for entry in made:
                top.entries.append(entry)
                if not is_root(entry, self._plan):
                    continue
                await self._give(entry, result_of(entry, self._plan).cid, top)
                for one in top.entries:
                    yield one
                top.blocks.clear()
                top.entries.clear()

    async def _give(self, entry: ImportedEntry, cid: CID, top: _Top) -> None:
        pieces = self._pieces.get(Sent.told(entry.path), [])
        if cid not in pieces:
            async with giving(self._rpc) as put:
                for block in top.blocks:
                    await put(*block)
            if self._plan.pin:
                await self._pin(cid, pieces)

    async def _pin(self, cid: CID, pieces: Iterable[CID] = ()) -> None:
        """Pin a DAG; most of it is pinned already where there are pieces of it."""
        if self._plan.pin_name is None and all(value is None for value in self._call.cluster.values()):
            for piece in pieces:
                try:
                    await self._rpc.call("pin/update", str(piece), str(cid), unpin=False)
                except NotFoundError:
                    # Somebody else has unpinned it meanwhile.
                    continue
                except InvalidInputError as error:
                    if error.code != "ERR_ALREADY_PINNED":
                        raise
                return
        await self._pin_whole(cid)

    async def _pin_whole(self, cid: CID) -> None:
        await self._rpc.call(
            "pin/add", str(cid), recursive=True, name=self._plan.pin_name, progress=False, **self._call.cluster
        )

    async def _unpin(self) -> None:
        """Have the daemon unpin pieces of what is pinned as a whole by now."""
        if not self._plan.pin:
            return
        if len(self._roots) > 1 and await self._is_cluster():
            # Of all that a request adds, a Cluster's proxy pins the last.
            for root in self._roots:
                await self._pin_whole(root)
        for piece in {piece for pieces in self._pieces.values() for piece in pieces} - self._roots:
            try:
                await self._rpc.call("pin/rm", str(piece))
            except NotFoundError:
                # Somebody else has done so.
                continue


def _size(said: Said) -> int:
    text = said.text("Size", "")
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise DaemonError(f"add: Size is {shown(text)} in the daemon's answer, and no number of bytes")
    return int(text)


class _Progress:
    """The daemon's reports of one file after the other, each the bytes so far, as what came since the last."""

    def __init__(self, totals: Totals | None) -> None:
        self._totals = totals
        self._told: int | None = None

    def bytes(self, so_far: int, expected: deque[Sent]) -> None:
        if self._totals is None or not expected or (self._told is not None and so_far <= self._told):
            return
        self._totals(so_far - (self._told or 0), "/".join(expected[0].names))
        self._told = so_far

    def end(self) -> None:
        self._told = None
