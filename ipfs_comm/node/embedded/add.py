"""``add`` and ``add_all``: content into UnixFS DAGs, while it arrives."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ipfs_comm._shown import shown
from ipfs_comm.errors import InvalidInputError
from ipfs_comm.node.api import AddInput, AddResult, File, ModeLike, Mtime, MtimeLike, Progress
from ipfs_comm.node.embedded import pinset
from ipfs_comm.node.embedded.ahead import ahead
from ipfs_comm.node.inputs import entries_of, entry_of, mode_of, mtime_of
from ipfs_comm.node.stream import Stream, as_list, deadline
from ipfs_comm.node.trees import unfolded
from ipfs_comm.unixfs import ImportOptions
from ipfs_comm.unixfs.directory import ImportedEntry, TreeEntry, build_tree
from ipfs_comm.unixfs.format import DEFAULT_DIRECTORY_MODE, DEFAULT_FILE_MODE
from ipfs_comm.unixfs.from_disk import DiskRules

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, Iterable

    from ipfs_comm.ipld import CID
    from ipfs_comm.node.embedded.context import Context

#: Seconds that a finished entry waits for others to share one fdatasync with. A source that fails right after an entry
#: so fails before the entry is acknowledged, as in js-ipfs.
LINGER = 0.1
#: Most entries that share one.
MAX_CONCURRENCY = 256
#: Longest inlined block where no limit is given, in bytes, as in Kubo.
INLINE_LIMIT = 32
_RAW = 0x55


@dataclass(frozen=True, slots=True)
class Plan:
    """How one call adds."""

    options: ImportOptions
    wrap: bool
    concurrency: int
    progress: Progress | None
    rules: DiskRules
    mode: int | None
    mtime: Mtime | None
    pin: bool


def add_all(
    context: Context,
    source: Iterable[AddInput] | AsyncIterable[AddInput],
    *,
    timeout: float | None = None,
    **options: Any,
) -> Stream[AddResult, list[AddResult]]:
    """Add files and directories while they arrive.

    Files are acknowledged in the order of the source, as soon as they are durable, while later ones still arrive; the
    directories that hold them come at the
    end, inner ones first.

    Parameters
    ----------
    source : (async) iterable
        Of anything that ``add`` takes.
    timeout : float, optional
        Seconds for any one entry.
    **options
        How DAGs are made: ``profile`` (``"kubo"``, or ``"unixfs-v1-2025"`` for the defaults of IPIP-499), and what
        `ipfs_comm.unixfs.ImportOptions` has: ``chunker``, ``cid_version``, ``raw_leaves``, ``hash_alg``, ``max_links``,
        ``max_directory_links``, ``only_hash``, ``shard_split_threshold`` (bytes), ``hamt_estimation``,
        ``hamt_fanout``; ``trickle``; ``inline`` with ``inline_limit`` (bytes).

        What is made: ``wrap_with_directory``; ``mode`` and ``mtime`` of entries that have none of their own, and of
        the directory that wraps them.

        From disk: ``hidden``, ``preserve_mode``, ``preserve_mtime``, ``empty_dirs``, ``dereference_args``,
        ``dereference_symlinks``; see `ipfs_comm.unixfs.from_disk.DiskRules`.

        How it goes: ``progress``, ``file_import_concurrency`` (items taken ahead, and entries acknowledged together),
        ``block_write_concurrency`` (accepted: blocks are gathered and written together),
        ``pin`` (True: what has no directory above it is pinned recursively, in the same moment as it is acknowledged),
        ``preload`` (accepted: this node preloads nowhere).

    Returns
    -------
    Stream of AddResult

    Raises
    ------
    InvalidInputError
        For an option that cannot be meant, and for a single item.
    """
    plan = plan_of(**(context.defaults | options))
    return Stream(lambda: added(context, entries_of(source), plan), as_list, timeout=timeout, what="add_all")


async def add(context: Context, entry: AddInput, *, timeout: float | None = None, **options: Any) -> AddResult:
    """Add one file or directory, and return its entry, or with ``wrap_with_directory`` that of the directory.

    Parameters
    ----------
    entry : bytes, str, path, file object, (async) iterable of bytes, File or mapping
        A str is content; a path is a file or a tree on disk, whose symlinks become symlinks and are not followed.
    timeout : float, optional
        Seconds for the whole.
    **options
        As for ``add_all``.

    Raises
    ------
    InvalidInputError
        For what cannot be added.
    """
    plan = plan_of(**(context.defaults | options))
    file = entry_of(entry)

    async def one() -> AsyncGenerator[File, None]:
        yield file

    async with deadline(timeout, "add"), aclosing(added(context, one(), plan)) as entries:
        results = [result async for result in entries]
    return results[-1]


def plan_of(
    *,
    wrap_with_directory: bool = False,
    trickle: bool = False,
    inline: bool = False,
    inline_limit: int | None = None,
    progress: Progress | None = None,
    file_import_concurrency: int = 50,
    block_write_concurrency: int = 10,
    pin: bool = True,
    preload: bool = True,
    profile: str = "kubo",
    mode: ModeLike | None = None,
    mtime: MtimeLike | None = None,
    hidden: bool = False,
    preserve_mode: bool = False,
    preserve_mtime: bool = False,
    empty_dirs: bool = True,
    dereference_args: bool = False,
    dereference_symlinks: bool = False,
    **options: Any,
) -> Plan:
    """Return how a call adds, of the options of `add_all`; errors are those that it raises for them."""
    for name, value in (
        ("file_import_concurrency", file_import_concurrency),
        ("block_write_concurrency", block_write_concurrency),
    ):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise InvalidInputError(f"{name} is {shown(value)}: a whole number from 1 is needed")
    chosen = {name: value for name, value in options.items() if value is not None}
    if trickle:
        chosen["layout"] = "trickle"
    if inline:
        chosen["inline_limit"] = INLINE_LIMIT if inline_limit is None else inline_limit
    try:
        given = ImportOptions.profile(profile, **chosen)
        # Whether leaves are raw is left open: it depends on the metadata of each file.
        import_options = replace(given.resolved(), raw_leaves=given.raw_leaves)
    except TypeError as error:
        raise InvalidInputError(f"add has no such option: {error}") from None
    return Plan(
        import_options,
        wrap_with_directory,
        min(file_import_concurrency, MAX_CONCURRENCY),
        progress,
        DiskRules(
            hidden=hidden,
            preserve_mode=preserve_mode,
            preserve_mtime=preserve_mtime,
            empty_dirs=empty_dirs,
            dereference_args=dereference_args,
            dereference_symlinks=dereference_symlinks,
        ),
        mode_of(mode),
        mtime_of(mtime),
        pin,
    )


class _Done:
    """The end of what is imported, with the error if that is how it ended."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


async def added(context: Context, files: AsyncGenerator[File, None], plan: Plan) -> AsyncGenerator[AddResult, None]:
    """Generate what is made of files; garbage collection waits until it is pinned."""
    keeping = nullcontext() if plan.options.only_hash else context.keeping()
    async with keeping, aclosing(_acknowledged(context, files, plan)) as results:
        async for result in results:
            yield result


async def _acknowledged(
    context: Context, files: AsyncGenerator[File, None], plan: Plan
) -> AsyncGenerator[AddResult, None]:
    """Import in one task and acknowledge in another: entries gather until one fdatasync makes all of them durable."""
    made: asyncio.Queue[ImportedEntry | _Done] = asyncio.Queue(plan.concurrency)
    task = asyncio.create_task(_import(context, files, plan, made), name="ipfs_comm add")
    try:
        finished: list[ImportedEntry] = []
        while True:
            item = await _next(made, LINGER if finished else None)
            if isinstance(item, ImportedEntry):
                finished.append(item)
                if len(finished) < plan.concurrency:
                    continue
            elif item is not None and item.error is not None:
                raise item.error
            if finished and not plan.options.only_hash:
                await context.store.sync()
                if plan.pin:
                    roots = [pinset.Pin(_cid(entry, plan)) for entry in finished if is_root(entry, plan)]
                    await pinset.record(context.state, roots, keep_names=True)
            for entry in finished:
                yield result_of(entry, plan)
            finished.clear()
            if isinstance(item, _Done):
                return
    finally:
        task.cancel()
        await asyncio.wait({task})


async def _import(
    context: Context, files: AsyncGenerator[File, None], plan: Plan, made: asyncio.Queue[ImportedEntry | _Done]
) -> None:
    source = ahead(files, plan.concurrency - 1) if plan.concurrency > 1 else files
    progress = None if plan.progress is None else Totals(plan.progress)
    try:
        async with (
            aclosing(source),
            aclosing(
                build_tree(
                    tree_entries(source, plan, context),
                    put=context.store.put,
                    options=plan.options,
                    wrap=plan.wrap,
                    progress=progress,
                    pool=context.pool,
                )
            ) as entries,
        ):
            async for entry in entries:
                await made.put(entry)
    except Exception as error:
        await made.put(_Done(error))
    else:
        await made.put(_Done())


async def tree_entries(
    files: AsyncGenerator[File, None], plan: Plan, context: Context
) -> AsyncGenerator[TreeEntry, None]:
    """Generate what is imported of what was given, trees on disk entry by entry."""
    if plan.wrap and (plan.mode is not None or plan.mtime is not None):
        yield TreeEntry("", mode=plan.mode, mtime=plan.mtime)
    async with aclosing(unfolded(files, plan.rules, context.disk)) as found:
        async for file in found:
            symlink = file.target is not None
            yield TreeEntry(
                file.path,
                file.content,  # type: ignore[arg-type]  # inputs made them so
                target=file.target,
                mode=plan.mode if file.mode is None and not symlink else file.mode,  # type: ignore[arg-type]  # as above
                mtime=plan.mtime if file.mtime is None else file.mtime,  # type: ignore[arg-type]  # as above
            )


async def _next(queue: asyncio.Queue[ImportedEntry | _Done], patience: float | None) -> ImportedEntry | _Done | None:
    """Return the next item, or None when none comes within ``patience`` seconds."""
    if not queue.empty():
        return queue.get_nowait()
    try:
        async with asyncio.timeout(patience):
            return await queue.get()
    except TimeoutError:
        return None


class Totals:
    """Progress in js-ipfs's way: the bytes of a path so far. Files are imported one after another."""

    def __init__(self, report: Progress) -> None:
        self._report = report
        self._path: str | None = None
        self._total = 0
        self._nameless = 0

    def __call__(self, size: int, path: str) -> None:
        """Report ``size`` bytes more of a path."""
        if not path:
            self._nameless += size
            self._report(self._nameless, path)
            return
        if path != self._path:
            self._path, self._total = path, 0
        self._total += size
        self._report(self._total, path)


def is_root(entry: ImportedEntry, plan: Plan) -> bool:
    """Tell whether nothing else that is added holds the entry."""
    if plan.wrap:
        return entry.path == "" and entry.type == "directory"
    return "/" not in entry.path


def _cid(entry: ImportedEntry, plan: Plan) -> CID:
    return entry.cid.to_v1() if plan.options.cid_version == 1 else entry.cid


def result_of(entry: ImportedEntry, plan: Plan) -> AddResult:
    """Return what is told of an entry that was made."""
    cid = _cid(entry, plan)
    path = entry.path if entry.path or plan.wrap else str(cid)
    mode = entry.mode
    if mode is None and cid.code != _RAW:
        mode = DEFAULT_DIRECTORY_MODE if entry.type == "directory" else DEFAULT_FILE_MODE
    return AddResult(path, cid, entry.size, mode, entry.mtime)
