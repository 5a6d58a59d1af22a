"""References to Compose files in repositories: `https://host/x.git#ref:folder`, `git@host:x.git?ref=v1`, ….

What docker compose takes is taken (buildkit, util/gitutil and dfgitutil, read there), and `file://`. What goes to
git's command line is checked here: nothing that begins with `-`, no protocol but the listed ones.
"""

import re
from collections.abc import Mapping
from posixpath import normpath

from compose.errors import RemoteError
from compose.remote.names import BARE_GITHUB, scheme_of
from schemas.dataclass import dataclass

PROTOCOLS = ("https", "http", "ssh", "git", "file")

_USER = re.compile(r"(?<=://)[^/@]*:[^/@]*(?=@)")
_NOT_IN_REFS = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|\.$|/$|\.lock$")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_IGNORED = frozenset(("keep-git-dir", "submodules", "mtime", "fetch-by-commit"))
"""About a build's context; docker compose ignores them for Compose files."""


@dataclass(frozen=True, slots=True)
class GitReference:
    """A file or folder in a commit of a repository."""

    repository: str
    """What git is given."""
    protocol: str
    ref: str = "HEAD"
    """A branch, a tag, a full name below `refs/`, or a commit in full."""
    subdirectory: str = ""
    """Of the Compose file, or the file itself; relative and without `..`."""
    checksum: str = ""
    """Beginning of the commit that the ref has to stand for."""

    @property
    def is_commit(self) -> bool:
        """Whether the ref names a commit in full, so that no network is needed to know it."""
        return bool(_COMMIT.fullmatch(self.ref))


def without_password(text: str) -> str:
    """The text as it may be shown: a password in a URL is replaced."""
    return _USER.sub(lambda match: match[0].partition(":")[0] + ":***", text)


def parse(text: str) -> GitReference:
    """A reference to a file in a git repository. Raises RemoteError."""
    if not text.isprintable():
        raise RemoteError(f"{text!a} is no reference to a repository: it has characters that cannot be shown")
    protocol = scheme_of(text)
    if protocol not in PROTOCOLS:
        known = ", ".join(f"`{each}`" for each in PROTOCOLS)
        raise _wrong(text, f"`{protocol}` is no protocol for Compose files", f"{known} are, and `user@host:path`")
    whole, _, fragment = (f"https://{text}" if text.startswith(BARE_GITHUB) else text).partition("#")
    repository, _, query = whole.partition("?")
    if protocol in ("http", "https") and not repository.endswith(".git"):
        raise _wrong(text, "the path of an HTTP address has to end in `.git`", "a single file cannot be fetched")
    authority = repository.partition("://")[2].partition("/")[0]
    if any(part.startswith("-") for part in authority.split("@")):
        raise _wrong(text, "no host begins with `-`")
    ref, _, subdirectory = fragment.partition(":")
    options = _query(text, query)
    for key, written in (("ref", ref), ("subdir", subdirectory)):
        if written and options.get(key, written) != written:
            raise _wrong(text, f"`{key}` is given twice: `{written}` and `{options[key]}`")
    return GitReference(
        repository,
        protocol,
        _checked_ref(text, ref or options.get("ref", "HEAD")),
        _checked_folder(text, subdirectory or options.get("subdir", "")),
        options.get("checksum", ""),
    )


def _query(text: str, query: str) -> Mapping[str, str]:
    """`ref`, `subdir`, `checksum`; `tag` and `branch` become a ref."""
    found: dict[str, str] = {}
    for part in filter(None, query.split("&")):
        key, _, value = (_unescaped(each) for each in part.partition("="))
        if key in _IGNORED:
            continue
        key = {"commit": "checksum"}.get(key, key)
        if key in ("tag", "branch"):
            below = "refs/tags/" if key == "tag" else "refs/heads/"
            key, value = "ref", below + value.removeprefix(below)
        if key not in ("ref", "subdir", "checksum") or not value:
            raise _wrong(text, f"`{part}` means nothing here", "`ref`, `tag`, `branch`, `subdir`, `checksum` do")
        if found.setdefault(key, value) != value:
            raise _wrong(text, f"`{key}` is given twice: `{found[key]}` and `{value}`")
    return found


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text)


def _checked_ref(text: str, ref: str) -> str:
    if ref.startswith(("-", "/", ".")) or _NOT_IN_REFS.search(ref):
        raise _wrong(text, f"`{ref}` is no name of a branch, tag or commit")
    return ref


def _checked_folder(text: str, folder: str) -> str:
    cleaned = normpath(folder.lstrip("/")) if folder.strip("/") else ""
    if cleaned.split("/")[0] == ".." or not cleaned.isprintable():
        raise _wrong(text, f"`{folder}` is not inside the repository")
    return "" if cleaned == "." else cleaned


def _wrong(text: str, reason: str, hint: str = "") -> RemoteError:
    return RemoteError(f"{without_password(text)}: {reason}", hint=hint)
