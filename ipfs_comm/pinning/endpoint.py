"""Where a pinning service is and what opens it, as people give them."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

from ipfs_comm.errors import InvalidInputError

__all__ = ["checked_endpoint", "checked_key"]

#: Most characters of an address and of a key.
MAX_ENDPOINT: Final = 2048
MAX_KEY: Final = 4096


def checked_endpoint(given: object) -> str:
    """Return the address of a service as requests are made of it: without slashes at its end, or twice within.

    Parameters
    ----------
    given : str
        Such as ``https://api.example.com/psa``.

    Raises
    ------
    InvalidInputError
        It is no address, or one with parts that a service's has not: ``/pins``, a query, a name or password.
    """
    if not isinstance(given, str) or not given.strip():
        raise InvalidInputError("service endpoint is required: an address such as https://api.example.com")
    text = given.strip()
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    path = re.sub(r"/{2,}", "/", parts.path).rstrip("/")
    why = ""
    if len(text) > MAX_ENDPOINT or any(not character.isprintable() or character.isspace() for character in text):
        why = "it is too long, or holds blanks or characters that cannot be shown"
    elif parts.scheme not in ("http", "https") or not parts.hostname:
        why = "it must be a valid HTTP URL"
    elif parts.username is not None or parts.password is not None:
        why = "a name or password in it would stand in every error; the key is given by itself"
    elif parts.query or parts.fragment:
        why = "it should be provided without any query parameters"
    elif path.endswith("/pins"):
        why = "it should be provided without the /pins suffix"
    elif any(part in (".", "..") for part in path.split("/")):
        why = "its path must not hold . or .."
    if why:
        shown = text if parts.username is None and "@" not in text else "the address"
        raise InvalidInputError(f"{shown:.200} is no endpoint of a pinning service: {why}")
    host = f"[{parts.hostname}]" if ":" in str(parts.hostname) else parts.hostname
    return f"{parts.scheme}://{host}" + (f":{port}" if port is not None else "") + path


def checked_key(given: object) -> str:
    """Return the key of a service, as it goes into a header.

    Raises
    ------
    InvalidInputError
        It is none. The error does not show it.
    """
    if not isinstance(given, str) or not given:
        raise InvalidInputError("service key is required: the access token that the service gave you")
    if len(given) > MAX_KEY or not given.isascii() or not given.isprintable() or given != given.strip():
        raise InvalidInputError(
            f"this cannot be the key of a pinning service: it has at most {MAX_KEY} characters, all of ASCII, and no "
            "blanks around it"
        )
    return given
