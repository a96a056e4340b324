"""Names of keys and of pinning services, checked: each is the name of a file in a repository."""

from __future__ import annotations

from typing import Final

from ipfs_comm.errors import InvalidInputError

__all__ = ["MAX_NAME", "SELF", "check_key_name", "check_name"]

#: Longest name of a secret, in bytes of UTF-8: its file's name has 255 at most.
MAX_NAME: Final = 128
#: The name of the key that is the node's own identity.
SELF: Final = "self"


def check_name(name: object, what: str, *, code: str | None = None, refused: str = "", why: str = "") -> str:
    """Return the name of a secret, checked.

    Parameters
    ----------
    name : str
    what : str
        What it is to be the name of, for the error.
    code : str, optional
        Of the error.
    refused, why : str
        One name more that cannot be, and the reason.

    Raises
    ------
    InvalidInputError
        Nothing can have it.
    """
    found = ""
    if not isinstance(name, str):
        found = f"it is a {type(name).__name__}, not a str"
    elif not name.strip() or name in (".", ".."):
        found = "it says nothing"
    elif "/" in name or not name.isprintable():
        found = "it holds a slash or characters that cannot be shown"
    elif len(name.encode()) > MAX_NAME:
        found = f"it is longer than {MAX_NAME} bytes"
    elif name == refused:
        found = why
    if found or not isinstance(name, str):
        raise InvalidInputError(f"{repr(name)[:80]} cannot be the name of {what} here: {found}", code=code)
    return name


def check_key_name(name: str, *, changing: bool = False) -> str:
    """Return the name of a key, checked; with ``changing`` it must not be the node's own.

    Raises
    ------
    InvalidInputError
        Code ``ERR_INVALID_KEY_NAME``.
    """
    return check_name(
        name,
        "a key",
        code="ERR_INVALID_KEY_NAME",
        refused=SELF if changing else "",
        why="that is the node's own key, which stays what it is",
    )
