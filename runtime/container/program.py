"""What a container runs: the spec on top of what its image says.

Rules: an `entrypoint` of the spec drops the image's command (Dockerfile reference, "Understand how
CMD and ENTRYPOINT interact"); the order of the environment is Docker's: PATH, HOSTNAME, TERM,
image, spec (moby daemon/container/env.go).
"""

from runtime.errors import InvalidArgument
from runtime.launch.defaults import DEFAULT_PATH
from schemas.engine.records import ImageConfig
from schemas.engine.specs import ContainerSpec, Healthcheck

DEFAULT_STOP_SIGNAL = "SIGTERM"
DEFAULT_GRACE_PERIOD_S = 10.0
_NANOSECONDS = 1_000_000_000


def arguments(spec: ContainerSpec, image: ImageConfig) -> tuple[str, ...]:
    """Return the argument vector. Raises InvalidArgument when neither side names a program."""
    if spec.entrypoint is None:
        command = image.command if spec.command is None else spec.command
        whole = (*image.entrypoint, *command)
    else:
        whole = (*spec.entrypoint, *(spec.command or ()))
    if not whole or not whole[0]:
        raise InvalidArgument(
            f"container `{spec.name}` has no command: neither the service nor image `{spec.image}` names one",
            hint="add `command:` to the service",
        )
    return whole


def environment(spec: ContainerSpec, image: ImageConfig, hostname: str) -> tuple[str, ...]:
    """Return `NAME=value` entries, the spec's over the image's; a None of the spec unsets."""
    merged: dict[str, str | None] = {"PATH": DEFAULT_PATH, "HOSTNAME": hostname}
    if spec.tty:
        merged["TERM"] = "xterm"
    for entry in image.environment:
        name, _, value = entry.partition("=")
        merged[name] = value
    merged |= spec.environment
    for name, setting in merged.items():
        if "=" in name or "\0" in name or "\0" in (setting or ""):
            raise InvalidArgument(f"`{name}` cannot be an environment variable of container `{spec.name}`")
    return tuple(f"{name}={value}" for name, value in merged.items() if value is not None)


def healthcheck(spec: ContainerSpec, image: ImageConfig) -> Healthcheck | None:
    """Return the probe to run, or None. What the spec leaves empty comes from the image."""
    inherited, wanted = _image_healthcheck(image), spec.healthcheck
    chosen = _merged(wanted, inherited) if wanted and inherited else wanted or inherited
    if chosen is None or not chosen.test or chosen.test[0] == "NONE":
        return None
    return chosen


def _merged(wanted: Healthcheck, inherited: Healthcheck) -> Healthcheck:
    # moby daemon/commit.go, merge: each field by itself.
    return Healthcheck(
        test=wanted.test or inherited.test,
        interval_s=wanted.interval_s or inherited.interval_s,
        timeout_s=wanted.timeout_s or inherited.timeout_s,
        start_period_s=wanted.start_period_s or inherited.start_period_s,
        start_interval_s=wanted.start_interval_s or inherited.start_interval_s,
        retries=wanted.retries or inherited.retries,
    )


def _image_healthcheck(image: ImageConfig) -> Healthcheck | None:
    document = image.healthcheck
    if not document:
        return None
    test = document.get("Test")
    if not isinstance(test, list) or not test:
        return None
    return Healthcheck(
        test=tuple(str(word) for word in test),
        interval_s=_seconds(document, "Interval"),
        timeout_s=_seconds(document, "Timeout"),
        start_period_s=_seconds(document, "StartPeriod"),
        start_interval_s=_seconds(document, "StartInterval"),
        retries=_count(document, "Retries"),
    )


def _seconds(document: dict[str, object], key: str) -> float:
    value = document.get(key)
    return value / _NANOSECONDS if isinstance(value, int | float) and value > 0 else 0


def _count(document: dict[str, object], key: str) -> int:
    value = document.get(key)
    return value if isinstance(value, int) and value > 0 else 0
