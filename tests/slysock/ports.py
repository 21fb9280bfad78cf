"""A server on a real port."""

import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import trio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from slysock import Listening, Server


@asynccontextmanager
async def listening(server: Server, **options: object) -> AsyncGenerator[Listening]:
    async with trio.open_nursery() as nursery:
        serve = partial(server.serve, "127.0.0.1", 0, **options)  # type: ignore[arg-type]  # unix_path
        yield await nursery.start(serve)
        server.stop()


async def talk(stream: trio.SocketStream, request: bytes) -> bytes:
    await stream.send_all(request)
    return bytes(await stream.receive_some(65536))


def certified(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """TLS of a server that calls itself `localhost`, and of a client that trusts it."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name.from_rfc4514_string("CN=localhost")
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
    plain = serialization.NoEncryption()
    secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    (folder / "pem").write_bytes(certificate + secret)
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    server.load_cert_chain(folder / "pem")
    client.load_verify_locations(cadata=certificate.decode())
    return server, client
