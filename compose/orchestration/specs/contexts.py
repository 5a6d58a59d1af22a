"""What a build context is, told from its text alone. The executor asks too, so no model is imported here."""

import re

STANDARD_INPUT = "-"
_SCP_STYLE = re.compile(r"[A-Za-z0-9_-]+@[^/\s:]+:")


def is_elsewhere(context: str) -> bool:
    """Whether a context is no path, but something that the builder fetches: a repository, a URL, an image."""
    return "://" in context or context.startswith("github.com/") or bool(_SCP_STYLE.match(context))
