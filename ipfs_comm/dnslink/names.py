"""Domains as they are written, and TXT records as they are read.

Specification: DNSLink (dnslink.dev), sections Structure and Reading; records without ``dnslink=`` and those with a CID
alone are taken as Kubo takes them.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Final

from ipfs_comm.errors import InvalidNameError, IPFSCommError
from ipfs_comm.ipld import path as content_path

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["PREFIX", "is_domain", "links_of", "spelled"]

#: Where a domain keeps its records.
PREFIX: Final = "_dnslink."
#: Characters of a name, without the dot at its end; the prefix has to fit before a domain.
MAX_NAME: Final = 253
MAX_DOMAIN: Final = MAX_NAME - len(PREFIX)
#: Longest record that is looked at, in bytes.
MAX_RECORD: Final = 4096
#: Most records of one name that are looked at.
MAX_RECORDS: Final = 256
_KEY: Final = "dnslink="
_NAMESPACES: Final = ("ipfs", "ipns")
_LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)


def is_domain(text: str) -> bool:
    """Tell whether the text after ``/ipns/`` can be a domain's: it has a dot inside."""
    return "." in text.strip(".")


def spelled(domain: str) -> str:
    """Return a domain as DNS has it: lower case, ASCII, without a dot at its end.

    Raises
    ------
    InvalidNameError
        It is none.
    """
    if not isinstance(domain, str) or len(domain) > MAX_NAME + 1:
        raise InvalidNameError(f"a domain is a text of at most {MAX_DOMAIN} characters, not {domain!r:.80}")
    text = domain.removesuffix(".").lower()
    if not text.isascii():
        try:
            text = text.encode("idna").decode()
        except UnicodeError as error:
            raise InvalidNameError(f"{domain!r:.80} is no domain: {error}") from None
    labels = text.split(".")
    if (
        len(text.removeprefix(PREFIX)) > MAX_DOMAIN
        or not all(_LABEL.fullmatch(label) for label in labels)
        or not is_domain(text)
    ):
        raise InvalidNameError(
            f"{domain!r:.80} is no domain: names of letters, digits and hyphens between single dots, as docs.ipfs.tech"
        )
    return text


def links_of(records: Iterable[bytes]) -> list[str]:
    """Return the content paths among the TXT records of one name: more than one is a mistake of its owner.

    Parameters
    ----------
    records : iterable of bytes
        As they came, each whole.
    """
    found = (_path(record) for record in islice(records, MAX_RECORDS))
    return [path for path in found if path is not None]


def _path(record: bytes) -> str | None:
    if len(record) > MAX_RECORD:
        return None
    try:
        path = content_path.parse(record.decode().removeprefix(_KEY))
    except (UnicodeDecodeError, IPFSCommError):
        return None
    return str(path) if path.namespace in _NAMESPACES else None
