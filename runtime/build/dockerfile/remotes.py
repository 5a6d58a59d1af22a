"""What a source of ADD, or a build context, is: a path, a URL, or a git repository.

Source: BuildKit, frontend/dockerfile/dfgitutil/git_ref.go. An HTTP URL is a repository where its path ends in `.git`.
"""

import re
from enum import Enum
from urllib.parse import urlsplit

_SCP_STYLE = re.compile(r"[A-Za-z0-9_-]+@[^/\s:]+:[^\s]+")


class SourceKind(Enum):
    """Where a source comes from."""

    LOCAL = "local"
    URL = "url"
    GIT = "git"


def kind_of(source: str) -> SourceKind:
    """Return what a source is."""
    if source.startswith(("git://", "ssh://")) or _SCP_STYLE.fullmatch(source):
        return SourceKind.GIT
    if not source.startswith(("http://", "https://")):
        return SourceKind.LOCAL
    try:
        path = urlsplit(source).path
    except ValueError:
        return SourceKind.URL
    return SourceKind.GIT if path.endswith(".git") else SourceKind.URL
