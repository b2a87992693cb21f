"""`notices`: what concerns oneself, until it is read."""

from p2pmicro import ids
from tests.cli.conftest import Shell
from tests.cli.others import bring, says
from tests.made import MadeFeed


def test_notices_tell_who_did_what_until_they_are_read(ada: Shell) -> None:
    mine = ada.json("post", "Who has seen the ferry?")[0]
    me = ids.parse_account(mine["account"])
    ref = [*ids.parse_ref(mine["ref"]), bytes.fromhex(mine["id"])]
    made = MadeFeed(1, "bob", account="bob")
    says(made, "profile", name="Bob", rev=1)
    says(made, "post", text="I have", reply={"root": ref, "parent": ref})
    says(made, "like", ref=ref, rev=1, on=True)
    says(made, "follow", account=me, rev=1, on=True)
    assert ada("notices").out == "Nothing yet: answers, mentions, likes and the like are shown here.\n"
    bring(ada.person, made)
    found = ada.json("notices")
    assert [(one["why"], one["name"], one["unread"]) for one in found] == [
        ("follow", "Bob", True),
        ("like", "Bob", True),
        ("reply", "Bob", True),
    ]
    assert (found[1]["about"], found[1]["message"]) == (mine["ref"], None)
    assert (found[2]["about"], found[2]["message"]["text"]) == (mine["ref"], "I have")
    said = ada("notices", "--read").out
    name = f"Bob ({ids.short(ids.parse_account(found[0]['account']))})"
    assert f"* {name} follows you " in said
    assert f"* {name} likes your message: Who has seen the ferry? " in said
    assert f"* {name} answered you " in said
    assert said.endswith("All of it is read now.\n")
    assert [one["unread"] for one in ada.json("notices")] == [False] * 3
    assert len(ada.json("notices", "--limit", "1")) == 1
