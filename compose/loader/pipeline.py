"""The loader: `resolve` is the list of its stages, in the order of the specification.

Each stage changes one tree. Rules of merging, of canonical form, of types are tables keyed by path;
stages name what is wrong by path, and files.FileLoader finds the place. All that a user can get wrong is found
here, without the models: who only asks whether a project is right need not import them.

Where docker compose 2.26 and later versions differ, this follows the later. docs/compatibility.md lists
these cases, and what differs from both.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import field, replace
from functools import partial

from compose import errors
from compose.errors import ComposeError, ComposeFileError, ProjectError
from compose.loader import consistency, selection
from compose.loader.discovery import Discovery, discover, require_files
from compose.loader.files import FileLoader, Scope
from compose.loader.interpolation import interpolate_text
from compose.loader.normalize import normalize
from compose.loader.options import LoadOptions
from compose.loader.places import Extent, Source, Sources
from compose.loader.problem import Problem
from compose.loader.project_name import given_name, name_of
from compose.loader.service_files import resolve_environment, resolve_labels
from compose.loader.tree_path import Tree
from compose.loader.typed import convert
from schemas.dataclass import dataclass


@dataclass
class Resolved:
    """A project as data, and what was noticed on the way."""

    fields: Tree | None
    """What the models are made of; None without interpolation: `${PORT}` fits no number."""
    tree: Tree
    warnings: tuple[errors.Warning, ...]
    variables: dict[str, str]
    """What interpolation saw."""
    origins: dict[str, str] = field(default_factory=dict)
    """Where a variable comes from, an env file with the line or what else; those of the shell are missing."""
    included: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Variables that only files of an `include` see: value and place."""
    profiles: tuple[str, ...] = ()
    """The profiles that are on, before services were named."""
    sources: Sources = field(default_factory=Sources)
    """The files read, to find the place of a path."""
    placed: Callable[[], AbstractContextManager[None]] = nullcontext
    """Gives a Problem its place in them."""

    def section(self, name: str) -> Tree:
        """`services` (the enabled ones), `disabled_services`, `volumes`, …: what the models hold under this name.

        Raises RuntimeError after a load without interpolation.
        """
        if self.fields is None:
            raise RuntimeError("loaded without interpolation: there is a tree, but no project")
        section: Tree = self.fields.get(name) or {}
        return section


def resolve(options: LoadOptions, services: Sequence[str] = ()) -> Resolved:
    """Read a project, with all services or the named ones and what they depend on, and check all of it.

    Raises ComposeError, with its place where a file is at fault; ErrorGroup for several at once.
    """
    found = discover(options)
    require_files(found)
    files = FileLoader(options)
    try:
        return _resolved(found, files, services)
    except ComposeError as error:
        error.warnings = tuple(files.findings.warnings)
        raise


def _resolved(found: Discovery, files: FileLoader, services: Sequence[str]) -> Resolved:
    options = files.options
    for warning in found.warnings:
        files.findings.note(warning)
    name, origin = _project_name(found, files)
    variables = {**found.variables, "COMPOSE_PROJECT_NAME": name}
    origins = {**found.origins, "COMPOSE_PROJECT_NAME": origin} if origin else found.origins
    tree = _model(files, found, variables)
    tree.pop("name", None)
    if options.normalize:
        normalize(tree, name, variables)
    fields = None
    if options.interpolate:
        _convert(tree, found, files)
        with files.findings.placed(tree=tree):
            fields = _project(tree, name, found, files, services)
    return Resolved(
        fields,
        {"name": name, **tree},
        tuple(files.findings.warnings),
        variables,
        origins,
        files.included,
        options.profiles or found.profiles,
        files.findings.sources,
        partial(files.findings.placed, tree=tree),
    )


def _model(files: FileLoader, found: Discovery, variables: dict[str, str]) -> Tree:
    """The model of all files. Raises ComposeError; errors that leave the rest readable wait in `files.failures`."""
    tree: Tree | None = None
    with files.failures.collected(following=True):
        tree = files.model(found.files, Scope(found.working_dir, variables))
    if not tree or not files.options.interpolate:
        files.failures.raise_any()
    if not tree:
        raise _empty(files.findings.sources)
    return tree


def _empty(sources: Sources) -> ComposeFileError:
    """The error of files that say nothing, at the beginning of the last one."""
    hint = "a Compose file begins with keys such as `services:`"
    span = sources.sources[-1].span(Extent(0, 0, 0, 1))
    return ComposeFileError("empty compose file", span=span, hint=hint)


def _convert(tree: Tree, found: Discovery, files: FileLoader) -> None:
    """Give the tree its types. Raises ComposeError, with the dangling references: they need no types."""
    failures = files.failures
    with failures.collected(following=True), files.findings.placed(tree=tree):
        convert(tree, files.findings.report)
    if failures.errors and files.options.check_consistency:
        profiles = files.options.profiles or found.profiles
        enabled, disabled = selection.split_by_profiles(tree.get("services") or {}, profiles)
        with failures.collected(following=True), files.findings.placed(tree=tree):
            consistency.check_references({**tree, "services": enabled}, disabled)
    failures.raise_any()


def _project_name(found: Discovery, files: FileLoader) -> tuple[str, str]:
    """The name, and where it comes from; nothing for a variable, whose origin is known."""
    given = given_name(found, files.options)
    names = list(files.names(found.files))
    if given:
        return given, "-p" if files.options.project_name else ""
    written = [(name, source) for name, source in names if name]
    if not written:
        return name_of((), found), found.folder
    name, source = written[-1]
    span = Sources([source]).span(("name",))
    text = _interpolated_name(name, source, found, files)
    try:
        return name_of([text], found), f"{span.file}:{span.line}" if span else ""
    except ProjectError as error:
        error.span = error.span or span
        raise


def _interpolated_name(name: str, source: Source, found: Discovery, files: FileLoader) -> str:
    if not files.options.interpolate:
        return name
    with files.findings.placed(source):
        text = interpolate_text(name, found.variables, ("name",))
        if not text:
            raise Problem("project name must not be empty", ("name",))
        return text.replace("$", "$$")


def _project(tree: Tree, name: str, found: Discovery, files: FileLoader, services: Sequence[str]) -> Tree:
    """The typed tree, reduced to what is enabled, and checked."""
    options = files.options
    everything: Tree = tree.setdefault("services", {}) or {}
    profiles = list(options.profiles or found.profiles)
    enabled, disabled = selection.split_by_profiles(everything, profiles)
    if options.check_consistency:
        consistency.check_consistency({**tree, "services": enabled}, disabled)
        _align_replicas(enabled)
    profiles += selection.profiles_of(services, disabled)
    enabled, disabled = selection.split_by_profiles(everything, profiles)
    model = {**tree, "services": enabled}
    if not options.keep_unused:
        selection.drop_unused(model)
    if services:
        enabled, rest = selection.select(enabled, services, {**disabled, **enabled})
        disabled = {**disabled, **rest}
    if options.root_of(found.working_dir):
        # A path that was left relative starts at the current folder, as with docker compose; a fetched one never does.
        options = replace(options, cwd=found.working_dir)
    if options.resolve_environment:
        resolve_environment(enabled, found.variables, options, files.findings)
    resolve_labels(enabled, options, files.findings)
    consistency.check_container_names(enabled)
    _give_content(model, found)
    model |= {
        "name": name,
        "services": _with_names(enabled),
        "disabled_services": _with_names(disabled),
        "working_dir": found.working_dir,
        "compose_files": found.files,
        "environment": found.variables,
        "environment_files": found.env_files,
        "profiles": profiles,
        "compatibility": options.compatibility,
    }
    return model


def _align_replicas(services: Tree) -> None:
    """`scale` is `deploy.replicas` in other words."""
    for service in services.values():
        if service.get("scale") is not None and service.get("deploy") is not None:
            service["deploy"]["replicas"] = service["scale"]


def _give_content(model: Tree, found: Discovery) -> None:
    """The content of secrets and configs that come from a variable."""
    for section in ("secrets", "configs"):
        for resource in (model.get(section) or {}).values():
            variable = resource.get("environment")
            if variable in found.variables:
                resource["content"] = found.variables[variable]


def _with_names(services: Tree) -> Tree:
    """Services with their key as `name`; what was never resolved is left out."""
    return {key: {**service, "name": key} for key, service in services.items()}
