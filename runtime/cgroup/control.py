"""What is done to all processes of a group at once: killing, pausing, and whether there are any."""

import contextlib
import os
import select
import signal
import time

from runtime.cgroup import files
from runtime.cgroup.hierarchy import check_path, detect
from runtime.errors import SyscallError

_POLL_S = 0.005
_KILL_ROUNDS = 200


def kill(path: str) -> None:
    """Send SIGKILL to every process of the group and of those below; a group that is gone has none.

    `cgroup.kill` (Linux 5.14) also catches what is forked meanwhile; without it the group is frozen
    first, and thawed whatever happens. Raises SyscallError.
    """
    unified = _unified_folder(path)
    if unified and not os.path.isdir(unified):
        return
    if unified and os.path.exists(f"{unified}/cgroup.kill"):
        with contextlib.suppress(FileNotFoundError, SyscallError):
            files.write(unified, "cgroup.kill", "1")
        return
    for _ in range(_KILL_ROUNDS):
        if not _kill_frozen(path):
            return
        time.sleep(_POLL_S)


def freeze(path: str, timeout_s: float = 2.0) -> None:
    """Stop every process of the group and wait until the kernel says that they stand still.

    Raises SyscallError; TimeoutError after `timeout_s`, with the group thawed again.
    """
    unified = _unified_folder(path)
    deadline = time.monotonic() + timeout_s
    if unified:
        files.write(unified, "cgroup.freeze", "1")
        frozen = _wait_for_event(unified, "frozen", 1, deadline)
    else:
        frozen = _freeze_legacy(path, deadline)
    if not frozen:
        thaw(path)
        raise TimeoutError(f"the processes of `{path}` did not freeze within {timeout_s} s")


def thaw(path: str) -> None:
    """Let the processes of a frozen group go on. Raises SyscallError."""
    unified = _unified_folder(path)
    if unified:
        files.write(unified, "cgroup.freeze", "0")
    else:
        files.write(detect().folder(path, "freezer"), "freezer.state", "THAWED")


def is_populated(path: str) -> bool:
    """Tell whether a process is left in the group or below it; zombies do not count in version 2."""
    unified = _unified_folder(path)
    if not unified:
        return bool(files.processes(detect().folder(path, "freezer")))
    try:
        return files.keyed(files.read(unified, "cgroup.events"), "populated") == 1
    except OSError:
        return False


def processes(path: str) -> list[int]:
    """Return the host pids of the group and of those below."""
    return files.processes(_unified_folder(path) or detect().folder(path, "freezer"))


def oom_kills(path: str) -> int:
    """Return how many processes of the group the kernel killed for lack of memory; 0 without the group."""
    hierarchies = detect()
    name = "memory.oom_control" if hierarchies.version == 1 else "memory.events"
    try:
        return files.keyed(files.read(hierarchies.folder(path, "memory"), name), "oom_kill") or 0
    except OSError:
        return 0


def _unified_folder(path: str) -> str:
    unified = detect().unified
    return f"{unified}/{check_path(path)}" if unified else ""


def _wait_for_event(folder: str, key: str, value: int, deadline: float) -> bool:
    descriptor = os.open(f"{folder}/cgroup.events", os.O_RDONLY | os.O_CLOEXEC)
    try:
        poller = select.poll()
        poller.register(descriptor, select.POLLPRI)
        while files.keyed(os.pread(descriptor, 4096, 0).decode(), key) != value:
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                return False
            poller.poll(left_s * 1000)
        return True
    finally:
        os.close(descriptor)


def _freeze_legacy(path: str, deadline: float) -> bool:
    folder = detect().folder(path, "freezer")
    while time.monotonic() < deadline:
        # A group can hang in FREEZING; writing again has the kernel look at its tasks again.
        files.write(folder, "freezer.state", "FROZEN")
        if files.read(folder, "freezer.state").strip() == "FROZEN":
            return True
        time.sleep(_POLL_S)
    return False


def _kill_frozen(path: str) -> bool:
    """Freeze, kill and thaw once; return whether there was a process."""
    with contextlib.suppress(OSError):
        freeze(path, timeout_s=0.5)
    try:
        pids = processes(path)
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    finally:
        with contextlib.suppress(OSError):
            thaw(path)
    return bool(pids)
