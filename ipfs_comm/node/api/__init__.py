"""The IPFS core API in Python: what any node offers, and the results that it gives; a namespace a file."""

from __future__ import annotations

from ipfs_comm.node.api.block import BlockAPI, BlockRemoval, BlockStat
from ipfs_comm.node.api.config import (
    JSON,
    BootstrapAPI,
    BootstrapResult,
    ConfigAPI,
    ConfigProfile,
    ConfigProfileResult,
    ConfigProfilesAPI,
)
from ipfs_comm.node.api.core import (
    AddInput,
    AddResult,
    Bytes,
    CIDLike,
    Content,
    File,
    GetEntry,
    IDResult,
    LsEntry,
    ModeLike,
    Mtime,
    MtimeLike,
    Node,
    Progress,
    VersionResult,
)
from ipfs_comm.node.api.dag import (
    CarSource,
    DagAPI,
    DagGetResult,
    DagImportResult,
    DagImportRoot,
    DagImportStats,
    DagResolveResult,
    DagStat,
    DagStatResult,
)
from ipfs_comm.node.api.files import FileEntry, FilesAPI, FileStat
from ipfs_comm.node.api.key import KeyAPI, KeyRenameResult, KeyResult
from ipfs_comm.node.api.name import NameAPI, NamePublishResult
from ipfs_comm.node.api.object import LinkLike, NodeLike, ObjectAPI, ObjectPatchAPI, ObjectStat
from ipfs_comm.node.api.pin import PinAPI, PinEntry, PinInput, PinSource
from ipfs_comm.node.api.refs import RefEntry, RefsAPI
from ipfs_comm.node.api.repo import GCResult, RepoAPI, RepoStat, VerifyResult

__all__ = [
    "JSON",
    "AddInput",
    "AddResult",
    "BlockAPI",
    "BlockRemoval",
    "BlockStat",
    "BootstrapAPI",
    "BootstrapResult",
    "Bytes",
    "CIDLike",
    "CarSource",
    "ConfigAPI",
    "ConfigProfile",
    "ConfigProfileResult",
    "ConfigProfilesAPI",
    "Content",
    "DagAPI",
    "DagGetResult",
    "DagImportResult",
    "DagImportRoot",
    "DagImportStats",
    "DagResolveResult",
    "DagStat",
    "DagStatResult",
    "File",
    "FileEntry",
    "FileStat",
    "FilesAPI",
    "GCResult",
    "GetEntry",
    "IDResult",
    "KeyAPI",
    "KeyRenameResult",
    "KeyResult",
    "LinkLike",
    "LsEntry",
    "ModeLike",
    "Mtime",
    "MtimeLike",
    "NameAPI",
    "NamePublishResult",
    "Node",
    "NodeLike",
    "ObjectAPI",
    "ObjectPatchAPI",
    "ObjectStat",
    "PinAPI",
    "PinEntry",
    "PinInput",
    "PinSource",
    "Progress",
    "RefEntry",
    "RefsAPI",
    "RepoAPI",
    "RepoStat",
    "VerifyResult",
    "VersionResult",
]
