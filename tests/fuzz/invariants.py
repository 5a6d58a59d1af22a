"""What has to hold whatever a file says: refused with a place, or loaded to what loads to itself.

Each check raises Violation, or lets out the exception that should not have come; a fuzzer calls either a finding.
"""

import json
import unicodedata

from compose.errors import ComposeError, ErrorGroup, ProjectError
from compose.loader.options import LoadOptions
from compose.loader.project import LoadResult, load
from compose.loader.project_name import locate
from compose.render import diagnostic

CWD = "/srv/shop"
VARIABLES = {"A": "1", "B": "b c", "EMPTY": "", "D": "$A${B}", "HOME": "/home/tester", "P": "80", "T": "true"}
"""The shell's."""

_TURNING = frozenset(("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"))


class Violation(AssertionError):
    """Something that holds does not."""


def require(holds: bool, what: str) -> None:
    """Raises Violation."""
    if not holds:
        raise Violation(what)


def require_harmless(text: str) -> None:
    """A terminal obeys none of it: no controls, no half characters, nothing that turns the direction of writing."""
    bad = [each for each in text if each != "\n" and unicodedata.category(each) in ("Cc", "Cs", "Zl", "Zp")]
    bad += [each for each in text if unicodedata.bidirectional(each) in _TURNING]
    require(not bad, f"written to the terminal: {bad[:5]!r} in {text[:200]!r}")


def require_told(error: ComposeError) -> None:
    """An error names its place, and says nothing that a terminal would obey."""
    for single in error.errors if isinstance(error, ErrorGroup) else (error,):
        require(single.span is not None or isinstance(single, ProjectError), f"no place: {single!r}")
        require(bool(single.message), "no message")
    require_harmless(diagnostic.render(error, color=False))


def check_load(options: LoadOptions) -> None:
    """Load a project; what loads prints a project that is the same."""
    try:
        found = load(options)
    except ComposeError as error:
        require_told(error)
        return
    json.dumps(found.model, allow_nan=False)
    for warning in found.warnings:
        require_harmless(diagnostic.render_warning(warning))
    _check_name(options, found)
    text = found.yaml
    if not _says_less(found):
        require(_again(text, options, found).yaml == text, "the printed YAML loads to something else")


def _check_name(options: LoadOptions, found: LoadResult) -> None:
    """Commands that do not load find the same name, or say that they cannot."""
    texts = b"".join(options.reader.read(file) for file in options.files or (f"{CWD}/compose.yaml",))
    if b'"' in texts or b"'" in texts:
        return  # a quoted text of several lines may look like a key
    try:
        name = locate(options).name
    except ProjectError as error:
        require("`name` is written in a way" in error.message, f"locate fails where load does not: {error!r}")
    else:
        require(name == found.model["name"], f"locate finds {name!r}, load {found.model['name']!r}")


def _says_less(found: LoadResult) -> bool:
    """Whether docker compose's form cannot say the model: an empty text that is left out is a default again."""
    return any(
        service.network_mode == ""
        or "" in service.environment
        or (service.build is not None and service.build.dockerfile == "")
        for service in found.project.services.values()
    )


def _again(text: str, options: LoadOptions, found: LoadResult) -> LoadResult:
    """What `config` printed, loaded from standard input."""
    try:
        return load(
            LoadOptions(
                cwd=CWD,
                environment=options.environment,
                files=("-",),
                stdin=text.encode(),
                profiles=("*",),
                reader=options.reader,
            )
        )
    except ComposeError as error:
        raise Violation(f"the printed YAML does not load: {error!r} of {found.tree.get('name')!r}") from error
