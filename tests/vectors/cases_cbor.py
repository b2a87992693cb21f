"""Vectors of the CBOR profile: protocol/content.md, "CBOR profile"."""
# ruff: noqa: E501 (a table is read by its columns)

from collections.abc import Iterator
from typing import Any

from p2pmicro import cbor

from .form import Vector, rendered

# name, rule, hex, diagnostic notation or None, why
_REFUSED = """
integer_over_int63       integers 1b8000000000000000         9223372036854775808 | 2^63: no signed 64-bit integer holds it
integer_under_int63      integers 3b7fffffffffffffff         -9223372036854775808 | -2^63: refused, so that the range is symmetric
integer_uint64_max       integers 1bffffffffffffffff         18446744073709551615 | the largest that CBOR has without a tag
integer_nint64_min       integers 3bffffffffffffffff         -18446744073709551616 | the smallest that CBOR has without a tag
integer_8_bits_too_wide  shortest 1817                       23_0 | 23 fits the first byte
integer_16_bits_too_wide shortest 1900ff                     255_1 | 255 fits one byte
integer_32_bits_too_wide shortest 1a0000ffff                 65535_2 | 65535 fits two bytes
integer_64_bits_too_wide shortest 1b00000000ffffffff         4294967295_3 | 4294967295 fits four bytes
negative_too_wide        shortest 3800                       -1_0 | negative integers obey the same rule
bytes_length_too_wide    shortest 580161                     h'61'_0 | so do lengths of byte strings
text_length_too_wide     shortest 780161                     "a"_0 | and of texts
array_length_too_wide    shortest 98010a                     [_0 10] | and of arrays
map_length_too_wide      shortest b801616101                 {_0 "a": 1} | and of maps
false_in_two_bytes       shortest f814                       - | ill-formed by RFC 8949 section 3.3: simple values under 32 take one byte
tag_date                 types    c074323032362d30312d30315430303a30303a30305a 0("2026-01-01T00:00:00Z") | decoders turn it into a date
tag_time                 types    c11a6955b900               1(1767225600) | and this one too
tag_bignum               types    c249010000000000000000     2(h'010000000000000000') | decoders turn it into an integer
tag_negative_bignum      types    c349010000000000000000     3(h'010000000000000000') | the same, negative
tag_bignum_small         types    c24101                     2(h'01') | a second spelling of 1
tag_shared               types    d81c81d81d00               28([29(0)]) | a list that contains itself: a careless reader never ends
tag_string_reference     types    d901008263616161d81900     256(["aaa", 25(0)]) | a second spelling of a text
tag_embedded             types    d8184100                   24(h'00') | CBOR within CBOR
tag_set                  types    d90102820102               258([1, 2]) | decoders turn it into a set
tag_self_described       types    d9d9f700                   55799(0) | the magic number of CBOR files
tag_unknown              types    d9ffff00                   65535(0) | a tag that no decoder knows
tag_in_array             types    8201c100                    [1, 1(0)] | below the top too
float_16                 types    f93c00                     1.0_1 | there are no floats, not even whole ones
float_32                 types    fa3f800000                 1.0_2 | of no width
float_64                 types    fb3ff199999999999a         1.1 | of no width
float_nan                types    f97e00                     NaN | not equal to itself
float_infinity           types    f97c00                     Infinity | from RFC 8949 appendix A
undefined                types    f7                         undefined | null is enough
simple_16                types    f0                         simple(16) | from RFC 8949 appendix A
simple_255               types    f8ff                       simple(255) | from RFC 8949 appendix A
float_in_map             types    a16161f93c00               {"a": 1.0_1} | below the top too
bytes_indefinite         definite 5f41014102ff               (_ h'01', h'02') | from RFC 8949 section 3.2.3
text_indefinite          definite 7f61616162ff               (_ "a", "b") | a text in chunks
text_indefinite_empty    definite 7fff                       ""_ | no chunk at all
array_indefinite         definite 9f0102ff                   [_ 1, 2] | an open array
array_indefinite_empty   definite 9fff                       [_ ] | from RFC 8949 appendix A
map_indefinite           definite bf616101ff                 {_ "a": 1} | an open map
array_indefinite_inside  definite 829f01ff02                 [[_ 1], 2] | below the top too
break_alone              definite ff                         - | from RFC 8949 appendix F
break_in_array           definite 81ff                       - | from RFC 8949 appendix F
reserved_28              shortest 1c                         - | reserved additional information, from RFC 8949 appendix F
reserved_62              shortest 5e                         - | reserved additional information, from RFC 8949 appendix F
integer_indefinite       definite 1f                         - | from RFC 8949 appendix F
key_integer              keys     a10102                     {1: 2} | keys are text
key_bytes                keys     a1416101                   {h'61': 1} | keys are text
key_null                 keys     a1f601                     {null: 1} | keys are text
key_bool                 keys     a1f401                     {false: 1} | keys are text
key_array                keys     a18001                     {[]: 1} | some languages can't even hold it
key_map                  keys     a1a001                     {{}: 1} | some languages can't even hold it
key_second_integer       keys     a26161010202               {"a": 1, 2: 2} | every key is looked at
keys_duplicate           keys     a2616101616102             {"a": 1, "a": 2} | two readers, two meanings
keys_duplicate_equal     keys     a2616101616101             {"a": 1, "a": 1} | also where the values agree
keys_duplicate_empty     keys     a260016002                 {"": 1, "": 2} | an empty key is a key
keys_duplicate_inside    keys     81a2616101616102           [{"a": 1, "a": 2}] | below the top too
keys_unsorted_bytes      keys     a2616201616102             {"b": 1, "a": 2} | equally long ones go by their bytes
keys_unsorted_length     keys     a262616101616202           {"aa": 1, "b": 2} | sorted as words are: the shorter must come first
keys_unsorted_last       keys     a3616101616301616202       {"a": 1, "c": 1, "b": 2} | every pair is looked at
keys_unsorted_empty      keys     a26161016002               {"a": 1, "": 2} | the empty key comes first
keys_unsorted_utf8       keys     a262c3a901616202            {"\\u00e9": 1, "b": 2} | length counts UTF-8 bytes, not characters
keys_unsorted_utf16      keys     a264f09f98800163efbfa102    {"\\ud83d\\ude00": 1, "\\uffe1": 2} | four bytes before three: by length, whatever UTF-16 says
keys_unsorted_inside     keys     81a2616201616102           [{"b": 1, "a": 2}] | below the top too
utf8_stray_byte          utf8     61ff                       - | never in UTF-8
utf8_overlong            utf8     62c080                     - | a second spelling of NUL
utf8_surrogate           utf8     63eda080                   - | half of a surrogate pair
utf8_too_high            utf8     64f4908080                 - | U+110000
utf8_cut                 utf8     61c3                       - | a letter cut in two
utf8_in_key              utf8     a161ff01                   - | keys are text too
depth_9_arrays           depth    818181818181818180         [[[[[[[[[]]]]]]]]] | one over
depth_9_maps             depth    a16161a16161a16161a16161a16161a16161a16161a16161a0 {"a": {"a": {"a": {"a": {"a": {"a": {"a": {"a": {}}}}}}}}} | maps count as arrays do
depth_9_last             depth    8200818181818181818180     [0, [[[[[[[[]]]]]]]]] | the deepest need not come first
byte_left_over           one      0000                       0, 0 | a second value
bytes_left_over_text     one      616180                     "a", [] | a second value after a text
nothing                  one      -                          - | no value at all
cut_integer              one      1901                       - | ends within an integer
cut_bytes                one      4261                       - | ends within a byte string
cut_text                 one      6261                       - | ends within a text
cut_array                one      8201                       - | an item is missing
cut_map                  one      a16161                     - | a value is missing
array_huge               allocate 9bffffffffffffffff         - | a promise of 2^64-1 items: nothing may be reserved for it
bytes_huge               allocate 5b7fffffffffffffff         - | a promise of 2^63-1 bytes
text_huge                allocate 7b7fffffffffffffff         - | a promise of 2^63-1 bytes
map_huge                 allocate bb7fffffffffffffff         - | a promise of 2^63-1 pairs
bytes_tebibyte           allocate 5b000001000000000061       - | a promise that memory might even hold
"""

_ACCEPTED: tuple[tuple[str, str, Any, str], ...] = (
    ("integers", "shortest", [0, 23, 24, 255, 256, 65535, 65536, 2**32 - 1, 2**32], "each width, at its ends"),
    ("integers_negative", "shortest", [-1, -24, -25, -256, -257, -65536, -65537, -(2**32), -(2**32) - 1], "the same"),
    ("integer_max", "integers", 2**63 - 1, "the largest"),
    ("integer_min", "integers", -(2**63 - 1), "the smallest"),
    ("simple_values", "types", [False, True, None], "all that there are"),
    ("bytes", "types", [b"", b"\0", bytes(23), bytes(24)], "lengths around the first step"),
    ("bytes_256", "shortest", bytes(256), "a length of two bytes"),
    ("texts", "utf8", ["", "a", "\u00e9", "\u20ac", "\U0001f600"], "one to four bytes a letter"),
    ("text_nul", "utf8", "a\0b", "NUL is a code point like others"),
    ("text_bom", "utf8", "\ufeffa", "a byte order mark is a code point like others: some decoders swallow it"),
    ("text_not_nfc", "utf8", "e\u0301", "texts are not normalised: other bytes are another value"),
    ("text_unassigned", "utf8", "\u0378\U0010ffff", "nothing is refused for its Unicode properties"),
    ("array_24", "shortest", [0] * 24, "a length that needs a second byte"),
    ("map_empty", "types", {}, "no pair"),
    ("map_sorted_by_length", "keys", {"b": 1, "aa": 2}, "the shorter key comes first, unlike in a dictionary"),
    ("map_key_empty", "keys", {"": 1, "a": 2}, "an empty key is a key"),
    ("map_key_utf8", "keys", {"b": 1, "\u00e9": 2, "\uffe1": 3, "\U0001f600": 4}, "length counts UTF-8 bytes"),
    (
        "map_key_proto",
        "keys",
        {"__proto__": 1, "constructor": 2},
        "keys that mean something in JavaScript mean nothing here",
    ),
    ("map_key_24", "keys", {"z" * 23: 1, "a" * 24: 2}, "a key whose length needs a second byte sorts after"),
    ("map_keys_by_case", "keys", {"B": 1, "a": 2}, "bytes, not letters"),
    ("depth_8_arrays", "depth", [[[[[[[[]]]]]]]], "the deepest"),
    ("depth_8_maps", "depth", {"a": {"a": {"a": {"a": {"a": {"a": {"a": {}}}}}}}}, "maps count as arrays do"),
    ("depth_8_scalar", "depth", [[[[[[[[1]]]]]]]], "what isn't an array or a map adds no depth"),
)


def vectors() -> Iterator[Vector]:
    """All of them."""
    for name, rule, value, comment in _ACCEPTED:
        data = cbor.encode(value)
        yield Vector(
            f"cbor/{name}", f"content.md#cbor-{rule}", _sentence(comment), data, value=value, decoded=rendered(value)
        )
    for line in _REFUSED.strip().splitlines():
        left, comment = line.rsplit(" | ", 1)
        name, rule, rest = left.split(None, 2)
        digits, shown = _cut(rest)
        yield Vector(
            f"cbor/{name}",
            f"content.md#cbor-{rule}",
            _sentence(comment),
            bytes.fromhex(digits),
            "entry.encoding",
            diag=shown,
        )


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."


def _cut(text: str) -> tuple[str, str | None]:
    digits, shown = text.split(None, 1)
    return ("" if digits == "-" else digits), (None if shown == "-" else shown)
