"""What the fuzzers call: each target takes bytes, and may end in one of its refusals only.

A target's bytes are text of one of the languages that are read. For `load` they are files: the Compose file, then
others, each behind a line `#>>> path`; for `documents` they are the choices that hypothesis makes a project of.
"""

import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from hypothesis import HealthCheck, given, settings

from compose.errors import ComposeError, ComposeFileError
from compose.loader import dotenv, interpolation, words
from compose.loader.mount import parse_volume
from compose.loader.options import LoadOptions
from compose.loader.places import Clue, Source, Sources
from compose.loader.port import parse_port
from compose.loader.problem import Problem
from compose.loader.scalar import plain, text_of
from compose.loader.template import InvalidTemplate, MissingRequired, Template, variables_of
from compose.loader.units import duration, duration_text, size
from compose.loader.yaml_source import read_documents
from compose.loader.yaml_writer import dump
from compose.remote.names import is_remote
from runtime.build.dockerfile.ignore import read_ignore_file
from runtime.errors import EngineError, ErrorSet, InvalidArgument, SourceError
from runtime.git import reference as git
from runtime.image import reference as image
from tests.fuzz.documents import check_project, projects
from tests.fuzz.invariants import CWD, VARIABLES, Violation, check_load, require, require_told
from tests.support.dockerfiles import plan
from tests.unit.loader.memory import MappingReader

_HELPER = re.compile(r"[A-Za-z0-9+.-]*::")
"""What git takes for `git-remote-…` and runs (git-remote-helpers)."""

SECONDS_PER_INPUT = 5.0
"""Of this process's time; inputs are short, and instrumented code takes some times as long."""


@dataclass(frozen=True, slots=True)
class Target:
    """A function to feed, and the exceptions by which it refuses its input."""

    name: str
    feed: Callable[[bytes], None]
    refusals: tuple[type[Exception], ...] = ()

    def check(self, data: bytes) -> None:
        """Raises what is neither a result nor a refusal, and Violation when it takes too long."""
        begin = time.process_time()
        with suppress(*self.refusals):
            self.feed(data)
        seconds = time.process_time() - begin
        if seconds > SECONDS_PER_INPUT:
            raise Violation(f"took {seconds:.1f} s")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _yaml(data: bytes) -> None:
    source = Source("/compose.yaml", "")
    try:
        documents = read_documents(source, data)
    except ComposeFileError as error:
        require_told(error)
        return
    except Problem as problem:
        Sources([source]).span(problem.path, Clue(problem.needle, on_key=problem.on_key))
        return
    for document in documents:
        if isinstance(document.tree, dict):
            (again,) = read_documents(Source("/again.yaml", ""), dump(document.tree).encode())
            require(again.tree == document.tree, f"written and read again: {again.tree!r}, was {document.tree!r}")


def _template(data: bytes) -> None:
    text = _text(data)
    doubled = text.replace("$", "$$")
    require(Template(VARIABLES.get).substitute(doubled) == text, "`$$` is not `$`")
    list(variables_of(doubled))
    try:
        Template(VARIABLES.get).substitute(text)
    finally:
        list(variables_of(text))


def _dotenv(data: bytes) -> None:
    text = dotenv.decode(data)
    dotenv.parse_raw(text, VARIABLES.get)
    try:
        dotenv.parse(text, "/.env", VARIABLES.get)
    except ComposeError as error:
        require_told(error)


def _port(data: bytes) -> None:
    for port in parse_port(_text(data)):
        require(0 <= port["target"] < 1 << 16, f"no port: {port}")


def _volume(data: bytes) -> None:
    require(isinstance(parse_volume(_text(data))["target"], str), "a mount without target")


def _duration(data: bytes) -> None:
    seconds = duration(_text(data))
    require(duration(duration_text(seconds)) == seconds, f"printed as {duration_text(seconds)}")


def _size(data: bytes) -> None:
    require(isinstance(size(_text(data)), int), "no number")


def _scalar(data: bytes) -> None:
    text = _text(data)
    text_of(plain(text))
    for cast in (interpolation.integer, interpolation.number, interpolation.octal, interpolation.boolean):
        try:
            text_of(cast(text))
        except ValueError:
            continue


def _words(data: bytes) -> None:
    words.split(_text(data))


def _git(data: bytes) -> None:
    text = _text(data)
    if not is_remote(text):
        return
    found = git.parse(text)
    require(not found.repository.startswith("-"), f"git takes `{found.repository}` for an option")
    require(not _HELPER.match(found.repository), f"git runs a helper for `{found.repository}`")
    require(".." not in found.subdirectory.split("/"), f"leads out of the repository: {found.subdirectory}")


def _image(data: bytes) -> None:
    short = image.familiar(_text(data))
    require(image.familiar(short) == short, f"`{short}` has another short form")


def _dockerfile(data: bytes) -> None:
    try:
        plan(data)
    except ErrorSet as errors:
        for error in errors.errors:
            _require_line(error, data)
    except SourceError as error:
        _require_line(error, data)


def _require_line(error: EngineError, data: bytes) -> None:
    require(isinstance(error, SourceError), f"without a place: {error}")
    if isinstance(error, SourceError):
        require(1 <= error.place.line <= data.count(b"\n") + 1, f"no such line: {error}")


def _ignore(data: bytes) -> None:
    rules = read_ignore_file(data)
    for path in ("a", "src/main.py", "a/" * 40 + "b", "ab" * 120):
        require(rules.takes_back or not rules.hides(path) or rules.ignores(f"{path}/below"), f"{path} hides nothing")


SEPARATOR = "#>>> "


def files_of(data: bytes) -> dict[str, bytes]:
    """The files that a text for `load` holds."""
    files: dict[str, list[bytes]] = {"compose.yaml": []}
    name = "compose.yaml"
    for line in data.splitlines(keepends=True):
        if line.startswith(SEPARATOR.encode()):
            name = line[len(SEPARATOR) :].decode("utf-8", "replace").strip().replace("\0", "")
            files.setdefault(name, [])
        else:
            files[name].append(line)
    return {f"{CWD}/{name}": b"".join(lines) for name, lines in files.items()}


def _load(data: bytes) -> None:
    check_load(LoadOptions(cwd=CWD, environment=VARIABLES, reader=MappingReader(files_of(data))))


@settings(max_examples=150, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(projects())
def any_project(files: dict[str, bytes]) -> None:
    """What the test of this name and the target `documents` do with a project."""
    check_project(files)


def _documents(data: bytes) -> None:
    any_project.hypothesis.fuzz_one_input(data)


TARGETS = {
    target.name: target
    for target in (
        Target("yaml", _yaml),
        Target("template", _template, (InvalidTemplate, MissingRequired)),
        Target("dotenv", _dotenv),
        Target("port", _port, (Problem,)),
        Target("volume", _volume, (Problem,)),
        Target("duration", _duration, (ValueError,)),
        Target("size", _size, (ValueError,)),
        Target("scalar", _scalar),
        Target("words", _words, (ValueError,)),
        Target("git", _git, (InvalidArgument,)),
        Target("image", _image, (InvalidArgument,)),
        Target("dockerfile", _dockerfile, (InvalidArgument,)),
        Target("ignore", _ignore, (SourceError,)),
        Target("load", _load),
        Target("documents", _documents),
    )
}
