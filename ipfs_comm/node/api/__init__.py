"""The IPFS core API in Python: what any node offers, and the results that it gives; a namespace a file."""

from __future__ import annotations

from ipfs_comm.node.api.bitswap import BitswapAPI, BitswapStat
from ipfs_comm.node.api.block import BlockAPI, BlockRemoval, BlockStat
from ipfs_comm.node.api.capabilities import Capabilities
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
    PingResult,
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
from ipfs_comm.node.api.dht import DhtAPI, PeerInfo, RoutingEvent
from ipfs_comm.node.api.files import FileEntry, FilesAPI, FileStat
from ipfs_comm.node.api.key import KeyAPI, KeyRenameResult, KeyResult
from ipfs_comm.node.api.name import (
    NameAPI,
    NamePublishResult,
    NamePubsubAPI,
    NamePubsubCancelResult,
    NamePubsubState,
)
from ipfs_comm.node.api.object import LinkLike, NodeLike, ObjectAPI, ObjectPatchAPI, ObjectStat
from ipfs_comm.node.api.pin import PinAPI, PinEntry, PinInput, PinSource
from ipfs_comm.node.api.pin_remote import (
    PinRemoteAPI,
    PinRemoteServiceAPI,
    RemotePin,
    RemotePinCount,
    RemotePinService,
    RemotePinStat,
)
from ipfs_comm.node.api.pubsub import PubsubAPI, PubsubHandler, PubsubMessage
from ipfs_comm.node.api.refs import RefEntry, RefsAPI
from ipfs_comm.node.api.repo import GCResult, RepoAPI, RepoStat, VerifyResult
from ipfs_comm.node.api.stats import BandwidthStat, StatsAPI
from ipfs_comm.node.api.swarm import PeerAddresses, SwarmAPI, SwarmPeer

__all__ = [
    "JSON",
    "AddInput",
    "AddResult",
    "BandwidthStat",
    "BitswapAPI",
    "BitswapStat",
    "BlockAPI",
    "BlockRemoval",
    "BlockStat",
    "BootstrapAPI",
    "BootstrapResult",
    "Bytes",
    "CIDLike",
    "Capabilities",
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
    "DhtAPI",
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
    "NamePubsubAPI",
    "NamePubsubCancelResult",
    "NamePubsubState",
    "Node",
    "NodeLike",
    "ObjectAPI",
    "ObjectPatchAPI",
    "ObjectStat",
    "PeerAddresses",
    "PeerInfo",
    "PinAPI",
    "PinEntry",
    "PinInput",
    "PinRemoteAPI",
    "PinRemoteServiceAPI",
    "PinSource",
    "PingResult",
    "Progress",
    "PubsubAPI",
    "PubsubHandler",
    "PubsubMessage",
    "RefEntry",
    "RefsAPI",
    "RemotePin",
    "RemotePinCount",
    "RemotePinService",
    "RemotePinStat",
    "RepoAPI",
    "RepoStat",
    "RoutingEvent",
    "StatsAPI",
    "SwarmAPI",
    "SwarmPeer",
    "VerifyResult",
    "VersionResult",
]
