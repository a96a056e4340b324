"""Every exception that this package raises on purpose.

- IPFSCommError
  + InvalidInputError       (ERR_INVALID_INPUT)      what cannot be meant; also a ValueError
    + InvalidCIDError       (ERR_INVALID_CID)
    + InvalidPathError      (ERR_INVALID_PATH)
    + CodecError            (ERR_CODEC)              bytes or a value that a codec refuses
    + UnknownCodecError     (ERR_UNKNOWN_CODEC)
    + UnknownHashError      (ERR_UNKNOWN_HASH)
    + InvalidNameError      (ERR_INVALID_NAME)       text or bytes that are no IPNS name
    + InvalidRecordError    (ERR_INVALID_RECORD)     an IPNS record that must not be believed, and why
  + NotFoundError           (ERR_NOT_FOUND)          a block or a path segment that nobody has; also a LookupError
    + NoLinkError           (ERR_NO_LINK)            the node is here, the link asked for is not in it
  + NotUnixFSError          (ERR_NOT_UNIXFS)         a DAG that is no file and no directory where one was needed
  + HashMismatchError       (ERR_HASH_MISMATCH)      bytes that do not match their CID
  + LimitError              (ERR_LIMIT)              something larger, deeper or more than its limit
  + NoSpaceError            (ERR_NO_SPACE)
  + RepositoryError         (ERR_REPO)               a repository that cannot be used, and why
  + PinningServiceError     (ERR_PINNING_SERVICE)    a remote pinning service that cannot be reached, refuses, or errs
  + DaemonError             (ERR_KUBO)               what a Kubo daemon refused, in its words, where none of these fits
    + UnreachableError      (ERR_UNREACHABLE)        a daemon that is not there, or went away; also a ConnectionError
  + NotSupportedError       (ERR_NOT_SUPPORTED)      this node cannot do that; the message says which can
  + CancelledByAbortError   (ERR_ABORTED)            "AbortError" on the wire
  + DeadlineError           (ERR_TIMEOUT)            "TimeoutError" on the wire; also a TimeoutError
  + DataCloneError          (ERR_DATA_CLONE)         a value that structured clone cannot carry; names the path to it
  + LinkError               (ERR_CARRIER …)          a link or port that ended; also a ConnectionError
    + ProtocolError         (ERR_PROTOCOL)           a packet, frame or message that breaks the protocol
    + VersionError          (ERR_VERSION)            two ends with no version in common
  + RemoteError             (the peer's code)        an error that happened at the other end of a port
  + PageError               (ERR_PAGE)               an exception in the page, with the page's stack
    + NoPageError           (ERR_NO_PAGE)            no page took the cell

Each has a ``code`` that the JavaScript world knows, and a ``detail`` mapping of plain values (CID and path as text)
for programs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from ipfs_comm._shown import cut

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "CancelledByAbortError",
    "CodecError",
    "DaemonError",
    "DataCloneError",
    "DeadlineError",
    "HashMismatchError",
    "IPFSCommError",
    "InvalidCIDError",
    "InvalidInputError",
    "InvalidNameError",
    "InvalidPathError",
    "InvalidRecordError",
    "LimitError",
    "LinkError",
    "NoLinkError",
    "NoPageError",
    "NoSpaceError",
    "NotFoundError",
    "NotSupportedError",
    "NotUnixFSError",
    "PageError",
    "PinningServiceError",
    "ProtocolError",
    "RemoteError",
    "RepositoryError",
    "UnknownCodecError",
    "UnknownHashError",
    "UnreachableError",
    "VersionError",
]


#: Most characters of a message, and of one text of its details: what was given may have any number of them.
_MOST: Final = 8192


class IPFSCommError(Exception):
    """Base of all errors of this package.

    Parameters
    ----------
    message : str
        What was being done, with which CID or path, what went wrong, and what to do; cut in its middle to 8192
        characters.
    code : str, optional
        Overrides the class's code.
    detail : mapping of str to plain values, optional
        The same facts for programs, for example ``{"cid": "bafy…", "path": "/a/b"}``.
    """

    code: str = "ERR_UNKNOWN"
    #: The name that the error has on the JavaScript side; the class's own name where this is empty.
    js_name: ClassVar[str] = ""

    def __init__(self, message: str, *, code: str | None = None, detail: Mapping[str, Any] | None = None) -> None:
        # What another end sent as an error may have anything for its message.
        super().__init__(cut(message, _MOST) if isinstance(message, str) else message)
        if code is not None:
            self.code = code
        self.detail: dict[str, Any] = {
            name: cut(value, _MOST) if isinstance(value, str) else value for name, value in (detail or {}).items()
        }

    @property
    def name(self) -> str:
        """The name that this error has for programs here; on the wire it is ``js_name``, or ``Error``."""
        return self.js_name or type(self).__name__


class InvalidInputError(IPFSCommError, ValueError):
    """An argument, option or message that cannot be meant."""

    code = "ERR_INVALID_INPUT"


class InvalidCIDError(InvalidInputError):
    """Text or bytes that are no CID."""

    code = "ERR_INVALID_CID"


class InvalidPathError(InvalidInputError):
    """A content path that cannot be parsed."""

    code = "ERR_INVALID_PATH"


class CodecError(InvalidInputError):
    """Bytes or a value that a codec refuses."""

    code = "ERR_CODEC"


class UnknownCodecError(InvalidInputError):
    """A codec that is not in the registry."""

    code = "ERR_UNKNOWN_CODEC"


class UnknownHashError(InvalidInputError):
    """A hash function that is not in the registry."""

    code = "ERR_UNKNOWN_HASH"


class InvalidNameError(InvalidInputError):
    """Text or bytes that are no IPNS name."""

    code = "ERR_INVALID_NAME"


class InvalidRecordError(InvalidInputError):
    """An IPNS record that must not be believed."""

    code = "ERR_INVALID_RECORD"


class NotFoundError(IPFSCommError, LookupError):
    """A block, a path segment or a name that nobody has."""

    code = "ERR_NOT_FOUND"


class NoLinkError(NotFoundError):
    """The node is here; the link asked for is not in it."""

    code = "ERR_NO_LINK"


class NotUnixFSError(IPFSCommError):
    """A DAG that is no file and no directory where one was needed."""

    code = "ERR_NOT_UNIXFS"


class HashMismatchError(IPFSCommError):
    """Bytes that do not match their CID."""

    code = "ERR_HASH_MISMATCH"


class LimitError(IPFSCommError):
    """Something larger, deeper or more than its limit."""

    code = "ERR_LIMIT"


class NoSpaceError(IPFSCommError):
    """The repository's limit or the disk's free space would be exceeded."""

    code = "ERR_NO_SPACE"


class RepositoryError(IPFSCommError):
    """A repository that cannot be used."""

    code = "ERR_REPO"


class PinningServiceError(IPFSCommError):
    """A remote pinning service that cannot be reached, refuses, or answers with something else."""

    code = "ERR_PINNING_SERVICE"


class DaemonError(IPFSCommError):
    """What a Kubo daemon refused, where no other error fits."""

    code = "ERR_KUBO"


class UnreachableError(DaemonError, ConnectionError):
    """A Kubo daemon that is not there, or went away."""

    code = "ERR_UNREACHABLE"


class NotSupportedError(IPFSCommError):
    """Something that this node cannot do."""

    code = "ERR_NOT_SUPPORTED"


class CancelledByAbortError(IPFSCommError):
    """The caller aborted the call."""

    code = "ERR_ABORTED"
    js_name = "AbortError"


class DeadlineError(IPFSCommError, TimeoutError):
    """A call did not end within its ``timeout``."""

    code = "ERR_TIMEOUT"
    js_name = "TimeoutError"


class DataCloneError(IPFSCommError):
    """A value that structured clone cannot carry."""

    code = "ERR_DATA_CLONE"


class LinkError(IPFSCommError, ConnectionError):
    """A link or port that ended, with the reason."""

    code = "ERR_CARRIER"


class ProtocolError(LinkError):
    """A packet, frame or message that breaks the protocol."""

    code = "ERR_PROTOCOL"


class VersionError(LinkError):
    """Two ends with no protocol version in common."""

    code = "ERR_VERSION"


class RemoteError(IPFSCommError):
    """An error that happened at the other end of a port.

    ``name``, ``code``, ``detail`` and ``stack`` are the peer's, and so are ``__cause__``, the error behind it, and
    ``errors``, those that it stands for together.
    """

    def __init__(
        self,
        message: str,
        *,
        name: str = "Error",
        code: str | None = None,
        detail: Mapping[str, Any] | None = None,
        stack: str | None = None,
    ) -> None:
        super().__init__(message, code=code, detail=detail)
        self._name = name
        self.stack = stack
        self.errors: tuple[RemoteError, ...] = ()

    @property
    def name(self) -> str:
        """The name that the peer gave it."""
        return self._name


class PageError(IPFSCommError):
    """An exception in the page."""

    code = "ERR_PAGE"


class NoPageError(PageError):
    """No page took the cell."""

    code = "ERR_NO_PAGE"
