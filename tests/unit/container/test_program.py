"""What runs in a container: the service on top of its image."""

import pytest

from runtime.container import program
from runtime.errors import InvalidArgument
from schemas.engine.records import ImageConfig
from schemas.engine.specs import ContainerSpec, Healthcheck

IMAGE = ImageConfig(
    entrypoint=("/entry",),
    command=("serve", "--all"),
    environment=("PATH=/opt/bin", "LANG=C"),
    healthcheck={"Test": ["CMD-SHELL", "probe"], "Interval": 2_000_000_000, "Retries": 5},
)


@pytest.mark.parametrize(
    ("entrypoint", "command", "expected"),
    [
        (None, None, ("/entry", "serve", "--all")),
        (None, ("other",), ("/entry", "other")),
        (None, (), ("/entry",)),
        (("sh",), None, ("sh",)),
        (("sh",), ("-c", "x"), ("sh", "-c", "x")),
        ((), ("only",), ("only",)),
    ],
)
def test_entrypoint_and_command_must_combine_as_in_docker(
    entrypoint: tuple[str, ...] | None, command: tuple[str, ...] | None, expected: tuple[str, ...]
) -> None:
    """An entrypoint drops the image's command; a command alone keeps the image's entrypoint."""
    assert program.arguments(ContainerSpec("a", "b", entrypoint=entrypoint, command=command), IMAGE) == expected


def test_no_program_at_all_must_be_an_error() -> None:
    """Neither image nor service names one."""
    with pytest.raises(InvalidArgument, match="no command"):
        program.arguments(ContainerSpec("a", "b"), ImageConfig())


def test_environment_must_override_and_unset() -> None:
    """The service wins over the image; a null unsets."""
    spec = ContainerSpec("a", "b", tty=True, environment={"LANG": None, "X": "1=2", "PATH": "/mine"})
    assert program.environment(spec, IMAGE, "host1") == ("PATH=/mine", "HOSTNAME=host1", "TERM=xterm", "X=1=2")


def test_healthcheck_must_inherit_what_is_not_given() -> None:
    """No healthcheck takes the image's; NONE switches it off; what is given replaces that alone."""
    inherited = program.healthcheck(ContainerSpec("a", "b"), IMAGE)
    assert inherited == Healthcheck(("CMD-SHELL", "probe"), interval_s=2.0, retries=5)
    assert program.healthcheck(ContainerSpec("a", "b", healthcheck=Healthcheck(("NONE",))), IMAGE) is None
    faster = program.healthcheck(ContainerSpec("a", "b", healthcheck=Healthcheck((), interval_s=1.0)), IMAGE)
    assert faster == Healthcheck(("CMD-SHELL", "probe"), interval_s=1.0, retries=5)
    other = program.healthcheck(ContainerSpec("a", "b", healthcheck=Healthcheck(("CMD", "x"), retries=1)), IMAGE)
    assert other == Healthcheck(("CMD", "x"), interval_s=2.0, retries=1)
