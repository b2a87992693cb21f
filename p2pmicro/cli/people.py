"""`follow`, `unfollow`, `following`, `followers`, `who`, `petname`."""

from argparse import Namespace
from collections.abc import Sequence

from ..ids import AccountId, format_account, format_ref
from ..node.local import LocalNode
from ..views.person import Person, Portrait
from .opening import open_home
from .output import bold, counted, local_time, print_json, print_table, printable, rfc3339
from .person import called, called_by, person_json, relation, warning


def follow(args: Namespace) -> None:
    """Follow somebody."""
    _set(args, True)


def unfollow(args: Namespace) -> None:
    """Follow somebody no longer."""
    _set(args, False)


def _set(args: Namespace, on: bool) -> None:
    with open_home(args) as node:
        account = node.find_account(args.account)
        (known,) = node.named([account]).values()  # before: once they are followed, nobody is warned of them
        careful = warning(node, known) if on else None
        ref = node.follow(account) if on else node.unfollow(account)
        running = node.is_running()
        blocked = account in node.blocked()
        is_new = node.profile_of(account) is None
    if args.json:
        fields = {"account": format_account(account), "following": on, "changed": ref is not None}
        print_json(fields | {"ref": None if ref is None else format_ref(ref.feed, ref.seq)})
        return
    if ref is None:
        print("You follow this account already." if on else "You do not follow this account.")
    else:
        name = called_by(known) if known.petname or known.name else "them"
        hint = "" if running or not on else " Start your node with `p2pmicro run` to fetch their messages."
        if on and is_new:  # any key is an account: a mistyped one is nobody's
            hint += " Nothing of theirs is here yet: if nothing comes, compare this account with their `whoami`."
        print((f"You follow {name} now." if on else f"You follow {name} no longer.") + hint)
    if careful is not None:
        print(careful)
    if on and blocked:
        print("They are blocked, so nothing of theirs comes: `p2pmicro block --off` lets them in.")


def following(args: Namespace) -> None:
    """List those whom one follows, or somebody else does."""
    with open_home(args) as node:
        people = node.following(args.account)
    _print_people(args, people)
    if not people and not args.json:
        alone = args.account is None
        print(
            "You follow nobody yet: `p2pmicro follow did:key:…`."
            if alone
            else "They follow nobody, as far as is known."
        )


def followers(args: Namespace) -> None:
    """List those who follow oneself, or somebody else."""
    with open_home(args) as node:
        people = node.followers(args.account)
    _print_people(args, people)
    if not people and not args.json:
        whom = "you" if args.account is None else "them"
        print(f"Nobody follows {whom}, as far as your node has heard.")


def _print_people(args: Namespace, people: Sequence[Person]) -> None:
    if args.json:
        for person in people:
            print_json(person_json(person))
    elif people:
        rows = [(called_by(one), relation(one), format_account(one.account)) for one in people]
        print_table(rows, ("NAME", "", "ACCOUNT"))


def who(args: Namespace) -> None:
    """Show somebody with all that is known of them."""
    with open_home(args) as node:
        account = node.find_account(args.account)
        if args.petname is not None:
            node.set_petname(account, args.petname)
        found = node.who(account)
        careful = warning(node, found.person)
        is_you = account == node.account
    if args.json:
        print_json(_portrait_json(found))
        return
    print(f"{bold(called_by(found.person))}  {'this is you' if is_you else relation(found.person)}".rstrip())
    if careful is not None:
        print(careful)
    for label, text in _facts(found):
        print(f"{label:<10} {text}")


def _facts(found: Portrait) -> list[tuple[str, str]]:
    person, profile = found.person, found.profile
    facts = [("account", format_account(person.account))]
    if person.petname is not None:
        facts.append(("calls self", printable(person.name) if person.name else "nothing"))
    if profile is not None:
        facts += [("bio", printable(profile.bio))] if profile.bio else []
        facts += [("link", printable(profile.link))] if profile.link else []
    facts.append(("follows", counted(found.following, "person", "people")))
    common = ", ".join(called_by(one) for one in found.common[:5])
    more = "" if len(found.common) <= 5 else f" and {len(found.common) - 5} more"
    known = f", of those you follow: {common}{more}" if found.common else ""
    facts.append(("followers", f"{found.followers} that your node has heard of{known}"))
    if found.entries:
        held = f"{counted(found.entries, 'entry', 'entries')} of {counted(found.feeds, 'feed')}"
        first = "" if found.first_seen_ms is None else f", the first since {local_time(found.first_seen_ms)}"
        facts.append(("held here", held + first))
    else:
        facts.append(("held here", "nothing yet"))
    if found.tags:
        facts.append(("about", " ".join(f"#{printable(tag)}" for tag in found.tags)))
    if found.newest_ms is not None:
        facts.append(("last wrote", local_time(found.newest_ms)))
    return facts


def _portrait_json(found: Portrait) -> dict[str, object]:
    profile = found.profile
    return person_json(found.person) | {
        "bio": None if profile is None else profile.bio,
        "link": None if profile is None else profile.link,
        "followers": found.followers,
        "following": found.following,
        "common": [format_account(one.account) for one in found.common],
        "feeds": found.feeds,
        "entries": found.entries,
        "first_seen": None if found.first_seen_ms is None else rfc3339(found.first_seen_ms),
        "tags": list(found.tags),
        "last_wrote": None if found.newest_ms is None else rfc3339(found.newest_ms),
    }


def petname(args: Namespace) -> None:
    """Give somebody a name of one's own, or list those that one gave."""
    with open_home(args) as node:
        if args.account is None:
            _list_petnames(args, node)
            return
        account = node.find_account(args.account)
        changed = node.set_petname(account, args.name)
        name = called(node, account)
    if args.json:
        print_json({"account": format_account(account), "petname": args.name or None, "changed": changed})
    elif args.name:
        print(f"You call them {name} from now on. Nobody else sees it.")
    else:
        print(f"You have no name of your own for {name} any more." if changed else f"You had none for {name}.")


def _list_petnames(args: Namespace, node: LocalNode) -> None:
    found: dict[AccountId, str] = node.petnames()
    for account in sorted(found, key=lambda one: found[one].casefold()):
        if args.json:
            print_json({"account": format_account(account), "petname": found[account]})
        else:
            print(f"{format_account(account)}  {called(node, account)}")
    if not found and not args.json:
        print("You gave nobody a name of your own: `p2pmicro petname ACCOUNT NAME` does.")
