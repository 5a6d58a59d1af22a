"""Kernel settings of the container's own namespaces, written before its files are in sight.

/proc/sys answers for the namespaces of whoever opens it, so the host's own /proc serves. The one in
the container could be covered by something else (CVE-2025-52881); it is never used.
"""

import os

from runtime.errors import InvalidArgument, StartFailed
from runtime.launch.defaults import NETWORK_SYSCTLS
from runtime.syscall import constants as c
from runtime.syscall.mount import openat2
from schemas.engine.bundle import Bundle

_IPC = ("kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem", "kernel.shmall", "kernel.shmmax")
_IPC_MORE = ("kernel.shmmni", "kernel.shm_rmid_forced", "kernel.msg_next_id", "kernel.sem_next_id")
_DEFAULTS = tuple(
    ("/proc/sys/" + name.replace(".", "/"), (name, value.encode())) for name, value in NETWORK_SYSCTLS.items()
)
_ALLOWED_IPC = frozenset((*_IPC, *_IPC_MORE, "kernel.shm_next_id"))


def check(bundle: Bundle) -> None:
    """Raise InvalidArgument for a setting that would change the host (runc, validate.sysctl)."""
    for name in bundle.sysctls:
        dotted = name.replace("/", ".")
        if not all(dotted.split(".")):
            raise InvalidArgument(f"invalid sysctl `{name}`")
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

    To be called in the container's namespaces and the host's mounts. Raises StartFailed for a setting
    that the kernel has not or does not take.
    """
    if bundle.network == "sandbox":
        for path, (name, default) in _DEFAULTS:
            if name not in bundle.sysctls:
                _write_default(path, default)
    if not bundle.sysctls:
        return
    proc = os.open("/proc", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for name, value in bundle.sysctls.items():
            _write_one(proc, name, value)
    finally:
        os.close(proc)


def _write_default(path: str, value: bytes) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    except OSError:
        return  # a kernel without it has nothing to loosen
    try:
        os.write(descriptor, value)
    except PermissionError:
        return  # another user namespace's network, which is not ours to change
    finally:
        os.close(descriptor)


def _write_one(proc: int, name: str, value: str) -> None:
    path = "sys/" + (name if "/" in name else name.replace(".", "/"))
    resolve = c.RESOLVE_BENEATH | c.RESOLVE_NO_SYMLINKS | c.RESOLVE_NO_MAGICLINKS
    try:
        descriptor = openat2(proc, path, os.O_WRONLY, resolve=resolve)
        try:
            os.write(descriptor, value.encode())
        finally:
            os.close(descriptor)
    except OSError as error:
        reason = os.strerror(error.errno or 0).lower()
        raise StartFailed(f"cannot set sysctl `{name}` to `{value}`: {reason}", exit_code=128) from error
