"""Networks and certificates: protocol/discovery.md, "Networks" and "Certificates"."""

import datetime
import os
import re
import shutil
import ssl
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from p2pmicro.errors import AuthError, ConfigError
from p2pmicro.keys import PrivateKey, verify
from p2pmicro.net import tls
from p2pmicro.net.tls import (
    OPEN_NETWORK_KEY,
    check_certificate,
    check_network_key,
    issue_certificate,
    issue_credentials,
    network_ca,
    new_network_key,
)

PAGE = (Path(__file__).parents[3] / "protocol" / "discovery.md").read_text()
CLOSED_NETWORK_KEY = bytes.fromhex("f00102030405060708090a0b0c0d0e0f")


def test_certificate_is_as_an_x509_library_reads_it() -> None:
    ca, node = network_ca(CLOSED_NETWORK_KEY), PrivateKey(bytes(31) + b"\x01")
    certificate = x509.load_der_x509_certificate(issue_certificate(ca, node.public))
    assert certificate.version is x509.Version.v3
    assert certificate.issuer.rfc4514_string() == "CN=p2pmicro network"
    assert certificate.subject.rfc4514_string() == "CN=p2pmicro node"
    assert certificate.not_valid_before_utc == datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
    assert certificate.not_valid_after_utc == datetime.datetime(9999, 12, 31, 23, 59, 59, tzinfo=datetime.UTC)
    assert certificate.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw) == node.public
    assert [type(e.value) for e in certificate.extensions] == [x509.BasicConstraints, x509.KeyUsage]
    assert all(e.critical for e in certificate.extensions)
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert 2**126 <= certificate.serial_number < 2**127
    certificate.verify_directly_issued_by(x509.load_der_x509_certificate(tls.ca_certificate(ca)))


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the openssl command")
@pytest.mark.parametrize("clock", [1, 1_000_000_000, 253_402_300_798])
def test_certificate_holds_whatever_the_clock_says(tmp_path: Path, clock: int) -> None:
    ca = network_ca(OPEN_NETWORK_KEY)
    ca_file, node_file = tmp_path / "ca.pem", tmp_path / "node.pem"
    ca_file.write_text(ssl.DER_cert_to_PEM_cert(tls.ca_certificate(ca)))
    node_file.write_text(ssl.DER_cert_to_PEM_cert(issue_certificate(ca, ca.public)))
    subprocess.run(
        ["openssl", "verify", "-attime", str(clock), "-CAfile", ca_file, node_file], check=True, capture_output=True
    )


def test_each_start_has_another_key_and_serial() -> None:
    first, second = (issue_credentials(CLOSED_NETWORK_KEY).certificate for _ in range(2))
    same = sum(a == b for a, b in zip(first, second, strict=True))
    assert same <= len(first) - 112 + 10  # serial, key and signature: 112 bytes, of which a few agree by chance
    check_certificate(first)
    check_certificate(second)


def test_starts_of_a_closed_network_share_nothing_that_other_networks_lack() -> None:
    assert shared_strings(CLOSED_NETWORK_KEY) == shared_strings(OPEN_NETWORK_KEY)


def shared_strings(network_key: bytes) -> set[bytes]:
    """The strings of 8 bytes that the certificates of 30 starts have in common."""
    starts = (issue_certificate(network_ca(network_key), PrivateKey(os.urandom(32)).public) for _ in range(30))
    return set.intersection(*({der[at : at + 8] for at in range(len(der) - 7)} for der in starts))


def test_network_decides_the_ca() -> None:
    for key, shown in (
        (OPEN_NETWORK_KEY, f'"{OPEN_NETWORK_KEY.decode()}"'),
        (CLOSED_NETWORK_KEY, CLOSED_NETWORK_KEY.hex()),
    ):
        assert re.search(rf"^\| `?{shown}`? \| `[0-9a-f]+` \| `{network_ca(key).public.hex()}` \|$", PAGE, re.MULTILINE)


def test_example_of_the_page_is_a_certificate() -> None:
    block = PAGE.partition("```certificate\n")[2].partition("```")[0]
    example = bytes.fromhex("".join(line.partition("#")[0] for line in block.splitlines()))
    check_certificate(example)
    assert example[14:30] == b"\x40" + bytes(range(1, 16))
    assert example[138:170] == PrivateKey(bytes(range(32))).public
    verify(network_ca(CLOSED_NETWORK_KEY).public, example[4:204], example[214:278])
    assert len(example) == 278


def test_every_changed_byte_of_the_form_is_refused() -> None:
    certificate = issue_certificate(network_ca(OPEN_NETWORK_KEY), PrivateKey(bytes(32)).public)
    free = len(certificate) - 64  # the signature is TLS's to check
    variable = {*range(certificate.index(b"\x02\x10") + 2, certificate.index(b"\x02\x10") + 18)}
    key_at = certificate.index(PrivateKey(bytes(32)).public)
    variable |= {*range(key_at, key_at + 32)}
    for at in range(free):
        changed = bytearray(certificate)
        changed[at] ^= 1
        if at not in variable:
            with pytest.raises(AuthError):
                check_certificate(bytes(changed))
    for wrong in (b"", certificate[:-1], certificate + b"\0", certificate[:100]):
        with pytest.raises(AuthError):
            check_certificate(wrong)


def test_serial_out_of_its_bounds_is_refused() -> None:
    certificate = bytearray(issue_certificate(network_ca(OPEN_NETWORK_KEY), PrivateKey(bytes(32)).public))
    at = certificate.index(b"\x02\x10") + 2
    for first in (0x00, 0x3F, 0x80, 0xFF):
        certificate[at] = first
        with pytest.raises(AuthError):
            check_certificate(bytes(certificate))


def test_certificate_of_a_small_order_key_is_refused() -> None:
    with pytest.raises(AuthError, match="key"):
        check_certificate(issue_certificate(network_ca(OPEN_NETWORK_KEY), b"\x01" + bytes(31)))


@pytest.mark.parametrize("key", [b"", bytes(15), bytes(17), b"\xff" * 15, b"correct horse ba", "密码密码密!".encode()])
def test_typed_or_short_network_key_is_refused(key: bytes) -> None:
    with pytest.raises(ConfigError, match="network's key"):
        check_network_key(key)
    with pytest.raises(ConfigError, match="network's key"):
        issue_credentials(key)


def test_drawn_network_keys_are_accepted() -> None:
    keys = {new_network_key() for _ in range(500)}
    assert len(keys) == 500
    for key in keys:
        check_network_key(key)


def test_contexts_ask_for_a_certificate_and_speak_tls_1_3_alone() -> None:
    credentials = issue_credentials()
    for context in (credentials.server, credentials.client):
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert not context.check_hostname
        assert context.minimum_version == context.maximum_version == ssl.TLSVersion.TLSv1_3
        assert len(context.get_ca_certs()) == 1  # no public CA
    assert credentials.server.num_tickets == 0


def test_no_key_stays_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "memfd_create", raising=False)  # a system without files in memory
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    issue_credentials()
    assert list(tmp_path.iterdir()) == []
    with tls.as_file(b"secret") as path:
        assert Path(path).parent == tmp_path
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
        assert Path(path).read_bytes() == b"secret"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="files in memory are Linux's")
def test_no_key_touches_the_disk_on_linux(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    issue_credentials()


def test_credentials_show_no_contexts() -> None:
    assert "SSLContext" not in repr(issue_credentials())


def test_start_does_without_what_is_slow_to_import() -> None:
    script = (
        "import sys; from p2pmicro.net import dial, listen, mdns, tls; tls.issue_credentials(); "
        "print([name for name in ('cryptography.x509', 'zeroconf', 'ifaddr', 'asyncio') if name in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout
    assert shown.strip() == "[]"
