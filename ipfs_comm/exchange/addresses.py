"""Which gateways a node asks: the list by default, and lists as people write them."""

from __future__ import annotations

import ipaddress
import os
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from ipfs_comm._shown import shown
from ipfs_comm.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["DEFAULT_GATEWAYS", "VARIABLE", "chosen", "host_of", "is_public", "names_private", "parse"]

#: Public gateways that serve raw blocks to anyone. Each that is asked learns what is read here.
DEFAULT_GATEWAYS: Final = ("https://trustless-gateway.link", "https://4everland.io")
#: Environment variable with the list that counts where a program gives none; empty for no gateway at all.
VARIABLE: Final = "IPFS_COMM_GATEWAYS"
#: Most gateways in a list.
MOST: Final = 32
#: Top-level names that no public name server knows.
_PRIVATE_TOPS: Final = frozenset({"localhost", "local", "internal", "lan", "home.arpa"})
#: IPv6 addresses that stand for the IPv4 address in their last 32 bits (RFC 6052), as networks without IPv4 use them.
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
#: Characters of a host's name (RFC 1035).
_MAX_HOST: Final = 253
#: Words that stand for a list where text is parsed.
WORDS: Final = {"none": (), "default": DEFAULT_GATEWAYS}


def parse(value: str | Iterable[str]) -> tuple[str, ...]:
    """Return addresses of gateways in their plain form, each once, in the order given.

    Parameters
    ----------
    value : str or iterable of str
        Addresses: ``https://host``, ``http://127.0.0.1:8080``. In one text they stand apart by blanks or commas;
        ``none`` (or nothing) is an empty list, ``default`` is ``DEFAULT_GATEWAYS``.

    Returns
    -------
    tuple of str

    Raises
    ------
    InvalidInputError
        For what is no such address, and for more than 32 of them.
    """
    if isinstance(value, str):
        if (word := value.strip().lower()) in WORDS:
            return WORDS[word]
        value = [part for part in re.split(r"[\s,]+", value) if part]
    elif isinstance(value, bytes | bytearray) or not hasattr(value, "__iter__"):
        raise InvalidInputError(f"gateways is {shown(value)}: give a list of addresses such as https://host")
    found = tuple(dict.fromkeys(_address(one) for one in value))
    if len(found) > MOST:
        raise InvalidInputError(f"{len(found)} gateways are too many: at most {MOST}")
    return found


def chosen() -> tuple[str, ...]:
    """Return the gateways that count where a program gives none: those of the environment, else the default ones.

    Raises
    ------
    InvalidInputError
        If the environment holds something else.
    """
    text = os.environ.get(VARIABLE)
    if text is None:
        return DEFAULT_GATEWAYS
    try:
        return parse(text)
    except InvalidInputError as error:
        raise InvalidInputError(f"{VARIABLE} is {shown(text)}: {error}") from error


def host_of(address: str) -> str:
    """Return the host of an address, as resolvers are asked for it; empty where it has none."""
    try:
        return (urlsplit(address).hostname or "").rstrip(".").lower()
    except ValueError:
        return ""


def is_public(address: str) -> bool:
    """Return whether an IP address is one of the public internet; false for what is no IP address."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address) and found in _NAT64:
        found = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
    return found.is_global and not found.is_multicast


def names_private(host: str) -> bool:
    """Return whether a host is in a private network by its own text: an address of one, or a name that only it has."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        name = host.rstrip(".").lower()
        # No top-level domain begins with a digit, but resolvers take such names for addresses: 127.1, 0x7f.1.
        return (
            "." not in name
            or name.rpartition(".")[2][:1].isdigit()
            or any(name.endswith(f".{top}") for top in _PRIVATE_TOPS)
        )
    return not is_public(host)


def _address(text: object) -> str:
    if not isinstance(text, str):
        raise InvalidInputError(f"{shown(text)} is no gateway's address: give text such as https://host")
    try:
        parts = urlsplit(text.strip())
        port = parts.port
    except ValueError as error:
        raise InvalidInputError(f"{shown(text)} is no gateway's address: {error}") from error
    why = ""
    if parts.scheme not in ("http", "https"):
        why = "it must begin with https:// or http://"
    elif not parts.hostname or any(character.isspace() for character in parts.netloc):
        why = "it names no host"
    elif len(str(parts.hostname)) > _MAX_HOST:
        why = f"a host has at most {_MAX_HOST} characters"
    elif parts.username is not None or parts.password is not None:
        why = "a name or password in it would stand in every error"
    elif parts.path not in ("", "/") or parts.query or parts.fragment:
        why = "it must end with the host or its port; /ipfs/<cid> is put behind it"
    if why:
        raise InvalidInputError(f"{shown(text)} is no gateway's address: {why}")
    host = f"[{parts.hostname}]" if ":" in str(parts.hostname) else parts.hostname
    return f"{parts.scheme}://{host}" + (f":{port}" if port is not None else "")
