"""`run`."""

import os
import shlex
from pathlib import Path

from compose.cli import terminal
from compose.cli.arguments.run import check
from compose.cli.context import Context
from compose.cli.creation import build_when
from compose.cli.exit_codes import SUCCESS
from compose.cli.interrupts import interruptible
from compose.cli.oneoff import OneOff, Unmentioned
from compose.cli.options import settle_orphans
from compose.cli.values import environment_of, labels_of
from compose.errors import ProjectError
from compose.errors import Warning as Notice
from compose.loader import dotenv
from compose.loader.mount import parse_volume
from compose.loader.port import parse_port
from compose.loader.problem import Problem
from compose.loader.source import DiskReader
from compose.orchestration.executor import Execution
from compose.orchestration.pull_policy import with_policy
from compose.orchestration.verbs.oneoff import RunOptions, create_one_off
from runtime.api import Runtime
from runtime.errors import StartFailed
from schemas.composefile.port import PortConfig
from schemas.composefile.project import Project
from schemas.composefile.volume import ServiceVolume, VolumeConfig
from schemas.engine.specs import VolumeSpec


def run(context: Context) -> int:
    """Run another container of a service and return its exit code."""
    options = context.options
    check(options)
    settle_orphans(options)
    project = context.load([options.service]).project
    context.tell_fetched()
    project = with_policy(project, options.pull)
    interactive = options.tty and not options.no_tty and not options.detach
    tty = interactive and terminal.is_terminal(0) and terminal.is_terminal(1)
    wanted = _run_options(context, project, tty=tty)
    if options.dry_run:
        context.note(f" DRY-RUN MODE -  Service {options.service}  Running a one-off container")
        return SUCCESS
    with interruptible() as interruption:
        events = Unmentioned(context.progress(silent=options.quiet), f"Container {project.name}-{options.service}-run-")
        execution = Execution(events, options.parallel, interruption)
        project = _with_volumes(context.runtime(), project, wanted.volumes)
        record = create_one_off(context.runtime(), project, wanted, execution, warn=context.warn)
    one_off = OneOff(context.runtime(), record)
    if options.detach:
        if options.remove:
            context.warn(
                Notice("`--rm` has no effect with `--detach`", hint="`rm` removes the container when it ended")
            )
        one_off.start()
        context.out(record.id)
        return SUCCESS
    try:
        return one_off.converse() if tty else one_off.relay(interactive=options.interactive)
    except StartFailed as error:
        raise ProjectError(error.message, hint=error.hint, exit_code=error.exit_code) from error
    finally:
        if options.remove:
            context.runtime().remove_container(record.id, force=True, volumes=True)


def _run_options(context: Context, project: Project, *, tty: bool) -> RunOptions:
    options = context.options
    environment = environment_of(options.env, project.environment)
    return RunOptions(
        service=options.service,
        build=build_when(options),
        quiet_build=options.quiet_build,
        command=tuple(options.arguments) or None,
        entrypoint=None if options.entrypoint is None else tuple(shlex.split(options.entrypoint)),
        environment={**_from_files(options.env_from_file, project), **environment},
        labels=labels_of(options.label),
        name=options.name,
        user=options.user,
        working_dir=options.workdir,
        volumes=tuple(_volume(text, project) for text in options.volume),
        publish=tuple(port for text in options.publish for port in _ports(text)),
        service_ports=options.service_ports,
        use_aliases=options.use_aliases,
        tty=tty,
        interactive=options.interactive and not options.detach,
        cap_add=tuple(options.cap_add),
        cap_drop=tuple(options.cap_drop),
        with_dependencies=not options.no_deps,
        quiet_pull=options.quiet_pull,
        remove_orphans=options.remove_orphans,
        ignore_orphans=options.ignore_orphans,
    )


def _from_files(files: list[str], project: Project) -> dict[str, str]:
    variables: dict[str, str] = {}
    for file in files:
        try:
            text = dotenv.decode(DiskReader().read(file))
        except OSError as error:
            raise ProjectError(f"couldn't read env file `{file}`: {(error.strerror or '').lower()}") from error
        variables |= dotenv.parse(text, file, project.environment.get)
    return variables


def _volume(text: str, project: Project) -> ServiceVolume:
    try:
        volume = ServiceVolume.model_validate(parse_volume(text))
    except Problem as error:
        raise ProjectError(f"`--volume`: {error}") from error
    if volume.type != "bind":
        return volume
    # Not Path.expanduser: it raises where a user is unknown.
    source = os.path.normpath(Path(project.working_dir) / os.path.expanduser(volume.source))  # noqa: PTH111
    return volume.model_copy(update={"source": source})


def _ports(text: str) -> list[PortConfig]:
    try:
        return [PortConfig.model_validate(port) for port in parse_port(text)]
    except Problem as error:
        raise ProjectError(f"`--publish`: {error}") from error


def _with_volumes(runtime: Runtime, project: Project, mounts: tuple[ServiceVolume, ...]) -> Project:
    """Make and declare the volumes that only the command line names; they keep the name they have there."""
    named = {mount.source for mount in mounts if mount.type == "volume" and mount.source}
    new = {name: VolumeConfig(name=name) for name in named if name not in project.volumes}
    existing = {record.name for record in runtime.volumes()} if new else set()
    for name in new:
        if name not in existing:
            runtime.create_volume(VolumeSpec(name))
    return project.model_copy(update={"volumes": {**project.volumes, **new}}) if new else project
