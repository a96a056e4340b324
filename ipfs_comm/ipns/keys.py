"""libp2p keys: what signs records, and what names are made of.

Specification: libp2p specs, "Peer Ids and Keys", sections Keys and Key Types. Keys are held as the bytes of their
serialization; the cryptography comes from the package ``cryptography``, which is imported when it is first needed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from ipfs_comm._shown import shown
from ipfs_comm.errors import InvalidInputError
from ipfs_comm.ipld import Multihash, multihash
from ipfs_comm.ipns import _protobuf
from ipfs_comm.ipns.name import Name

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes

__all__ = ["KEY_TYPES", "MAX_KEY_SIZE", "KeyType", "PrivateKey", "PublicKey"]

KeyType = Literal["rsa", "ed25519", "secp256k1", "ecdsa"]
#: Names of the types; the index is the number in the serialization.
KEY_TYPES: Final[tuple[KeyType, ...]] = get_args(KeyType)

#: Longest serialized key that is looked at, in bytes; an RSA private key of 8192 bits has 4.7 KiB.
MAX_KEY_SIZE: Final = 8192
#: Bits of an RSA key: what go-libp2p takes.
MIN_RSA_BITS: Final = 2048
MAX_RSA_BITS: Final = 8192
#: Longest serialized public key that a name holds instead of its hash, in bytes.
_MAX_INLINED: Final = 42

_FIELDS: Final[dict[int, type[int | bytes]]] = {1: int, 2: bytes}


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key.

    Make one with :meth:`decode`, :meth:`of_name` or :attr:`PrivateKey.public`.

    Parameters
    ----------
    type : str
        One of ``KEY_TYPES``.
    data : bytes
        Ed25519: 32 bytes; secp256k1: the compressed point, 33 bytes; RSA and ECDSA: PKIX in DER.
    """

    type: KeyType
    data: bytes

    @classmethod
    def decode(cls, data: bytes) -> PublicKey:
        """Parse libp2p's serialization.

        Raises
        ------
        InvalidInputError
            The bytes are no public key, or not the one way to write it; code ``ERR_INVALID_KEY``.
        """
        key = cls(*_parse(data, "public"))
        _load_public(key)
        if key.encode() != data:
            raise _bad("public", "it is not in the canonical form")
        return key

    @classmethod
    def of_name(cls, name: Name) -> PublicKey | None:
        """Return the key that a name holds; None where it holds only the key's hash.

        Raises
        ------
        InvalidInputError
            What the name holds is no public key; code ``ERR_INVALID_KEY``.
        """
        return None if name.inlined is None else cls.decode(name.inlined)

    def encode(self) -> bytes:
        """Return libp2p's serialization."""
        return _protobuf.write(((1, KEY_TYPES.index(self.type)), (2, self.data)))

    @property
    def name(self) -> Name:
        """The name that this key makes: the serialization itself up to 42 bytes, else its SHA-256."""
        encoded = self.encode()
        short = len(encoded) <= _MAX_INLINED
        return Name(Multihash.create("identity", encoded) if short else multihash.digest(encoded, "sha2-256"))

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Return whether the holder of the private key signed the message.

        Parameters
        ----------
        message : bytes
        signature : bytes
            Ed25519: 64 bytes; RSA: PKCS #1 v1.5 over SHA-256; the others: ECDSA over SHA-256 in DER.
        """
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

        key = _load_public(self)
        try:
            if isinstance(key, ed25519.Ed25519PublicKey):
                key.verify(signature, message)
            elif isinstance(key, rsa.RSAPublicKey):
                key.verify(signature, message, *_rsa_scheme())
            elif isinstance(key, ec.EllipticCurvePublicKey):
                key.verify(signature, message, _ecdsa_scheme())
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """A private key; its ``repr`` does not show it.

    Make one with :meth:`generate` or :meth:`decode`.

    Parameters
    ----------
    type : str
        One of ``KEY_TYPES``.
    data : bytes
        Ed25519: seed and public key, 64 bytes; secp256k1: 32 bytes; RSA: PKCS #1 in DER; ECDSA: SEC 1 in DER.
    """

    type: KeyType
    data: bytes = field(repr=False)

    @classmethod
    def generate(cls, type: str = "ed25519", *, size: int = 2048) -> PrivateKey:  # noqa: A002 (the option's name)
        """Make a new key.

        Parameters
        ----------
        type : str
            One of ``KEY_TYPES``, in any case.
        size : int
            Bits of an RSA key, 2048 to 8192.

        Raises
        ------
        InvalidInputError
            There is no such type or size.
        """
        from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

        made: PrivateKeyTypes
        match type.lower() if isinstance(type, str) else type:
            case "ed25519":
                made = ed25519.Ed25519PrivateKey.generate()
            case "rsa":
                if isinstance(size, bool) or not isinstance(size, int) or not MIN_RSA_BITS <= size <= MAX_RSA_BITS:
                    raise InvalidInputError(
                        f"an RSA key of {shown(size)} bits cannot be made: from {MIN_RSA_BITS} to {MAX_RSA_BITS} bits "
                        "can",
                        code="ERR_INVALID_KEY_SIZE",
                    )
                made = rsa.generate_private_key(public_exponent=65537, key_size=size)
            case "secp256k1":
                made = ec.generate_private_key(ec.SECP256K1())
            case "ecdsa":
                made = ec.generate_private_key(ec.SECP256R1())
            case _:
                raise InvalidInputError(
                    f"there is no key type {shown(type)}: use one of {', '.join(KEY_TYPES)}",
                    code="ERR_INVALID_KEY_TYPE",
                )
        return cls.of_library(made)

    @classmethod
    def of_library(cls, key: PrivateKeyTypes) -> PrivateKey:
        """Return a key of the package ``cryptography`` in libp2p's form.

        Raises
        ------
        InvalidInputError
            libp2p has no such keys; code ``ERR_INVALID_KEY``.
        """
        from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

        if isinstance(key, ed25519.Ed25519PrivateKey):
            return cls("ed25519", key.private_bytes_raw() + key.public_key().public_bytes_raw())
        if isinstance(key, rsa.RSAPrivateKey):
            _check_rsa(key.key_size)
        elif isinstance(key, ec.EllipticCurvePrivateKey):
            if isinstance(key.curve, ec.SECP256K1):
                return cls("secp256k1", key.private_numbers().private_value.to_bytes(32, "big"))
            _check_curve(key.curve)
        else:
            raise _bad("private", "libp2p knows no keys of its kind")
        data = key.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        return cls("rsa" if isinstance(key, rsa.RSAPrivateKey) else "ecdsa", data)

    @classmethod
    def decode(cls, data: bytes) -> PrivateKey:
        """Parse libp2p's serialization; an Ed25519 key may have its older form of 96 bytes.

        Raises
        ------
        InvalidInputError
            The bytes are no private key; code ``ERR_INVALID_KEY``.
        """
        kind, raw = _parse(data, "private")
        if kind == "ed25519" and len(raw) == 96:
            if raw[32:64] != raw[64:]:
                raise _bad("private", "its two copies of the public key differ")
            raw = raw[:64]
        key = cls(kind, raw)
        return cls.of_library(_load_private(key))

    def encode(self) -> bytes:
        """Return libp2p's serialization, which is the secret in clear."""
        return _protobuf.write(((1, KEY_TYPES.index(self.type)), (2, self.data)))

    def to_library(self) -> PrivateKeyTypes:
        """Return the key as an object of the package ``cryptography``."""
        return _load_private(self)

    @property
    def public(self) -> PublicKey:
        """The public key."""
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        if self.type == "ed25519":
            return PublicKey("ed25519", self.data[32:])
        public = _load_private(self).public_key()
        if self.type == "secp256k1":
            assert isinstance(public, ec.EllipticCurvePublicKey)
            return PublicKey(self.type, public.public_bytes(Encoding.X962, PublicFormat.CompressedPoint))
        return PublicKey(self.type, public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))

    @property
    def name(self) -> Name:
        """The name that this key decides upon."""
        return self.public.name

    def sign(self, message: bytes) -> bytes:
        """Return the signature of a message; its form is that of :meth:`PublicKey.verify`."""
        from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

        key = _load_private(self)
        if isinstance(key, rsa.RSAPrivateKey):
            return key.sign(message, *_rsa_scheme())
        if isinstance(key, ec.EllipticCurvePrivateKey):
            return key.sign(message, _ecdsa_scheme())
        assert isinstance(key, ed25519.Ed25519PrivateKey)
        return key.sign(message)


def _rsa_scheme() -> tuple[Any, Any]:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    return padding.PKCS1v15(), hashes.SHA256()


def _ecdsa_scheme() -> Any:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.ECDSA(hashes.SHA256())


def _parse(data: bytes, what: str) -> tuple[KeyType, bytes]:
    if len(data) > MAX_KEY_SIZE:
        raise _bad(what, f"{len(data)} bytes are too many: at most {MAX_KEY_SIZE}")
    try:
        fields = _protobuf.read(data, _FIELDS)
    except _protobuf.WireError as error:
        raise _bad(what, str(error)) from None
    number, raw = fields.get(1), fields.get(2)
    if not isinstance(number, int) or not isinstance(raw, bytes):
        raise _bad(what, "it has no type or no data")
    if number >= len(KEY_TYPES):
        raise _bad(what, f"there is no key type {number}")
    return KEY_TYPES[number], raw


def _load_public(key: PublicKey) -> PublicKeyTypes:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

    try:
        if key.type == "ed25519":
            return ed25519.Ed25519PublicKey.from_public_bytes(key.data)
        if key.type == "secp256k1":
            if len(key.data) != 33:
                raise _bad("public", f"a compressed point has 33 bytes, not {len(key.data)}")
            return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256K1(), key.data)
        loaded = load_der_public_key(key.data)
    except (ValueError, UnsupportedAlgorithm) as error:
        if isinstance(error, InvalidInputError):
            raise
        raise _bad("public", str(error)) from None
    if key.type == "rsa" and isinstance(loaded, rsa.RSAPublicKey):
        _check_rsa(loaded.key_size)
    elif key.type == "ecdsa" and isinstance(loaded, ec.EllipticCurvePublicKey):
        _check_curve(loaded.curve)
    else:
        raise _bad("public", f"it says that it is {key.type}, and holds another kind")
    if loaded.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) != key.data:
        raise _bad("public", "it is not in the canonical form")
    return loaded


def _load_private(key: PrivateKey) -> PrivateKeyTypes:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
    from cryptography.hazmat.primitives.serialization import load_der_private_key

    try:
        if key.type == "ed25519":
            if len(key.data) != 64:
                raise _bad("private", f"an Ed25519 key has 64 bytes, not {len(key.data)}")
            made = ed25519.Ed25519PrivateKey.from_private_bytes(key.data[:32])
            if made.public_key().public_bytes_raw() != key.data[32:]:
                raise _bad("private", "its public key belongs to another")
            return made
        if key.type == "secp256k1":
            if len(key.data) != 32:
                raise _bad("private", f"a secp256k1 key has 32 bytes, not {len(key.data)}")
            return ec.derive_private_key(int.from_bytes(key.data, "big"), ec.SECP256K1())
        loaded = load_der_private_key(key.data, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        if isinstance(error, InvalidInputError):
            raise
        raise _bad("private", str(error)) from None
    if key.type == "rsa" and isinstance(loaded, rsa.RSAPrivateKey):
        _check_rsa(loaded.key_size)
    elif key.type == "ecdsa" and isinstance(loaded, ec.EllipticCurvePrivateKey):
        _check_curve(loaded.curve)
    else:
        raise _bad("private", f"it says that it is {key.type}, and holds another kind")
    return loaded


def _check_rsa(bits: int) -> None:
    if not MIN_RSA_BITS <= bits <= MAX_RSA_BITS:
        raise _bad("RSA", f"it has {bits} bits: from {MIN_RSA_BITS} to {MAX_RSA_BITS} are taken")


def _check_curve(curve: Any) -> None:
    if curve.name not in ("secp256r1", "secp384r1", "secp521r1"):
        raise _bad("ECDSA", f"its curve is {curve.name}: P-256, P-384 and P-521 are taken")


def _bad(what: str, why: str) -> InvalidInputError:
    return InvalidInputError(f"this is no {what} key that can be used: {why}", code="ERR_INVALID_KEY")
