"""``add`` and ``add_all``: files by the daemon while they arrive; directories are the embedded node's.

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
from ipfs_comm.errors import DaemonError, InvalidInputError, NotFoundError, NotSupportedError
from ipfs_comm.ipld import multihash
from ipfs_comm.node.embedded import add as over_blocks
from ipfs_comm.node.embedded.add import Plan, Totals, is_root, plan_of, result_of, tree_entries
from ipfs_comm.node.inputs import entries_of, entry_of
from ipfs_comm.node.kubo.answers import Said
from ipfs_comm.node.kubo.giving import giving
from ipfs_comm.node.kubo.multipart import Body
from ipfs_comm.node.kubo.sending import MODE, PLAIN, Sending, Sent
from ipfs_comm.node.stream import Stream, as_list, deadline
from ipfs_comm.unixfs import chunker
from ipfs_comm.unixfs._builder import Builder, Made
from ipfs_comm.unixfs.directory import Directory, ImportedEntry, TreeEntry, build_tree, finish, make_directory
from ipfs_comm.unixfs.importer import resolved

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import AsyncGenerator, AsyncIterable, Iterable

    from ipfs_comm.ipld import CID
    from ipfs_comm.node.api import AddInput, AddResult, File
    from ipfs_comm.node.kubo.context import Context
    from ipfs_comm.node.kubo.rpc import Option

#: Options by their names in Kubo.
_KUBO_NAMES: Final = {"max_file_links": "max_links", "max_hamt_fanout": "hamt_fanout"}
#: What Kubo can do with files on its own disk alone.
_OF_ITS_DISK: Final = ("nocopy", "fscache")


@dataclass(frozen=True, slots=True)
class _Call:
    """How one call adds."""

    plan: Plan
    pin_name: str | None

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
            "pin_name": self.pin_name,
            "progress": self.plan.progress is not None,
            "empty_dirs": True,
            **kept,
        }


def add_all(
    context: Context,
    source: Iterable[AddInput] | AsyncIterable[AddInput],
    *,
    timeout: float | None = None,
    **options: Any,
) -> Stream[AddResult, list[AddResult]]:
    """Add files and directories while they arrive; parameters and results as for ``ipfs_comm.node.embedded.add``.

    Beside its options there is ``pin_name``; ``max_links`` and ``hamt_fanout`` may be given by Kubo's names
    ``max_file_links`` and ``max_hamt_fanout`` too. All that decides what a DAG is goes with every call: what the
    daemon's configuration says under ``Import`` changes nothing. A file is acknowledged when the daemon has written
    it, and pinned when what it is in, at the top, is whole.

    Raises
    ------
    InvalidInputError
        For an option that cannot be meant, and for a single item.
    NotSupportedError
        For ``nocopy`` and ``fscache``, which are about files on the daemon's own disk; and where the node is read-only.
    """
    call = _call(context, options)
    return Stream(lambda: _add(context, entries_of(source), call), as_list, timeout=timeout, what="add_all")


async def add(context: Context, entry: AddInput, *, timeout: float | None = None, **options: Any) -> AddResult:
    """Add one file or directory, and return its entry; parameters and errors as for `add_all`."""
    call = _call(context, options)
    file = entry_of(entry)

    async def one() -> AsyncGenerator[File, None]:
        yield file

    async with deadline(timeout, "add"), aclosing(_add(context, one(), call)) as entries:
        results = [result async for result in entries]
    return results[-1]


def _call(context: Context, options: dict[str, Any]) -> _Call:
    options = {_KUBO_NAMES.get(name, name): value for name, value in (context.defaults | options).items()}
    for name in _OF_ITS_DISK:
        if options.pop(name, False):
            raise NotSupportedError(
                f"add: {name} is about files on the daemon's own disk, and it is sent their content: use `ipfs add "
                f"--{name}` there"
            )
    pin_name = options.pop("pin_name", None)
    if pin_name is not None and not isinstance(pin_name, str):
        raise InvalidInputError(f"pin_name is {shown(pin_name)}: a text is needed")
    plan = plan_of(**options)
    # What a daemon would refuse with the first file, in words of its own.
    chunker.parse(plan.options.chunker)
    multihash.digest(b"", "identity" if plan.options.hash_alg == "id" else plan.options.hash_alg)
    if pin_name is not None and not plan.pin:
        raise InvalidInputError("add: a pin_name needs pin=True")
    return _Call(plan, pin_name)


def _add(context: Context, files: AsyncGenerator[File, None], call: _Call) -> AsyncGenerator[AddResult, None]:
    if call.plan.options.only_hash:
        # Nobody needs to be sent anything.
        return over_blocks.added(context.blocks, files, call.plan)
    return _Adding(context, files, call).run()


@dataclass(slots=True)
class _Top:
    """One thing that nothing else holds: what the daemon has pinned on the way to it, and what it became."""

    pieces: list[CID] = field(default_factory=list)
    blocks: list[tuple[CID, bytes]] = field(default_factory=list)
    entries: list[ImportedEntry] = field(default_factory=list)


class _Adding:
    """One call."""

    def __init__(self, context: Context, files: AsyncGenerator[File, None], call: _Call) -> None:
        self._context = context
        self._rpc = context.rpc
        self._plan = call.plan
        self._call = call
        self._root = Directory("")
        self._sending = Sending(tree_entries(files, call.plan, context.blocks), self._root, call.plan)
        self._progress = None if call.plan.progress is None else Totals(call.plan.progress)
        #: Pieces of top-level directories that the daemon made and pinned, by their names as it tells them.
        self._pieces: dict[str, list[CID]] = {}
        #: What is to stay pinned.
        self._roots: set[CID] = set()

    async def run(self) -> AsyncGenerator[AddResult, None]:
        self._context.writing("add")
        async with aclosing(self._made()) as entries:
            async for entry in entries:
                result = result_of(entry, self._plan)
                if is_root(entry, self._plan):
                    self._roots.add(result.cid)
                yield result

    async def _made(self) -> AsyncGenerator[ImportedEntry, None]:
        try:
            while (entry := await self._sending.next()) is not None:
                part = self._alone(entry) if self._sending.alone(entry) else self._request()
                async with aclosing(part) as made:
                    async for one in made:
                        yield one
        finally:
            await self._sending.aclose()
        async with aclosing(self._directories()) as directories:
            async for one in directories:
                yield one
        await self._unpin()

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
                    told.end()
                    yield self._file(sent, Made(cid, _size(said), 0, 0))
                elif "/" not in name and (not self._plan.wrap or not name):
                    self._pieces.setdefault(name, []).append(cid)
        if expected:
            raise DaemonError(f"add: the daemon says nothing of {shown(expected[0].entry.path)}, which it was sent")

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
        if self._call.pin_name is None:
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
        await self._rpc.call("pin/add", str(cid), recursive=True, name=self._call.pin_name, progress=False)

    async def _unpin(self) -> None:
        """Have the daemon unpin pieces of what is pinned as a whole by now."""
        if not self._plan.pin:
            return
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
