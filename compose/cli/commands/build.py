"""`build`."""

import json
import os

from compose.cli import planned
from compose.cli.building import perform, warn_of_flags
from compose.cli.context import Context
from compose.cli.exit_codes import INTERRUPTED, SUCCESS
from compose.cli.interrupts import interruptible
from compose.cli.lint_report import report
from compose.cli.noted import RecordingReader
from compose.cli.options import pipes_of
from compose.cli.sizes import size_of
from compose.cli.values import environment_of
from compose.errors import EXIT_FAILURE, ProjectError
from compose.orchestration.building import with_input
from compose.orchestration.executor import Execution
from compose.orchestration.operation import BuildImage
from compose.orchestration.plan import Plan
from compose.orchestration.specs.bake import bake_file
from compose.orchestration.specs.build import BuildOptions
from compose.orchestration.verbs.build import BuildRequest, build_warnings, plan_build
from compose.orchestration.verbs.push import PushOptions, push
from schemas.composefile.project import Project


def run(context: Context) -> int:
    """Build the images of services."""
    options = context.options
    reader = RecordingReader(pipes_of(options))
    project = context.load(options.services, reader).project
    context.tell_fetched()
    request = BuildRequest(
        services=tuple(options.services),
        with_dependencies=options.with_dependencies,
        options=_options(context, project),
    )
    plan = plan_build(project, request)
    if options.print:
        context.out(json.dumps(bake_file(project, plan), indent=2, ensure_ascii=False))
        return SUCCESS
    if options.dry_run:
        context.show_plan(str(plan))
        return SUCCESS
    warn_of_flags(context)
    if not len(plan):
        context.note("No services to build")
        return SUCCESS
    if options.check:
        return _check(context, plan)
    for warning in build_warnings(project, plan):
        context.warn(warning)
    if not perform(context, project.name, plan, quiet=options.quiet, on_output=True):
        return INTERRUPTED
    planned.remember(context, reader, project.name, plan)
    return SUCCESS if not options.push or _push(context, project, plan) else INTERRUPTED


def _push(context: Context, project: Project, plan: Plan) -> bool:
    """Push what was built. False: interrupted."""
    options = context.options
    built = tuple(node.operation.name for node in plan if isinstance(node.operation, BuildImage))
    with interruptible() as interruption:
        execution = Execution(context.progress(silent=options.quiet), options.parallel, interruption)
        outcome = push(context.runtime(), project, PushOptions(built), execution)
    outcome.raise_failures()
    return not outcome.interrupted


def _options(context: Context, project: Project) -> BuildOptions:
    options = context.options
    given = environment_of(options.build_arg, project.environment)
    return BuildOptions(
        arguments={name: value for name, value in given.items() if value is not None},
        no_cache=options.no_cache,
        pull=options.pull,
        memory_bytes=size_of("--memory", options.memory),
        ssh=_ssh(options.ssh, project),
    )


def _ssh(text: str | None, project: Project) -> dict[str, str]:
    """`--ssh`, `--ssh default`, `--ssh id=path`."""
    if text is None:
        return {}
    name, _, path = (text or "default").partition("=")
    path = path or project.environment.get("SSH_AUTH_SOCK", "")
    if not path:
        raise ProjectError(f"--ssh {name}: no agent is running", hint="`SSH_AUTH_SOCK` leads to its socket")
    return {name: os.path.abspath(path)}  # noqa: PTH100 - a text


def _check(context: Context, plan: Plan) -> int:
    """Print what the rules find in each Dockerfile."""
    fails = False
    for node in plan:
        if isinstance(node.operation, BuildImage):
            found = context.images().check_build(with_input(node.operation.spec))
            context.write(report(node.operation.name, found))
            fails = fails or found.fails
    return EXIT_FAILURE if fails else SUCCESS
