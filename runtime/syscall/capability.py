"""Capabilities by name (capabilities(7)) and the calls that give them up."""

import ctypes
import errno
import functools
import struct
from collections.abc import Iterable

from runtime.errors import InvalidArgument
from runtime.syscall import constants as c
from runtime.syscall.libc import check, function, pointer_t
from runtime.syscall.process import prctl

# In the kernel's order: the position is the number (linux/capability.h).
NAMES = (
    "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID",
    "CAP_SETUID", "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST", "CAP_NET_ADMIN",
    "CAP_NET_RAW", "CAP_IPC_LOCK", "CAP_IPC_OWNER", "CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT",
    "CAP_SYS_PTRACE", "CAP_SYS_PACCT", "CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_NICE", "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE", "CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP", "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG", "CAP_WAKE_ALARM", "CAP_BLOCK_SUSPEND",
    "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE",
)  # fmt: skip
_VERSION_3 = 0x20080522
_capget = function("capget", pointer_t, pointer_t)
_capset = function("capset", pointer_t, pointer_t)


def to_mask(names: Iterable[str]) -> int:
    """Return the bit set of capability names; an unknown name raises InvalidArgument."""
    mask = 0
    for name in names:
        if name not in NAMES:
            raise InvalidArgument(f"unknown capability `{name}`")
        mask |= 1 << NAMES.index(name)
    return mask


@functools.cache
def last_known() -> int:
    """Return the number of the last capability this kernel knows."""
    with open("/proc/sys/kernel/cap_last_cap", encoding="ascii") as file:
        return int(file.read())


@functools.cache
def held() -> int:
    """Return the bit set of capabilities we may pass on: our permitted ones, asked once a process."""
    header = ctypes.create_string_buffer(struct.pack("=Ii", _VERSION_3, 0), 8)
    sets = ctypes.create_string_buffer(24)
    check(_capget(ctypes.addressof(header), ctypes.addressof(sets)), "capget")
    _, low, _, _, high, _ = struct.unpack("=6I", sets.raw)
    return int(low | high << 32)


def drop_from_bounding_set(keep: int, last: int) -> None:
    """Drop every capability up to `last` that is not in the bit set `keep`, for good."""
    for number in range(last + 1):
        if not keep >> number & 1:
            prctl(c.PR_CAPBSET_DROP, number, "PR_CAPBSET_DROP")


def clear_ambient() -> None:
    """Empty the ambient set; a kernel without one (before 4.3) has nothing to clear."""
    try:
        prctl(c.PR_CAP_AMBIENT, c.PR_CAP_AMBIENT_CLEAR_ALL, "PR_CAP_AMBIENT")
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise


def set_capabilities(mask: int) -> None:
    """Make `mask` the effective and permitted set and empty the inheritable one (CVE-2022-24769)."""
    low, high = mask & 0xFFFFFFFF, mask >> 32
    header = ctypes.create_string_buffer(struct.pack("=Ii", _VERSION_3, 0), 8)
    sets = ctypes.create_string_buffer(struct.pack("=6I", low, low, 0, high, high, 0), 24)
    check(_capset(ctypes.addressof(header), ctypes.addressof(sets)), "capset")
