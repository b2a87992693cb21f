"""Sealing, and opening what is for others, beside HPKE alone in the same run.

    python -m tests.bench.bench_seal [ENTRIES]      # 1,000 entries of 4 to 16 slots, a reader with 1,024 reply keys

"raw" rows are the library's HPKE by itself, for as many slots: what opening costs besides is tags, keys and the body.
Times are those of one processor, whatever else it does meanwhile.
"""

import sys
import time
from collections.abc import Callable
from random import Random

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from p2pmicro import keys
from p2pmicro.feed import seal
from p2pmicro.feed.content import Content
from p2pmicro.feed.seal import Keyring, open_sealed, sealed
from p2pmicro.ids import AccountId, FeedId
from p2pmicro.limits import REPLY_KEYS_MAX, SEALED_TAG_BYTES
from tests.made import private_key, secret

TARGET_S = 1.5
ADA, FEED = AccountId(private_key("ada").public), FeedId(private_key("feed").public)
RECIPIENTS = (1, 4, 5, 8, 9, 16)  # 4, 8 and 16 slots alike
TEXTS = ("On my way", "a" * 140)


def main() -> None:
    """Seal, open and print; the exit status is 1 where opening 1,000 takes longer than it may."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    rng = Random(1)
    boxes = [keys.device_public(secret(f"box {number}")) for number in range(max(RECIPIENTS))]
    reader = keys.load_box_private(secret("reader"))
    replies = [rng.randbytes(32) for _ in range(REPLY_KEYS_MAX)]

    def one(number: int) -> Content:
        content = {"text": TEXTS[number % len(TEXTS)], "key": rng.randbytes(32)}
        return sealed(ADA, FEED, "post", content, boxes[: RECIPIENTS[number % len(RECIPIENTS)]], [], rng.randbytes)

    entries: list[Content] = []
    _row("seal entries of 4 to 16 slots", count, lambda: entries.extend(map(one, range(count))))
    slots = sum(len(entry["slots"]) for entry in entries)
    public = reader.public_key()
    _row(f"raw: HPKE seals for as many slots, {slots:,}", count, lambda: _raw_seals(public, slots))
    raw_s = _row(f"raw: HPKE opens for as many slots, {slots:,}", count, lambda: _raw_opens(reader, entries))
    for name, tagged in ((f"open, not for me, {REPLY_KEYS_MAX:,} reply keys", replies), ("the same without any", [])):
        taken_s = _row(name, count, lambda tagged=tagged: _open_all(entries, Keyring([reader], tagged)))  # type: ignore[misc]
        print(f"{'':52} {taken_s / raw_s:.2f} times the raw limit")
        if tagged and taken_s * 1000 / count > TARGET_S:
            raise SystemExit(f"1,000 took {taken_s * 1000 / count:.2f} s, more than {TARGET_S} s.")


def _open_all(entries: list[Content], keyring: Keyring) -> None:
    assert not any(open_sealed(ADA, FEED, entry, keyring) for entry in entries)


def _raw_opens(reader: X25519PrivateKey, entries: list[Content]) -> None:
    for entry in entries:
        for slot in entry["slots"]:
            try:
                seal._SUITE.decrypt(slot[SEALED_TAG_BYTES:], reader, b"info")
            except InvalidTag:
                continue


def _raw_seals(public: X25519PublicKey, count: int) -> None:
    for _ in range(count):
        seal._SUITE.encrypt(bytes(16), public, b"info")


def _row(what: str, count: int, work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    taken_s = time.process_time() - start
    print(f"{what:52} {taken_s:7.3f} s  {count / taken_s:9,.0f} entries/s", flush=True)
    return taken_s


if __name__ == "__main__":
    main()
