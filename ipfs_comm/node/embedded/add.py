"""``add`` and ``add_all``: content into UnixFS DAGs, while it arrives."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, nullcontext
from typing import TYPE_CHECKING, Any

from ipfs_comm.node.adding import Plan, Totals, cid_of, is_root, plan_of, result_of, tree_entries
from ipfs_comm.node.embedded import pinset
from ipfs_comm.node.embedded.ahead import ahead
from ipfs_comm.node.inputs import entries_of, entry_of
from ipfs_comm.node.pin_inputs import refuse_replication
from ipfs_comm.node.stream import Stream, as_list, deadline
from ipfs_comm.unixfs.directory import ImportedEntry, build_tree

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, Iterable

    from ipfs_comm.node.api import AddInput, AddResult, File
    from ipfs_comm.node.embedded.context import Context

#: Seconds that a finished entry waits for others to share one fdatasync with. A source that fails right after an entry
#: so fails before the entry is acknowledged, as in js-ipfs.
LINGER = 0.1


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
        ``pin_name`` (of these pins; what is pinned already gets it too),
        ``preload`` (accepted: this node preloads nowhere).

    Returns
    -------
    Stream of AddResult

    Raises
    ------
    InvalidInputError
        For an option that cannot be meant, and for a single item.
    NotSupportedError
        For ``replication_min`` and ``replication_max``, which are an IPFS Cluster's.
    """
    plan = _plan(context, options)
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
    plan = _plan(context, options)
    file = entry_of(entry)

    async def one() -> AsyncGenerator[File, None]:
        yield file

    async with deadline(timeout, "add"), aclosing(added(context, one(), plan)) as entries:
        results = [result async for result in entries]
    return results[-1]


def _plan(context: Context, options: dict[str, Any]) -> Plan:
    options = context.defaults | options
    refuse_replication("add", options.pop("replication_min", None), options.pop("replication_max", None))
    return plan_of(**options)


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
                    roots = [
                        pinset.Pin(cid_of(entry, plan), name=plan.pin_name)
                        for entry in finished
                        if is_root(entry, plan)
                    ]
                    await pinset.record(context.state, roots, keep_names=plan.pin_name is None)
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
                    tree_entries(source, plan, context.disk),
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


async def _next(queue: asyncio.Queue[ImportedEntry | _Done], patience: float | None) -> ImportedEntry | _Done | None:
    """Return the next item, or None when none comes within ``patience`` seconds."""
    if not queue.empty():
        return queue.get_nowait()
    try:
        async with asyncio.timeout(patience):
            return await queue.get()
    except TimeoutError:
        return None
