"""Secrets and configs as files inside a container. Source: compose-spec, 08-configs.md, 09-secrets.md."""

import posixpath
from pathlib import Path
from typing import Literal

from compose.errors import DanglingReference, ProjectError
from schemas.composefile.file_object import FileObject as TopLevel
from schemas.composefile.file_object import FileReference
from schemas.composefile.project import Project
from schemas.composefile.service import ServiceConfig
from schemas.engine.specs import FileObject

Kind = Literal["secret", "config"]
SECRETS = "/run/secrets"
_MAX_COPIED_BYTES = 1 << 20


def file_objects(project: Project, service: ServiceConfig) -> tuple[FileObject, ...]:
    """Return the files of a service, secrets first. Raises ProjectError for one without a source here."""
    made = [_file(project, service, reference, "secret") for reference in service.secrets]
    made += [_file(project, service, reference, "config") for reference in service.configs]
    return tuple(each for each in made if each is not None)


def _file(project: Project, service: ServiceConfig, reference: FileReference, kind: Kind) -> FileObject | None:
    definition = (project.secrets if kind == "secret" else project.configs).get(reference.source)
    if definition is None:
        raise DanglingReference(f'service "{service.name}" refers to undefined {kind} {reference.source}')
    if definition.external:
        path = (f"{kind}s", reference.source, "external")
        raise ProjectError(f"unsupported external {kind} {definition.name or reference.source}", path=path)
    content = _content(project, definition, reference, kind)
    if content == "":
        return None
    if content is not None and service.read_only and not definition.file:
        raise ProjectError(
            f'cannot create {kind} "{reference.source}" in read-only service {service.name}: '
            "`file` is the sole supported option",
            path=("services", service.name, f"{kind}s", reference.source),
        )
    return FileObject(
        target=_target(reference, kind),
        source=definition.file if content is None else "",
        content=content,
        uid=_number(service, reference, reference.uid),
        gid=_number(service, reference, reference.gid),
        mode=0o444 if reference.mode is None else reference.mode,
    )


def _content(project: Project, definition: TopLevel, reference: FileReference, kind: Kind) -> str | None:
    """Return the text to write, or None to bind the file as it is."""
    if definition.content is not None:
        return definition.content
    if definition.environment:
        if definition.environment not in project.environment:
            raise ProjectError(
                f'environment variable "{definition.environment}" required by {kind} "{reference.source}" is not set',
                path=(f"{kind}s", reference.source, "environment"),
            )
        return project.environment[definition.environment]
    if reference.uid or reference.gid or reference.mode is not None:
        return _text_of(Path(definition.file))
    return None


def _text_of(path: Path) -> str | None:
    # An owner or mode of its own needs a copy, kept with the container. What is no small text is bound as it is.
    try:
        if not path.is_file() or path.stat().st_size > _MAX_COPIED_BYTES:
            return None
        return path.read_text(encoding="utf-8") or None
    except (OSError, UnicodeDecodeError):
        return None


def _target(reference: FileReference, kind: Kind) -> str:
    target = reference.target or reference.source
    return posixpath.join(SECRETS if kind == "secret" else "/", target)


def _number(service: ServiceConfig, reference: FileReference, text: str) -> int:
    if text and not text.isdigit():
        raise ProjectError(f"service `{service.name}`: owner `{text}` of `{reference.source}` is not a number")
    return int(text or 0)
