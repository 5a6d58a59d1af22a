"""Which cgroup hierarchies this machine has, and where a container's folders in them are.

Version 1 has a tree per controller, version 2 one tree for all; "hybrid" is version 1 beside a
version 2 tree without controllers, which still offers cgroup.kill, cgroup.freeze and cgroup.events
(cgroups(7), Documentation/admin-guide/cgroup-v2.rst).
"""

import functools
import os

from runtime.errors import InvalidArgument, Unsupported
from schemas.dataclass import dataclass

# What a container joins in version 1. All of them, since a program that looks for its own limits (a
# JVM does) gives up when one of cpu, cpuacct, cpuset and memory is missing.
_JOINED = ("cpu", "cpuacct", "cpuset", "memory", "devices", "blkio", "pids")
_KNOWN = (*_JOINED, "freezer", "net_cls", "net_prio", "perf_event", "hugetlb", "rdma", "misc")


@dataclass(frozen=True, slots=True)
class LegacyTree:
    """A version 1 hierarchy: where it is mounted and which controllers it has."""

    mount_point: str
    controllers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Hierarchies:
    """All trees that containers join. `unified` is empty without a version 2 tree."""

    legacy: tuple[LegacyTree, ...]
    unified: str

    @property
    def version(self) -> int:
        """1 (also hybrid) or 2: where the limits are."""
        return 1 if self.legacy else 2

    def legacy_folders(self, path: str) -> list[tuple[str, tuple[str, ...]]]:
        """Return (folder, controllers) of a group in each version 1 tree."""
        return [(f"{tree.mount_point}/{path}", tree.controllers) for tree in self.legacy]

    def folder(self, path: str, controller: str) -> str:
        """Return the group's folder that has this controller's files; raise Unsupported without one."""
        for folder, controllers in self.legacy_folders(path):
            if controller in controllers:
                return folder
        if self.legacy or not self.unified:
            raise Unsupported(f"this machine has no cgroup controller `{controller}`")
        return f"{self.unified}/{path}"

    def folders(self, path: str) -> list[str]:
        """Return the group's folder in every tree."""
        every = [folder for folder, _ in self.legacy_folders(path)]
        return [*every, f"{self.unified}/{path}"] if self.unified else every


@functools.cache
def detect() -> Hierarchies:
    """Find the trees of this machine, once a process. Raises Unsupported without any."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        found = parse_mountinfo(file.read())
    if not found.legacy and found.unified and os.geteuid() != 0:
        return Hierarchies((), found.unified + _own_unified_path())
    if not found.legacy and not found.unified:
        raise Unsupported("no cgroup hierarchy is mounted", hint="mount cgroup2 on /sys/fs/cgroup")
    return found


def parse_mountinfo(text: str) -> Hierarchies:
    """Find the cgroup mounts in the text of /proc/self/mountinfo (proc_pid_mountinfo(5))."""
    unified = ""
    trees: list[LegacyTree] = []
    for line in text.splitlines():
        before, separator, after = line.partition(" - ")
        if not separator:
            continue
        filesystem, _, rest = after.partition(" ")
        mount_point = _unescape(before.split(" ")[4])
        if filesystem == "cgroup2":
            unified = unified or mount_point
        elif filesystem == "cgroup":
            options = rest.rpartition(" ")[2].split(",")
            trees.append(LegacyTree(mount_point, tuple(name for name in options if name in _KNOWN)))
    wanted = _JOINED if unified else (*_JOINED, "freezer")
    seen: set[str] = set()
    joined = []
    for tree in trees:
        fresh = set(tree.controllers) - seen
        if fresh.intersection(wanted):
            joined.append(tree)
            seen |= fresh
    return Hierarchies(tuple(joined), unified)


def check_path(path: str) -> str:
    """Return a group's path below the trees' roots, or raise InvalidArgument when it could leave them."""
    if not path or any(part in ("", ".", "..") for part in path.split("/")) or "\0" in path:
        raise InvalidArgument(f"`{path}` is no path below a cgroup hierarchy")
    return path


def _own_unified_path() -> str:
    with open("/proc/self/cgroup", encoding="utf-8", errors="surrogateescape") as file:
        for line in file:
            if line.startswith("0::"):
                return line[3:].strip().rstrip("/")
    return ""


def _unescape(text: str) -> str:
    for escaped, plain in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(escaped, plain)
    return text
