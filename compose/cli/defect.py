"""The report of an unexpected error: short on the terminal, whole in a file."""

import os
import sys
import tempfile
import traceback

from compose.version import __version__


def report(error: Exception, *, program: str, verbose: bool) -> str:
    """Return what to print; without `verbose` the traceback goes to a file that the text names."""
    text = "".join(traceback.format_exception(error))
    short = f"unexpected error: {type(error).__name__}: {error}\n"
    if verbose:
        return short + text
    descriptor, path = tempfile.mkstemp(prefix=f"{program}-", suffix=".txt")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(f"{program} {__version__}, Python {sys.version}\n{text}")
    return f"{short}this is a defect of {program}; the details are in {path}\n"
