"""Vectors of payloads: protocol/content.md, "Payloads" and the kinds."""

from collections.abc import Iterator
from hashlib import sha256
from struct import pack
from typing import Any

from p2pmicro import cbor
from p2pmicro.feed.content import read

from .form import Vector, rendered
from .parties import (
    ACCOUNT_A,
    ACCOUNT_B,
    FEED_A,
    LOG_A,
    SMALL,
    START_MS,
    device_content,
    revoke_message,
)

_REF: list[Any] = [FEED_A.public, 2, LOG_A.id(2)]
_KEY_B = ACCOUNT_B.public
_SMILE = "\U0001f600"
_FOLLOW = {"account": _KEY_B, "on": True, "rev": 1}
_FOLLOWS = {"part": 0, "parts": 1, "list": [[_KEY_B, 1, True]]}
_PROFILE = {"rev": 1, "name": "Ann"}
_REACTION = {"ref": _REF, "on": True, "rev": 1}
_PICTURE: list[Any] = [sha256(b"a picture").digest(), "image/png", 9, "A hill"]
_AVATAR = _PICTURE[:3]
_SEALED = {"salt": bytes(16), "commit": bytes(32), "slots": [bytes(72)] * 4, "body": bytes(272)}
_REVOKE = {
    "feed": FEED_A.public,
    "seq": 2,
    "id": LOG_A.id(2),
    "sig": ACCOUNT_A.sign(revoke_message(FEED_A.public, 2, LOG_A.id(2))),
}
_DEVICE = device_content()


def vectors() -> Iterator[Vector]:
    """All of them."""
    for name, rule, comment, value in (*_shapes(), *_valid()):
        data = value if isinstance(value, bytes) else cbor.encode(value)
        shown = cbor.decode(data)
        entry = read(data)
        decoded = {"time_ms": rendered(entry.time_ms), "kind": entry.kind, "content": rendered(entry.content)}
        yield Vector(f"entry/{name}", f"content.md#{rule}", comment, data, value=shown, decoded=decoded)
    for name, rule, comment, value in (*_bad_shapes(), *_bad_fields()):
        yield Vector(f"entry/{name}", f"content.md#{rule}", comment, cbor.encode(value), "entry.content", value=value)
    yield from _bad_bytes()


def _with(content: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A content with some fields changed; `...` takes one out."""
    return {key: value for key, value in {**content, **changes}.items() if value is not ...}


def _post(**fields: Any) -> Any:
    return [START_MS, "post", _with({"text": "Hello"}, **fields)]


def _of(kind: str, content: dict[str, Any], **changes: Any) -> Any:
    return [START_MS, kind, _with(content, **changes)]


def _shapes() -> Iterator[tuple[str, str, str, Any]]:
    yield "post", "payload-shape", "A message.", _post()
    yield "time_negative", "payload-shape", "A claim before 1970.", [-1, "post", {"text": "Hello"}]
    yield (
        "time_max",
        "payload-shape",
        "The latest claim: any integer of the profile.",
        [2**63 - 1, "post", {"text": "a"}],
    )
    yield "time_min", "payload-shape", "The earliest claim.", [-(2**63 - 1), "post", {"text": "a"}]
    yield "unknown_key", "payload-unknown-keys", "Ignored, and kept.", _post(colour=[1, {"a": None}])
    yield "unknown_key_sorted_first", "payload-unknown-keys", "It may come before known ones.", _post(a=1)
    yield (
        "critical_key_inside",
        "payload-critical",
        "In a map inside the content it means nothing.",
        _post(reply={"root": _REF, "parent": _REF, "!new": 1}),
    )
    yield "exclamation_within_key", "payload-critical", "Only the first character counts.", _post(**{"a!": 1})


def _valid() -> Iterator[tuple[str, str, str, Any]]:
    every_field = _post(
        text="@ann look at this",
        reply={"root": _REF, "parent": [FEED_A.public, 3, LOG_A.id(3)]},
        quote=_REF,
        replaces=[_REF],
        mentions=[[0, 4, ACCOUNT_A.public]],
        lang="en",
        media=[_PICTURE],
    )
    yield "post_all_fields", "payload-fields", "Every field of a post.", every_field
    yield "post_text_140", "post-text", "At the limit: 140 code points, 560 bytes.", _post(text=_SMILE * 140)
    yield "post_text_empty", "post-text", "Senders don't send it; receivers don't refuse it.", _post(text="")
    yield "post_text_not_nfc", "post-text", "Receivers refuse nothing by Unicode properties.", _post(text="e\u0301")
    yield "post_text_controls", "post-text", "Nor control characters: they mark them.", _post(text="a\x07\x1b[31m")
    yield "post_reply", "post-reply", "An answer to the root itself.", _post(reply={"root": _REF, "parent": _REF})
    yield "post_quote", "post-quote", "A quoted message.", _post(quote=_REF)
    yield "post_mentions_none", "post-mentions", "An empty list is a list.", _post(mentions=[])
    at_limit = [[place, 1, _KEY_B] for place in range(32)]
    yield (
        "post_mentions_32",
        "post-mentions",
        "At the limit, each beside the next.",
        _post(text="a" * 32, mentions=at_limit),
    )
    yield "post_mentions_whole", "post-mentions", "All of the text.", _post(mentions=[[0, 5, _KEY_B]])
    yield (
        "post_mentions_code_points",
        "post-mentions",
        "Places count code points, not UTF-16 units or bytes.",
        _post(text=_SMILE + "\u00e9b", mentions=[[2, 1, _KEY_B]]),
    )
    yield "post_lang_35", "post-lang", "At the limit.", _post(lang="a" * 35)
    yield "post_lang_1", "post-lang", "The shortest.", _post(lang="x")
    yield "post_replaces_16", "post-replaces", "At the limit.", _post(replaces=[_REF] * 16)
    yield "post_media_4", "post-media", "At the limit.", _post(media=[_PICTURE] * 4)
    picture: list[Any] = [_PICTURE[0], "a" * 40, 1 << 20, _SMILE * 400]
    yield "post_media_limits", "post-media", "Each field at its limit.", _post(media=[picture])
    least = [_PICTURE[0], "a", 1, ""]
    yield "post_media_least", "post-media", "Each field at its least: a text may be empty.", _post(media=[least])
    yield "repost", "reaction-fields", "A message passed on.", _of("repost", _REACTION)
    yield "repost_off", "reaction-fields", "And taken back.", _of("repost", _REACTION, on=False, rev=2)
    yield "like", "reaction-fields", "A message liked.", _of("like", _REACTION)
    yield "like_off", "reaction-fields", "And no longer.", _of("like", _REACTION, on=False, rev=2**53)
    yield "sealed", "sealed-fields", "Well-formed, though nobody can open it.", _of("sealed", _SEALED)
    for slots in (8, 16, 32):
        yield f"sealed_slots_{slots}", "sealed-fields", "More slots.", _of("sealed", _SEALED, slots=[bytes(72)] * slots)
    largest = _of("sealed", _SEALED, slots=[bytes(72)] * 64, body=bytes(2576))
    yield "sealed_largest", "sealed-fields", "64 slots and the largest body fit a payload.", largest
    yield "sealed_body_1024", "sealed-fields", "The middle size.", _of("sealed", _SEALED, body=bytes(1040))
    yield "profile", "profile-fields", "The least of it.", _of("profile", _PROFILE)
    yield (
        "profile_all_fields",
        "profile-fields",
        "Every field.",
        _of("profile", _PROFILE, bio="Writes tests.", link="https://example.org/ann", avatar=_AVATAR),
    )
    yield "profile_name_empty", "profile-fields", "A name may be empty.", _of("profile", _PROFILE, name="")
    yield "profile_name_50", "profile-fields", "At the limit.", _of("profile", _PROFILE, name=_SMILE * 50)
    yield "profile_bio_500", "profile-fields", "At the limit.", _of("profile", _PROFILE, bio="b" * 500)
    yield "profile_bio_empty", "profile-fields", "A bio may be empty.", _of("profile", _PROFILE, bio="")
    link = "https://" + "a" * 248
    yield "profile_link_256", "profile-link", "At the limit.", _of("profile", _PROFILE, link=link)
    yield (
        "profile_link_http",
        "profile-link",
        "The other scheme, and the shortest link.",
        _of("profile", _PROFILE, link="http://"),
    )
    avatar: list[Any] = [_PICTURE[0], "a" * 40, 256 << 10]
    yield (
        "profile_avatar_limits",
        "profile-avatar",
        "Each field at its limit.",
        _of("profile", _PROFILE, avatar=avatar),
    )
    yield "profile_pin_5", "profile-pin", "At the limit.", _of("profile", _PROFILE, pin=[_REF] * 5)
    yield "profile_rev_max", "field-rev", "At the limit: 2^53.", _of("profile", _PROFILE, rev=2**53)
    yield "follow", "follow-fields", "A follow.", _of("follow", _FOLLOW)
    yield "follow_off", "follow-fields", "An unfollow.", _of("follow", _FOLLOW, on=False, rev=2)
    yield "follows", "follows-part", "A snapshot in one part.", _of("follows", _FOLLOWS)
    yield "follows_empty", "follows-list", "Who follows nobody.", _of("follows", _FOLLOWS, list=[])
    yield (
        "follows_last_part",
        "follows-part",
        "At the limit: the last of 500 parts.",
        _of("follows", _FOLLOWS, part=499, parts=500),
    )
    yield "follows_200", "follows-list", "At the limit.", _of("follows", _FOLLOWS, list=[[_KEY_B, 1, True]] * 200)
    yield "delete", "delete-ref", "A wish that an entry be erased.", [START_MS, "delete", {"ref": _REF}]
    yield "ref_seq_max", "field-ref", "At the limit.", _of("delete", {}, ref=[FEED_A.public, 2**32 - 1, LOG_A.id(2)])
    yield (
        "ref_seq_1",
        "field-ref",
        "Entry 1: well-formed, though a delete of it is void.",
        _of("delete", {}, ref=[FEED_A.public, 1, LOG_A.id(1)]),
    )
    yield "device", "content-device", "As at seq 1 of feed_a.", [START_MS, "device", _DEVICE]
    yield "device_gen_max", "content-device", "At the limit.", [START_MS, "device", device_content(gen=2**32 - 1)]
    yield (
        "device_signature_wrong",
        "content-device",
        "Well-formed: signatures are for the device proof.",
        _of("device", _DEVICE, sig=bytes(64)),
    )
    yield "revoke", "content-revoke", "feed_a counts up to 2.", [START_MS, "revoke", _REVOKE]


def _bad_shapes() -> Iterator[tuple[str, str, str, Any]]:
    content = {"text": "Hello"}
    for name, comment, value in (
        ("array_of_2", "A field is missing.", [START_MS, "post"]),
        ("array_of_4", "A field too many.", [START_MS, "post", content, None]),
        ("array_empty", "Nothing in it.", []),
        ("not_an_array", "A map.", {"kind": "post"}),
        ("integer", "A number.", 1),
        ("null", "Nothing.", None),
        ("time_text", "Time is an integer.", ["1767225600000", "post", content]),
        ("time_null", "Time is an integer.", [None, "post", content]),
        ("time_bool", "True is no integer.", [True, "post", content]),
        ("kind_bytes", "The kind is a text.", [START_MS, b"post", content]),
        ("kind_integer", "The kind is a text.", [START_MS, 1, content]),
        ("content_array", "The content is a map.", [START_MS, "post", ["Hello"]]),
        ("content_text", "The content is a map.", [START_MS, "post", "Hello"]),
    ):
        yield f"shape_{name}", "payload-shape", comment, value
    for name, comment, kind in (
        ("unknown", "Valid in its chain, shown to nobody.", "poem"),
        ("empty", "No name.", ""),
        ("upper_case", "Kinds are compared byte by byte.", "Post"),
        ("constructor", "What every object of JavaScript has is no kind.", "constructor"),
        ("state", "Stands inside of sealed entries alone.", "state"),
        ("keys", "Kept for a later version.", "keys"),
    ):
        yield f"kind_{name}", "payload-kind", comment, [START_MS, kind, content]
    yield (
        "critical_key",
        "payload-critical",
        "What must not be overlooked makes the entry unknown.",
        _post(**{"!burn": 1}),
    )
    yield "critical_key_bare", "payload-critical", "Only the mark.", _post(**{"!": None})
    yield "critical_key_known_word", "payload-critical", "With the mark it is another key.", _post(**{"!lang": "en"})


def _bad_fields() -> Iterator[tuple[str, str, str, Any]]:
    yield from _bad_posts()
    yield from _bad_state()
    yield from _bad_refs()
    yield from _bad_pictures()
    yield from _bad_sealed()
    for name, comment, changes in (
        ("feed_missing", "A field is missing.", {"feed": ...}),
        ("account_missing", "A field is missing.", {"account": ...}),
        ("device_missing", "A field is missing.", {"device": ...}),
        ("box_missing", "A field is missing.", {"box": ...}),
        ("gen_missing", "A field is missing.", {"gen": ...}),
        ("sig_missing", "A field is missing.", {"sig": ...}),
        ("feed_small_order", "A refused key.", {"feed": SMALL}),
        ("account_small_order", "A refused key.", {"account": SMALL}),
        ("device_small_order", "A refused X25519 key.", {"device": SMALL}),
        ("box_small_order", "A refused X25519 key.", {"box": bytes(32)}),
        ("box_top_bit", "A second spelling of an X25519 key.", {"box": _DEVICE["box"][:31] + b"\xff"}),
        ("account_31", "One byte short.", {"account": _DEVICE["account"][:31]}),
        ("device_text", "A text is no key.", {"device": "a" * 32}),
        ("gen_negative", "Generations begin at 0.", {"gen": -1}),
        ("gen_over", "One over.", {"gen": 2**32}),
        ("gen_text", "An integer is wanted.", {"gen": "0"}),
        ("sig_63", "One byte short.", {"sig": bytes(63)}),
        ("sig_null", "A byte string is wanted.", {"sig": None}),
    ):
        yield f"device_{name}", "content-device", comment, _of("device", _DEVICE, **changes)
    for name, comment, changes in (
        ("feed_missing", "A field is missing.", {"feed": ...}),
        ("seq_missing", "A field is missing.", {"seq": ...}),
        ("id_missing", "A field is missing.", {"id": ...}),
        ("sig_missing", "A field is missing.", {"sig": ...}),
        ("feed_small_order", "A refused key.", {"feed": SMALL}),
        ("seq_0", "Seqs begin at 1.", {"seq": 0}),
        ("seq_over", "One over the last seq.", {"seq": 2**32}),
        ("id_31", "One byte short.", {"id": bytes(31)}),
        ("sig_65", "One byte over.", {"sig": bytes(65)}),
    ):
        yield f"revoke_{name}", "content-revoke", comment, _of("revoke", _REVOKE, **changes)


def _bad_posts() -> Iterator[tuple[str, str, str, Any]]:
    for name, comment, text in (
        ("missing", "A post without a text.", ...),
        ("141", "One over.", "a" * 141),
        ("141_emoji", "One over, 4 bytes each.", _SMILE * 141),
        ("bytes", "Bytes are no text.", b"Hello"),
        ("null", "Null is no text.", None),
    ):
        yield f"post_text_{name}", "post-text", comment, _post(text=text)
    for name, comment, reply in (
        ("not_a_map", "A ref alone.", _REF),
        ("null", "Leave the field out instead.", None),
        ("no_root", "Both are wanted.", {"parent": _REF}),
        ("no_parent", "Both are wanted.", {"root": _REF}),
        ("root_bad", "A ref has three parts.", {"root": _REF[:2], "parent": _REF}),
        ("parent_bad", "A ref has three parts.", {"root": _REF, "parent": [*_REF, 0]}),
    ):
        yield f"post_reply_{name}", "post-reply", comment, _post(reply=reply)
    yield "post_quote_bad", "post-quote", "A ref is no text.", _post(quote="z6Mk")
    for name, comment, mentions in (
        ("not_a_list", "A map.", {}),
        ("33", "One over.", [[place, 1, _KEY_B] for place in range(33)]),
        ("row_of_2", "The account is missing.", [[0, 1]]),
        ("row_of_4", "A part too many.", [[0, 1, _KEY_B, 0]]),
        ("row_not_a_list", "A row is a list.", [_KEY_B]),
        ("past_the_end", "One code point over.", [[1, 40, _KEY_B]]),
        ("start_at_the_end", "Nothing is left there.", [[40, 1, _KEY_B]]),
        ("empty", "A mention of no characters.", [[0, 0, _KEY_B]]),
        ("start_negative", "Places begin at 0.", [[-1, 2, _KEY_B]]),
        ("start_bool", "False is no integer.", [[False, 1, _KEY_B]]),
        ("length_negative", "Backwards.", [[2, -1, _KEY_B]]),
        ("overlap", "Two names for one character.", [[0, 2, _KEY_B], [1, 2, ACCOUNT_A.public]]),
        ("not_in_order", "The later one first.", [[3, 1, _KEY_B], [0, 1, _KEY_B]]),
        ("account_31", "One byte short.", [[0, 1, _KEY_B[:31]]]),
        ("account_small_order", "A refused key.", [[0, 1, SMALL]]),
    ):
        yield f"post_mentions_{name}", "post-mentions", comment, _post(text="a" * 40, mentions=mentions)
    yield (
        "post_mentions_utf16",
        "post-mentions",
        "Within the text only if UTF-16 units were counted.",
        _post(text=_SMILE, mentions=[[0, 2, _KEY_B]]),
    )
    for name, comment, lang in (
        ("empty", "Leave the field out instead.", ""),
        ("36", "One over.", "a" * 36),
        ("list", "One language.", ["en"]),
    ):
        yield f"post_lang_{name}", "post-lang", comment, _post(lang=lang)


def _bad_pictures() -> Iterator[tuple[str, str, str, Any]]:
    name, kind, size, alt = _PICTURE
    for fault, comment, row in (
        ("of_3", "The text is missing.", [name, kind, size]),
        ("of_5", "A key has its place in sealed messages.", [*_PICTURE, bytes(32)]),
        ("map", "A row is a list.", {"hash": name}),
        ("hash_31", "One byte short.", [name[:31], kind, size, alt]),
        ("hash_text", "A hash is bytes.", ["a" * 32, kind, size, alt]),
        ("type_empty", "A type has a name.", [name, "", size, alt]),
        ("type_41", "One over.", [name, "a" * 41, size, alt]),
        ("type_integer", "A type is a text.", [name, 1, size, alt]),
        ("bytes_0", "An empty picture is none.", [name, kind, 0, alt]),
        ("bytes_over", "One over.", [name, kind, (1 << 20) + 1, alt]),
        ("bytes_text", "An integer is wanted.", [name, kind, "9", alt]),
        ("alt_401", "One over.", [name, kind, size, "a" * 401]),
        ("alt_null", "An empty text says as much.", [name, kind, size, None]),
    ):
        yield f"post_media_{fault}", "post-media", comment, _post(media=[row])
    yield "post_media_5", "post-media", "One over.", _post(media=[_PICTURE] * 5)
    yield "post_media_not_a_list", "post-media", "A list is wanted.", _post(media={})
    for fault, comment, avatar in (
        ("of_2", "The size is missing.", _AVATAR[:2]),
        ("of_4", "An avatar has no text.", _PICTURE),
        ("null", "Leave the field out instead.", None),
        ("hash_33", "One byte over.", [name + b"a", kind, size]),
        ("type_empty", "A type has a name.", [name, "", size]),
        ("bytes_over", "One over.", [name, kind, (256 << 10) + 1]),
    ):
        yield f"profile_avatar_{fault}", "profile-avatar", comment, _of("profile", _PROFILE, avatar=avatar)
    for fault, comment, pin in (
        ("empty", "Leave the field out instead.", []),
        ("6", "One over.", [_REF] * 6),
        ("one_ref", "A list, also of one.", _REF),
    ):
        yield f"profile_pin_{fault}", "profile-pin", comment, _of("profile", _PROFILE, pin=pin)
    for fault, comment, replaces in (
        ("empty", "Leave the field out instead.", []),
        ("17", "One over.", [_REF] * 17),
        ("ref", "A list is wanted.", _REF),
        ("null", "Leave the field out instead.", None),
        ("ref_of_2", "The id is missing.", [_REF[:2]]),
    ):
        yield f"post_replaces_{fault}", "post-replaces", comment, _post(replaces=replaces)
    for reaction in ("like", "repost"):
        for fault, comment, changes in (
            ("ref_missing", "A field is missing.", {"ref": ...}),
            ("on_missing", "A field is missing.", {"on": ...}),
            ("rev_missing", "A field is missing.", {"rev": ...}),
            ("ref_of_2", "The id is missing.", {"ref": _REF[:2]}),
            ("on_integer", "1 is not true.", {"on": 1}),
            ("rev_0", "Revs begin at 1.", {"rev": 0}),
            ("rev_over", "One over 2^53.", {"rev": 2**53 + 1}),
        ):
            yield f"{reaction}_{fault}", "reaction-fields", comment, _of(reaction, _REACTION, **changes)


def _bad_sealed() -> Iterator[tuple[str, str, str, Any]]:
    changes: dict[str, Any]
    for fault, comment, changes in (
        ("salt_missing", "A field is missing.", {"salt": ...}),
        ("commit_missing", "A field is missing.", {"commit": ...}),
        ("slots_missing", "A field is missing.", {"slots": ...}),
        ("body_missing", "A field is missing.", {"body": ...}),
        ("salt_15", "One byte short.", {"salt": bytes(15)}),
        ("salt_text", "Bytes are wanted.", {"salt": "a" * 16}),
        ("commit_33", "One byte over.", {"commit": bytes(33)}),
        ("slots_0", "Nobody could read it.", {"slots": []}),
        ("slots_3", "A number that tells how many can read.", {"slots": [bytes(72)] * 3}),
        ("slots_5", "A number that tells how many can read.", {"slots": [bytes(72)] * 5}),
        ("slots_65", "One over.", {"slots": [bytes(72)] * 65}),
        ("slots_bytes", "A list is wanted.", {"slots": bytes(288)}),
        ("slot_71", "One byte short.", {"slots": [bytes(72)] * 3 + [bytes(71)]}),
        ("slot_null", "Bytes are wanted.", {"slots": [bytes(72)] * 3 + [None]}),
        ("body_256", "The tag is missing.", {"body": bytes(256)}),
        ("body_271", "A length that tells of the text.", {"body": bytes(271)}),
        ("body_4112", "A size that there is not.", {"body": bytes(4112)}),
        ("body_text", "Bytes are wanted.", {"body": "a" * 272}),
    ):
        yield f"sealed_{fault}", "sealed-fields", comment, _of("sealed", _SEALED, **changes)


def _bad_state() -> Iterator[tuple[str, str, str, Any]]:
    changes: dict[str, Any]
    for name, rule, comment, changes in (
        ("rev_missing", "field-rev", "A field is missing.", {"rev": ...}),
        ("rev_0", "field-rev", "Revs begin at 1.", {"rev": 0}),
        ("rev_over", "field-rev", "One over 2^53.", {"rev": 2**53 + 1}),
        ("rev_bool", "field-rev", "True is no integer.", {"rev": True}),
        ("rev_text", "field-rev", "An integer is wanted.", {"rev": "1"}),
        ("name_missing", "profile-fields", "A field is missing.", {"name": ...}),
        ("name_51", "profile-fields", "One over.", {"name": "a" * 51}),
        ("name_bytes", "profile-fields", "Bytes are no text.", {"name": b"Ann"}),
        ("bio_501", "profile-fields", "One over.", {"bio": "b" * 501}),
        ("bio_null", "profile-fields", "Leave the field out instead.", {"bio": None}),
        ("link_257", "profile-fields", "One over.", {"link": "https://" + "a" * 249}),
        ("link_integer", "profile-link", "A text is wanted.", {"link": 1}),
        ("link_empty", "profile-link", "Leave the field out instead.", {"link": ""}),
        ("link_javascript", "profile-link", "A script is no link.", {"link": "javascript:alert(1)"}),
        ("link_upper_case", "profile-link", "One spelling of the scheme.", {"link": "HTTPS://example.org"}),
        ("link_space_before", "profile-link", "It begins with the scheme.", {"link": " https://example.org"}),
    ):
        yield f"profile_{name}", rule, comment, _of("profile", _PROFILE, **changes)
    for name, comment, changes in (
        ("account_missing", "A field is missing.", {"account": ...}),
        ("on_missing", "A field is missing.", {"on": ...}),
        ("rev_missing", "A field is missing.", {"rev": ...}),
        ("rev_0", "Revs begin at 1.", {"rev": 0}),
        ("on_integer", "1 is not true.", {"on": 1}),
        ("on_null", "Null is not false.", {"on": None}),
        ("account_33", "One byte over.", {"account": _KEY_B + b"\0"}),
        ("account_text", "The text form has no place here.", {"account": "did:key:z6Mk"}),
        ("account_small_order", "A refused key.", {"account": SMALL}),
    ):
        yield f"follow_{name}", "follow-fields", comment, _of("follow", _FOLLOW, **changes)
    for name, rule, comment, changes in (
        ("part_missing", "follows-part", "A field is missing.", {"part": ...}),
        ("parts_missing", "follows-part", "A field is missing.", {"parts": ...}),
        ("part_is_parts", "follows-part", "Parts are counted from 0.", {"part": 1}),
        ("part_negative", "follows-part", "Parts are counted from 0.", {"part": -1}),
        ("parts_0", "follows-part", "At least one.", {"parts": 0}),
        ("parts_501", "follows-part", "One over.", {"parts": 501}),
        ("list_missing", "follows-list", "A field is missing.", {"list": ...}),
        ("list_map", "follows-list", "A list is wanted.", {"list": {}}),
        ("list_201", "follows-list", "One over.", {"list": [[_KEY_B, 1, True]] * 201}),
        ("row_of_2", "follows-list", "The state is missing.", {"list": [[_KEY_B, 1]]}),
        ("row_rev_0", "follows-list", "Revs begin at 1.", {"list": [[_KEY_B, 0, True]]}),
        ("row_rev_over", "follows-list", "One over 2^53.", {"list": [[_KEY_B, 2**53 + 1, True]]}),
        ("row_on_integer", "follows-list", "1 is not true.", {"list": [[_KEY_B, 1, 1]]}),
        ("row_account_small_order", "follows-list", "A refused key.", {"list": [[SMALL, 1, True]]}),
        ("row_last_bad", "follows-list", "Every row is looked at.", {"list": [[_KEY_B, 1, True], [_KEY_B, 1, None]]}),
    ):
        yield f"follows_{name}", rule, comment, _of("follows", _FOLLOWS, **changes)


def _bad_refs() -> Iterator[tuple[str, str, str, Any]]:
    feed, seq, entry_id = _REF
    yield "delete_ref_missing", "delete-ref", "A field is missing.", [START_MS, "delete", {}]
    for name, comment, ref in (
        ("map", "A ref is an array.", {"feed": feed, "seq": seq, "id": entry_id}),
        ("of_2", "The id is missing.", [feed, seq]),
        ("of_4", "A part too many.", [feed, seq, entry_id, 0]),
        ("seq_0", "Seqs begin at 1.", [feed, 0, entry_id]),
        ("seq_over", "One over the last seq.", [feed, 2**32, entry_id]),
        ("seq_text", "An integer is wanted.", [feed, "2", entry_id]),
        ("id_31", "One byte short.", [feed, seq, entry_id[:31]]),
        ("id_33", "One byte over.", [feed, seq, entry_id + b"\0"]),
        ("feed_31", "One byte short.", [feed[:31], seq, entry_id]),
        ("feed_small_order", "A refused key.", [SMALL, seq, entry_id]),
        ("feed_text", "The text form has no place here.", ["z6Mk", seq, entry_id]),
    ):
        rule = "field-key" if name == "feed_small_order" else "field-ref"
        yield f"ref_{name}", rule, comment, [START_MS, "delete", {"ref": ref}]


def _bad_bytes() -> Iterator[Vector]:
    good = cbor.encode(_post())
    for name, rule, comment, data, shown in (
        ("bytes_left_over", "cbor-one", "A payload and one byte more.", good + b"\0", None),
        ("bytes_cut", "cbor-one", "A payload without its last byte.", good[:-1], None),
        ("two_payloads", "cbor-apart", "Two payloads in one entry.", good + good, None),
        ("text_not_cbor", "cbor-one", "Plain text: a reader that guesses would show it.", b"Hello", None),
        ("json", "cbor-one", "JSON.", b'[1767225600000,"post",{"text":"Hello"}]', None),
        (
            "keys_unsorted",
            "cbor-keys",
            "A valid post, but for the order of its keys.",
            good[:15] + b"\xa2\x64text\x65Hello\x61a\x01",
            '[1767225600000, "post", {"text": "Hello", "a": 1}]',
        ),
        (
            "time_too_wide",
            "cbor-shortest",
            "A valid post, but for the width of its time.",
            b"\x83\x1b" + bytes(7) + b"\x01" + good[10:],
            '[1_3, "post", {"text": "Hello"}]',
        ),
        (
            "time_float",
            "cbor-types",
            "JavaScript's numbers, written by a careless encoder.",
            b"\x83\xfb" + pack(">d", START_MS) + good[10:],
            '[1767225600000.0, "post", {"text": "Hello"}]',
        ),
    ):
        yield Vector(f"entry/{name}", f"content.md#{rule}", comment, data, "entry.encoding", diag=shown)
