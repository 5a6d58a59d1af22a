"""Kernel settings of the container's own namespaces, written before its files are in sight.

/proc/sys answers for the namespaces of whoever opens it, so the host's own /proc serves. The one in
the container could be covered by something else (CVE-2025-52881); it is never used.
"""

import os
from collections.abc import Mapping

from runtime.errors import InvalidArgument, StartFailed
from runtime.launch.defaults import NETWORK_SYSCTLS
from runtime.syscall import constants as c
from runtime.syscall.mount import filesystem_magic, openat2
from schemas.engine.bundle import Bundle

_IPC = ("kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem", "kernel.shmall", "kernel.shmmax")
_IPC_MORE = ("kernel.shmmni", "kernel.shm_rmid_forced", "kernel.msg_next_id", "kernel.sem_next_id")
_ALLOWED_IPC = frozenset((*_IPC, *_IPC_MORE, "kernel.shm_next_id"))


def check(bundle: Bundle) -> None:
    """Raise InvalidArgument for a setting that would change the host (runc, validate.sysctl)."""
    for name in bundle.sysctls:
        dotted = name.replace("/", ".")
        own_ipc = bundle.ipc_mode != "host"
        own_uts = bundle.uts_mode != "host"
        if dotted.startswith("net."):
            if bundle.network == "host":
                raise InvalidArgument(f"sysctl `{name}` not allowed in host network namespace")
        elif dotted in _ALLOWED_IPC or dotted.startswith("fs.mqueue."):
            if not own_ipc:
                raise InvalidArgument(f"sysctl `{name}` not allowed in the host IPC namespace")
        elif not (dotted == "kernel.domainname" and own_uts):
            raise InvalidArgument(f"sysctl `{name}` is not in a separate kernel namespace")


def write(bundle: Bundle) -> None:
    """Write the bundle's settings, and Docker's own for a network that is the container's.

    To be called in the container's namespaces and the host's mounts.

    Raises StartFailed for a setting that the kernel has not or does not take.
    """
    wanted: Mapping[str, str] = bundle.sysctls
    optional: frozenset[str] = frozenset()
    if bundle.network == "sandbox":
        wanted = {**NETWORK_SYSCTLS, **bundle.sysctls}
        optional = frozenset(NETWORK_SYSCTLS) - set(bundle.sysctls)
    if not wanted:
        return
    proc = os.open("/proc", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    if filesystem_magic(proc) != c.PROC_SUPER_MAGIC:
        raise StartFailed("the host's `/proc` is not a process file system", exit_code=128)
    try:
        for name, value in wanted.items():
            _write_one(proc, name, value, name in optional)
    finally:
        os.close(proc)


def _write_one(proc: int, name: str, value: str, optional: bool) -> None:
    path = "sys/" + (name if "/" in name else name.replace(".", "/"))
    resolve = c.RESOLVE_BENEATH | c.RESOLVE_NO_SYMLINKS | c.RESOLVE_NO_MAGICLINKS
    try:
        descriptor = openat2(proc, path, os.O_WRONLY, resolve=resolve)
        try:
            os.write(descriptor, value.encode())
        finally:
            os.close(descriptor)
    except OSError as error:
        if not optional:
            reason = os.strerror(error.errno or 0).lower()
            raise StartFailed(f"cannot set sysctl `{name}` to `{value}`: {reason}", exit_code=128) from error
