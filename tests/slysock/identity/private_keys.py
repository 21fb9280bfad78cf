"""Keys to sign with."""

from typing import Final, TypeAlias

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

PrivateKey: TypeAlias = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


RSA_KEY: Final = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY: Final = ec.generate_private_key(ec.SECP256R1())
OTHER_KEY: Final = ec.generate_private_key(ec.SECP256R1())
WEAK_KEY: Final = rsa.generate_private_key(public_exponent=65537, key_size=1024)
OTHER_CURVE: Final = ec.generate_private_key(ec.SECP384R1())


def pem_of(key: PrivateKey) -> bytes:
    """Write a public key as `public_key` takes it."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
