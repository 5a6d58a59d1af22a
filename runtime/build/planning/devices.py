"""The value of `RUN --device=…` (BuildKit, frontend/dockerfile/instructions/commands_rundevice.go)."""

import csv

from runtime.build.dockerfile.flags import nearest
from runtime.build.dockerfile.mounts import read_boolean
from runtime.build.dockerfile.words import WordError
from runtime.build.plan import Device

_KEYS = ("name", "required")


def read_device(text: str) -> Device:
    """Return a device by its CDI name, `vendor.com/class=name`; the first field may be it. Raises WordError."""
    name, required = "", False
    for field in next(csv.reader([text]), []):
        key, equals, value = field.partition("=")
        if key.lower() == "required":
            required = read_boolean("required", value) if equals else True
        elif key.lower() == "name" and equals:
            if name:
                raise WordError(f"device name already set to `{name}`")
            name = value
        elif not name:
            name = field
        elif equals:
            raise WordError(f"unexpected key `{key}` in `{field}`", nearest(key, _KEYS))
        else:
            raise WordError(f"invalid field `{field}` must be a key=value pair", "such as `required=true`")
    return Device(name, required)
