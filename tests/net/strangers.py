"""TLS ends that are not as they must be, made with a second library; a test names what is wrong with each."""

import datetime
import ssl
from dataclasses import dataclass, replace
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from p2pmicro.net.tls import OPEN_NETWORK_KEY, ca_certificate, network_ca

Key = ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

FIRST_DAY = datetime.datetime(1970, 1, 1)
LAST_DAY = datetime.datetime(9999, 12, 31, 23, 59, 59)


def name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


@dataclass(frozen=True)
class Recipe:
    """How to mint a certificate; the defaults give one that is right."""

    key: Key
    issuer_key: Key
    issuer: str = "p2pmicro network"
    subject: str = "p2pmicro node"
    not_before: datetime.datetime = FIRST_DAY
    not_after: datetime.datetime = LAST_DAY
    key_identifiers: bool = False
    serial: int = 2**126 + 7

    def mint(self) -> bytes:
        """The key and its certificate, as PEM."""
        public = self.key.public_key()
        builder = (
            x509.CertificateBuilder()
            .issuer_name(name(self.issuer))
            .subject_name(name(self.subject))
            .public_key(public)
            .serial_number(self.serial)
            .not_valid_before(self.not_before)
            .not_valid_after(self.not_after)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(
                x509.KeyUsage(True, False, False, False, False, False, False, False, False),
                critical=True,
            )
        )
        if self.key_identifiers:
            builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        algorithm = None if isinstance(self.issuer_key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
        certificate = builder.sign(self.issuer_key, algorithm)
        private = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return private + certificate.public_bytes(Encoding.PEM)


def ca_key(network_key: bytes) -> ed25519.Ed25519PrivateKey:
    """The CA's private key for the second library, which every member of a network can compute."""
    secret = network_ca(network_key)._private.private_bytes_raw()
    return ed25519.Ed25519PrivateKey.from_private_bytes(secret)


def minted(what: str) -> bytes:
    """A key and a certificate with one fault, as PEM."""
    right = Recipe(key=ed25519.Ed25519PrivateKey.generate(), issuer_key=ca_key(OPEN_NETWORK_KEY))
    match what:
        case "right":
            return right.mint()
        case "other network":
            return replace(right, issuer_key=ca_key(b"\xff" + bytes(15))).mint()
        case "signed by itself":
            return replace(right, issuer_key=right.key, issuer="p2pmicro node").mint()
        case "under a CA of the same name":
            return replace(right, issuer_key=ed25519.Ed25519PrivateKey.generate()).mint()
        case "RSA key":
            return replace(right, key=rsa.generate_private_key(65537, 2048)).mint()
        case "P-256 key":
            return replace(right, key=ec.generate_private_key(ec.SECP256R1())).mint()
        case "expired":
            return replace(right, not_after=datetime.datetime(2001, 1, 1)).mint()
        case "other validity":
            return replace(right, not_after=datetime.datetime(2100, 1, 1)).mint()
        case "other name":
            return replace(right, subject="alice's laptop").mint()
        case "key identifiers":
            return replace(right, key_identifiers=True).mint()
        case "short serial":
            return replace(right, serial=7).mint()
        case "under a node's certificate":
            return replace(right, issuer_key=right.key, issuer="p2pmicro node", serial=2**126 + 8).mint()
        case "the CA itself":
            ca = network_ca(OPEN_NETWORK_KEY)
            private = ca_key(OPEN_NETWORK_KEY).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            return private + ssl.DER_cert_to_PEM_cert(ca_certificate(ca)).encode()
        case "huge chain":
            one = right.mint()
            return one + one[one.index(b"-----BEGIN CERT") :] * 500
        case _:
            raise ValueError(what)


def context(server_side: bool, certificate: bytes | None, folder: Path) -> ssl.SSLContext:
    """A stranger's TLS: it shows what it is given, takes what it gets, and speaks any version."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server_side else ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    if certificate is not None:
        file = folder / "stranger.pem"
        file.write_bytes(certificate)
        made.load_cert_chain(file)
    return made
