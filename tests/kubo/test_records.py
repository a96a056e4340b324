"""Kubo and this package believe the same IPNS records, and refuse the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from kubo_support import KuboError

from ipfs_comm.errors import IPFSCommError
from ipfs_comm.ipld.codecs import dag_cbor
from ipfs_comm.ipns import _protobuf
from ipfs_comm.ipns._time import format_moment, nanoseconds
from ipfs_comm.ipns.keys import PrivateKey
from ipfs_comm.ipns.record import validate

if TYPE_CHECKING:
    from collections.abc import Callable

    from kubo_support import Daemon

VALUE = b"/ipfs/bafkqaclnn52w45dbnfxgk"
KEY = PrivateKey.generate("ed25519")
RSA = PrivateKey.generate("rsa")
STRANGER = PrivateKey.generate("ed25519")
LATER = format_moment(nanoseconds(datetime.now(UTC) + timedelta(days=1))).encode()
MEMBERS: dict[str, Any] = {"Value": VALUE, "Validity": LATER, "ValidityType": 0, "Sequence": 7, "TTL": 10**9}
NUMBERS = {"Value": 1, "ValidityType": 3, "Validity": 4, "Sequence": 5, "TTL": 6}
LINK = bytes.fromhex("d82a450001550000")
#: In place of a member or field: it is left out.
NOTHING = object()


def signed(data: bytes, key: PrivateKey = KEY) -> bytes:
    return key.sign(b"ipns-signature:" + data)


def record(
    members: dict[str, Any] | None = None,
    *,
    v1: bool = True,
    fields: dict[int, Any] | None = None,
    data: Callable[[bytes], bytes] = bytes,
    key: PrivateKey = KEY,
    after: bytes = b"",
) -> bytes:
    """Return a record whose document, fields or bytes differ from what is valid, its V2 signature right for them."""
    document = {name: value for name, value in (MEMBERS | (members or {})).items() if value is not NOTHING}
    block = data(dag_cbor.encode(document))
    written: dict[int, Any] = {8: signed(block, key), 9: block}
    if v1:
        written |= {NUMBERS[name]: document[name] for name in NUMBERS if isinstance(document.get(name), (int, bytes))}
        written[2] = key.sign(VALUE + LATER + b"EOL")
        # What no field holds is no matter of the field.
        written = {number: value for number, value in written.items() if not isinstance(value, int) or value >= 0}
    written |= fields or {}
    kept = sorted((number, value) for number, value in written.items() if value is not NOTHING)
    return _protobuf.write(kept) + after


def moment(text: str) -> bytes:
    return record({"Validity": text.encode()})


TOMORROW = f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%d}"
V2 = {"v1": False}
CASES: dict[str, bytes] = {
    "as it should be": record(),
    "as it should be, without V1": record(**V2),
    **{f"V2 without {name}": record({name: NOTHING}, v1=False) for name in MEMBERS},
    **{f"without {name}": record({name: NOTHING}) for name in MEMBERS},
    **{f"V1 without {name}": record(fields={NUMBERS[name]: NOTHING}) for name in MEMBERS},
    **{f"V1 of another {name}": record(fields={NUMBERS[name]: value}) for name, value in {
        "Value": b"/ipfs/bafkqaaa", "Validity": b"2100-01-01T00:00:00Z", "ValidityType": 1, "Sequence": 8, "TTL": 2,
    }.items()},
    **{f"{name} is text": record({name: "1"}, v1=False) for name in MEMBERS},
    **{f"{name} is null": record({name: None}, v1=False) for name in MEMBERS},
    **{f"{name} is a list": record({name: [1]}, v1=False) for name in MEMBERS},
    **{f"{name} is -1": record({name: -1}, v1=False) for name in ("ValidityType", "Sequence", "TTL")},
    **{f"{name} is 1.0": record({name: 1.0}, v1=False) for name in ("ValidityType", "Sequence", "TTL")},
    **{f"{name} is false": record({name: False}, v1=False) for name in ("ValidityType", "Sequence", "TTL")},
    **{f"{name} is {value}{'' if v1 else ' in V2'}": record({name: value}, v1=v1)
       for name in ("Sequence", "TTL") for value in (0, (1 << 63) - 1, 1 << 63, (1 << 64) - 1) for v1 in (True, False)},
    "of another validity type": record({"ValidityType": 1}),
    "of another validity type in V2": record({"ValidityType": 1}, v1=False),
    "ended": moment("2020-01-01T00:00:00Z"),
    "without a fraction": moment(f"{TOMORROW}T00:00:00Z"),
    "with a fraction of one digit": moment(f"{TOMORROW}T00:00:00.5Z"),
    "with a fraction of twelve digits": moment(f"{TOMORROW}T00:00:00.123456789012Z"),
    "in another zone": moment(f"{TOMORROW}T00:00:00+02:00"),
    "in small letters": moment(f"{TOMORROW}t00:00:00z"),
    "with a space": moment(f"{TOMORROW} 00:00:00Z"),
    "without a zone": moment(f"{TOMORROW}T00:00:00"),
    "in a zone without a colon": moment(f"{TOMORROW}T00:00:00+0200"),
    "in a leap second": moment("2100-12-31T23:59:60Z"),
    "at hour 24": moment(f"{TOMORROW}T24:00:00Z"),
    "on the 30th of February": moment("2100-02-30T00:00:00Z"),
    "in the year 10000": moment("10000-01-01T00:00:00Z"),
    "at hour 3 of one digit": moment(f"{TOMORROW}T3:00:00Z"),
    "with a comma": moment(f"{TOMORROW}T00:00:00,5Z"),
    "with an empty fraction": moment(f"{TOMORROW}T00:00:00.Z"),
    "in a zone of a day": moment(f"{TOMORROW}T00:00:00+24:00"),
    "in a zone of 60 minutes": moment(f"{TOMORROW}T00:00:00+01:60"),
    "never": moment("never"),
    "at no time": moment(""),
    "of no value": record({"Value": b""}),
    "of no value in V2": record({"Value": b""}, v1=False),
    "of a value without a slash": record({"Value": b"ipfs/bafkqaaa"}),
    "of a value that is no path": record({"Value": b"/nothing/at/all"}),
    "of a value that is no UTF-8": record({"Value": b"/ipfs/\xff"}),
    "of a value that is a CID": record({"Value": bytes.fromhex("01550000")}),
    "of a value that is a name": record({"Value": f"/ipns/{KEY.public.name}".encode()}),
    **{f"with {value!r} beside": record({"_beside": value}, v1=False)
       for value in ("text", b"bytes", 1, -1, True, None, 1.5, [1], {"a": 1})},
    "with an empty name beside": record({"": 1}, v1=False),
    "with a link beside": record(data=lambda block: b"\xa6\x62_l" + LINK + block[1:], v1=False),
    "its keys out of order": record(data=lambda block: b"\xa6" + block[1:] + b"\x61a\x01", v1=False),
    "a key twice": record(data=lambda block: b"\xa6\x63TTL\x01" + block[1:], v1=False),
    "of unlimited length": record(data=lambda block: b"\xbf" + block[1:] + b"\xff", v1=False),
    "bytes after the document": record(data=lambda block: block + b"\x00", v1=False),
    "a number written long": record(data=lambda block: block.replace(b"\x07", b"\x18\x07", 1), v1=False),
    "a tag that is no link": record(data=lambda block: block.replace(b"\x07", b"\xc1\x07", 1), v1=False),
    "a list for a document": record(data=lambda block: b"\x80", v1=False),
    "an empty document": record(data=lambda block: b"\xa0", v1=False),
    "no CBOR": record(data=lambda block: b"\xff", v1=False),
    "V1 alone": record(fields={8: NOTHING, 9: NOTHING}),
    "no data": record(fields={9: NOTHING}),
    "empty data": record(fields={9: b""}),
    "no V2 signature": record(fields={8: NOTHING}),
    "an empty V2 signature": record(fields={8: b""}),
    "a V2 signature cut off": record(fields={8: signed(dag_cbor.encode(MEMBERS))[:-1]}),
    "a V2 signature that goes on": record(fields={8: signed(dag_cbor.encode(MEMBERS)) + b"\x00"}),
    "a V2 signature of the document alone": record(fields={8: KEY.sign(dag_cbor.encode(MEMBERS))}),
    "signed by a stranger": record(key=STRANGER),
    "signed by a stranger, whose key is in it": record(key=STRANGER, fields={7: STRANGER.public.encode()}),
    "no V1 signature": record(fields={2: NOTHING}),
    "an empty V1 signature": record(fields={2: b""}),
    "a wrong V1 signature": record(fields={2: b"wrong"}),
    "a V1 signature alone": record(fields={1: NOTHING, 3: NOTHING, 4: NOTHING, 5: NOTHING, 6: NOTHING}),
    "a V1 value alone": record(v1=False, fields={1: VALUE}),
    "an empty V1 value alone": record(v1=False, fields={1: b""}),
    "empty V1 fields": record(v1=False, fields={1: b"", 2: b""}),
    "V1 numbers alone": record(v1=False, fields={5: 99, 6: 99}),
    "its key in it": record(fields={7: KEY.public.encode()}),
    "a stranger's key in it": record(fields={7: STRANGER.public.encode()}),
    "no key in it": record(fields={7: b""}),
    "rubbish for a key in it": record(fields={7: b"rubbish"}),
    "a key of an unknown kind in it": record(fields={7: b"\x08\x09\x12\x01a"}),
    "a key that is cut off in it": record(fields={7: KEY.public.encode()[:-1]}),
    "an unknown field": record(after=b"\x7a\x01a"),
    "a field of another kind": record(after=b"\x1a\x01a"),
    "a group": record(after=b"\x7b\x08\x01\x7c"),
    "a group that does not end": record(after=b"\x7b"),
    "a group that did not begin": record(after=b"\x7c"),
    "a field of number 0": record(after=b"\x02\x00"),
    "a field of wire type 6": record(after=b"\x7e\x00"),
    "a field that is cut off": record(after=b"\x7a\x05a"),
    "a number of 65 bits": record(after=b"\x78" + b"\xff" * 9 + b"\x02"),
    "a number of eleven bytes": record(after=b"\x78" + b"\x80" * 10 + b"\x00"),
    "the V1 sequence twice": record(after=b"\x28\x08"),
    "the data twice": record(after=b"\x4a\x01\xa0"),
    "the V1 validity type beyond 32 bits": record(fields={3: 1 << 32}),
    "of 10 KiB": record(v1=False, fields={15: b"\x00" * (10_240 - len(record(v1=False)) - 3)}),
    "of a byte more": record(v1=False, fields={15: b"\x00" * (10_240 - len(record(v1=False)) - 2)}),
    "nothing at all": b"",
}  # fmt: skip


#: Members that Kubo reads only when it resolves, moments that RFC 3339 does not have, dag-cbor that is not canonical.
STRICTER = {
    *(f"V2 without {name}" for name in ("Value", "Sequence", "TTL")),
    *(f"{name} is {kind}" for name in ("Value", "Sequence", "TTL") for kind in ("text", "null", "a list")),
    *(f"{name} is {kind}" for name in ("Sequence", "TTL") for kind in ("1.0", "false")),
    "Sequence is -1",
    "at hour 3 of one digit",
    "with a comma",
    "in a zone of 60 minutes",
    "its keys out of order",
    "a tag that is no link",
    "the V1 validity type beyond 32 bits",
}
LAXER = {f"{name} is {value}" for name in ("Sequence", "TTL") for value in (1 << 63, (1 << 64) - 1)}


def believed_by_kubo(kubo: Daemon, data: bytes, name: str) -> bool:
    try:
        (seen,) = kubo.lines("name/inspect", files=[data], verify=name)
    except KuboError:
        return False
    return bool(seen["Validation"]["Valid"])


def believed_by_us(data: bytes, name: str) -> bool:
    try:
        validate(data, name=name)
    except IPFSCommError:
        return False
    return True


@pytest.mark.parametrize("case", sorted(CASES.keys() - STRICTER - LAXER))
def test_a_record_is_believed_by_both_or_by_none(kubo: Daemon, case: str) -> None:
    name = str(KEY.public.name)
    assert believed_by_us(CASES[case], name) == believed_by_kubo(kubo, CASES[case], name)


@pytest.mark.parametrize("case", sorted(STRICTER))
def test_kubo_believes_what_it_does_not_look_at_and_we_ask_for_what_the_specification_does(
    kubo: Daemon, case: str
) -> None:
    name = str(KEY.public.name)
    assert believed_by_kubo(kubo, CASES[case], name)
    assert not believed_by_us(CASES[case], name)


@pytest.mark.parametrize("case", sorted(LAXER))
def test_kubo_has_63_bits_for_a_number_that_has_64(kubo: Daemon, case: str) -> None:
    name = str(KEY.public.name)
    assert not believed_by_kubo(kubo, CASES[case], name)
    assert believed_by_us(CASES[case], name)


@pytest.mark.parametrize("held", [True, False])
def test_a_key_that_the_name_does_not_hold_must_be_in_the_record(kubo: Daemon, held: bool) -> None:
    name = str(RSA.public.name)
    data = record(key=RSA, fields={7: RSA.public.encode()} if held else None)
    assert believed_by_us(data, name) == believed_by_kubo(kubo, data, name) == held
