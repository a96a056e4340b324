"""Domains as they are written, and TXT records as they are read.

Specification: DNSLink (dnslink.dev), sections Structure and Reading; records without ``dnslink=`` and those with a CID
alone are taken as Kubo takes them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from ipfs_comm.errors import InvalidNameError, IPFSCommError
from ipfs_comm.ipld import path as content_path

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["MAX_DOMAIN", "PREFIX", "is_domain", "link_of", "spelled"]

#: Where a domain keeps its records.
PREFIX: Final = "_dnslink."
#: Characters of a domain, without the dot at its end; the prefix has to fit before it.
MAX_DOMAIN: Final = 253
#: Longest record that is looked at, in bytes.
MAX_RECORD: Final = 4096
#: Most records of one name that are looked at.
MAX_RECORDS: Final = 256
_KEY: Final = "dnslink="
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
    if not isinstance(domain, str) or len(domain) > MAX_DOMAIN + 1:
        raise InvalidNameError(f"a domain is a text of at most {MAX_DOMAIN} characters, not {domain!r:.80}")
    text = domain.removesuffix(".").lower()
    if not text.isascii():
        try:
            text = text.encode("idna").decode()
        except UnicodeError as error:
            raise InvalidNameError(f"{domain!r:.80} is no domain: {error}") from None
    labels = text.split(".")
    if len(text) > MAX_DOMAIN or not all(_LABEL.fullmatch(label) for label in labels) or not is_domain(text):
        raise InvalidNameError(
            f"{domain!r:.80} is no domain: names of letters, digits and hyphens between single dots, as docs.ipfs.tech"
        )
    return text


def link_of(records: Iterable[bytes]) -> str | None:
    """Return the path that the TXT records of one name stand for, None where there is none among them.

    Of several the first in the order of their bytes counts, so that the answer does not hang on the order in which a
    server gave them; those that say ``dnslink=`` come before those that do not.

    Parameters
    ----------
    records : iterable of bytes
        As they came, each whole.
    """
    found: list[tuple[bool, bytes, str]] = []
    for index, record in enumerate(records):
        if index == MAX_RECORDS:
            break
        path = _path(record)
        if path is not None:
            found.append((not record.startswith(_KEY.encode()), record, path))
    return min(found)[2] if found else None


def _path(record: bytes) -> str | None:
    if len(record) > MAX_RECORD:
        return None
    try:
        text = record.decode().removeprefix(_KEY)
        return str(content_path.parse(text))
    except (UnicodeDecodeError, IPFSCommError):
        return None
