"""Private keys as others keep them: PKCS #8 in PEM, libp2p's sealed text, and the serialization in clear.

Specifications: RFC 5958, RFC 8018 and RFC 7468 for PEM; js-libp2p's format ``libp2p-key`` (multibase base64 of salt,
nonce and AES-128-GCM, its key by PBKDF2 with SHA-256); Kubo's ``libp2p-protobuf-cleartext`` and
``pem-pkcs8-cleartext``.
"""

from __future__ import annotations

import binascii
import contextlib
import hashlib
import os
from typing import TYPE_CHECKING, Final, Literal, get_args

from ipfs_comm._shown import shown
from ipfs_comm.errors import InvalidInputError
from ipfs_comm.ipld import multibase
from ipfs_comm.ipns.keys import PrivateKey

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
    from cryptography.hazmat.primitives.serialization import KeySerializationEncryption

__all__ = ["FORMATS", "MAX_SIZE", "Format", "export_key", "import_key"]

Format = Literal["pem-pkcs8", "pem-pkcs8-cleartext", "libp2p-key", "libp2p-protobuf-cleartext"]
FORMATS: Final[tuple[Format, ...]] = get_args(Format)

#: Longest exported key that is looked at, in bytes or characters.
MAX_SIZE: Final = 32 * 1024
#: Rounds of PBKDF2 that are computed for a stranger's file; what is written today has at most a million.
MAX_ROUNDS: Final = 5_000_000

_SALT, _NONCE, _TAG, _SEAL_ROUNDS = 16, 12, 16, 32_767
_PBES2: Final = bytes.fromhex("2a864886f70d01050d")
_PBKDF2: Final = bytes.fromhex("2a864886f70d01050c")
_ENCRYPTED: Final = "ENCRYPTED PRIVATE KEY"


def export_key(key: PrivateKey, form: str | None = None, password: str | None = None) -> str | bytes:
    """Return a private key for keeping elsewhere.

    Parameters
    ----------
    key : PrivateKey
    form : str, optional
        One of ``FORMATS``; as js-libp2p where not given: ``pem-pkcs8`` for RSA, ``libp2p-key`` for other keys, of
        which it reads no PEM.
    password : str, optional
        Needed by ``pem-pkcs8`` and ``libp2p-key``; the two others are in clear and take none.

    Returns
    -------
    str or bytes
        Text, but for ``libp2p-protobuf-cleartext``.

    Raises
    ------
    InvalidInputError
        There is no such format, or the password is missing or of no use.
    """
    if form is None:
        form = "pem-pkcs8" if key.type == "rsa" else "libp2p-key"
    if form not in FORMATS:
        raise InvalidInputError(f"there is no key format {shown(form)}: use one of {', '.join(FORMATS)}")
    clear = form.endswith("cleartext")
    if clear and password is not None:
        raise InvalidInputError(f"{form} is in clear and takes no password: use pem-pkcs8 or libp2p-key")
    if not clear and not password:
        raise InvalidInputError(
            f"{form} needs a password; in clear, a key is exported as libp2p-protobuf-cleartext or pem-pkcs8-cleartext",
            code="ERR_PASSWORD_REQUIRED",
        )
    if form == "libp2p-protobuf-cleartext":
        return key.encode()
    if form == "libp2p-key":
        return _seal(key.encode(), password or "")
    from cryptography.hazmat.primitives.serialization import (
        BestAvailableEncryption,
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    lock: KeySerializationEncryption = BestAvailableEncryption(password.encode()) if password else NoEncryption()
    return key.to_library().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock).decode("ascii")


def import_key(data: str | bytes, password: str | None = None) -> PrivateKey:
    """Return the private key that any of the formats holds.

    Deriving a key from a password takes up to a few seconds of one processor.

    Parameters
    ----------
    data : str or bytes
        What was exported.
    password : str, optional
        What it was encrypted with.

    Raises
    ------
    InvalidInputError
        It is no key (code ``ERR_INVALID_KEY``), it needs a password (``ERR_PASSWORD_REQUIRED``), or the password is
        not the right one (``ERR_WRONG_PASSWORD``).
    """
    if len(data) > MAX_SIZE:
        raise InvalidInputError(f"{len(data)} bytes are too many for a key: at most {MAX_SIZE}", code="ERR_INVALID_KEY")
    raw = data.encode() if isinstance(data, str) else bytes(data)
    if b"-----BEGIN " in raw:
        return _from_pem(raw, password)
    if isinstance(data, str) or (raw.startswith(b"m") and raw.isascii()):
        return PrivateKey.decode(_unseal(raw.decode("ascii", "replace").strip(), password))
    return PrivateKey.decode(raw)


def _from_pem(raw: bytes, password: str | None) -> PrivateKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    encrypted = _ENCRYPTED.encode() in raw or b"Proc-Type: 4,ENCRYPTED" in raw
    if encrypted and not password:
        raise InvalidInputError("this key is encrypted: give its password", code="ERR_PASSWORD_REQUIRED")
    if _ENCRYPTED.encode() in raw:
        _check_rounds(raw)
    loaded: PrivateKeyTypes | None = None
    refusal: Exception | None = None
    for spelling in _spellings(password) if encrypted and password else [None]:
        try:
            loaded = load_pem_private_key(raw, spelling)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            refusal = refusal or error
        else:
            break
    if loaded is None and encrypted:
        raise InvalidInputError(
            f"this key cannot be decrypted: the password is not the right one, or it is damaged ({refusal})",
            code="ERR_WRONG_PASSWORD",
        )
    if loaded is None:
        raise InvalidInputError(f"this PEM holds no key that can be used: {refusal}", code="ERR_INVALID_KEY")
    return PrivateKey.of_library(loaded)


def _spellings(password: str) -> list[bytes]:
    """Return the bytes that a password may have been: UTF-8, and Latin-1, which is what js-ipfs used for PEM."""
    spellings = [password.encode()]
    with contextlib.suppress(UnicodeEncodeError):
        spellings.append(password.encode("latin-1"))
    return spellings[:1] if password.isascii() else spellings


def _check_rounds(raw: bytes) -> None:
    """Refuse a key derivation that is unknown, or would keep a processor busy for long.

    The file is a stranger's, and how much work its password takes is for the file to say.
    """
    try:
        body = raw.split(f"-----BEGIN {_ENCRYPTED}-----".encode(), 1)[1].split(b"-----END", 1)[0]
        algorithm = _children(_children(binascii.a2b_base64(body))[0])[0]
        scheme, parameters = _children(algorithm)
        derivation, settings = _children(_children(parameters)[0])
        rounds = int.from_bytes(_children(settings)[1], "big")
    except (IndexError, ValueError):
        raise InvalidInputError("this encrypted key is damaged", code="ERR_INVALID_KEY") from None
    if scheme != _PBES2 or derivation != _PBKDF2 or rounds > MAX_ROUNDS:
        raise InvalidInputError(
            f"this key is encrypted in a way that is not taken: PBES2 with PBKDF2 of at most {MAX_ROUNDS} rounds is",
            code="ERR_INVALID_KEY",
        )


def _children(der: bytes) -> list[bytes]:
    """Return the contents of the elements that a DER value is made of."""
    found: list[bytes] = []
    at = 0
    while at < len(der):
        size, start = der[at + 1], at + 2
        if size & 0x80:
            count = size & 0x7F
            if not 0 < count <= 4:
                raise ValueError("a length that DER does not have")
            size, start = int.from_bytes(der[start : start + count], "big"), start + count
        if start + size > len(der):
            raise ValueError("an element goes beyond its parent")
        found.append(der[start : start + size])
        at = start + size
    return found


def _seal(secret: bytes, password: str) -> str:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    salt, nonce = os.urandom(_SALT), os.urandom(_NONCE)
    sealed = AESGCM(_sealing_key(password, salt)).encrypt(nonce, secret, None)
    return multibase.encode(salt + nonce + sealed, "base64")


def _unseal(text: str, password: str | None) -> bytes:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if not text.startswith("m"):
        raise InvalidInputError(
            "this is no exported key: give PEM, libp2p's text (m…) or its serialization as bytes",
            code="ERR_INVALID_KEY",
        )
    raw = multibase.decode(text)
    if len(raw) <= _SALT + _NONCE + _TAG:
        raise InvalidInputError("this sealed key is cut off", code="ERR_INVALID_KEY")
    if not password:
        raise InvalidInputError("this key is encrypted: give its password", code="ERR_PASSWORD_REQUIRED")
    salt, nonce, sealed = raw[:_SALT], raw[_SALT : _SALT + _NONCE], raw[_SALT + _NONCE :]
    try:
        return AESGCM(_sealing_key(password, salt)).decrypt(nonce, sealed, None)
    except InvalidTag:
        raise InvalidInputError(
            "this key cannot be decrypted: the password is not the right one, or it is damaged",
            code="ERR_WRONG_PASSWORD",
        ) from None


def _sealing_key(password: str, salt: bytes) -> bytes:
    return hashlib.pbkdf2_hmac("sha256", password.encode(), salt, _SEAL_ROUNDS, 16)
