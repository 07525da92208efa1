"""An authority that nobody else believes, with a certificate for the loopback interface."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from operators.processes.ports import HOST


@dataclass(frozen=True)
class Authority:
    """Files of an authority and of one server, PEM.

    Attributes:
        bundle: The authority's certificate, which clients are to believe.
        certificate: The server's.
        key: The server's private key.
    """

    bundle: Path
    certificate: Path
    key: Path


def make_authority(folder: Path) -> Authority:
    """Make an authority, and let it certify a server on the loopback interface."""
    found = Authority(*(folder / f"{name}.pem" for name in ("bundle", "certificate", "key")))
    own, server = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    for path, key, name in ((found.bundle, own, "authority"), (found.certificate, server, HOST)):
        made = _certificate(key, name, own, is_authority=path == found.bundle)
        path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    found.key.write_bytes(server.private_bytes(serialization.Encoding.PEM, *form))
    return found


def _certificate(
    key: ec.EllipticCurvePrivateKey,
    name: str,
    authority: ec.EllipticCurvePrivateKey,
    is_authority: bool,
) -> x509.Certificate:
    now = datetime.now(UTC)
    issuer = x509.SubjectKeyIdentifier.from_public_key(authority.public_key())
    names = [x509.IPAddress(ipaddress.ip_address(HOST))]
    return (
        x509.CertificateBuilder()
        .subject_name(_named(name))
        .issuer_name(_named("authority"))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer), critical=False
        )
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(authority, hashes.SHA256())
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
