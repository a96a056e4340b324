"""How a call adds, read from its options, and what it tells of what was made; any kind of node uses it."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from ipfs_comm._shown import shown
from ipfs_comm.errors import InvalidInputError
from ipfs_comm.node.api import AddResult, File, ModeLike, Mtime, MtimeLike, Progress
from ipfs_comm.node.inputs import mode_of, mtime_of
from ipfs_comm.node.trees import unfolded
from ipfs_comm.unixfs import ImportOptions
from ipfs_comm.unixfs.builder import RAW
from ipfs_comm.unixfs.directory import ImportedEntry, TreeEntry
from ipfs_comm.unixfs.format import DEFAULT_DIRECTORY_MODE, DEFAULT_FILE_MODE
from ipfs_comm.unixfs.from_disk import DiskRules

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from ipfs_comm.blockstore._pool import Pool
    from ipfs_comm.ipld import CID

__all__ = ["Plan", "Totals", "cid_of", "is_root", "plan_of", "result_of", "tree_entries"]

#: Most entries that are acknowledged together.
MAX_CONCURRENCY: Final = 256
#: Longest inlined block where no limit is given, in bytes, as in Kubo.
INLINE_LIMIT: Final = 32


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
    pin_name: str | None = None


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
    pin_name: str | None = None,
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
    if pin_name is not None and not isinstance(pin_name, str):
        raise InvalidInputError(f"pin_name is {shown(pin_name)}: a text is needed")
    if pin_name is not None and not pin:
        raise InvalidInputError("add: a pin_name needs pin=True")
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
        pin_name,
    )


async def tree_entries(files: AsyncGenerator[File, None], plan: Plan, pool: Pool) -> AsyncGenerator[TreeEntry, None]:
    """Generate what is imported of what was given, trees on disk entry by entry."""
    if plan.wrap and (plan.mode is not None or plan.mtime is not None):
        yield TreeEntry("", mode=plan.mode, mtime=plan.mtime)
    async with aclosing(unfolded(files, plan.rules, pool)) as found:
        async for file in found:
            symlink = file.target is not None
            yield TreeEntry(
                file.path,
                file.content,  # type: ignore[arg-type]  # inputs made them so
                target=file.target,
                mode=plan.mode if file.mode is None and not symlink else file.mode,  # type: ignore[arg-type]  # as above
                mtime=plan.mtime if file.mtime is None else file.mtime,  # type: ignore[arg-type]  # as above
            )


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


def cid_of(entry: ImportedEntry, plan: Plan) -> CID:
    """Return the CID that an entry is told by."""
    return entry.cid.to_v1() if plan.options.cid_version == 1 else entry.cid


def result_of(entry: ImportedEntry, plan: Plan) -> AddResult:
    """Return what is told of an entry that was made."""
    cid = cid_of(entry, plan)
    path = entry.path if entry.path or plan.wrap else str(cid)
    mode = entry.mode
    if mode is None and cid.code != RAW:
        mode = DEFAULT_DIRECTORY_MODE if entry.type == "directory" else DEFAULT_FILE_MODE
    return AddResult(path, cid, entry.size, mode, entry.mtime)
