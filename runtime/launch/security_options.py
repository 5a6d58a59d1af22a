"""The `security_opt` list, read (moby, daemon/daemon_unix.go, parseSecurityOpt)."""

from collections.abc import Iterable

from runtime.errors import InvalidArgument, Unsupported
from schemas.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class SecurityOptions:
    """What a container's security options ask for. `seccomp` is empty for the default profile, else
    `unconfined` or the text of a profile."""

    no_new_privileges: bool = False
    seccomp: str = ""
    unconfined_system_paths: bool = False
    writable_cgroups: bool = False


def parse(options: Iterable[str]) -> SecurityOptions:
    """Read options like `no-new-privileges:true`, `seccomp=unconfined`, `systempaths=unconfined`.

    `seccomp=` takes the profile's text (the caller reads files). `label` and `apparmor` are accepted
    when they ask for nothing. Raises InvalidArgument, Unsupported.
    """
    nnp, seccomp, paths, cgroups = False, "", False, False
    for option in options:
        key, value = _split(option)
        if key == "no-new-privileges":
            nnp = _boolean(option, value)
        elif key == "seccomp":
            seccomp = "" if value == "builtin" else value
        elif key == "systempaths" and value == "unconfined":
            paths = True
        elif key == "writable-cgroups":
            cgroups = _boolean(option, value)
        elif key in ("apparmor", "label"):
            _refuse_profile(key, value)
        else:
            raise InvalidArgument(f"invalid security option `{option}`")
    return SecurityOptions(nnp, seccomp, paths, cgroups)


def _split(option: str) -> tuple[str, str]:
    if option == "no-new-privileges":
        return option, "true"
    # A profile's text is full of colons: the first of the two separators counts.
    positions = [position for position in (option.find("="), option.find(":")) if position > 0]
    if not positions:
        raise InvalidArgument(f"invalid security option `{option}`")
    position = min(positions)
    return option[:position], option[position + 1 :]


def _boolean(option: str, value: str) -> bool:
    if value.lower() in ("1", "t", "true"):
        return True
    if value.lower() in ("0", "f", "false"):
        return False
    raise InvalidArgument(f"invalid security option `{option}`", hint="write true or false")


def _refuse_profile(key: str, value: str) -> None:
    if value not in ("unconfined", "disable", "disabled", ""):
        raise Unsupported(f"security option `{key}={value}`: no such label or profile can be given to a container")
