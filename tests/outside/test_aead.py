"""What seals bodies and derives their keys against Wycheproof: every case as it is marked."""

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tests.outside.vectors import load


def test_wycheproof_bodies_are_sealed_and_opened_as_marked() -> None:
    valid = damaged = nonces = 0
    for group in load("wycheproof_chacha20_poly1305.json")["testGroups"]:
        for case in group["tests"]:
            key, nonce, aad, plain = (bytes.fromhex(case[part]) for part in ("key", "iv", "aad", "msg"))
            sealed = bytes.fromhex(case["ct"] + case["tag"])
            cipher = ChaCha20Poly1305(key)
            if case["result"] == "valid":
                assert cipher.encrypt(nonce, plain, aad) == sealed, case["tcId"]
                assert cipher.decrypt(nonce, sealed, aad) == plain, case["tcId"]
                valid += 1
            elif "InvalidNonceSize" in case["flags"]:
                with pytest.raises(ValueError, match="12 bytes"):
                    cipher.decrypt(nonce, sealed, aad)
                nonces += 1
            else:
                with pytest.raises(InvalidTag):
                    cipher.decrypt(nonce, sealed, aad)
                damaged += 1
    assert (valid, damaged, nonces) == (256, 60, 9)


def test_wycheproof_keys_are_derived_as_marked() -> None:
    derived = too_long = 0
    for group in load("wycheproof_hkdf_sha256.json")["testGroups"]:
        for case in group["tests"]:
            secret, salt, info = (bytes.fromhex(case[part]) for part in ("ikm", "salt", "info"))
            if case["result"] == "valid":
                made = HKDF(SHA256(), case["size"], salt=salt, info=info).derive(secret)
                assert made.hex() == case["okm"], case["tcId"]
                derived += 1
            else:  # RFC 5869 section 2.3: at most 255 blocks
                with pytest.raises(ValueError, match="derive"):
                    HKDF(SHA256(), case["size"], salt=salt, info=info)
                too_long += 1
    assert (derived, too_long) == (83, 3)
