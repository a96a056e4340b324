"""The message-port protocol of ipfs-message-port: a server for a node, and a client with the node's API."""

from __future__ import annotations

from ipfs_comm.rpc.client import IPFSClient
from ipfs_comm.rpc.policy import Policy
from ipfs_comm.rpc.query import Query
from ipfs_comm.rpc.server import Server
from ipfs_comm.rpc.services import IPFSService

__all__ = ["IPFSClient", "IPFSService", "Policy", "Query", "Server"]
