"""Which files make up the project, and which variables they see.

Source: compose-spec, 03-compose-file.md; docker compose, cmd/compose/compose.go; compose-go, cli/options.go.
"""

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import field

from compose import errors
from compose.errors import EXIT_FILE_NOT_FOUND, ProjectError, RemoteError, Span
from compose.loader import dotenv
from compose.loader.options import LoadOptions
from compose.loader.source import resolve
from compose.remote.names import is_remote
from schemas.booleans import BOOLEANS
from schemas.dataclass import dataclass

FILE_NAMES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
OVERRIDE_NAMES = (
    "compose.override.yml",
    "compose.override.yaml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
)


@dataclass(slots=True)
class Discovery:
    """What was found. Paths are absolute, `-` is standard input."""

    files: list[str]
    working_dir: str
    """The project directory: paths of the files start there."""
    folder: str
    """Where `.env` is, and what names the project: the project directory, unless that was fetched."""
    variables: dict[str, str]
    """The shell's over those of the env files."""
    env_files: list[str] = field(default_factory=list)
    warnings: list[errors.Warning] = field(default_factory=list)
    from_files: dict[str, str] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    """Where a variable was last set: an env file and the line; none for those of the shell."""

    @property
    def profiles(self) -> tuple[str, ...]:
        """COMPOSE_PROFILES."""
        return tuple(name.strip() for name in self.variables.get("COMPOSE_PROFILES", "").split(",") if name.strip())


def discover(options: LoadOptions) -> Discovery:
    """Find files and variables. Raises ProjectError, DotenvError; `files` may be empty."""
    explicit = options.env_files or tuple(filter(None, options.environment.get("COMPOSE_ENV_FILES", "").split(",")))
    found = Discovery([], "", _folder(options.files, options), dict(options.environment))
    names = options.files
    found.files = _given_files(names, options)
    _read_env_files(found, explicit, options)
    if not found.files and (listed := found.variables.get("COMPOSE_FILE")) is not None:
        names = _listed_files(listed, found.variables.get("COMPOSE_PATH_SEPARATOR", ""))
        with blaming(found, "COMPOSE_FILE", options):
            found.files = _given_files(names, options)
    if not found.files:
        found.files = _default_files(found, options)
        names = tuple(found.files)
    found.folder = _folder(names, options)
    fetched = (posixpath.dirname(file) for name, file in zip(names, found.files, strict=True) if is_remote(name))
    found.working_dir = next(fetched, found.folder)
    for path in (found.folder, found.working_dir, *found.files):
        _require_text(path)
    if not explicit:
        _read_env_files(found, (), options)
    return found


@contextmanager
def blaming(found: Discovery, variable: str, options: LoadOptions) -> Iterator[None]:
    """Give errors about a variable's value the line of the env file that sets it, if one does."""
    try:
        yield
    except (ProjectError, RemoteError) as error:
        file, _, line = found.origins.get(variable, "").rpartition(":")
        if file and error.span is None:
            text = dotenv.decode(options.reader.read(file)).split("\n")[int(line) - 1]
            start = text.find("=") + 1
            error.span = Span(file, int(line), start + 1, text, max(1, len(text.rstrip()) - start))
        raise


def require_files(found: Discovery) -> None:
    """Raises ProjectError where there is no Compose file."""
    if not found.files:
        raise ProjectError(
            "no configuration file provided: not found",
            exit_code=EXIT_FILE_NOT_FOUND,
            hint=f"looked for {', '.join(f'`{name}`' for name in FILE_NAMES)} here and above; `-f` names another",
        )


def _require_text(path: str) -> None:
    # Labels and the state file are text; bytes that are none would be lost on the way.
    if not path.isascii() and any("\udc80" <= character <= "\udcff" for character in path):
        raise ProjectError(
            f"the path `{path}` is not UTF-8, and a project's has to be", hint="rename the folder or the file"
        )


def _given_files(files: tuple[str, ...], options: LoadOptions) -> list[str]:
    paths = [_given_file(file, options) for file in files]
    for path in paths:
        if path != "-" and not options.reader.is_file(path):
            reason = "is a directory" if options.reader.is_directory(path) else "no such file or directory"
            raise ProjectError(f"{path}: {reason}", exit_code=EXIT_FILE_NOT_FOUND)
    return paths


def _given_file(name: str, options: LoadOptions) -> str:
    if name == "-":
        return name
    return options.local_copy(name) if is_remote(name) else resolve(options.cwd, name)


def _listed_files(text: str, separator: str) -> tuple[str, ...]:
    """The names in COMPOSE_FILE; a URL, which has `:` in it, needs another separator to stand beside others."""
    return (text,) if not separator and is_remote(text) else tuple(text.split(separator or ":"))


def _folder(names: Sequence[str], options: LoadOptions) -> str:
    if options.project_directory:
        return resolve(options.cwd, options.project_directory)
    first = next((name for name in names if name != "-"), None)
    if first is None or is_remote(first):
        return options.cwd
    return posixpath.dirname(resolve(options.cwd, first))


def _default_files(found: Discovery, options: LoadOptions) -> list[str]:
    """The first known name in this folder or the nearest above, and its override file."""
    folder = found.folder
    while True:
        candidates = _existing(FILE_NAMES, folder, options)
        if candidates:
            overrides = _existing(OVERRIDE_NAMES, folder, options)
            _warn_of_several(found, candidates, "config")
            _warn_of_several(found, overrides, "override")
            return [candidates[0], *overrides[:1]]
        parent = posixpath.dirname(folder)
        if parent == folder:
            return []
        folder = parent


def _existing(names: tuple[str, ...], folder: str, options: LoadOptions) -> list[str]:
    paths = (posixpath.join(folder, name) for name in names)
    return [path for path in paths if options.reader.is_file(path)]


def _warn_of_several(found: Discovery, paths: list[str], kind: str) -> None:
    if len(paths) > 1:
        message = f"Found multiple {kind} files with supported names: {', '.join(paths)}"
        found.warnings.append(errors.Warning(message, hint=f"using {paths[0]}"))


def _read_env_files(found: Discovery, explicit: tuple[str, ...], options: LoadOptions) -> None:
    """Variables of the env files; later files beat earlier ones, the project folder's beats the current one's."""
    files = [resolve(options.cwd, file) for file in explicit]
    if not files and not BOOLEANS.get(found.variables.get("COMPOSE_DISABLE_ENV_FILE", "")):
        default = posixpath.join(found.folder, ".env")
        files = [default] if options.reader.is_file(default) and default not in found.env_files else []
    for file in files:
        found.from_files |= read_env_file(file, options.environment, found.from_files, options, found.origins)
    found.env_files.extend(files)
    found.variables = {**found.from_files, **options.environment}
    for name in options.environment:
        found.origins.pop(name, None)


def read_env_file(
    file: str, variables: Mapping[str, str], known: Mapping[str, str], options: LoadOptions, origins: dict[str, str]
) -> dict[str, str]:
    """The variables of one env file; `origins` is filled. Raises ProjectError when it is missing, DotenvError."""
    reader = options.reader
    if reader.is_directory(file):
        raise ProjectError(f"{file} is a directory", exit_code=EXIT_FILE_NOT_FOUND)
    if not reader.is_file(file):
        raise ProjectError(f"Couldn't find env file: {file}", exit_code=EXIT_FILE_NOT_FOUND)
    try:
        text = dotenv.decode(reader.read(file))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ProjectError(f"{file}: {reason}", exit_code=EXIT_FILE_NOT_FOUND) from None
    lines: dict[str, int] = {}
    variables_of_file = dotenv.parse(text, file, variables.get, known, lines)
    origins.update({name: f"{file}:{line}" for name, line in lines.items()})
    return variables_of_file
