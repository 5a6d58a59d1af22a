"""The processes of a container, as `ps -ef` would list them (proc(5))."""

import os
import pwd
import time
from collections.abc import Iterator

_PROC = "/proc"
_TICKS = os.sysconf("SC_CLK_TCK")
# Positions in /proc/<pid>/stat, counted after the parenthesised name (proc_pid_stat(5)).
_PPID, _TTY, _UTIME, _STIME, _START = 1, 4, 11, 12, 19
_DAY = 86_400

COLUMNS = ("UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD")


def processes_of(pid: int) -> list[tuple[str, ...]]:
    """Return one row of COLUMNS for each process in the pid namespace of `pid`, in the order of their ids."""
    try:
        namespace = os.readlink(f"{_PROC}/{pid}/ns/pid")  # noqa: PTH115 - see _pids
    except OSError:
        return []
    return [row for each in _pids() if _in_namespace(each, namespace) and (row := _row(each))]


def _pids() -> Iterator[int]:
    return iter(sorted(int(name) for name in os.listdir(_PROC) if name.isdecimal()))  # noqa: PTH208 - no Path for a thousand names


def _in_namespace(pid: int, namespace: str) -> bool:
    try:
        return os.readlink(f"{_PROC}/{pid}/ns/pid") == namespace  # noqa: PTH115 - see _pids
    except OSError:
        return False


def _row(pid: int) -> tuple[str, ...] | None:
    try:
        with open(f"{_PROC}/{pid}/stat", encoding="utf-8", errors="replace") as file:
            name, _, rest = file.read().partition("(")[2].rpartition(")")
        with open(f"{_PROC}/{pid}/cmdline", "rb") as file:
            command = file.read().replace(b"\0", b" ").decode(errors="replace").strip()
        owner = os.stat(f"{_PROC}/{pid}").st_uid  # noqa: PTH116 - see _pids
    except OSError:
        return None
    fields = rest.split()
    started = _boot_time() + int(fields[_START]) / _TICKS
    used_s = (int(fields[_UTIME]) + int(fields[_STIME])) / _TICKS
    lived_s = max(time.time() - started, 1)
    return (
        _user(owner),
        str(pid),
        fields[_PPID],
        str(min(int(100 * used_s / lived_s), 99)),
        time.strftime("%H:%M" if lived_s < _DAY else "%b%d", time.localtime(started)),
        _terminal(int(fields[_TTY])),
        time.strftime("%H:%M:%S", time.gmtime(used_s)),
        command or f"[{name}]",
    )


def _boot_time() -> float:
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)


def _user(identifier: int) -> str:
    try:
        return pwd.getpwuid(identifier).pw_name
    except KeyError:
        return str(identifier)


def _terminal(device: int) -> str:
    major, minor = os.major(device), os.minor(device)
    return f"pts/{minor}" if 136 <= major <= 143 else "?"
