"""The local driver's options: where a volume's content is (docker volume create, "Driver-specific options")."""

import posixpath

from runtime.errors import InvalidArgument, Unsupported
from schemas.engine.specs import VolumeSpec

DRIVER = "local"
_KNOWN = frozenset({"type", "o", "device"})
_BIND_TYPES = frozenset({"", "none", "bind"})
_BIND_OPTIONS = frozenset({"bind", "rbind", "rw", "defaults"})


def check_driver(spec: VolumeSpec) -> None:
    """Check that this version can make the volume: a folder of its own, or one of the host's by `device`.

    Raises Unsupported, InvalidArgument.
    """
    if spec.driver not in ("", DRIVER):
        raise Unsupported(
            f"volume `{spec.name}` wants the driver `{spec.driver}`, and plugins need a Docker engine",
            hint="leave `driver` out, or use `local`",
        )
    options = spec.driver_options
    if unknown := sorted(options.keys() - _KNOWN):
        raise Unsupported(
            f"volume `{spec.name}` has the driver option `{unknown[0]}`", hint="known are type, o, device"
        )
    if any(options.values()):
        _check_bind(spec.name, options)


def _check_bind(name: str, options: dict[str, str]) -> None:
    kind = options.get("type", "")
    if kind not in _BIND_TYPES:
        raise Unsupported(
            f"volume `{name}` is of type `{kind}`",
            hint="a tmpfs goes into the service (`tmpfs:`); mount a network share on the host and name its folder here"
            " (`type: none`, `o: bind`, `device: /path`)",
        )
    words = [word for word in options.get("o", "").split(",") if word]
    if unknown := [word for word in words if word not in _BIND_OPTIONS]:
        raise Unsupported(
            f"volume `{name}` has the mount option `{unknown[0]}`",
            hint="known are bind, rbind and rw; read-only is said where a service mounts it",
        )
    if not {"bind", "rbind"} & set(words):
        raise InvalidArgument(f"volume `{name}` has a device but not the option `o: bind`")
    device = options.get("device", "")
    if not device.startswith("/") or posixpath.normpath(device) == "/" or "\0" in device:
        raise InvalidArgument(f"volume `{name}` needs an absolute path as its device, not `{device}`")
