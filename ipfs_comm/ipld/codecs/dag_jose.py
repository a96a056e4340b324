"""The dag-jose codec: signed (JWS) and encrypted (JWE) JOSE objects, in dag-cbor with their base64url members as bytes.

Nothing is signed, verified, encrypted or decrypted here.

Specification: ipld.io, codecs, dag-jose; RFC 7515 and RFC 7516, general JSON serialization.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, Any, Final

from ipfs_comm._shown import shown
from ipfs_comm.errors import InvalidCIDError
from ipfs_comm.ipld.cid import CID
from ipfs_comm.ipld.codecs import _cbor
from ipfs_comm.ipld.codecs.base import Bytes, Codec, Path, refusal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["CODEC", "decode", "encode"]

NAME: Final = "dag-jose"

#: Members of a kind of object, each with whether its value is base64url text (bytes in the block) or stays as it is.
SIGNATURE: Final = {"header": False, "protected": True, "signature": True}
RECIPIENT: Final = {"encrypted_key": True, "header": False}
JWE: Final = {"aad": True, "ciphertext": True, "iv": True, "protected": True, "tag": True, "unprotected": False}

_BASE64URL: Final = re.compile(r"[A-Za-z0-9_-]*")


def encode(value: Any) -> bytes:
    """Return the block of a JOSE object.

    Parameters
    ----------
    value : str or dict
        A JWS or JWE in compact form (text of three or five parts), or the general form with base64url text. A JWS's
        payload is a CID's bytes. Its ``link`` follows from the payload and is not encoded.

    Raises
    ------
    CodecError
        It is neither, a member is missing or of the wrong type, or a payload is no CID.
    """
    general = _general(value) if isinstance(value, str) else value
    if not isinstance(general, dict):
        raise _refused("encode", "a JWS or JWE is needed: compact text, or a dict in general form")
    if "payload" in general:
        payload = _unbase64(general["payload"], "payload")
        _payload_cid("encode", payload)
        signatures = [_bytes_form(each, SIGNATURE, "signature") for each in _list(general, "signatures")]
        return _cbor.encode("dag-cbor", {"payload": payload, "signatures": signatures}, links=True)
    block = _bytes_form({k: v for k, v in general.items() if k != "recipients"}, JWE, "ciphertext")
    if "recipients" in general:
        block["recipients"] = [_bytes_form(each, RECIPIENT, None) for each in _list(general, "recipients")]
    return _cbor.encode("dag-cbor", block, links=True)


def decode(data: Bytes) -> Any:
    """Parse a block to the general form, members as base64url text; a JWS has ``link``, the CID that is its payload.

    Raises
    ------
    CodecError
        The block is no JOSE object.
    """
    block = _cbor.decode("dag-cbor", data, links=True)
    if not isinstance(block, dict):
        raise _refused("decode", "the block is no map")
    if "payload" in block:
        payload = block["payload"]
        if not isinstance(payload, bytes):
            raise _refused("decode", "payload is not bytes")
        signatures = [_text_form(each, SIGNATURE) for each in _list(block, "signatures", "decode")]
        return {"payload": _base64(payload), "signatures": signatures, "link": _payload_cid("decode", payload)}
    general = _text_form({k: v for k, v in block.items() if k != "recipients"}, JWE)
    if "ciphertext" not in general:
        raise _refused("decode", "the block has neither payload nor ciphertext")
    if "recipients" in block:
        general["recipients"] = [_text_form(each, RECIPIENT) for each in _list(block, "recipients", "decode")]
    return general


def _links(data: Bytes) -> Iterator[tuple[Path, CID]]:
    general = decode(data)
    if "link" in general:
        yield ("link",), general["link"]


def _general(compact: str) -> dict[str, Any]:
    parts = compact.split(".")
    if len(parts) == 3:
        protected, payload, signature = parts
        return {"payload": payload, "signatures": [{"protected": protected, "signature": signature}]}
    if len(parts) == 5:
        protected, key, iv, ciphertext, tag = parts
        general: dict[str, Any] = {"protected": protected, "iv": iv, "ciphertext": ciphertext, "tag": tag}
        if key:
            general["recipients"] = [{"encrypted_key": key}]
        return general
    raise _refused("encode", f"compact text has three parts (JWS) or five (JWE), this has {len(parts)}")


def _bytes_form(value: Any, members: Mapping[str, bool], needed: str | None) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _refused("encode", f"a map with {', '.join(members)} is needed, not {type(value).__name__}")
    if needed is not None and needed not in value:
        raise _refused("encode", f"{needed} is missing")
    return {
        name: _unbase64(value[name], name) if is_text else value[name]
        for name, is_text in members.items()
        if value.get(name) is not None
    }


def _text_form(value: Any, members: Mapping[str, bool]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _refused("decode", f"a map with {', '.join(members)} is needed")
    general = {}
    for name, item in value.items():
        if name not in members:
            raise _refused("decode", f"{shown(name)} has no place there")
        if members[name] and not isinstance(item, bytes):
            raise _refused("decode", f"{name} is not bytes")
        general[name] = _base64(item) if members[name] else item
    return general


def _list(value: dict[str, Any], name: str, doing: str = "encode") -> list[Any]:
    items = value.get(name)
    if not isinstance(items, list):
        raise _refused(doing, f"{name} is not a list")
    return items


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _unbase64(text: Any, name: str) -> bytes:
    if not isinstance(text, str) or not _BASE64URL.fullmatch(text):
        raise _refused("encode", f"{name} is not base64url text without padding")
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as error:
        raise _refused("encode", f"{name} is not base64url text: {error}") from None


def _payload_cid(doing: str, payload: bytes) -> CID:
    try:
        return CID.decode(payload)
    except InvalidCIDError as error:
        raise _refused(doing, f"the payload of a signed object is no CID: {error}") from None


def _refused(doing: str, why: str) -> Exception:
    return refusal(NAME, doing, why)


CODEC = Codec(NAME, 0x85, encode, decode, _links)
