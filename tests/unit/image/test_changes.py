"""`image import --change` reads Dockerfile instructions as a Dockerfile does."""

import pytest

from runtime.errors import InvalidArgument
from runtime.image.changes import apply_changes
from schemas.engine.records import ImageConfig


def changed(*changes: str) -> ImageConfig:
    """Return an empty configuration after changes."""
    return apply_changes(ImageConfig(), changes)


def test_a_command_in_json_form_must_run_as_it_is():
    """CMD and ENTRYPOINT take a list of words."""
    config = changed('CMD ["sh", "-c", "echo hi"]', 'entrypoint ["/init"]')
    assert config.command == ("sh", "-c", "echo hi")
    assert config.entrypoint == ("/init",)


def test_a_command_in_shell_form_must_run_in_the_shell():
    """Without a list it goes to /bin/sh -c, or to SHELL."""
    assert changed("CMD echo $HOME").command == ("/bin/sh", "-c", "echo $HOME")
    assert changed('SHELL ["/bin/bash", "-ec"]', "CMD x").command == ("/bin/bash", "-ec", "x")


def test_environment_must_take_both_forms_and_override():
    """`A=1 B="x y"` sets two, `C the rest` one; a later one wins in its place."""
    config = changed('ENV A=1 B="x y"', "ENV C the rest", "ENV A=2")
    assert config.environment == ("A=2", "B=x y", "C=the rest")


def test_the_other_instructions_must_fill_their_fields():
    """EXPOSE, LABEL, USER, VOLUME, WORKDIR, STOPSIGNAL, HEALTHCHECK."""
    config = changed(
        "EXPOSE 80 53/udp 8000-8001",
        'LABEL a=b "c d"="e f"',
        "USER 1000:1000",
        'VOLUME ["/data"]',
        "VOLUME /log /data",
        "WORKDIR /srv",
        "WORKDIR app",
        "STOPSIGNAL SIGINT",
        "HEALTHCHECK --interval=1m30s --timeout=500ms --retries=2 CMD wget -q localhost",
    )
    assert config.exposed_ports == ("80/tcp", "53/udp", "8000/tcp", "8001/tcp")
    assert config.labels == {"a": "b", "c d": "e f"}
    assert (config.user, config.working_dir, config.stop_signal) == ("1000:1000", "/srv/app", "SIGINT")
    assert config.volumes == ("/data", "/log")
    assert config.healthcheck == {
        "Interval": 90_000_000_000,
        "Timeout": 500_000_000,
        "Retries": 2,
        "Test": ["CMD-SHELL", "wget -q localhost"],
    }


def test_a_healthcheck_must_be_switched_off_by_none():
    """HEALTHCHECK NONE is a test of its own kind."""
    assert changed("HEALTHCHECK NONE").healthcheck == {"Test": ["NONE"]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("RUN true", "`RUN` is not a valid change command"),
        ("FROM x", "`FROM` is not a valid change command"),
        ("CMD", "`CMD` needs an argument"),
        ("EXPOSE http", "not a port"),
        ("EXPOSE 90-80", "not a port"),
        ("EXPOSE 70000", "not a port"),
        ("ENV A", "has no value"),
        ("ENV A=1 B", "`B` is not `name=value`"),
        ('ENV A="', "cannot read"),
        ("SHELL sh", "wants a list"),
        ("HEALTHCHECK --interval=5 CMD x", "not a duration"),
        ("HEALTHCHECK --interval=1ns CMD x", "not a duration"),
        ("HEALTHCHECK --often CMD x", "no option `--often`"),
        ("HEALTHCHECK echo", "wants `NONE`"),
    ],
)
def test_a_mistake_must_be_named(change: str, message: str):
    """Nothing is guessed."""
    with pytest.raises(InvalidArgument, match=message):
        changed(change)


def test_onbuild_must_be_kept_for_the_build_to_come():
    """Each trigger in its place; what may not be one is refused as in a Dockerfile."""
    assert changed("ONBUILD RUN true", "ONBUILD COPY . /").on_build == ("RUN true", "COPY . /")
    with pytest.raises(InvalidArgument, match="`FROM` is not allowed"):
        changed("ONBUILD FROM scratch")
