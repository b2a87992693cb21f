"""`export`."""

import sys
from argparse import Namespace
from typing import Any

from ..errors import LocalError
from ..node.export import ExportPlan, Form
from .opening import open_home
from .output import Progress, agreed, counted, print_json, rfc3339, size


def export(args: Namespace) -> None:
    """Write everything of oneself into a file, after saying what it will have."""
    if not args.yes and not sys.stdin.isatty():
        raise LocalError("Say --yes to write the file where nobody can be asked.")
    form = Form(args.form) if args.form is not None else None
    with open_home(args) as node:
        with Progress("count") as progress:
            plan = node.plan_export(
                args.file,
                form,
                everybody=args.all,
                private_too=args.private,
                drafts_too=args.drafts,
                pictures_too=not args.no_pictures,
                progress=progress,
            )
        if not args.json:
            _tell(plan)
        replaced = " in place of the one there" if plan.replaces else ""
        if not args.yes and not agreed(f"Write {plan.path}{replaced}?"):
            print("Nothing was written.", file=sys.stderr)
            return
        with Progress("export") as progress:
            written = node.export(plan, progress)
    if args.json:
        print_json(_fields(plan) | {"bytes": written})
    else:
        print(f"Written: {plan.path}, {size(written)}. Only you can read it.")


def _fields(plan: ExportPlan) -> dict[str, Any]:
    extent = plan.extent
    return {
        "file": str(plan.path),
        "as": plan.form.value,
        "people": len(plan.people),
        "feeds": extent.feeds,
        "entries": extent.entries,
        "first": None if extent.first_ms is None else rfc3339(extent.first_ms),
        "last": None if extent.last_ms is None else rfc3339(extent.last_ms),
        "pictures": extent.pictures if plan.pictures else None,
        "private": plan.private_items if plan.private else None,
        "drafts": plan.draft_count if plan.drafts else None,
        "replaces": plan.replaces,
    }


def _tell(plan: ExportPlan) -> None:
    extent = plan.extent
    what = "a signed bundle, for another node" if plan.form is Form.BUNDLE else "plain JSON"
    print(f"file     {plan.path}: {what}, about {size(plan.about_bytes)}")
    others = counted(len(plan.people) - 1, "other person", "other people")
    print(f"of       you{f' and {others}' if plan.everybody else ''}")
    dates = ""
    if extent.first_ms is not None and extent.last_ms is not None:
        first, last = rfc3339(extent.first_ms)[:10], rfc3339(extent.last_ms)[:10]
        dates = f", {first}" if first == last else f", {first} to {last}"
    print(f"entries  {extent.entries} of {counted(extent.feeds, 'feed')}{dates}")
    pictures = f"{extent.pictures}, {size(extent.picture_bytes)}" if plan.pictures and extent.pictures else "none"
    print(f"pictures {pictures}")
    kept = "nothing" + (": sealed messages stay sealed" if plan.form is Form.BUNDLE else "")
    if plan.private:
        kept = f"{plan.private_items} of mutes, bookmarks, lists and the like; sealed messages that you can read"
    print(f"private  {kept}")
    print(f"drafts   {plan.draft_count if plan.drafts else 'none'}")
