"""The project's name and folder, without loading the project.

For `ps`, `logs`, `exec`, `down`: what they touch is found by the name. A top-level `name:` is read
from the text by eye, because a YAML parser costs more than the rest of such a command. What cannot be read so is
refused; only a quoted text that goes on at the first column with a line `name:` would be taken for the name.
"""

import json
import posixpath
import re
from collections.abc import Iterable

from compose.errors import EXIT_BAD_MODEL, EXIT_FILE_NOT_FOUND, ProjectError
from compose.loader.discovery import Discovery, blaming, discover, require_files
from compose.loader.options import LoadOptions
from compose.loader.template import TemplateError, with_variables
from compose.naming import normalize_project_name, require_project_name
from schemas.dataclass import dataclass

_NAME_LINE = re.compile(r"""^(?P<indent> *)(?:name|"name"|'name')[ \t]*:(?:[ \t]+(?P<value>.*))?$""", re.MULTILINE)
_FIRST_KEY = re.compile(r"^(?P<indent> *)(?![#%\s]|---|\.\.\.)", re.MULTILINE)
_CONTENT = re.compile(r"^(?P<indent> *)(?P<first>[^ \t\n])", re.MULTILINE)
_PROPERTY = re.compile(r"(?:[&!][^ \t]*[ \t]+)+")
_UNUSUAL_KEY = re.compile(r"^(?P<indent> *)[?&!*]", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Location:
    """Where a project is, and its name."""

    name: str
    working_dir: str
    files: tuple[str, ...]


def locate(options: LoadOptions) -> Location:
    """Name, folder and files. Raises ProjectError, also where a file has its `name` in an unusual form.

    With a name given, no file need exist.
    """
    found = discover(options)
    name = given_name(found, options)
    if not name:
        require_files(found)
        texts = (_read(file, options) for file in found.files)
        name = name_of(_names_in_texts(texts), found)
    return Location(name, found.working_dir, tuple(found.files))


def given_name(found: Discovery, options: LoadOptions) -> str:
    """The name from `-p` or COMPOSE_PROJECT_NAME, or nothing. Raises ProjectError for an invalid one."""
    if options.project_name:
        return require_project_name(options.project_name)
    name = found.variables.get("COMPOSE_PROJECT_NAME", "")
    with blaming(found, "COMPOSE_PROJECT_NAME", options):
        return require_project_name(name) if name else ""


def name_of(names: Iterable[str], found: Discovery) -> str:
    """The last `name:` of the files, else the folder's name. Raises ProjectError."""
    written = [name for name in names if name]
    if written:
        try:
            name = normalize_project_name(with_variables(found.variables).substitute(written[-1]))
        except TemplateError as error:
            raise ProjectError(f"error while interpolating name: {error}") from None
    else:
        name = normalize_project_name(posixpath.basename(found.folder))
    if not name:
        raise ProjectError(
            "project name must not be empty",
            hint="`-p` or a top-level `name:` gives one",
            exit_code=EXIT_BAD_MODEL,
        )
    return name


def _read(file: str, options: LoadOptions) -> str:
    if file == "-":
        return options.stdin.decode("utf-8-sig", "replace")
    try:
        return options.reader.read(file).decode("utf-8-sig", "replace")
    except OSError as error:
        raise ProjectError(f"{file}: {(error.strerror or str(error)).lower()}", exit_code=EXIT_FILE_NOT_FOUND) from None


def _names_in_texts(texts: Iterable[str]) -> Iterable[str]:
    for text in texts:
        if text.lstrip().startswith("{"):
            yield _name_in_json(text)
        lines = text.replace("\r\n", "\n").replace("\r", "\n")
        first = _FIRST_KEY.search(lines)
        if first is not None and any(key["indent"] == first["indent"] for key in _UNUSUAL_KEY.finditer(lines)):
            raise _unreadable()
        for match in _NAME_LINE.finditer(lines):
            if first is not None and match["indent"] == first["indent"]:
                if _goes_on(lines, match):
                    raise _unreadable()
                yield _scalar(match["value"] or "")


def _goes_on(lines: str, key: re.Match[str]) -> bool:
    """Whether a line after a key, the next that is not blank, belongs to its value."""
    following = _CONTENT.search(lines, key.end())
    return following is not None and len(following["indent"]) > len(key["indent"]) and following["first"] != "#"


def _name_in_json(text: str) -> str:
    try:
        return str(json.loads(text).get("name", ""))
    except (ValueError, AttributeError):
        raise _unreadable() from None


def _scalar(text: str) -> str:
    """The value of a scalar on one line."""
    if text.lstrip().startswith("!reset"):
        return ""
    text = text.strip()
    if properties := _PROPERTY.match(text):
        text = text[properties.end() :]
    if text[:1] == "'":
        value, closed, _ = text[1:].partition("'")
        if not closed:
            raise _unreadable()
        return value
    if text[:1] == '"':
        try:
            return str(json.JSONDecoder().raw_decode(text)[0])
        except ValueError:
            raise _unreadable() from None
    if text[:1] in ("|", ">", "*", "[", "{"):
        raise _unreadable()
    return re.split(r"[ \t]#|^#", text)[0].strip()


def _unreadable() -> ProjectError:
    hint = "write it as `name: text` on one line, or give `-p`"
    return ProjectError("the project's `name` is written in a way that only a full load understands", hint=hint)
