"""What a source of ADD, or a build context, is: a path, a URL, a git repository, an image.

Source: BuildKit, frontend/dockerfile/dfgitutil/git_ref.go. An HTTP URL is a repository where its path ends in `.git`.
"""

import re
from enum import Enum
from urllib.parse import urlsplit

_SCP_STYLE = re.compile(r"[A-Za-z0-9_-]+@[^/\s:]+:[^\s]+")


_SCHEMES = {"docker-image://": "IMAGE", "oci-layout://": "LAYOUT", "file://": "GIT", "github.com/": "GIT"}
"""Of contexts alone: an ADD of such a name is one of a file."""
STANDARD_INPUT = "-"


class SourceKind(Enum):
    """Where a source comes from."""

    LOCAL = "local"
    URL = "url"
    GIT = "git"
    IMAGE = "image"
    LAYOUT = "layout"
    INPUT = "standard input"


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


def kind_of_context(text: str) -> SourceKind:
    """Return what a build context is, or a named one (BuildKit, frontend/dockerui/namedcontext.go)."""
    if text == STANDARD_INPUT:
        return SourceKind.INPUT
    prefix = next((each for each in _SCHEMES if text.startswith(each)), None)
    return SourceKind[_SCHEMES[prefix]] if prefix else kind_of(text)
