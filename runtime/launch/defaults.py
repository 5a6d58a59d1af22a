"""Docker's defaults for a container: capabilities, hidden and protected paths, mounts, nodes, links.

Source: moby, daemon/pkg/oci/{caps,defaults}.go, v26 with the paths that v28 and v29 added to the
masked ones (GHSA-6fw5-f8r9-fgfm, GHSA-jq35-85cj-fj4p).
"""

import functools
import glob
from collections.abc import Iterable

from runtime.errors import InvalidArgument
from runtime.syscall import capability

DEFAULT_CAPABILITIES = (
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FSETID",
    "CAP_FOWNER",
    "CAP_MKNOD",
    "CAP_NET_RAW",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETFCAP",
    "CAP_SETPCAP",
    "CAP_NET_BIND_SERVICE",
    "CAP_SYS_CHROOT",
    "CAP_KILL",
    "CAP_AUDIT_WRITE",
)

MASKED_PATHS = (
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
)
"""Hidden behind /dev/null or an empty folder; those that do not exist are passed over."""

READ_ONLY_PATHS = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

DEVICE_NODES = (
    ("null", 1, 3),
    ("zero", 1, 5),
    ("full", 1, 7),
    ("random", 1, 8),
    ("urandom", 1, 9),
    ("tty", 5, 0),
)
"""(name in /dev, major, minor), all character devices of mode 0666."""

DEVICE_LINKS = (
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
    ("core", "/proc/kcore"),
    ("ptmx", "pts/ptmx"),
)
"""(name in /dev, what it points to)."""

NETWORK_SYSCTLS = {
    "net.ipv4.ip_unprivileged_port_start": "0",
    "net.ipv4.ping_group_range": "0 2147483647",
}
"""Set in a network namespace of the container's own, unless the user sets them."""


@functools.cache
def masked_paths() -> tuple[str, ...]:
    """Return MASKED_PATHS and this host's `thermal_throttle` folders, one a processor."""
    return MASKED_PATHS + tuple(sorted(glob.glob("/sys/devices/system/cpu/cpu[0-9]*/thermal_throttle")))


def resolve_capabilities(add: Iterable[str], drop: Iterable[str], privileged: bool) -> tuple[str, ...]:
    """Return the bounding set for `cap_add` and `cap_drop`, in the kernel's order.

    Names in any case, with or without CAP_. ALL in `add`: all but the dropped; ALL in `drop`: only
    the added; else the defaults without the dropped, with the added (moby, oci/caps.TweakCapabilities).
    What we do not hold ourselves cannot be given: it is not in ALL, and an error when asked for.
    Raises InvalidArgument for such a name and for an unknown one.
    """
    held = capability.held()
    known = tuple(name for number, name in enumerate(capability.NAMES) if held >> number & 1)
    if privileged:
        return known
    added = {_canonical(name, known) for name in add}
    dropped = {_canonical(name, (*known, *capability.NAMES)) for name in drop}
    if "ALL" in added:
        kept = set(known) - dropped
    elif "ALL" in dropped:
        kept = added
    else:
        kept = (set(DEFAULT_CAPABILITIES) - dropped) | added
    return tuple(name for name in known if name in kept)


def _canonical(name: str, known: tuple[str, ...]) -> str:
    upper = name.upper()
    if upper == "ALL":
        return upper
    full = upper if upper.startswith("CAP_") else f"CAP_{upper}"
    if full not in capability.NAMES:
        raise InvalidArgument(f"invalid capability `{name}`", hint="see capabilities(7); ALL stands for every one")
    if full not in known:
        raise InvalidArgument(f"capability `{full}` cannot be given: this machine's root does not have it")
    return full
