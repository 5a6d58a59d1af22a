"""`security_opt`, capabilities and privileged, turned into what the launcher confines with."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from runtime.errors import InvalidArgument
from runtime.launch import security_options
from runtime.launch.defaults import READ_ONLY_PATHS, masked_paths, resolve_capabilities
from schemas.dataclass import dataclass
from schemas.engine.specs import ContainerSpec

_PROFILE = "seccomp"


@dataclass(frozen=True, slots=True)
class Confinement:
    """How far a container is locked in."""

    capabilities: tuple[str, ...]
    seccomp: str
    no_new_privileges: bool
    masked_paths: tuple[str, ...]
    read_only_paths: tuple[str, ...]
    writable_cgroups: bool


def confinement(spec: ContainerSpec) -> Confinement:
    """Return a container's confinement. Raises InvalidArgument or Unsupported for a bad option."""
    options = security_options.parse(_with_profiles(spec.security_opt))
    open_paths = spec.privileged or options.unconfined_system_paths
    return Confinement(
        capabilities=resolve_capabilities(spec.cap_add, spec.cap_drop, spec.privileged),
        seccomp=options.seccomp or ("unconfined" if spec.privileged else "default"),
        no_new_privileges=options.no_new_privileges,
        masked_paths=() if open_paths else masked_paths(),
        read_only_paths=() if open_paths else READ_ONLY_PATHS,
        writable_cgroups=options.writable_cgroups,
    )


def _with_profiles(options: Iterable[str]) -> Iterator[str]:
    """Replace the file of a `seccomp=` option by its text."""
    for option in options:
        value = option.removeprefix(_PROFILE)[1:]
        if not option.startswith((f"{_PROFILE}=", f"{_PROFILE}:")) or value in {"", "unconfined", "builtin"}:
            yield option
        elif value.lstrip().startswith("{"):
            yield f"{_PROFILE}={value}"
        else:
            yield f"{_PROFILE}={_text(Path(value))}"


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError as error:
        raise InvalidArgument(f"cannot read the seccomp profile `{path}`: {os.strerror(error.errno or 0)}") from error
    except UnicodeDecodeError as error:
        raise InvalidArgument(f"cannot read the seccomp profile `{path}`: not UTF-8 text") from error
