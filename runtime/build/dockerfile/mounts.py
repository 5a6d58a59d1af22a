"""The value of `RUN --mount=…`, comma-separated (BuildKit, frontend/dockerfile/instructions/commands_runmount.go)."""

import csv
import re
from collections.abc import Callable, Sequence

from runtime.build.dockerfile.flags import nearest
from runtime.build.dockerfile.words import WordError
from schemas.booleans import BOOLEANS
from schemas.dataclass import dataclass

TYPES = ("bind", "cache", "tmpfs", "secret", "ssh")
SHARING = ("shared", "private", "locked")
_SIZE = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,9})?) ?([kmgtp]?)(?:i?b)?", re.IGNORECASE | re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,10}", re.ASCII)


@dataclass(slots=True)
class MountOptions:
    """What a mount says, before its sources and targets are resolved."""

    type: str = "bind"
    source_from: str = ""
    source: str = ""
    target: str = ""
    read_only: bool | None = None
    """None: the type's default."""
    size_bytes: int = 0
    id: str = ""
    sharing: str = ""
    required: bool = False
    variable: str | None = None
    """Of a secret: the environment variable that holds it; empty for the default name."""
    mode: int | None = None
    uid: int | None = None
    gid: int | None = None


def check_mount_sources(mounts: Sequence[str]) -> None:
    """Raise WordError for mounts that are no list of fields, or whose `from` holds a variable."""
    for mount in mounts:
        for field in _fields(mount):
            key, equals, value = field.partition("=")
            dollar = value.find("$")
            if equals and key.lower() == "from" and 0 <= dollar < len(value) - 1:
                raise WordError(
                    "`from` doesn't support variable expansion, define alias stage instead",
                    "`FROM $IMAGE AS name` before, and `from=name` here",
                )


def source_names(mounts: Sequence[str]) -> tuple[str, ...]:
    """Return what `from=` of these mounts names."""
    fields = (field.partition("=") for mount in mounts for field in _fields(mount))
    return tuple(value for key, _, value in fields if key.lower() == "from" and value)


def read_mount(text: str, expand: Callable[[str], str]) -> MountOptions:
    """Return the options of a mount, their values expanded. Raises WordError."""
    mount = MountOptions()
    for field in _fields(text):
        key, equals, value = field.partition("=")
        key = key.lower()
        if not equals:
            _switch(mount, key, field)
        elif key in _SETTERS:
            _SETTERS[key](mount, key, expand(value))
        else:
            raise WordError(f"unexpected key `{key}` in `{field}`", nearest(key, _SETTERS))
    _check(mount)
    return mount


def _fields(text: str) -> list[str]:
    try:
        rows = list(csv.reader([text], strict=True))
    except csv.Error as error:
        raise WordError(f"`{text}` is not a comma-separated list: {error}") from None
    return rows[0] if rows else []


def _switch(mount: MountOptions, key: str, field: str) -> None:
    if key in ("readonly", "ro", "readwrite", "rw"):
        mount.read_only = key in ("readonly", "ro")
    elif key == "required":
        _required(mount, key, "true")
    else:
        raise WordError(f"invalid field `{field}` must be a key=value pair", "such as `type=bind,target=/src`")


def _type(mount: MountOptions, _: str, value: str) -> None:
    if value.lower() not in TYPES:
        raise WordError(f"unsupported mount type `{value}`", nearest(value, TYPES) or f"known are {', '.join(TYPES)}")
    mount.type = value.lower()


def _source_from(mount: MountOptions, _: str, value: str) -> None:
    mount.source_from = value


def _source(mount: MountOptions, _: str, value: str) -> None:
    mount.source = value


def _target(mount: MountOptions, _: str, value: str) -> None:
    mount.target = value


def _read_only(mount: MountOptions, key: str, value: str) -> None:
    mount.read_only = read_boolean(key, value)


def _read_write(mount: MountOptions, key: str, value: str) -> None:
    mount.read_only = not read_boolean(key, value)


def _required(mount: MountOptions, key: str, value: str) -> None:
    if mount.type not in ("secret", "ssh"):
        raise WordError(f"unexpected key `{key}` for mount type `{mount.type}`", "`type=` has to come before it")
    mount.required = read_boolean(key, value)


def _size(mount: MountOptions, key: str, value: str) -> None:
    match = _SIZE.fullmatch(value)
    if mount.type != "tmpfs":
        raise WordError(f"unexpected key `{key}` for mount type `{mount.type}`", "only `type=tmpfs` has a size")
    if match is None:
        raise WordError(f"invalid value for {key}: `{value}`", "such as `64m`")
    mount.size_bytes = int(float(match[1]) * 1024 ** " kmgtp".index(match[2].lower() or " "))


def _id(mount: MountOptions, _: str, value: str) -> None:
    mount.id = value


def _sharing(mount: MountOptions, _: str, value: str) -> None:
    if value.lower() not in SHARING:
        hint = nearest(value, SHARING) or f"known are {', '.join(SHARING)}"
        raise WordError(f"unsupported sharing value `{value}`", hint)
    mount.sharing = value.lower()


def _mode(mount: MountOptions, key: str, value: str) -> None:
    if not re.fullmatch(r"[0-7]{1,11}", value) or int(value, 8) >= 2**32:
        raise WordError(f"invalid value `{value}` for {key}", "an octal number such as `0755`")
    mount.mode = int(value, 8)


def _uid(mount: MountOptions, key: str, value: str) -> None:
    mount.uid = _identity(key, value)


def _gid(mount: MountOptions, key: str, value: str) -> None:
    mount.gid = _identity(key, value)


def _variable(mount: MountOptions, _: str, value: str) -> None:
    mount.variable = value


def _identity(key: str, value: str) -> int:
    if not _NUMBER.fullmatch(value) or int(value) >= 2**32:
        raise WordError(f"invalid value `{value}` for {key}", "a number")
    return int(value)


def read_boolean(key: str, value: str) -> bool:
    """Return what Go's ParseBool makes of a value. Raises WordError."""
    if value not in BOOLEANS:
        raise WordError(f"invalid value for {key}: `{value}`", "`true` or `false`")
    return BOOLEANS[value]


def _check(mount: MountOptions) -> None:
    if mount.type not in ("secret", "ssh", "cache"):
        for key in ("mode", "uid", "gid"):
            if getattr(mount, key) is not None:
                raise WordError(f"{key} not allowed for `{mount.type}` type mounts")
    if mount.type == "secret":
        _check_secret(mount)
    if mount.type == "ssh" and mount.source:
        raise WordError("ssh does not support source")
    if mount.sharing and mount.type != "cache":
        raise WordError(f"invalid cache sharing set for {mount.type} mount")


def _check_secret(mount: MountOptions) -> None:
    if mount.source_from:
        raise WordError("secret mount should not have a from")
    if mount.sharing:
        raise WordError("secret mount should not define sharing")
    if not (mount.source or mount.target or mount.id):
        raise WordError("invalid secret mount, one of source, target required", "such as `type=secret,id=token`")
    if mount.source and mount.id:
        raise WordError("both source and id can't be set")


_SETTERS: dict[str, Callable[[MountOptions, str, str], None]] = {
    "type": _type,
    "from": _source_from,
    **dict.fromkeys(("source", "src"), _source),
    **dict.fromkeys(("target", "dst", "destination"), _target),
    **dict.fromkeys(("readonly", "ro"), _read_only),
    **dict.fromkeys(("readwrite", "rw"), _read_write),
    "required": _required,
    "size": _size,
    "id": _id,
    "sharing": _sharing,
    "mode": _mode,
    "uid": _uid,
    "gid": _gid,
    "env": _variable,
}
