"""Certificates of the tests' own, made by openssl."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

HOSTS = "DNS:localhost,DNS:registry.test,IP:127.0.0.1"


@dataclass(frozen=True)
class Certificate:
    """A certificate and its key, as PEM files."""

    certificate: Path
    key: Path


def authority(folder: Path, name: str = "authority") -> Certificate:
    """Make a certificate that vouches for itself and for others."""
    made = Certificate(folder / f"{name}.crt", folder / f"{name}.key")
    _openssl(
        "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN=pycompose tests {name}",
        "-keyout", str(made.key), "-out", str(made.certificate),
    )  # fmt: skip
    return made


def issued(folder: Path, name: str, issuer: Certificate) -> Certificate:
    """Make a certificate for HOSTS."""
    made = Certificate(folder / f"{name}.crt", folder / f"{name}.key")
    request, extensions = folder / f"{name}.csr", folder / f"{name}.ext"
    extensions.write_text(f"subjectAltName={HOSTS}\n")
    _openssl(
        "req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", str(made.key), "-out", str(request)
    )
    _openssl(
        "x509", "-req", "-in", str(request), "-CA", str(issuer.certificate), "-CAkey", str(issuer.key), "-days", "2",
        "-CAcreateserial", "-extfile", str(extensions), "-out", str(made.certificate),
    )  # fmt: skip
    return made


def signature(key: Path, content: bytes) -> bytes:
    """Return the RSA signature (SHA-256) of some bytes."""
    return _openssl("dgst", "-sha256", "-sign", str(key), content=content)


def _openssl(*arguments: str, content: bytes = b"") -> bytes:
    done = subprocess.run(["openssl", *arguments], input=content, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout
