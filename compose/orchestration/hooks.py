"""Lifecycle hooks as processes in a container. Source: compose-spec, 05-services.md, post_start and pre_stop."""

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
