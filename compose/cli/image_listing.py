"""`image ls`, `image history` and `image inspect`."""

import argparse
import json
import time
from collections.abc import Mapping, Sequence

from compose.cli.context import Context
from compose.cli.image_filters import LISTING, read_filters
from compose.cli.options import add_format
from compose.errors import ProjectError
from compose.render.image_rows import history_rows, inspected, list_rows
from compose.render.table import table
from compose.render.template import formatted
from runtime.errors import EngineError

_LIST = {"Repository": "REPOSITORY", "Tag": "TAG", "ID": "IMAGE ID", "CreatedSince": "CREATED", "Size": "SIZE"}
_HISTORY = {"ID": "IMAGE", "CreatedSince": "CREATED", "CreatedBy": "CREATED BY", "Size": "SIZE", "Comment": "COMMENT"}


def declare_ls(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    add = parser.add_argument
    add("-a", "--all", action="store_true", help="Show all images (there are no intermediate ones)")
    add("--digests", action="store_true", help="Show digests")
    add("-f", "--filter", action="append", default=[], help="Filter output based on conditions provided")
    add_format(parser)
    add("--no-trunc", action="store_true", help="Don't truncate output")
    add("-q", "--quiet", action="store_true", help="Only show image IDs")
    add("reference", nargs="?", default="", metavar="REPOSITORY[:TAG]")


def ls(context: Context) -> None:
    """List images, the newest first."""
    options, reader = context.options, context.reader()
    asked = [options.reference] if options.reference else []
    wanted = read_filters(options.filter, LISTING, reader.image, asked)
    now = time.time_ns()
    rows = [
        row
        for record in reader.images()
        if wanted.matches(record)
        for row in list_rows(record, wanted.names(record), now_ns=now, truncate=not options.no_trunc)
    ]
    if options.quiet:
        context.write("".join(f"{row['ID']}\n" for row in rows))
        return
    headings = {**_LIST}
    if options.digests:
        headings = {"Repository": "REPOSITORY", "Tag": "TAG", "Digest": "DIGEST", **_LIST}
    context.write(listing(options.format, rows, headings))


def declare_history(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    add = parser.add_argument
    add_format(parser)
    add("-H", "--human", action="store_true", default=True, help="Print sizes and dates in human readable format")
    add("--no-trunc", action="store_true", help="Don't truncate output")
    add("-q", "--quiet", action="store_true", help="Only show image IDs")
    add("reference", metavar="IMAGE")


def history(context: Context) -> None:
    """Tell how an image came to be, the last step first."""
    options = context.options
    details = context.images().image_details(options.reference)
    rows = history_rows(details, now_ns=time.time_ns(), truncate=not options.no_trunc, human=options.human)
    if options.quiet:
        context.write("".join(f"{row['ID']}\n" for row in rows))
        return
    headings = _HISTORY if options.human else {**_HISTORY, "CreatedSince": "CREATED AT"}
    context.write(listing(options.format, rows, headings))


def declare_inspect(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("-f", "--format", default="", help="Format output: json, or a Go template")
    parser.add_argument("references", nargs="+", metavar="IMAGE")


def inspect(context: Context) -> None:
    """Tell everything of images. What is found is told before the error of what is not."""
    options = context.options
    found: list[dict[str, object]] = []
    failures: list[EngineError] = []
    for reference in options.references:
        try:
            found.append(inspected(context.images().image_details(reference)))
        except EngineError as error:
            failures.append(error)
    if options.format == "json":
        context.write("".join(json.dumps(each, ensure_ascii=False, separators=(",", ":")) + "\n" for each in found))
    elif options.format:
        context.write(formatted(options.format, found))
    else:
        context.out(json.dumps(found, ensure_ascii=False, indent=4))
    if failures:
        raise ProjectError("\n".join(error.message for error in failures), hint=failures[0].hint)


def listing(form: str, rows: Sequence[Mapping[str, object]], headings: Mapping[str, str]) -> str:
    """Return rows as a table, as lines of JSON, or by a template. Raises ProjectError."""
    if form == "json":
        return "".join(
            json.dumps(row, ensure_ascii=False, separators=(",", ":"), sort_keys=True) + "\n" for row in rows
        )
    if form not in ("table", ""):
        return formatted(form, rows)
    return table([list(headings.values()), *([str(row[key]) for key in headings] for row in rows)])
