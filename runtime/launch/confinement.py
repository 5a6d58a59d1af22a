"""Giving up rights, in the only order that works, just before the program takes over."""

import os

from runtime.errors import StartFailed, SyscallError
from runtime.launch.tree import Tree
from runtime.launch.users import Identity
from runtime.syscall import capability, process
from runtime.syscall import constants as c
from runtime.syscall.mount import openat2
from runtime.syscall.seccomp import load_filter
from schemas.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Confinement:
    """What is left to the process: bounding set as bits, filter program (None: none), privileges by exec."""

    capabilities: int
    last_capability: int
    seccomp_program: bytes | None
    no_new_privileges: bool
    umask: int = 0o022


def confine(confinement: Confinement, identity: Identity, cwd: str) -> None:
    """Take the identity, the working folder and the restrictions; nothing of it can be undone.

    Without no_new_privs the filter needs CAP_SYS_ADMIN, so it comes before the capabilities go; with
    it, it comes last and covers less. Inheritable and ambient sets end empty. Raises SyscallError,
    StartFailed.
    """
    late_folder = not _enter_folder(cwd, final=False)
    os.umask(confinement.umask)
    if not confinement.no_new_privileges and confinement.seccomp_program is not None:
        load_filter(confinement.seccomp_program)
    capability.drop_from_bounding_set(confinement.capabilities, confinement.last_capability)
    os.setgroups(identity.groups)
    os.setresgid(identity.gid, identity.gid, identity.gid)
    os.setresuid(identity.uid, identity.uid, identity.uid)
    capability.clear_ambient()
    # Only root keeps capabilities across execve; anybody else's would be empty there anyway.
    capability.set_capabilities(confinement.capabilities if identity.uid == 0 else 0)
    if late_folder:
        _enter_folder(cwd, final=True)
    if confinement.no_new_privileges:
        process.prctl(c.PR_SET_NO_NEW_PRIVS, 1, "PR_SET_NO_NEW_PRIVS")
        if confinement.seccomp_program is not None:
            load_filter(confinement.seccomp_program)


def _enter_folder(cwd: str, *, final: bool) -> bool:
    """Change to the working folder; return false when only the user may be let in (a FUSE or NFS mount).

    Magic links are refused, so `/proc/self/fd/7` cannot lead to a folder of the host's, and where we
    are is checked afterwards (CVE-2024-21626).
    """
    try:
        flags = os.O_PATH | os.O_DIRECTORY
        folder = openat2(c.AT_FDCWD, cwd or "/", flags, resolve=c.RESOLVE_IN_ROOT | c.RESOLVE_NO_MAGICLINKS)
        os.fchdir(folder)
        os.close(folder)
    except PermissionError as error:
        if not final:
            return False
        raise StartFailed(
            f'chdir to cwd ("{cwd}") set in config.json failed: permission denied', exit_code=126
        ) from error
    except OSError as error:
        reason = os.strerror(error.errno or 0).lower()
        raise StartFailed(f'chdir to cwd ("{cwd}") set in config.json failed: {reason}', exit_code=126) from error
    if not process.current_directory().startswith("/"):
        raise StartFailed("current working directory is outside of container mount namespace root", exit_code=126)
    return True


def read_identity_files(tree: Tree) -> tuple[bytes, bytes]:
    """Return the container's passwd and group files, up to 4 MiB each; empty when there are none."""
    return tree.read_file("/etc/passwd", 1 << 22), tree.read_file("/etc/group", 1 << 22)


def take_over_stdio(descriptors: tuple[int, int, int], identity: Identity) -> None:
    """Make three descriptors 0, 1 and 2, pipes and terminals among them the user's own.

    So that `/dev/stdout` can be opened again by somebody who is not root (runc, fixStdioPermissions).
    """
    copies = [os.dup(descriptor) if descriptor < 3 else descriptor for descriptor in descriptors]
    for number, descriptor in enumerate(copies):
        os.dup2(descriptor, number, inheritable=True)
        if identity.uid != 0:
            _give_to(number, identity.uid)


def _give_to(descriptor: int, uid: int) -> None:
    status = os.fstat(descriptor)
    if status.st_uid == uid or status.st_rdev == os.makedev(1, 3):
        return
    try:
        os.fchown(descriptor, uid, -1)
    except OSError as error:
        # A read-only file system or a foreign one is not worth failing a start for.
        if not isinstance(error, PermissionError) and error.errno not in (22, 30):
            raise SyscallError(error.errno or 0, "fchown", f"descriptor {descriptor}") from error
