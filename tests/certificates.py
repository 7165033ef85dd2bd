"""Certificates that no public authority has signed, as of a business's own CA."""

import ssl
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


def self_signed(folder: Path, *names: str) -> tuple[ssl.SSLContext, Path]:
    """Return a server's context for *names*, and the file by which its certificate is trusted.

    *names* are as in a subjectAltName; without one it is 127.0.0.1.
    """
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(  # noqa: S603 - a fixed command
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"),
            *("-subj", "/CN=127.0.0.1"),
            *("-addext", f"subjectAltName={','.join(names or ['IP:127.0.0.1'])}"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context, certificate


def authority(*, until: datetime) -> str:
    """Return the certificate, in PEM, of a CA that is good for ten days, *until* then."""
    key, name = (
        ec.generate_private_key(ec.SECP256R1()),
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "our CA")]),
    )
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(until - timedelta(days=10))
        .not_valid_after(until)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    return made.public_bytes(Encoding.PEM).decode("ascii")


class Issuer:
    """A CA of our own with an intermediate one, which signs certificates of clients."""

    def __init__(self, name: str) -> None:
        self._root, root_key = _signed(name, None, None)
        self._middle, self._key = _signed(f"{name}, intermediate", self._root, root_key)

    @property
    def pem(self) -> bytes:
        """The certificate that a server is to trust."""
        return self._root.public_bytes(Encoding.PEM)

    def client(self, file: Path, *subject: tuple[x509.ObjectIdentifier, str]) -> Path:
        """Write a client's key and chain for *subject* to *file*, and return it."""
        attributes = [x509.NameAttribute(kind, value) for kind, value in subject]
        leaf, key = _signed(x509.Name(attributes), self._middle, self._key, is_ca=False)
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        chain = (leaf.public_bytes(Encoding.PEM), self._middle.public_bytes(Encoding.PEM))
        file.write_bytes(b"".join((secret, *chain)))
        return file


def _signed(
    subject: x509.Name | str,
    issuer: x509.Certificate | None,
    issuer_key: ec.EllipticCurvePrivateKey | None,
    *,
    is_ca: bool = True,
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """Return a certificate of *subject* and its key, by itself or by *issuer*."""
    if isinstance(subject, str):
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    key, today = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    made = (
        x509.CertificateBuilder(
            issuer.subject if issuer else subject,
            subject,
            key.public_key(),
            x509.random_serial_number(),
        )
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
    )
    if not is_ca:
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
        made = made.add_extension(usage, critical=False)
    return made.sign(issuer_key or key, SHA256()), key
