"""Namespaces: the table of kinds, unshare(2) and setns(2), which Python has only since 3.12."""

from runtime.syscall import constants as c
from runtime.syscall.libc import check, function, int_t
from schemas.dataclass import dataclass

_unshare = function("unshare", int_t)
_setns = function("setns", int_t, int_t)


@dataclass(frozen=True, slots=True)
class NamespaceKind:
    """One kind of namespace: the name of its file in /proc/<pid>/ns and its CLONE_ flag."""

    file: str
    flag: int


# In the order to join them: the mount namespace last, because /proc is left behind with it.
KINDS = (
    NamespaceKind("cgroup", c.CLONE_NEWCGROUP),
    NamespaceKind("ipc", c.CLONE_NEWIPC),
    NamespaceKind("uts", c.CLONE_NEWUTS),
    NamespaceKind("net", c.CLONE_NEWNET),
    NamespaceKind("pid", c.CLONE_NEWPID),
    NamespaceKind("mnt", c.CLONE_NEWNS),
)


def unshare(flags: int) -> None:
    """Leave namespaces for new ones; CLONE_NEWPID only counts for children made afterwards."""
    check(_unshare(flags), "unshare", describe(flags))


def setns(descriptor: int, flags: int) -> None:
    """Join the namespaces of a process (pidfd, Linux 5.8) or of one namespace file."""
    check(_setns(descriptor, flags), "setns", describe(flags))


def describe(flags: int) -> str:
    """Return the names of the kinds in `flags`, for errors."""
    return ",".join(kind.file for kind in KINDS if flags & kind.flag)
