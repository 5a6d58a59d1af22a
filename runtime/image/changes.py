"""The Dockerfile instructions that `--change` takes (docker image import, docker commit; Dockerfile reference)."""

import json
import posixpath
import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import replace

from runtime.errors import InvalidArgument
from schemas.engine.records import ImageConfig

_DEFAULT_SHELL = ("/bin/sh", "-c")
_PORT = re.compile(r"([0-9]+)(?:-([0-9]+))?(?:/(tcp|udp|sctp))?")
_DURATION_UNITS_NS = {"ns": 1, "us": 10**3, "µs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h)")
_HEALTH_DURATIONS = {
    "interval": "Interval",
    "timeout": "Timeout",
    "start-period": "StartPeriod",
    "start-interval": "StartInterval",
}
_MIN_DURATION_NS = 10**6
_NO_TRIGGERS = frozenset({"ONBUILD", "FROM", "MAINTAINER"})


def apply_changes(config: ImageConfig, changes: Sequence[str]) -> ImageConfig:
    """Return the configuration after the instructions, in order. Raises InvalidArgument."""
    for change in changes:
        instruction, _, arguments = change.strip().partition(" ")
        apply = _INSTRUCTIONS.get(instruction.upper())
        if apply is None:
            raise InvalidArgument(f"`{instruction}` is not a valid change command", hint=f"known are {_known()}")
        if not arguments.strip():
            raise InvalidArgument(f"`{instruction}` needs an argument")
        config = apply(config, arguments.strip())
    return config


def _known() -> str:
    return ", ".join(_INSTRUCTIONS)


def _command(config: ImageConfig, text: str) -> ImageConfig:
    return replace(config, command=_argument_vector(config, text))


def _entrypoint(config: ImageConfig, text: str) -> ImageConfig:
    return replace(config, entrypoint=_argument_vector(config, text))


def _shell(config: ImageConfig, text: str) -> ImageConfig:
    shell = _json_list(text)
    if not shell:
        raise InvalidArgument(f'`SHELL` wants a list, `["/bin/sh", "-c"]`, not `{text}`')
    return replace(config, shell=shell)


def _environment(config: ImageConfig, text: str) -> ImageConfig:
    entries = dict(entry.partition("=")[::2] for entry in config.environment)
    entries.update(_pairs("ENV", text))
    return replace(config, environment=tuple(f"{name}={value}" for name, value in entries.items()))


def _label(config: ImageConfig, text: str) -> ImageConfig:
    return replace(config, labels={**config.labels, **_pairs("LABEL", text)})


def _expose(config: ImageConfig, text: str) -> ImageConfig:
    ports = dict.fromkeys(config.exposed_ports)
    for word in text.split():
        match = _PORT.fullmatch(word)
        if match is None:
            raise InvalidArgument(f"`{word}` is not a port to expose")
        first, last, protocol = int(match[1]), int(match[2] or match[1]), match[3] or "tcp"
        if not 0 < first <= last < 2**16:
            raise InvalidArgument(f"`{word}` is not a port to expose")
        ports.update(dict.fromkeys(f"{port}/{protocol}" for port in range(first, last + 1)))
    return replace(config, exposed_ports=tuple(ports))


def _volume(config: ImageConfig, text: str) -> ImageConfig:
    targets = _json_list(text)
    targets = tuple(text.split()) if targets is None else targets
    if any(not target for target in targets):
        raise InvalidArgument("`VOLUME` names an empty path")
    return replace(config, volumes=tuple(dict.fromkeys((*config.volumes, *targets))))


def _working_dir(config: ImageConfig, text: str) -> ImageConfig:
    return replace(config, working_dir=posixpath.normpath(posixpath.join(config.working_dir or "/", text)))


def _user(config: ImageConfig, text: str) -> ImageConfig:
    return replace(config, user=text)


def _stop_signal(config: ImageConfig, text: str) -> ImageConfig:
    return replace(config, stop_signal=text)


def _on_build(config: ImageConfig, text: str) -> ImageConfig:
    instruction = text.partition(" ")[0].upper()
    if instruction in _NO_TRIGGERS:
        raise InvalidArgument(f"`{instruction}` is not allowed as an ONBUILD trigger")
    return replace(config, on_build=(*config.on_build, text))


def _healthcheck(config: ImageConfig, text: str) -> ImageConfig:
    health: dict[str, object] = {}
    kind, rest = text, ""
    while text.startswith("--"):
        option, _, text = text.partition(" ")
        name, _, value = option.removeprefix("--").partition("=")
        text = text.strip()
        health.update(_health_option(name, value))
    kind, _, rest = text.partition(" ")
    rest = rest.strip()
    if kind.upper() == "NONE" and not rest and not health:
        return replace(config, healthcheck={"Test": ["NONE"]})
    if kind.upper() != "CMD" or not rest:
        raise InvalidArgument("`HEALTHCHECK` wants `NONE`, or `CMD` and a command")
    vector = _json_list(rest)
    health["Test"] = ["CMD-SHELL", rest] if vector is None else ["CMD", *vector]
    return replace(config, healthcheck=health)


def _health_option(name: str, value: str) -> dict[str, object]:
    if name == "retries":
        if not value.isdigit():
            raise InvalidArgument(f"`--retries={value}` is not a number")
        return {"Retries": int(value)}
    if name not in _HEALTH_DURATIONS:
        raise InvalidArgument(f"`HEALTHCHECK` has no option `--{name}`")
    return {_HEALTH_DURATIONS[name]: _duration_ns(value)}


def _duration_ns(text: str) -> int:
    parts = _DURATION.findall(text)
    duration = round(sum(float(number) * _DURATION_UNITS_NS[unit] for number, unit in parts))
    if "".join(number + unit for number, unit in parts) != text or 0 < duration < _MIN_DURATION_NS or not parts:
        raise InvalidArgument(f"`{text}` is not a duration of a millisecond at least")
    return duration


def _argument_vector(config: ImageConfig, text: str) -> tuple[str, ...]:
    vector = _json_list(text)
    return (*(config.shell or _DEFAULT_SHELL), text) if vector is None else vector


def _json_list(text: str) -> tuple[str, ...] | None:
    """Return the words of an instruction's JSON form, None for its shell form."""
    if not text.startswith("["):
        return None
    try:
        words = json.loads(text)
    except ValueError:
        return None
    if not all(isinstance(word, str) for word in words):
        return None
    return tuple(words)


def _pairs(instruction: str, text: str) -> dict[str, str]:
    """Read `name=value name="v w"`, or the old `name value`."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise InvalidArgument(f"cannot read `{instruction} {text}`: {error}") from error
    if words and "=" not in words[0]:
        name, _, value = text.partition(" ")
        if not value.strip():
            raise InvalidArgument(f"`{instruction} {text}` has no value")
        return {name: value.strip()}
    pairs = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not name or not equals:
            raise InvalidArgument(f"cannot read `{instruction} {text}`: `{word}` is not `name=value`")
        pairs[name] = value
    return pairs


_INSTRUCTIONS: dict[str, Callable[[ImageConfig, str], ImageConfig]] = {
    "CMD": _command,
    "ENTRYPOINT": _entrypoint,
    "ENV": _environment,
    "EXPOSE": _expose,
    "HEALTHCHECK": _healthcheck,
    "LABEL": _label,
    "ONBUILD": _on_build,
    "SHELL": _shell,
    "STOPSIGNAL": _stop_signal,
    "USER": _user,
    "VOLUME": _volume,
    "WORKDIR": _working_dir,
}
