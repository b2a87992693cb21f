"""Signatures against other people's edge cases: what our verify must say to each. Source: protocol/feed.md, "Keys".

The rule is RFC 8032 section 5.1.7 without the cofactor, S < L, R compared as bytes; keys of small order or with a
second spelling are refused before. Others judge some of these cases otherwise, and a difference would split the
network.
"""

from collections import Counter
from collections.abc import Sequence

from p2pmicro import keys
from p2pmicro.errors import EntryError
from tests.outside.vectors import load

SPECCHECK = (
    "entry.key",  # 0: A and R of small order, S = 0
    "entry.key",  # 1: A of small order
    "ok",  # 2: R of small order, A with a small-order part; the equation holds as it is
    "ok",  # 3: A and R with small-order parts; the equation holds as it is
    "entry.signature",  # 4: holds only if multiplied by the cofactor
    "entry.signature",  # 5: the same, where k is reduced modulo 8L or not
    "entry.signature",  # 6: S > L
    "entry.signature",  # 7: S far over L
    "entry.signature",  # 8: R not canonical, k over R as given
    "entry.signature",  # 9: R not canonical, k over R brought to canonical form
    "entry.key",  # 10: A not canonical, k over A as given
    "entry.key",  # 11: A not canonical, k over A brought to canonical form
)
"""https://github.com/novifinancial/ed25519-speccheck, "Taming the many EdDSAs", table 5."""


def _verdict(key: str, message: bytes, signature: str) -> str:
    try:
        keys.verify(bytes.fromhex(key), message, bytes.fromhex(signature))
    except EntryError as error:
        return error.code
    return "ok"


def _cctv_expected(flags: Sequence[str]) -> str:
    if {"low_order_A", "non_canonical_A"} & set(flags):
        return "entry.key"
    if {"low_order_residue", "non_canonical_R"} & set(flags):
        return "entry.signature"
    return "ok"


def test_wycheproof_signatures_are_judged_as_marked() -> None:
    groups = load("wycheproof_ed25519.json")["testGroups"]
    counts: Counter[str] = Counter()
    for group in groups:
        for case in group["tests"]:
            verdict = _verdict(group["publicKey"]["pk"], bytes.fromhex(case["msg"]), case["sig"])
            assert verdict == {"valid": "ok", "invalid": "entry.signature"}[case["result"]], case["tcId"]
            counts[verdict] += 1
    assert counts == {"ok": 88, "entry.signature": 63}


def test_cctv_edge_cases_are_judged_by_their_flags() -> None:
    counts: Counter[str] = Counter()
    for case in load("cctv_ed25519.json"):
        verdict = _verdict(case["key"], case["msg"].encode(), case["sig"])
        assert verdict == _cctv_expected(case["flags"] or ()), case["number"]
        counts[verdict] += 1
    assert counts == {"ok": 86, "entry.key": 526, "entry.signature": 302}


def test_speccheck_cases_are_judged_by_the_table() -> None:
    cases = load("speccheck_cases.json")
    verdicts = [_verdict(case["pub_key"], bytes.fromhex(case["message"]), case["signature"]) for case in cases]
    assert tuple(verdicts) == SPECCHECK
