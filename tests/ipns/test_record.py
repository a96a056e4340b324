"""IPNS records: what is made is believed, and what was touched is not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from ipfs_comm.errors import InvalidInputError, InvalidRecordError
from ipfs_comm.ipld.codecs import dag_cbor
from ipfs_comm.ipns import MAX_RECORD_SIZE, PrivateKey, Record, create, select, validate
from ipfs_comm.ipns._protobuf import WireError, read, write
from ipfs_comm.ipns._time import format_moment, nanoseconds, parse_moment

KEY = PrivateKey.generate()
OTHER = PrivateKey.generate()
NOW = datetime(2026, 1, 1, tzinfo=UTC)
PATH = "/ipfs/bafkqaaa"

paths = st.text(st.characters(codec="utf-8"), max_size=40).map(lambda text: f"{PATH}/{text}")


def made(key: PrivateKey = KEY, value: str | bytes = PATH, **options: Any) -> Record:
    return create(key, value, **{"sequence": 1, "expires": NOW + timedelta(hours=1), "ttl": 10**9, **options})


def signed(document: Any, **fields: Any) -> bytes:
    """Return a V2 record over any document."""
    data = dag_cbor.encode(document)
    numbered = {int(name[1:]): value for name, value in fields.items()}
    return write(sorted({8: KEY.sign(b"ipns-signature:" + data), 9: data, **numbered}.items()))


def document(**changes: Any) -> dict[str, Any]:
    whole = {"Value": PATH.encode(), "Validity": b"2126-01-01T00:00:00Z", "ValidityType": 0, "Sequence": 0, "TTL": 1}
    return {key: value for key, value in {**whole, **changes}.items() if value is not None}


@given(
    paths,
    st.integers(0, 2**64 - 1),
    st.datetimes(NOW.replace(tzinfo=None), timezones=st.just(UTC)),
    st.integers(0, 2**63 - 1),
    st.booleans(),
)
def test_what_is_made_is_believed(value: str, sequence: int, expires: datetime, ttl: int, v1: bool) -> None:
    record = validate(
        create(KEY, value, sequence=sequence, expires=expires, ttl=ttl, v1=v1).encode(), name=KEY.name, now=NOW
    )
    assert (record.path, record.sequence, record.ttl) == (value, sequence, ttl)
    assert record.expires == nanoseconds(expires)
    assert (record.signature_v1 is not None) is v1
    assert Record.decode(record.encode()) == record


@pytest.mark.parametrize("kind", ["rsa", "secp256k1", "ecdsa"])
def test_records_of_every_key_type_are_believed(kind: str) -> None:
    key = PrivateKey.generate(kind)
    record = validate(made(key).encode(), name=str(key.name), now=NOW)
    assert (record.public_key is None) is (key.name.inlined is not None)
    with pytest.raises(InvalidRecordError):
        validate(record.encode(), name=KEY.name, now=NOW)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_one_changed_bit_anywhere_changes_nothing_that_is_believed(data: st.DataObject) -> None:
    record = made(v1=data.draw(st.booleans()))
    whole = record.encode()
    bit = data.draw(st.integers(0, len(whole) * 8 - 1))
    changed = bytearray(whole)
    changed[bit // 8] ^= 1 << bit % 8
    try:
        found = validate(bytes(changed), name=KEY.name, now=NOW)
    except InvalidRecordError:
        return
    assert (found.value, found.sequence, found.ttl, found.expires) == (
        record.value,
        record.sequence,
        record.ttl,
        record.expires,
    )


@given(st.binary(max_size=300))
def test_whatever_comes_is_refused_with_a_typed_error(data: bytes) -> None:
    with pytest.raises(InvalidRecordError):
        validate(data, name=KEY.name, now=NOW)


@given(st.recursive(st.none() | st.booleans() | st.integers(-(2**64), 2**64 - 1) | st.binary() | st.text(), st.lists))
def test_a_signed_document_that_is_no_record_is_refused(value: Any) -> None:
    with pytest.raises(InvalidRecordError):
        validate(signed(value), name=KEY.name, now=NOW)


@pytest.mark.parametrize(
    "changes",
    [
        {"Value": None},
        {"Value": PATH},
        {"Validity": "2126-01-01T00:00:00Z"},
        {"Validity": b"tomorrow"},
        {"Validity": b"2126-13-01T00:00:00Z"},
        {"Validity": b"\xff"},
        {"ValidityType": 1},
        {"ValidityType": False},
        {"Sequence": -1},
        {"Sequence": None},
        {"TTL": -1},
        {"TTL": 1.5},
    ],
)
def test_a_document_with_one_wrong_member_is_refused(changes: dict[str, Any]) -> None:
    assert validate(signed(document()), name=KEY.name, now=NOW).path == PATH
    with pytest.raises(InvalidRecordError):
        validate(signed(document(**changes)), name=KEY.name, now=NOW)


@pytest.mark.parametrize(
    "copies",
    [{"_1": PATH.encode()}, {"_2": b"x"}, {"_1": PATH.encode(), "_3": 1}],
)
def test_v1_copies_must_all_agree_where_one_is_there(copies: dict[str, Any]) -> None:
    with pytest.raises(InvalidRecordError, match="V1 copy"):
        validate(signed(document(), **copies), name=KEY.name, now=NOW)


def test_v1_fields_without_value_and_signature_are_nobodys_copies() -> None:
    data = signed(document(), _1=b"", _2=b"", _5=99)
    assert validate(data, name=KEY.name, now=NOW).path == PATH


def test_a_record_is_void_only_after_its_last_nanosecond() -> None:
    record = made(expires=NOW)
    assert validate(record.encode(), name=KEY.name, now=NOW) == record
    with pytest.raises(InvalidRecordError) as refused:
        validate(record.encode(), name=KEY.name, now=NOW + timedelta(microseconds=1))
    assert refused.value.code == "ERR_IPNS_EXPIRED_RECORD"
    with pytest.raises(InvalidRecordError):
        validate(made(expires=nanoseconds(NOW) - 1).encode(), name=KEY.name, now=NOW)


def test_a_key_in_the_record_must_be_that_of_the_name() -> None:
    with pytest.raises(InvalidRecordError, match="public key in it"):
        validate(signed(document(), _7=OTHER.public.encode()), name=KEY.name, now=NOW)
    assert validate(signed(document(), _7=KEY.public.encode()), name=KEY.name, now=NOW).public_key


def test_a_record_has_at_most_ten_kibibytes() -> None:
    room = MAX_RECORD_SIZE - len(made(value="/" + "a" * 9000, v1=False).encode()) + 9000
    largest = made(value="/" + "a" * room, v1=False)
    assert len(largest.encode()) == MAX_RECORD_SIZE
    with pytest.raises(InvalidRecordError, match="too large"):
        made(value="/" + "a" * (room + 1), v1=False)
    with pytest.raises(InvalidRecordError, match="too large"):
        validate(largest.encode() + b"\x08", name=KEY.name, now=NOW)


def test_numbers_that_do_not_fit_are_refused() -> None:
    for wrong in ({"sequence": -1}, {"sequence": 2**64}, {"ttl": -1}, {"expires": 10**30}):
        with pytest.raises(InvalidInputError):
            made(**wrong)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=6), st.randoms())
def test_selection_does_not_depend_on_the_order(versions: list[tuple[int, int]], random: Any) -> None:
    records = [made(sequence=s, expires=NOW + timedelta(hours=h)).encode() for s, h in versions]
    best = records[select(records)]
    random.shuffle(records)
    assert records[select(records)] == best
    assert (Record.decode(best).sequence, Record.decode(best).expires) == max(
        (s, nanoseconds(NOW + timedelta(hours=h))) for s, h in versions
    )


def test_selection_among_nothing_is_an_error() -> None:
    with pytest.raises(InvalidInputError):
        select([])


@given(st.integers(-62_135_596_800 * 10**9, 253_402_300_799 * 10**9))
def test_a_moment_comes_back_from_its_text(moment: int) -> None:
    assert parse_moment(format_moment(moment)) == moment


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:00:01Z", 1),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1969-12-31T23:00:00-01:00", 0),
        ("1970-01-01T00:00:02.000000000999Z", 2),
    ],
)
def test_moments_of_other_zones_are_read(text: str, seconds: int) -> None:
    assert parse_moment(text) == seconds * 10**9


@given(st.dictionaries(st.integers(1, 500), st.integers(0, 2**64 - 1) | st.binary(max_size=300)))
def test_a_message_comes_back(fields: dict[int, int | bytes]) -> None:
    assert read(write(fields.items()), {number: type(value) for number, value in fields.items()}) == fields


@given(st.binary(max_size=60))
def test_whatever_comes_is_a_message_or_an_error(data: bytes) -> None:
    known: dict[int, type[int | bytes]] = {1: int, 2: bytes}
    try:
        fields = read(data, known)
    except WireError:
        return
    assume(fields)
    assert all(isinstance(value, known[number]) for number, value in fields.items())
