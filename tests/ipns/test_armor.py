"""Keys as others keep them."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipfs_comm.errors import InvalidInputError
from ipfs_comm.ipns import KEY_TYPES, PrivateKey
from ipfs_comm.ipns.armor import FORMATS, MAX_ROUNDS, MAX_SIZE, export_key, import_key

KEYS = {kind: PrivateKey.generate(kind) for kind in KEY_TYPES}
KEY = KEYS["ed25519"]
PASSWORD = "correct horse, zażółć"

CLEAR = tuple(form for form in FORMATS if form.endswith("cleartext"))
LOCKED = tuple(form for form in FORMATS if form not in CLEAR)

#: An Ed25519 key as js-libp2p (@libp2p/crypto 1.0) wrote it with the password after it, and its peer ID.
FROM_JS = (
    "mrDDvOahm/7l2cPJC4JxX9zByCGm7gA09UxQuTXDJE6186O83YGlkYDtI0UmstkVuu5U1XWR2tz2+yg4/X8syfOP0TJ8uGTwFYFq"
    "g45LtckKOQSqhwlbflLOye1xds2bQcTfG6uiCmwVDw/+935EswQ"
)
JS_PASSWORD = "passwordx12345678901234"
JS_PEER_ID = "12D3KooWQJyx1SwTZvVXpB5UvVHfHx5JrJCDSRZ4duxs3Ap2uo7L"


@pytest.mark.parametrize("kind", KEY_TYPES)
@pytest.mark.parametrize("form", FORMATS)
def test_a_key_comes_back_from_every_format(kind: str, form: str) -> None:
    key, password = KEYS[kind], PASSWORD if form in LOCKED else None
    assert import_key(export_key(key, form, password), password) == key


@pytest.mark.parametrize("form", LOCKED)
def test_the_wrong_password_is_an_error(form: str) -> None:
    exported = export_key(KEY, form, PASSWORD)
    with pytest.raises(InvalidInputError) as refused:
        import_key(exported, "another")
    assert refused.value.code == "ERR_WRONG_PASSWORD"
    for without in (None, ""):
        with pytest.raises(InvalidInputError) as refused:
            import_key(exported, without)
        assert refused.value.code == "ERR_PASSWORD_REQUIRED"
        with pytest.raises(InvalidInputError, match="password"):
            export_key(KEY, form, without)


def test_pem_says_that_it_is_encrypted_and_does_not_hold_the_secret() -> None:
    pem = export_key(KEY, "pem-pkcs8", PASSWORD)
    assert isinstance(pem, str)
    assert pem.startswith("-----BEGIN ENCRYPTED PRIVATE KEY-----\n")
    assert KEY.data[:32] not in base64.b64decode("".join(pem.splitlines()[1:-1]))


def test_a_key_that_js_libp2p_wrote_is_read() -> None:
    assert import_key(FROM_JS, JS_PASSWORD).name.peer_id == JS_PEER_ID


def test_formats_in_clear_take_no_password() -> None:
    for form in CLEAR:
        with pytest.raises(InvalidInputError):
            export_key(KEY, form, PASSWORD)


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="pem-pkcs8"):
        export_key(KEY, "jwk", PASSWORD)


def test_a_password_in_latin_1_opens_pem_of_js_ipfs() -> None:
    from cryptography.hazmat.primitives import serialization as forms

    lock = forms.BestAvailableEncryption("pässword".encode("latin-1"))
    pem = KEY.to_library().private_bytes(forms.Encoding.PEM, forms.PrivateFormat.PKCS8, lock)
    assert import_key(pem, "pässword") == KEY


def test_a_file_that_asks_for_years_of_work_is_refused() -> None:
    pem = export_key(KEY, "pem-pkcs8", PASSWORD)
    assert isinstance(pem, str)
    der = base64.b64decode("".join(pem.splitlines()[1:-1]))
    at = der.index(bytes.fromhex("2a864886f70d01050c"))
    rounds = der.index(b"\x02\x02", at)
    assert der[at - 1] == 9
    larger = der[: rounds + 1] + b"\x04" + (MAX_ROUNDS + 1).to_bytes(4, "big") + der[rounds + 4 :]
    grown = bytearray(larger)
    for container in _containers(der, rounds):
        grown[container] += 2
    text = base64.b64encode(grown).decode()
    with pytest.raises(InvalidInputError, match="rounds"):
        import_key(f"-----BEGIN ENCRYPTED PRIVATE KEY-----\n{text}\n-----END ENCRYPTED PRIVATE KEY-----\n", PASSWORD)


def _containers(der: bytes, inside: int) -> list[int]:
    """Return where the last length byte of every DER element around a position is."""
    found, at, end = [], 0, len(der)
    while at < end:
        header = 2 + (der[at + 1] & 0x7F if der[at + 1] & 0x80 else 0)
        size = int.from_bytes(der[at + 2 : at + header], "big") if header > 2 else der[at + 1]
        if at + header <= inside < at + header + size:
            found.append(at + header - 1)
            at, end = at + header, at + header + size
        else:
            at += header + size
    return found


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_whatever_comes_is_refused_with_a_typed_error(data: str | bytes) -> None:
    with pytest.raises(InvalidInputError):
        import_key(data, "password")


@given(st.binary(max_size=120))
def test_damaged_pem_is_refused_with_a_typed_error(body: bytes) -> None:
    for label in ("ENCRYPTED PRIVATE KEY", "PRIVATE KEY", "RSA PRIVATE KEY"):
        text = base64.b64encode(body).decode()
        with pytest.raises(InvalidInputError):
            import_key(f"-----BEGIN {label}-----\n{text}\n-----END {label}-----\n", "password")


def test_a_file_that_is_too_large_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="too many"):
        import_key("m" * (MAX_SIZE + 1), "password")
