"""`env_file` and `label_file`: read, resolved, and gone from the model.

Source: compose-spec, 05-services.md; compose-go, types/project.go, WithServicesEnvironmentResolved.
"""

from collections.abc import Mapping

from compose.errors import EXIT_FILE_NOT_FOUND, ComposeError, ComposeFileError
from compose.loader import dotenv
from compose.loader.findings import Failures, Findings
from compose.loader.options import LoadOptions
from compose.loader.problem import Path, Problem
from compose.loader.source import SourceReader, resolve
from compose.loader.tree_path import Tree


class MissingFile(ComposeFileError):
    """A file that the model names is not there."""

    code = "file-not-found"
    exit_code = EXIT_FILE_NOT_FOUND


def resolve_environment(services: Tree, variables: Mapping[str, str], options: LoadOptions, findings: Findings) -> None:
    """The environment of each service, in place: `environment` over the env files, later over earlier.

    A path that is still relative (`config --no-path-resolution`) starts at the current directory.

    Raises ComposeError, for each file that is missing or wrong.
    """
    failures = Failures()
    for name, service in services.items():
        environment: dict[str, str | None] = dict(service.get("environment") or {})
        for key, value in environment.items():
            if value is None:
                environment[key] = variables.get(key)
        files: dict[str, str] = {}
        for index, entry in enumerate(service.pop("env_file", None) or ()):
            path = ("services", name, "env_file", index, "path")
            absolute = {**entry, "path": resolve(options.cwd, entry["path"])}
            with failures.collected(), findings.placed():
                files.update(_env_file(absolute, path, files, variables, options.reader))
        if files or environment:
            service["environment"] = {**files, **environment}
    failures.raise_any()


def _env_file(
    entry: Tree, path: Path, known: Mapping[str, str], variables: Mapping[str, str], reader: SourceReader
) -> dict[str, str]:
    file = entry["path"]
    if not reader.is_file(file) and not reader.is_directory(file):
        if not entry.get("required", True):
            return {}
        hint = "`required: false` lets it be missing"
        raise Problem(f"env file {file} not found", path, kind=MissingFile, needle=_base(file), hint=hint)

    def lookup(name: str) -> str | None:
        return known.get(name, variables.get(name))

    text = _text(file, path, reader)
    if entry.get("format") == "raw":
        return dotenv.parse_raw(text, lookup)
    if entry.get("format"):
        raise Problem(
            f'unsupported env_file format "{entry["format"]}"', (*path[:-1], "format"), hint="the only one is `raw`"
        )
    return dotenv.parse(text, file, lookup)


def resolve_labels(services: Tree, options: LoadOptions, findings: Findings) -> None:
    """The labels of each service, in place: `labels` over the label files. Raises as resolve_environment."""
    failures = Failures()
    for name, service in services.items():
        labels: dict[str, str] = {}
        for index, entry in enumerate(service.pop("label_file", None) or ()):
            path = ("services", name, "label_file", index)
            with failures.collected(), findings.placed():
                labels.update(_label_file(resolve(options.cwd, entry), path, labels, options.reader))
        if labels or service.get("labels"):
            service["labels"] = {**labels, **(service.get("labels") or {})}
    failures.raise_any()


def _label_file(file: str, path: Path, known: Mapping[str, str], reader: SourceReader) -> dict[str, str]:
    if not reader.is_file(file) and not reader.is_directory(file):
        raise Problem(f"label file {file} not found", path, kind=MissingFile, needle=_base(file))
    return dotenv.parse(_text(file, path, reader), file, known.get)


def _text(file: str, path: Path, reader: SourceReader) -> str:
    try:
        return dotenv.decode(reader.read(file))
    except OSError as error:
        kind: type[ComposeError] = MissingFile
        raise Problem(f"read {file}: {(error.strerror or str(error)).lower()}", path, kind=kind) from None


def _base(file: str) -> str:
    return file.rpartition("/")[2]
