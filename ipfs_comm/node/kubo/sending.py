"""What goes into one request to add, and what has to wait for the next."""

from __future__ import annotations

import re
import secrets
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from ipfs_comm._shown import shown
from ipfs_comm.errors import InvalidPathError
from ipfs_comm.ipld import CID
from ipfs_comm.node.kubo.multipart import Part
from ipfs_comm.unixfs.builder import Made, written_mode
from ipfs_comm.unixfs.directory import Directory, TreeEntry, directory_at, split_path
from ipfs_comm.unixfs.importer import resolved

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from ipfs_comm.node.adding import Plan

__all__ = ["BOTH", "MODE", "PLAIN", "Sending", "Sent"]

#: What of a file's metadata a request keeps: Kubo decides for all files of a call whether they have raw leaves, and
#: takes the epoch for the time of a file that has a mode alone where it keeps times.
PLAIN: Final = "plain"
MODE: Final = "mode"
BOTH: Final = "both"
_PERMISSIONS: Final = 0o777
#: Go's time of nothing: Kubo writes none.
_NO_TIME: Final = (-62_135_596_800, 0)
_COMING: Final = Made(CID.parse("bafkqaaa"), 0, 0, 0)
_HALF: Final = re.compile("[\udc80-\udcff]")


@dataclass(slots=True)
class Sent:
    """A file or symlink of which the daemon is still to tell."""

    entry: TreeEntry
    names: list[str]
    parent: Directory
    name: str
    mode: int | None

    @staticmethod
    def told(path: str) -> str:
        """Return how a daemon tells a path: Go's JSON has another character for what is no text."""
        return _HALF.sub("\ufffd", path)

    def is_told_as(self, name: str, cid: str) -> bool:
        """Tell whether what a daemon says of a name is about this."""
        return name == (self.told(self.name) or cid)


@dataclass(slots=True)
class Sending:
    """The entries of one call, on their way into requests.

    Attributes
    ----------
    source : async generator of TreeEntry
    root : Directory
        Grows by all directories, and by a place for every file.
    plan : Plan
    kind : str
        What the request under way keeps of metadata.
    sent : deque of Sent
        What the daemon is still to tell of, in its order.
    """

    source: AsyncGenerator[TreeEntry, None]
    root: Directory
    plan: Plan
    kind: str = PLAIN
    sent: deque[Sent] = field(default_factory=deque)
    _next: TreeEntry | None = None
    _ended: bool = False
    #: Directories that are in the tree, and that the daemon was not told of.
    _untold: list[Part] = field(default_factory=list)

    async def aclose(self) -> None:
        """Ask the source for nothing more."""
        await self.source.aclose()

    async def next(self) -> TreeEntry | None:
        """Return the next file or symlink, and take note of the directories before it; None at the end.

        Raises
        ------
        InvalidPathError
            A directory's path goes through a file.
        """
        while self._next is None and not self._ended:
            entry = await anext(self.source, None)
            if entry is None:
                self._ended = True
            elif entry.content is None and entry.target is None and (entry.path or self.plan.wrap):
                self._note(entry)
            else:
                self._next = entry
        return self._next

    def _note(self, entry: TreeEntry) -> None:
        names = split_path(entry.path)
        parent = directory_at(self.root, names[:-1], entry.path) if names else self.root
        new = bool(names) and names[-1] not in parent.children
        found = directory_at(self.root, names, entry.path)
        found.mode, found.mtime = written_mode(entry.mode), entry.mtime
        if new:
            self._untold.append(Part("/".join(names), mode=found.mode or None, mtime=found.mtime))

    def take(self) -> Sent:
        """Take the entry that is next.

        Raises
        ------
        InvalidPathError
            Its path goes through a file, or is a directory's.
        """
        entry, self._next = self._next, None
        assert entry is not None, "next was awaited"
        names = split_path(entry.path)
        parent = directory_at(self.root, names[:-1], entry.path)
        name = "/".join(names)
        if names:
            if isinstance(parent.children.get(names[-1]), Directory):
                raise InvalidPathError(
                    f"{shown(entry.path)} is added as a file and as a directory: use two names",
                    detail={"path": entry.path},
                )
            parent.children[names[-1]] = _COMING
        elif self.plan.wrap:
            # Kubo names it after its CID, and takes that name once.
            name = secrets.token_hex(16)
        return Sent(entry, names, parent, name, written_mode(entry.mode))

    def alone(self, entry: TreeEntry) -> bool:
        """Tell whether Kubo's importer does not make such a file."""
        options = self.plan.options
        described = entry.mode is not None or entry.mtime is not None
        if entry.target is not None:
            return entry.mtime is not None and (entry.mtime.secs, entry.mtime.nsecs) == _NO_TIME
        if entry.content is None or options.layout == "flat":
            return True
        usual = resolved(options, described=described)
        trickle = options.layout == "trickle"
        if (usual.leaf_type, usual.reduce_single_leaf) != ("raw" if trickle else "file", not trickle):
            return True
        if not described:
            return False
        mode = written_mode(entry.mode)
        return (
            bool(usual.raw_leaves)
            or (mode is not None and not 0 < mode <= _PERMISSIONS)
            or (entry.mtime is not None and (entry.mtime.secs, entry.mtime.nsecs) == _NO_TIME)
        )

    def begin(self) -> None:
        """Begin a request with the entry that is next."""
        assert self._next is not None, "next was awaited"
        self.sent = deque()
        self.kind = self._kind(self._next)

    def _kind(self, entry: TreeEntry) -> str:
        if entry.mtime is not None:
            return BOTH
        return MODE if entry.mode is not None else PLAIN

    def _fits(self, entry: TreeEntry) -> bool:
        """Tell whether an entry can be in the request under way."""
        names = split_path(entry.path)
        parent = directory_at(self.root, names[:-1], entry.path)
        if names and names[-1] in parent.children:
            # A second one of that name: the last one counts, and Kubo refuses it.
            return False
        kind = self._kind(entry)
        if entry.target is not None:
            return kind in (PLAIN, self.kind)
        if kind == PLAIN:
            return self.kind == PLAIN or not resolved(self.plan.options, described=False).raw_leaves
        return kind == self.kind

    async def parts(self) -> AsyncGenerator[Part, None]:
        """Generate the parts of the request under way."""
        first = True
        while (entry := await self.next()) is not None:
            if not first and (self.alone(entry) or not self._fits(entry)):
                return
            first = False
            taken = self.take()
            for part in self._tell():
                yield part
            self.sent.append(taken)
            yield Part(
                taken.name,
                entry.content,  # type: ignore[arg-type]  # inputs made it so
                target=entry.target,
                mode=taken.mode,
                mtime=entry.mtime,
            )
        for part in self._tell():
            yield part

    def _tell(self) -> list[Part]:
        untold, self._untold = self._untold, []
        return untold
