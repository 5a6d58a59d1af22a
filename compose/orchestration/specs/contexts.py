"""What a build context is, told from its text alone. The executor asks too, so no model is imported here."""

import re

_SCP_STYLE = re.compile(r"[A-Za-z0-9_-]+@[^/\s:]+:")


def is_repository(context: str) -> bool:
    """Whether a context is a git repository (BuildKit, dfgitutil): over HTTP, where its path ends in `.git`."""
    if context.startswith(("http://", "https://")):
        return re.split(r"[?#]", context, maxsplit=1)[0].endswith(".git")
    return context.startswith(("git://", "ssh://", "file://", "github.com/")) or bool(_SCP_STYLE.match(context))
