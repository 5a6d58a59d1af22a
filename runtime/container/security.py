"""`security_opt`, capabilities and privileged, turned into what the launcher confines with.

Options and their separators (`=` or the older `:`) as moby daemon/daemon_unix.go parses them.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from runtime.errors import InvalidArgument, Unsupported
from runtime.launch.defaults import MASKED_PATHS, READ_ONLY_PATHS, resolve_capabilities
from schemas.engine.specs import ContainerSpec

_TRUTH = {"": True, "true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Confinement:
    """How far a container is locked in."""

    capabilities: tuple[str, ...]
    seccomp: str
    no_new_privileges: bool
    masked_paths: tuple[str, ...]
    read_only_paths: tuple[str, ...]


def confinement(spec: ContainerSpec) -> Confinement:
    """Return a container's confinement. Raises InvalidArgument or Unsupported for a bad option."""
    seccomp = "unconfined" if spec.privileged else "default"
    no_new_privileges = False
    open_paths = spec.privileged
    for option in spec.security_opt:
        name, value = _split(option)
        if name == "no-new-privileges":
            no_new_privileges = _truth(option, value)
        elif name == "seccomp":
            seccomp = _seccomp(value)
        elif name == "systempaths" and value == "unconfined":
            open_paths = True
        else:
            _refuse_unless_unconfined(option, name, value)
    return Confinement(
        capabilities=tuple(resolve_capabilities(spec.cap_add, spec.cap_drop, privileged=spec.privileged)),
        seccomp=seccomp,
        no_new_privileges=no_new_privileges,
        masked_paths=() if open_paths else MASKED_PATHS,
        read_only_paths=() if open_paths else READ_ONLY_PATHS,
    )


def _split(option: str) -> tuple[str, str]:
    for separator in ("=", ":"):
        if separator in option:
            name, _, value = option.partition(separator)
            return name, value
    return option, ""


def _truth(option: str, value: str) -> bool:
    if value not in _TRUTH:
        raise InvalidArgument(f"security option `{option}`: expected true or false")
    return _TRUTH[value]


def _seccomp(value: str) -> str:
    if value == "unconfined":
        return value
    if value in {"builtin", "default"}:
        return "default"
    text = value if value.lstrip().startswith("{") else _profile_text(Path(value))
    try:
        json.loads(text)
    except ValueError as error:
        raise InvalidArgument(f"seccomp profile `{value[:80]}` is not JSON: {error}") from error
    return text


def _profile_text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError as error:
        raise InvalidArgument(f"cannot read the seccomp profile `{path}`: {error.strerror}") from error


def _refuse_unless_unconfined(option: str, name: str, value: str) -> None:
    if name in {"apparmor", "label"}:
        # Nothing of either is ever applied, so "unconfined" and "disable" are already so.
        if value in {"unconfined", "disable"}:
            return
        raise Unsupported(f"security option `{option}`: AppArmor and SELinux labels are not applied by this runtime")
    raise InvalidArgument(
        f"unknown security option `{option}`",
        hint="known are no-new-privileges, seccomp=, systempaths=unconfined, apparmor=unconfined, label=disable",
    )
