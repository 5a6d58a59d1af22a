"""References into repositories: `https://host/x.git#ref:folder`, `git@host:x.git?ref=v1`, ….

What Docker takes is taken (buildkit, util/gitutil and dfgitutil, read there), and `file://`. What goes to git's command
line is checked here: nothing that begins with `-`, no protocol but the listed ones.
"""

import re
from collections.abc import Mapping
from posixpath import normpath

from runtime.errors import InvalidArgument
from schemas.booleans import BOOLEANS
from schemas.dataclass import dataclass

PROTOCOLS = ("https", "http", "ssh", "git", "file")

_BARE_GITHUB = "github.com/"
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_USER = re.compile(r"(?<=://)[^/@]*:[^/@]*(?=@)")
_NOT_IN_REFS = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|\.$|/$|\.lock$")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_CHECKSUM = re.compile(r"[0-9A-Fa-f]{7,40}")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_KEYS = ("ref", "subdir", "checksum", "keep-git-dir", "submodules", "mtime", "fetch-by-commit")


@dataclass(frozen=True, slots=True)
class GitReference:
    """A file or folder in a commit of a repository, and how it is wanted."""

    repository: str
    """What git is given."""
    protocol: str
    ref: str = "HEAD"
    """A branch, a tag, a full name below `refs/`, or a commit in full."""
    subdirectory: str = ""
    """The folder that is meant, or the file; relative and without `..`."""
    checksum: str = ""
    """Beginning of the commit that the ref has to stand for."""
    keep_git_dir: bool | None = None
    """Of a build: whether `.git` is a part of the tree; None: it does not say."""
    submodules: bool = True
    """Of a build."""
    commit_times: bool = False
    """Of a build: files are as old as the commit, not as the checkout."""

    @property
    def is_commit(self) -> bool:
        """Whether the ref names a commit in full, so that no network is needed to know it."""
        return bool(_COMMIT.fullmatch(self.ref))


def without_password(text: str) -> str:
    """The text as it may be shown: a password in a URL is replaced."""
    return _USER.sub(lambda match: match[0].partition(":")[0] + ":***", text)


def parse(text: str) -> GitReference:
    """A reference to something in a git repository. Raises InvalidArgument."""
    if not text.isprintable():
        raise InvalidArgument(f"{text!a} is no reference to a repository: it has characters that cannot be shown")
    protocol = _protocol_of(text)
    if protocol not in PROTOCOLS:
        known = ", ".join(f"`{each}`" for each in PROTOCOLS)
        raise _wrong(text, f"`{protocol}` is no protocol for repositories", f"{known} are, and `user@host:path`")
    whole, _, fragment = (f"https://{text}" if text.startswith(_BARE_GITHUB) else text).partition("#")
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
        _checked_checksum(text, options.get("checksum", "")),
        _switch(text, options, "keep-git-dir") if "keep-git-dir" in options else None,
        _switch(text, options, "submodules") if "submodules" in options else True,
        options.get("mtime") == "commit",
    )


def _protocol_of(text: str) -> str:
    match = _SCHEME.match(text)
    return match[1].lower() if match else "https" if text.startswith(_BARE_GITHUB) else "ssh"


def _query(text: str, query: str) -> Mapping[str, str]:
    """What the query says; `tag` and `branch` become a ref."""
    found: dict[str, str] = {}
    for part in filter(None, query.split("&")):
        key, _, value = (_unescaped(each) for each in part.partition("="))
        key = {"commit": "checksum"}.get(key, key)
        if key in ("tag", "branch"):
            below = "refs/tags/" if key == "tag" else "refs/heads/"
            key, value = "ref", below + value.removeprefix(below)
        if key not in _KEYS or not (value or key in ("keep-git-dir", "submodules", "fetch-by-commit")):
            known = ", ".join(f"`{each}`" for each in ("tag", "branch", *_KEYS))
            raise _wrong(text, f"`{part}` means nothing here", f"{known} do")
        if found.setdefault(key, value) != value:
            raise _wrong(text, f"`{key}` is given twice: `{found[key]}` and `{value}`")
    return found


def _switch(text: str, options: Mapping[str, str], key: str) -> bool:
    value = options[key] or "true"
    if value not in BOOLEANS:
        raise _wrong(text, f"`{key}` is a boolean, not `{value}`", "`true` or `false`")
    return BOOLEANS[value]


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text)


def _checked_ref(text: str, ref: str) -> str:
    if ref.startswith(("-", "/", ".")) or _NOT_IN_REFS.search(ref):
        raise _wrong(text, f"`{ref}` is no name of a branch, tag or commit")
    return ref


def _checked_checksum(text: str, checksum: str) -> str:
    if checksum and not _CHECKSUM.fullmatch(checksum):
        raise _wrong(text, f"`{checksum}` is no commit", "7 to 40 hexadecimal digits")
    return checksum.lower()


def _checked_folder(text: str, folder: str) -> str:
    cleaned = normpath(folder.lstrip("/")) if folder.strip("/") else ""
    if cleaned.split("/")[0] == ".." or not cleaned.isprintable():
        raise _wrong(text, f"`{folder}` is not inside the repository")
    return "" if cleaned == "." else cleaned


def _wrong(text: str, reason: str, hint: str = "") -> InvalidArgument:
    return InvalidArgument(f"{without_password(text)}: {reason}", hint=hint)
