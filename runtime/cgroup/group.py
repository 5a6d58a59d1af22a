"""A container's group: made, entered, removed.

The parent makes the folder of the version 2 tree before it clones the child into it; the child does
the rest itself, side by side with its siblings. In version 1 it writes `0` to `tasks`: moving only
oneself needs no lock on all thread groups, whose writer waits 5 to 15 ms for an RCU grace period.
"""

import contextlib
import errno
import os
import time

from runtime.cgroup import devices, files, resources
from runtime.cgroup.hierarchy import check_path, detect
from runtime.errors import SyscallError
from schemas.engine.specs import Resources

_CONTROLLERS = ("cpuset", "cpu", "io", "memory", "pids")
_REMOVE_TIMEOUT_S = 2.0
_REMOVE_PAUSE_S = 0.005


def prepare(path: str) -> int | None:
    """Make the group in the version 2 tree and return a descriptor for clone, None without that tree.

    In a pure version 2 machine the controllers are switched on for each level. Raises SyscallError,
    InvalidArgument.
    """
    hierarchies = detect()
    if not hierarchies.unified:
        return None
    folder = f"{hierarchies.unified}/{check_path(path)}"
    if make_folder(folder, hierarchies.unified) and hierarchies.version == 2:
        _enable_controllers(hierarchies.unified, path)
    return _open_folder(folder)


def open_unified(path: str) -> int | None:
    """Return a descriptor of an existing group in the version 2 tree, None without that tree. Raises SyscallError."""
    hierarchies = detect()
    return _open_folder(f"{hierarchies.unified}/{check_path(path)}") if hierarchies.unified else None


def open_unified_of(pid: int) -> int:
    """Return a descriptor of the version 2 group that a process is in: its own may be below the container's.

    A container that manages groups itself (systemd does) moves its processes down, and its topmost
    group may then have none (EBUSY, "no internal processes"). Raises SyscallError.
    """
    unified = detect().unified
    try:
        with open(f"/proc/{pid}/cgroup", encoding="utf-8", errors="surrogateescape") as file:
            lines = file.read().splitlines()
    except OSError as error:
        raise SyscallError(error.errno or 0, "read", f"/proc/{pid}/cgroup") from error
    own = next((line[3:] for line in lines if line.startswith("0::")), "/")
    return _open_folder(unified + own)


def configure(path: str, limits: Resources, rules: tuple[devices.DeviceRule, ...]) -> None:
    """Make the group everywhere else, set its limits and its devices.

    Raises SyscallError, Unsupported for a limit that this machine cannot keep.
    """
    hierarchies = detect()
    for folder, controllers in hierarchies.legacy_folders(check_path(path)):
        root = folder[: -len(path) - 1]
        make_folder(folder, root)
        if "devices" in controllers:
            devices.apply_legacy(folder, rules)
        if "cpuset" in controllers and limits.cpuset_cpus:
            # A part of nothing is refused (EACCES), and nothing is what new levels above have.
            _fill_cpuset(root, path)
    if hierarchies.version == 2:
        devices.apply_unified(f"{hierarchies.unified}/{path}", rules)
    resources.apply(hierarchies, path, limits)


def enter(path: str) -> None:
    """Move the calling process, which must have one thread, into the version 1 groups. Raises SyscallError."""
    for folder, controllers in detect().legacy_folders(path):
        try:
            files.write(folder, "tasks", "0")
        except SyscallError as error:
            if error.errno != errno.ENOSPC or "cpuset" not in controllers:
                raise
            _fill_cpuset(folder[: -len(path) - 1], path)
            files.write(folder, "tasks", "0")


def remove(path: str) -> None:
    """Remove the group and what is below it, then the levels above that became empty.

    A group is busy until its last process is reaped: tried for 2 s. Nothing happens when it is gone.
    Raises SyscallError.
    """
    check_path(path)
    hierarchies = detect()
    deadline = time.monotonic() + _REMOVE_TIMEOUT_S
    for folder in hierarchies.folders(path):
        _remove_tree(folder, deadline)
        parent = folder.rpartition("/")[0]
        for _ in range(path.count("/")):
            try:
                os.rmdir(parent)
            except OSError:
                break  # another container's folder is in it
            parent = parent.rpartition("/")[0]


def make_folder(folder: str, root: str) -> bool:
    """Make a folder and what is missing above it up to `root`; return whether it is new.

    A level above may vanish at any moment, when another container was the last one in it.
    """
    for _ in range(100):
        try:
            os.mkdir(folder, 0o755)
        except FileExistsError:
            return False
        except FileNotFoundError:
            parent = folder.rpartition("/")[0]
            if len(parent) < len(root):
                break
            make_folder(parent, root)
        except OSError as error:
            raise SyscallError(error.errno or 0, "mkdir", folder) from error
        else:
            return True
    raise SyscallError(errno.ENOENT, "mkdir", folder)


def _open_folder(folder: str) -> int:
    try:
        return os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise SyscallError(error.errno or 0, "open", folder) from error


def _enable_controllers(root: str, path: str) -> None:
    level = root
    for part in path.split("/"):
        for controller in _CONTROLLERS:
            # One by one: a controller that is not there, or not delegated, must not cost the others.
            with contextlib.suppress(SyscallError):
                files.write(level, "cgroup.subtree_control", f"+{controller}")
        level = f"{level}/{part}"


def _fill_cpuset(root: str, path: str) -> None:
    """Give each level its parent's processors and memory nodes: a new cpuset has none and takes no process.

    `cgroup.clone_children` has the kernel do it for all groups made later below these levels, so without
    processors of its own this is for the first container only.
    """
    parent = root
    for part in path.split("/"):
        level = f"{parent}/{part}"
        for name in ("cpuset.cpus", "cpuset.mems"):
            if not files.read(level, name).strip():
                files.write(level, name, files.read(parent, name).strip())
        files.write(level, "cgroup.clone_children", "1")
        parent = level


def _remove_tree(folder: str, deadline: float) -> None:
    while True:
        try:
            os.rmdir(folder)
        except FileNotFoundError:
            return
        except OSError as error:
            if error.errno not in (errno.EBUSY, errno.ENOTEMPTY) or time.monotonic() > deadline:
                raise SyscallError(error.errno or 0, "rmdir", folder) from error
            below = [entry.path for entry in os.scandir(folder) if entry.is_dir(follow_symlinks=False)]
            for path in below:
                _remove_tree(path, deadline)
            if not below:
                time.sleep(_REMOVE_PAUSE_S)
        else:
            return
