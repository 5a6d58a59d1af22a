"""Lifecycle hooks as processes in a container. Source: compose-spec, 05-services.md, post_start and pre_stop."""

from collections.abc import Mapping, Sequence

from schemas.composefile.hook import ServiceHook
from schemas.engine.specs import ExecSpec


def exec_spec(hook: ServiceHook) -> ExecSpec:
    """Return the process of a hook."""
    return ExecSpec(
        command=hook.command or (),
        environment=dict(hook.environment),
        user=hook.user,
        working_dir=hook.working_dir,
        privileged=hook.privileged,
    )


def hooks_of(hooks: Mapping[str, Sequence[ServiceHook]]) -> dict[str, list[ExecSpec]]:
    """Return service to processes, for the commands that work from labels alone."""
    return {service: [exec_spec(hook) for hook in mine] for service, mine in hooks.items() if mine}
