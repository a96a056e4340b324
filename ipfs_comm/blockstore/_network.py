"""Whether a folder is on a network file system, or on one that several machines may write at once."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any, Final

from ipfs_comm.errors import InvalidInputError

#: What the user says about the repository's file system: ``1`` for a network one, ``0`` for a local one.
VARIABLE: Final = "IPFS_COMM_NETWORK_REPO"

_MOUNTS: Final = Path("/proc/self/mountinfo")
# fmt: off
#: Types of Linux: network file systems, disks that a cluster shares, and folders that a virtual machine's host shares.
_TYPES: Final = frozenset(
    {
        "9p", "acfs", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "drvfs", "gfs2", "glusterfs", "gpfs", "kafs",
        "lustre", "mfs", "ncpfs", "nfs", "nfs4", "ocfs2", "orangefs", "panfs", "prl_fs", "pvfs2", "smb", "smb2", "smb3",
        "smbfs", "vboxsf", "virtiofs", "vmhgfs", "wekafs",
    }
)
#: Types of file systems in user space, behind ``fuse.``; others of them are local.
_FUSE_TYPES: Final = frozenset(
    {
        "beegfs", "ceph", "ceph-fuse", "cloudstorefuse", "curlftpfs", "davfs", "davfs2", "gcsfuse", "geesefs",
        "glusterfs", "goofys", "gvfsd-fuse", "juicefs", "lizardfs", "mfs", "moosefs", "mount.davfs", "mountpoint-s3",
        "nfs", "onedriver", "rclone", "s3fs", "s3ql", "saunafs", "seaweedfs", "smbnetfs", "sshfs", "vmhgfs-fuse",
    }
)
# fmt: on
_ESCAPED: Final = re.compile(r"\\([0-7]{3})")
#: macOS, <sys/mount.h>: size of ``struct statfs``, where its flags and its type's name are, and the flag of local ones.
_STATFS_SIZE: Final = 2168
_STATFS_FLAGS: Final = 64
_STATFS_TYPE: Final = slice(72, 88)
_MNT_LOCAL: Final = 0x1000
#: Windows, ``GetDriveTypeW``: a network drive.
_DRIVE_REMOTE: Final = 4


def network_type(directory: Path) -> str | None:
    """Return the type of a folder's file system where that is a network one; None for a local one.

    ``IPFS_COMM_NETWORK_REPO`` decides where it is set.

    Raises
    ------
    InvalidInputError
        The variable is neither 0 nor 1.
    """
    said = os.environ.get(VARIABLE, "")
    if said not in ("", "0", "1"):
        raise InvalidInputError(f"{VARIABLE} is {said[:40]!r}: it is 1 for a network file system, 0 for a local one")
    if said:
        return f"{VARIABLE}=1" if said == "1" else None
    place = directory.resolve()
    if sys.platform == "darwin":
        return _on_macos(place)
    if os.name == "nt":
        return _on_windows(place)
    try:
        mounts = _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        # No Linux, or none that shows its mounts: the user can say it.
        return None
    found = mounted(mounts, place)
    return found if found is not None and is_network(found) else None


def mounted(mounts: str, place: Path) -> str | None:
    """Return the type of the file system that a resolved path is on, by the text of ``/proc/self/mountinfo``."""
    best: tuple[int, str | None] = (-1, None)
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        fields, kind = before.split(" "), after.split(" ")[0]
        if len(fields) < 5 or not kind:
            continue
        point = Path(_ESCAPED.sub(lambda match: chr(int(match[1], 8)), fields[4]))
        # A later one at the same place hides an earlier one.
        if len(point.parts) >= best[0] and place.is_relative_to(point):
            best = len(point.parts), kind
    return best[1]


def is_network(kind: str) -> bool:
    """Tell whether a type of file system, by Linux's name, is one that other machines may write too."""
    family, _, member = kind.partition(".")
    return member in _FUSE_TYPES if family in ("fuse", "fuseblk") else kind in _TYPES


def _on_macos(place: Path) -> str | None:
    import ctypes

    library: Any = ctypes.CDLL(None, use_errno=True)
    call = getattr(library, "statfs$INODE64", None) or library.statfs
    answer = ctypes.create_string_buffer(_STATFS_SIZE)
    if call(os.fsencode(place), answer):
        return None
    flags = int.from_bytes(answer.raw[_STATFS_FLAGS : _STATFS_FLAGS + 4], sys.byteorder)
    return None if flags & _MNT_LOCAL else answer.raw[_STATFS_TYPE].split(b"\0")[0].decode("ascii", "replace")


def _on_windows(place: Path) -> str | None:
    if place.drive.startswith("\\\\") and not place.drive.startswith(("\\\\?\\", "\\\\.\\")):
        return "a network share"
    import ctypes

    kind = getattr(ctypes, "windll").kernel32.GetDriveTypeW(place.anchor)  # noqa: B009 (only there)
    return "a network drive" if kind == _DRIVE_REMOTE else None
