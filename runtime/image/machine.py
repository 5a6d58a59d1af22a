"""This machine, as images name it."""

import os

_ARCHITECTURES = {
    "x86_64": "amd64",
    "aarch64": "arm64",
    "armv7l": "arm",
    "armv6l": "arm",
    "i686": "386",
    "loongarch64": "loong64",
}


def machine_architecture() -> str:
    """Return this machine's architecture as Go, and so OCI, names it."""
    machine = os.uname().machine
    return _ARCHITECTURES.get(machine, machine)
