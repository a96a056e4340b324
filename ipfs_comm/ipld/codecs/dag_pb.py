"""The dag-pb codec: nodes with named links and bytes, as files and directories are stored.

Specification: ipld.io, codecs, dag-pb. Links are written before Data and sorted by the bytes of their names; the order
of links with equal names is kept. Data before Links is read, as older software wrote it. A name that is no UTF-8 (a
file name as the disk had it) is read with ``surrogateescape`` and written back as the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ipfs_comm._shown import shown
from ipfs_comm.errors import InvalidCIDError
from ipfs_comm.ipld.cid import CID
from ipfs_comm.ipld.codecs.base import Bytes, Codec, Path, refusal

__all__ = ["CODEC", "PBLink", "PBNode", "decode", "encode", "from_form", "to_form"]

_MAX_TSIZE = (1 << 64) - 1


class PBLink(NamedTuple):
    """One link of a node.

    Attributes
    ----------
    hash : CID
        Where it leads.
    name : str or None
        Its name; None where the field is absent, which is not the same block as ``""``.
    tsize : int or None
        Cumulative size in bytes of the DAG behind it; None where the field is absent.
    """

    hash: CID
    name: str | None = None
    tsize: int | None = None


class PBNode(NamedTuple):
    """A dag-pb node.

    Attributes
    ----------
    links : sequence of PBLink
        Its links, in order.
    data : bytes or None
        Its bytes; None where the field is absent, which is not the same block as ``b""``.
    """

    links: Sequence[PBLink] = ()
    data: bytes | None = None


def _varint(value: int) -> bytes:
    groups = bytearray()
    while value > 127:
        groups.append(value & 127 | 128)
        value >>= 7
    groups.append(value)
    return bytes(groups)


_ONE_BYTE = tuple(bytes((value,)) for value in range(128))


def encode(node: PBNode) -> bytes:
    """Return the canonical bytes of a node.

    Parameters
    ----------
    node : PBNode
        What to encode; its links are sorted by name if they are not.

    Returns
    -------
    bytes

    Raises
    ------
    CodecError
        A field has the wrong type or is out of range.
    """
    links, data = node
    encoded = []
    last = b""
    in_order = True
    for link in links:
        hash_, name, tsize = link
        if type(hash_) is not CID:
            raise refusal("dag-pb", "encode", f"the Hash of a link must be a CID, not {type(hash_).__name__}")
        raw = bytes(hash_)
        size = len(raw)
        body = b"\x0a" + (_ONE_BYTE[size] if size < 128 else _varint(size)) + raw
        if name is None:
            key = b""
        else:
            key = _name_bytes(name)
            size = len(key)
            body += b"\x12" + (_ONE_BYTE[size] if size < 128 else _varint(size)) + key
        if tsize is not None:
            if type(tsize) is not int or not 0 <= tsize <= _MAX_TSIZE:
                raise refusal(
                    "dag-pb",
                    "encode",
                    f"the Tsize of link {shown(name)} must be an int from 0 to 2^64 - 1, not {shown(tsize)}",
                )
            body += b"\x18" + (_ONE_BYTE[tsize] if tsize < 128 else _varint(tsize))
        size = len(body)
        encoded.append((key, b"\x12" + (_ONE_BYTE[size] if size < 128 else _varint(size)) + body))
        if key < last:
            in_order = False
        last = key
    if not in_order:
        encoded.sort(key=_first)
    parts = [body for _, body in encoded]
    if data is not None:
        if not isinstance(data, (bytes, bytearray, memoryview)):
            raise refusal("dag-pb", "encode", f"Data must be bytes, not {type(data).__name__}")
        parts += (b"\x0a", _varint(len(data)), bytes(data))
    return b"".join(parts)


def _first(pair: tuple[bytes, bytes]) -> bytes:
    return pair[0]


def _name_bytes(name: object) -> bytes:
    if not isinstance(name, str):
        raise refusal("dag-pb", "encode", f"the Name of a link must be a str, not {type(name).__name__}")
    try:
        return name.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        raise refusal(
            "dag-pb", "encode", f"the name {shown(name)} of a link has a lone surrogate at {error.start}"
        ) from None


def _read_varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            if value > _MAX_TSIZE:
                break
            return value, position
        shift += 7
        if shift > 63:
            break
    raise refusal("dag-pb", "decode", f"the number that ends at byte {position} has more than 64 bits")


def decode(data: Bytes) -> PBNode:
    """Parse a node.

    Parameters
    ----------
    data : bytes-like
        The whole block.

    Returns
    -------
    PBNode
        Its links are a list.

    Raises
    ------
    CodecError
        The bytes are no dag-pb node: a field that does not exist, comes twice or out of order, has the wrong type, or
        is cut off.
    """
    raw = data if type(data) is bytes else bytes(data)
    try:
        return _decode(raw)
    except InvalidCIDError as error:
        raise refusal("dag-pb", "decode", f"the Hash of a link is no CID: {error}") from None
    except IndexError:
        raise refusal(
            "dag-pb", "decode", f"the block is cut off: it ends after {len(raw)} bytes, in the middle of a number"
        ) from None


def _decode(raw: bytes) -> PBNode:
    size = len(raw)
    position = 0
    links: list[PBLink] = []
    found: bytes | None = None
    links_ended = False
    while position < size:
        tag = raw[position]
        if tag != 0x12 and tag != 0x0A:
            raise refusal(
                "dag-pb", "decode", f"byte {position} is {tag:#04x}, which begins neither Links (0x12) nor Data (0x0a)"
            )
        length = raw[position + 1]
        position += 2
        if length > 127:
            length, position = _read_varint(raw, position - 1)
        end = position + length
        if end > size:
            raise refusal(
                "dag-pb", "decode", f"a field at byte {position} claims {length} bytes, {size - position} are there"
            )
        if tag == 0x12:
            if links_ended:
                raise refusal("dag-pb", "decode", f"Links come again at byte {position}, after Data")
            hash_end = position + 2 + raw[position + 1]
            # Nearly every link has Hash, Name and Tsize, the first two shorter than 128 bytes: read without a call.
            if (
                hash_end + 4 <= end
                and raw[position] == 0x0A
                and raw[position + 1] < 128
                and raw[hash_end] == 0x12
                and (name_size := raw[hash_end + 1]) < 128
                and (at := hash_end + 2 + name_size) + 2 <= end
                and raw[at] == 0x18
            ):
                tsize = raw[at + 1]
                at += 2
                if tsize > 127:
                    tsize, at = _read_varint(raw, at - 1)
                if at == end:
                    name = raw[hash_end + 2 : hash_end + 2 + name_size].decode("utf-8", "surrogateescape")
                    links.append(PBLink(CID.decode(raw[position + 2 : hash_end]), name, tsize))
                    position = end
                    continue
            links.append(_decode_link(raw, position, end))
        else:
            if found is not None:
                raise refusal("dag-pb", "decode", f"Data comes twice, again at byte {position}")
            found = raw[position:end]
            links_ended = bool(links)
        position = end
    return PBNode(links, found)


def _decode_link(raw: bytes, position: int, end: int) -> PBLink:
    hash_ = name = tsize = None
    while position < end:
        tag = raw[position]
        length = raw[position + 1]
        position += 2
        if length > 127:
            length, position = _read_varint(raw, position - 1)
        if tag == 0x18:
            if tsize is not None:
                raise refusal("dag-pb", "decode", f"Tsize comes twice in a link, again at byte {position}")
            tsize = length
            continue
        stop = position + length
        if stop > end:
            raise refusal(
                "dag-pb",
                "decode",
                f"a field of a link at byte {position} claims {length} bytes, {end - position} are there",
            )
        if tag == 0x0A:
            if hash_ is not None or name is not None or tsize is not None:
                raise refusal("dag-pb", "decode", f"Hash comes twice or late in a link, at byte {position}")
            hash_ = CID.decode(raw[position:stop])
        elif tag == 0x12:
            if name is not None or tsize is not None:
                raise refusal("dag-pb", "decode", f"Name comes twice or late in a link, at byte {position}")
            name = raw[position:stop].decode("utf-8", "surrogateescape")
        else:
            raise refusal(
                "dag-pb", "decode", f"byte {position} of a link begins neither Hash, Name nor Tsize: {tag:#04x}"
            )
        position = stop
    if position > end:
        raise refusal("dag-pb", "decode", f"a number in a link goes beyond the link's end at byte {end}")
    if hash_ is None:
        raise refusal("dag-pb", "decode", f"the link that ends at byte {end} has no Hash")
    return PBLink(hash_, name, tsize)


def to_form(node: PBNode) -> dict[str, Any]:
    """Return a node as a value of the data model.

    That is ``{"Data": bytes, "Links": [{"Hash": CID, "Name": str, "Tsize": int}]}``, absent fields left out.
    """
    form: dict[str, Any] = {} if node.data is None else {"Data": node.data}
    entries = []
    for hash_, name, tsize in node.links:
        entry: dict[str, Any] = {"Hash": hash_}
        if name is not None:
            entry["Name"] = name
        if tsize is not None:
            entry["Tsize"] = tsize
        entries.append(entry)
    form["Links"] = entries
    return form


def from_form(form: Any) -> PBNode:
    """Return the node that a value of the data model stands for.

    Raises
    ------
    CodecError
        The value has another form.
    """
    if isinstance(form, PBNode):
        return form
    if not isinstance(form, Mapping):
        raise refusal(
            "dag-pb", "encode", f"the value must be a map with Links and perhaps Data, not {type(form).__name__}"
        )
    if strangers := form.keys() - {"Data", "Links"}:
        raise refusal(
            "dag-pb",
            "encode",
            f"the map has {_listed(strangers)}, only Data and Links may be there; use dag-cbor for other maps",
        )
    links = form.get("Links")
    if not isinstance(links, (list, tuple)):
        raise refusal("dag-pb", "encode", f"Links must be a list, not {type(links).__name__}")
    data = form.get("Data")
    if "Data" in form and not isinstance(data, (bytes, bytearray, memoryview)):
        raise refusal(
            "dag-pb", "encode", f"Data must be bytes, not {type(data).__name__}; leave it out if there is none"
        )
    return PBNode(
        [_link_from_form(index, link) for index, link in enumerate(links)], None if data is None else bytes(data)
    )


def _link_from_form(index: int, form: Any) -> PBLink:
    if isinstance(form, PBLink):
        return form
    if not isinstance(form, Mapping) or isinstance(form, CID):
        raise refusal(
            "dag-pb", "encode", f"Links/{index} must be a map with Hash, Name and Tsize, not {type(form).__name__}"
        )
    if strangers := form.keys() - {"Hash", "Name", "Tsize"}:
        raise refusal(
            "dag-pb", "encode", f"Links/{index} has {_listed(strangers)}, only Hash, Name and Tsize may be there"
        )
    if "Hash" not in form:
        raise refusal("dag-pb", "encode", f"Links/{index} has no Hash")
    hash_ = form["Hash"]
    if not isinstance(hash_, CID):
        if isinstance(hash_, (str, bytes, bytearray, memoryview)):
            raise refusal(
                "dag-pb",
                "encode",
                f"Links/{index}/Hash must be a CID, not {type(hash_).__name__}; make one with CID.of",
            )
        try:
            hash_ = CID.of(hash_)
        except InvalidCIDError as error:
            raise refusal("dag-pb", "encode", f"Links/{index}/Hash must be a CID: {error}") from None
    for key, kind in (("Name", str), ("Tsize", int)):
        if key in form and (not isinstance(form[key], kind) or isinstance(form[key], bool)):
            raise refusal(
                "dag-pb", "encode", f"Links/{index}/{key} must be {kind.__name__}, not {type(form[key]).__name__}"
            )
    return PBLink(hash_, form.get("Name"), form.get("Tsize"))


def _listed(keys: Iterable[Any]) -> str:
    return ", ".join(sorted(repr(key)[:40] for key in keys)[:5])


def _encode_form(value: Any) -> bytes:
    return encode(from_form(value))


def _decode_form(data: Bytes) -> dict[str, Any]:
    return to_form(decode(data))


def _links(data: Bytes) -> Iterator[tuple[Path, CID]]:
    for index, link in enumerate(decode(data).links):
        yield ("Links", index, "Hash"), link.hash


CODEC = Codec("dag-pb", 0x70, _encode_form, _decode_form, _links)
