"""COPY and ADD: sources and destination as paths (BuildKit, dockerfile2llb/convert_copy.go)."""

import posixpath
import re
from collections.abc import Sequence

from runtime.build.dockerfile import instructions as ast
from runtime.build.dockerfile.ignore import IgnoreRules, clean
from runtime.build.dockerfile.lint import Lint
from runtime.build.dockerfile.remotes import SourceKind, kind_of
from runtime.build.dockerfile.words import WordError

_OCTAL = re.compile(r"[0-7]{1,11}")
_SYMBOLIC = re.compile(r"[ugoa]*(?:[-+=](?:[rwxXst]*|[ugo]))+(?:,[ugoa]*(?:[-+=](?:[rwxXst]*|[ugo]))+)*")
_LONGEST_NAME = 255
"""NAME_MAX, in bytes."""
_EXCLUDES_ALL = ("*", "**", "**/*")


def check_mode(mode: str) -> None:
    """Raise WordError for what `--chmod` cannot take."""
    if not mode or _SYMBOLIC.fullmatch(mode):
        return
    if not _OCTAL.fullmatch(mode) or int(mode, 8) > 0o7777:
        raise WordError(
            f"invalid chmod parameter: `{mode}`",
            "an octal number from 0 to 07777, or symbols such as `u=rwX,go=rX`",
        )


def check_checksum(checksum: str, sources: Sequence[str]) -> None:
    """Raise WordError for a `--checksum` that has nothing to check."""
    if not checksum:
        return
    if len(sources) != 1:
        raise WordError("checksum can't be specified for multiple sources")
    if kind_of(sources[0]) is SourceKind.LOCAL:
        raise WordError("checksum requires HTTP(S) or Git sources")
    if kind_of(sources[0]) is SourceKind.URL and not re.fullmatch(r"sha256:[0-9a-f]{64}", checksum):
        raise WordError(f"invalid checksum `{checksum}`", "`sha256:` and 64 hexadecimal digits")


def check_local(sources: Sequence[str]) -> None:
    """Raise WordError where COPY is given what only ADD takes."""
    for source in sources:
        if kind_of(source) is not SourceKind.LOCAL:
            what = "a git ref" if kind_of(source) is SourceKind.GIT else "a URL"
            raise WordError(f"source can't be {what} for COPY: `{source}`", "ADD takes it")


def inline_name(word: str) -> str:
    """Return what a here-document is called as a file: the word after `<<`, which may be a path of nothing but it.

    Raises WordError.
    """
    name = clean(f"/{word}")[1:]
    if not name or "/" in name or len(name.encode("utf-8", "surrogateescape")) > _LONGEST_NAME:
        raise WordError(f"a file cannot be called `{word}`", "the folder belongs into the destination")
    return name


def normal_source(source: str, *, parents: bool) -> str:
    """Return a source below its root: no leading slash, nothing that climbs; URLs as they are."""
    if kind_of(source) is not SourceKind.LOCAL:
        return source
    head, pivot, tail = source.partition("/./") if parents else (source, "", "")
    below = clean(f"/{head}")[1:]
    if pivot:
        return f"{below or '.'}/./{clean(f'/{tail}')[1:]}"
    return below or "."


def normal_destination(destination: str, working_dir: str) -> str:
    """Return an absolute path that ends with a slash where a folder is meant."""
    path = clean(posixpath.join("/", working_dir, destination))
    is_folder = destination.endswith(("/", "/.")) or destination in ("", ".")
    return path if path == "/" or not is_folder else f"{path}/"


def report_ignored(instruction: ast.Copy | ast.Add, sources: Sequence[str], rules: IgnoreRules, lint: Lint) -> None:
    """Report sources that `.dockerignore` leaves out, where no line of it takes anything back."""
    if rules.takes_back:
        return
    verb = "Add" if isinstance(instruction, ast.Add) else "Copy"
    for source in sources:
        if kind_of(source) is not SourceKind.LOCAL:
            continue
        path = clean(source)
        is_root = path in (".", "/")
        ignored = any(rule.pattern in _EXCLUDES_ALL for rule in rules.rules) if is_root else rules.ignores(path)
        if ignored:
            lint.report("CopyIgnoredFile", instruction.location, verb, path, comments=instruction.comments)
