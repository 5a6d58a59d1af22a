"""`up`."""

import argparse
import sys
import time
from dataclasses import replace

from compose.cli import unchanged
from compose.cli.arguments.up import check
from compose.cli.attached import Abortion, Attached, Calls, printer_names
from compose.cli.context import Context
from compose.cli.creation import consent, load_project, reconcile_options
from compose.cli.exit_codes import INTERRUPTED, SUCCESS
from compose.cli.interrupts import interruptible
from compose.cli.noted import RecordingReader
from compose.cli.options import pipes_of, settle_orphans
from compose.cli.planned import builds_of
from compose.cli.project import hooks_of
from compose.cli.selection import no_such_service
from compose.orchestration.executor import Execution
from compose.orchestration.interruption import Interruption
from compose.orchestration.options import BuildWhen, ReconcileOptions, Recreate
from compose.orchestration.pull_policy import is_refreshing
from compose.orchestration.verbs import lifecycle
from compose.orchestration.verbs.build import plan_builds
from compose.orchestration.verbs.lifecycle import LifecycleOptions
from compose.orchestration.verbs.up import described, up
from compose.render.logs import LogPrinter
from schemas.composefile.project import Project
from schemas.engine.records import ContainerRecord


def run(context: Context) -> int:
    """Bring the project into the state of its files; attached, print its output until it ends."""
    options = context.options
    check(options)
    settle_orphans(options)
    reader = RecordingReader(pipes_of(options))
    project = load_project(context, reader)
    wanted = replace(
        reconcile_options(options),
        with_dependencies=not options.no_deps,
        renew_anonymous_volumes=options.renew_anon_volumes,
        start=not options.no_start,
        wait=options.wait,
        wait_timeout_s=options.wait_timeout,
        timeout_s=options.timeout,
    )
    if options.always_recreate_deps:
        wanted = replace(wanted, recreate_dependencies=Recreate.FORCE)
    if options.dry_run:
        context.show_plan(described(context.reader(), project, wanted))
        return SUCCESS
    if options.detach or options.no_start:
        is_built = context.built is not None and context.built == plan_builds(context.runtime(), project, wanted)
        names = _bring_up(context, project, replace(wanted, build=BuildWhen.NEVER) if is_built else wanted)
        if names is None:
            return INTERRUPTED
        for source in (*project.secrets.values(), *project.configs.values()):
            if source.file:
                reader.note_content(source.file)
        if not any(is_refreshing(service) for service in project.services.values()):
            builds = builds_of(plan_builds(context.runtime(), project, wanted))
            unchanged.remember(context, reader, [name for each in names.values() for name in each], builds)
        return SUCCESS
    _check_services(options.attach, project)
    _check_services(options.no_attach, project)
    _check_services([options.exit_code_from] if options.exit_code_from else [], project)
    return _attached(context, project, wanted)


def _check_services(names: list[str], project: Project) -> None:
    for name in names:
        if name not in project.services:
            raise no_such_service(name)


def _bring_up(context: Context, project: Project, wanted: ReconcileOptions) -> dict[str, tuple[str, ...]] | None:
    """Create, and start if that is wanted; return the containers by service, or None after Ctrl-C."""
    with interruptible() as interruption:
        outcome = up(
            context.runtime(),
            project,
            wanted,
            Execution(context.progress(), context.options.parallel, interruption),
            confirm=lambda volume: consent(context, volume),
            warn=context.warn,
        )
    return None if outcome.interrupted else outcome.containers


def _attached(context: Context, project: Project, wanted: ReconcileOptions) -> int:
    """Create with progress, then start while the output is printed."""
    options = context.options
    since_ns = time.time_ns()
    names = _bring_up(context, project, replace(wanted, start=False))
    if names is None:
        return INTERRUPTED
    # Everything was made anew by now that had to be.
    started = replace(
        wanted,
        recreate=Recreate.NEVER,
        recreate_dependencies=Recreate.NEVER,
        build=BuildWhen.NEVER,
        renew_anonymous_volumes=False,
        remove_orphans=False,
        ignore_orphans=True,
        pull=False,
    )
    runtime = context.runtime()
    records = [
        record for record in runtime.containers(project.name) if not record.spec.oneoff and _is_of(record, names)
    ]
    shown = sorted((record for record in records if _is_shown(record, project, options)), key=lambda each: each.name)
    kept = tuple(name for name in names if _keeps_going(name, options))
    watched = [record for record in records if record.spec.service in kept]
    printer = LogPrinter(
        sys.stdout.buffer,
        sys.stderr.buffer,
        printer_names(shown),
        colour=context.has_colour() and not options.no_color,
        prefix=not options.no_log_prefix,
        timestamps=options.timestamps,
    )
    context.out(f"Attaching to {', '.join(printer_names(shown))}")
    context.flush()
    session = Attached(
        runtime,
        project.name,
        printer,
        Abortion(options.abort_on_container_exit, options.abort_on_container_failure, options.exit_code_from),
        Calls(
            start=lambda interruption: _start(context, project, started, interruption),
            stop=lambda: _stop(context, project, kept),
        ),
    )
    return session.run(shown, watched, since_ns)


def _is_of(record: ContainerRecord, names: dict[str, tuple[str, ...]]) -> bool:
    return record.name in names.get(record.spec.service, ())


def _keeps_going(service: str, options: argparse.Namespace) -> bool:
    """Whether `up` lasts as long as this service does: those named, all where none is; not what they depend on."""
    named = (*options.services, options.exit_code_from)
    return not options.services or options.attach_dependencies or service in named


def _is_shown(record: ContainerRecord, project: Project, options: argparse.Namespace) -> bool:
    """Whether the output of a container is printed."""
    name = record.spec.service
    if name in options.no_attach:
        return False
    if options.attach:
        return name in options.attach
    service = project.services.get(name)
    if service is not None and service.attach is False:
        return False
    return _keeps_going(name, options)


def _start(context: Context, project: Project, wanted: ReconcileOptions, interruption: Interruption) -> None:
    execution = Execution(context.progress(silent=True), context.options.parallel, interruption)
    up(context.runtime(), project, wanted, execution)


def _stop(context: Context, project: Project, services: tuple[str, ...]) -> None:
    wanted = LifecycleOptions(
        services=services, timeout_s=context.options.timeout, pre_stop=hooks_of(project)["pre_stop"]
    )
    execution = Execution(context.progress(beside_output=True), context.options.parallel)
    lifecycle.run(lifecycle.plan_stop, context.runtime(), project.name, wanted, execution)
