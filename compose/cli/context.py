"""What a command is given: its options, its streams, and doors to the project and the runtime.

The doors import what is behind them when they are first used (through the registry), so that a
command pays only for what it needs.
"""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from compose.cli import registry
from compose.cli.options import is_true, wants_notes, wants_objects
from compose.errors import ComposeError, ErrorGroup, Warning  # noqa: A004 - the word of the domain
from compose.render import mode
from runtime.errors import EngineError

if TYPE_CHECKING:
    from compose.events import EventProcessor
    from compose.loader.pipeline import Resolved
    from compose.loader.places import Sources
    from compose.loader.project import LoadResult
    from compose.loader.project_name import Location
    from compose.loader.source import SourceReader
    from compose.orchestration.plan import Plan
    from runtime.api import Runtime, RuntimeImages, RuntimeReader, RuntimeSessions
    from runtime.images import Makers
    from schemas.engine.specs import ExecSpec


class Context:
    """One run of one command. `options` holds the global flags and the command's own."""

    def __init__(self, options: argparse.Namespace, arguments: Sequence[str] = ()) -> None:
        self.options = options
        self.arguments = tuple(arguments)
        """The command line as it was typed."""
        self.has_warned = False
        self.built: Plan | None = None
        """The builds that were carried out before the project was loaded."""
        self._location: Location | None = None
        self._sources: Sources | None = None
        self._reader: RuntimeReader | None = None
        self._sessions: RuntimeSessions | None = None
        self._images: RuntimeImages | None = None
        self._runtime: Runtime | None = None

    def out(self, text: str) -> None:
        """Print a line on standard output."""
        sys.stdout.write(f"{text}\n")

    def write(self, text: str) -> None:
        """Print text as it is on standard output."""
        sys.stdout.write(text)

    def flush(self) -> None:
        """Let what was written reach its reader now."""
        sys.stdout.flush()

    def show_plan(self, plan: str) -> None:
        """Print what a dry run would do."""
        self.write(f"{plan}\n" if plan else "nothing to do\n")

    def note(self, text: str) -> None:
        """Print a line on standard error, unless progress is quiet or for programs."""
        if self.options.progress not in ("quiet", "json"):
            sys.stderr.write(f"{text}\n")
            sys.stderr.flush()

    def warn(self, warning: Warning) -> None:
        """Print a warning on standard error."""
        self.has_warned = True
        if wants_objects(self.options):
            sys.stderr.write(registry.load(registry.RENDERERS["json"]).warning_line(warning))
        else:
            self.note(
                registry.load(registry.DIAGNOSTIC).render_warning(
                    warning, colour=self.has_colour(error=True), stream=sys.stderr
                )
            )

    def writes_to_terminal(self) -> bool:
        """Whether a person reads standard output."""
        return mode.is_terminal(sys.stdout)

    def has_colour(self, *, error: bool = False) -> bool:
        """Whether to colour standard output, or standard error."""
        return mode.has_colour(self.options.ansi, sys.stderr if error else sys.stdout)

    def location(self) -> "Location":
        """Return the project's name, directory and files without loading it; no files: it is known by name alone.

        Raises ProjectError where there is no project.
        """
        if self._location is None:
            self._location = registry.load(registry.LOCATION).locate(self.options)
        assert self._location is not None  # noqa: S101 - for mypy: the registry's modules are untyped
        return self._location

    def load(
        self, services: Sequence[str] = (), reader: "SourceReader | None" = None, **switches: bool
    ) -> "LoadResult":
        """Load the whole project, print its warnings, and return it with `services` selected.

        `reader` reads the files instead of the usual one. Raises what is wrong with them.
        """
        with self._warning_of_its_cause():
            result: LoadResult = registry.load(registry.PROJECT).load(self.options, services, reader, **switches)
        self._sources = result.sources
        self._warn_of(result)
        return result

    def give_place(self, error: ComposeError) -> None:
        """Give an error that was found after the files were read its place in them, where it is about one."""
        for part in error.errors if isinstance(error, ErrorGroup) else (error,):
            if self._sources is not None and part.span is None and part.path:
                part.span = self._sources.span(part.path)

    def resolve(self, services: Sequence[str] = (), **switches: bool) -> "Resolved":
        """Read and check the project as `load` does, without its models: in half the time of few services."""
        with self._warning_of_its_cause():
            result: Resolved = registry.load(registry.RESOLVED).resolve(self.options, services, **switches)
        self._warn_of(result)
        return result

    def advise(self, result: "Resolved") -> None:
        """Print what of a project is right, but probably not meant."""
        for warning in registry.load(registry.ADVICE).advice(result):
            self.warn(warning)

    @contextmanager
    def _warning_of_its_cause(self) -> Iterator[None]:
        """Print the warnings that led to an error, before it."""
        try:
            yield
        except ComposeError as error:
            for warning in error.warnings:
                self.warn(warning)
            raise

    def _warn_of(self, result: "Resolved") -> None:
        for warning in result.warnings:
            self.warn(warning)

    def has_fetched(self) -> bool:
        """Whether a file of the project is elsewhere, and may be another one the next time."""
        return bool(self.options.remote.folders)

    def tell_fetched(self) -> None:
        """Print which commits the project's fetched files are of; the folders bear their names."""
        if wants_notes(self.options):
            for reference, folder in self.options.remote.folders.items():
                self.note(f"{reference} is in {folder}")

    def hooks(self) -> "dict[str, dict[str, list[ExecSpec]]]":
        """Return the lifecycle hooks of the project's services, for which it is loaded."""
        hooks: dict[str, dict[str, list[ExecSpec]]] = registry.load(registry.PROJECT).hooks_of(self.load().project)
        return hooks

    def lifecycle(self, verb: str, **options: object) -> int:
        """Stop, start, … what exists; `options` are those of LifecycleOptions. Return the exit code."""
        module = registry.load(registry.LIFECYCLE)
        return int(module.perform(self, verb, module.LifecycleOptions(**options)))

    def down(self) -> int:
        """Take the project down, as `down` without flags does. Return the exit code."""
        module = registry.load(registry.COMMANDS["down"].module)
        return int(module.take_down(self, module.DownOptions()))

    def declared_services(self) -> list[str]:
        """Return the names of the services in the project's files; none where it is known by name alone."""
        return sorted(self.resolve().section("services")) if self.location().files else []

    def confirm(self, question: str) -> bool:
        """Ask on the terminal; no without one."""
        sys.stdout.write(f"{question}\nAre you sure? [yN] ")
        sys.stdout.flush()
        return sys.stdin.readline().strip().lower() in {"y", "yes"}

    def prepare(self) -> None:
        """Let the runtime start what the project will need while its files are read. Never fails."""
        try:
            self.runtime().prepare(self.location().name)
        except (ComposeError, EngineError):
            # The command itself will meet it, and say so in its own words.
            return

    def reader(self) -> "RuntimeReader":
        """Return what exists; nothing can be changed through it."""
        if self._reader is None:
            self._reader = (
                self._runtime or self._images or self._sessions or registry.load(registry.QUERY).open_reader()
            )
            assert self._reader is not None  # noqa: S101 - for mypy: the registry's modules are untyped
            self._adopt_unattended(self._reader)
        return self._reader

    def _adopt_unattended(self, reader: "RuntimeReader") -> None:
        for project in reader.unattended():
            try:
                self.sessions().adopt(project)
            except EngineError as error:
                # What there is can still be shown; it may be out of date.
                self.note(f"project `{project}` has no supervisor: {error.message}")

    def sessions(self) -> "RuntimeSessions":
        """Return what runs, to be met and not changed: exec, attach, events."""
        if self._sessions is None:
            self._sessions = self._runtime or self._images or registry.load(registry.SESSIONS).open_sessions()
        assert self._sessions is not None  # noqa: S101 - for mypy: the registry's modules are untyped
        return self._sessions

    def images(self) -> "RuntimeImages":
        """Return what builds and moves images. Raises PermissionDenied without the rights it needs."""
        if self._images is None:
            self._images = self._runtime or registry.load(registry.IMAGES).open_images(makers=_makers())
        assert self._images is not None  # noqa: S101 - for mypy: the registry's modules are untyped
        return self._images

    def runtime(self) -> "Runtime":
        """Return the whole runtime. Raises PermissionDenied without the rights it needs."""
        if self._runtime is None:
            self._runtime = registry.load(registry.ENGINE).open_engine(makers=_makers())
        assert self._runtime is not None  # noqa: S101 - for mypy: the registry's modules are untyped
        return self._runtime

    def progress(
        self, *, silent: bool = False, beside_output: bool = False, on_output: bool = False
    ) -> "EventProcessor":
        """Return a renderer of progress on standard error, with COMPOSE_STATUS_STDOUT on standard output.

        `silent`: one that says nothing; `beside_output`: one that other lines on the terminal do not disturb;
        `on_output`: on standard output anyway.
        """
        stream = sys.stdout if on_output or is_true(os.environ.get("COMPOSE_STATUS_STDOUT", "")) else sys.stderr
        name = "quiet" if silent else mode.choose_progress(self.options.progress, self.options.ansi, stream)
        if name == "tty" and beside_output:
            name = "plain"
        module = registry.load(registry.RENDERERS[name])
        renderer: EventProcessor = module.renderer(
            stream,
            dry_run=bool(self.options.dry_run),
            colour=mode.has_colour(self.options.ansi, stream),
        )
        return renderer

    def close(self) -> None:
        """Release what was opened."""
        opened = {id(door): door for door in (self._sessions, self._images, self._runtime) if door is not None}
        for door in opened.values():
            door.close()


def _makers() -> "Makers":
    """Return what makes the rest when it is needed: one imports an HTTP library, another reads Dockerfiles."""
    makers: Makers = registry.load(registry.IMAGES).Makers(
        distribution=lambda *parts: registry.load(registry.DISTRIBUTION).Distribution(*parts),
        builder=lambda *parts: registry.load(registry.BUILDER).Builder(*parts),
        bootstrapper=lambda store: registry.load(registry.BOOTSTRAPPER).Bootstrapper(store),
        networks=lambda *parts: registry.load(registry.NETWORKS).NetworkController(*parts),
    )
    return makers
