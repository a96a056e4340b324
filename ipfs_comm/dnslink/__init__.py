"""DNSLink: what a domain's name stands for, by TXT records of its own."""

from __future__ import annotations

from ipfs_comm.dnslink.lookup import HTTPSLookup, Lookup, Records, SystemLookup
from ipfs_comm.dnslink.names import is_domain, links_of, spelled
from ipfs_comm.dnslink.resolver import DNSLink, Link

__all__ = ["DNSLink", "HTTPSLookup", "Link", "Lookup", "Records", "SystemLookup", "is_domain", "links_of", "spelled"]
