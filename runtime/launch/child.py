"""What the child does between clone and execve, for a container and for a process in one.

Both are a list of steps; the order is crun's and runc's, and matters wherever a comment says so.
"""

import contextlib
import os
import sys
from collections.abc import Callable, Mapping
from typing import NoReturn

from runtime.cgroup import group
from runtime.cgroup.devices import DeviceRule
from runtime.launch import limits, program, rootfs, sysctls, terminal, users
from runtime.launch.channel import ChildEnd
from runtime.launch.confinement import Confinement, confine, read_identity_files, take_over_stdio
from runtime.launch.default_mounts import SHARED_MEMORY
from runtime.launch.operations import is_null_device
from runtime.launch.reaper import become_reaper
from runtime.launch.stdio import LaunchStdio
from runtime.launch.tree import Tree
from runtime.launch.users import Identity
from runtime.syscall import constants as c
from runtime.syscall import libc, mount, namespace, process
from runtime.syscall.keyring import join_session_keyring
from runtime.syscall.libc import bytes_t, check
from schemas.dataclass import dataclass
from schemas.engine.bundle import Bundle

_sethostname = libc.function("sethostname", bytes_t, libc.ulong_t)
_abandoned: list[object] = []
_setdomainname = libc.function("setdomainname", bytes_t, libc.ulong_t)


@dataclass(frozen=True, slots=True)
class ContainerStart:
    """A container to become the first process of; descriptors are valid in the child."""

    bundle: Bundle
    stdio: LaunchStdio
    confinement: Confinement
    device_rules: tuple[DeviceRule, ...]
    inherited_oom_score: int
    sandbox_fd: int | None
    ipc_pidfd: int | None


@dataclass(frozen=True, slots=True)
class ExecStart:
    """A further process in a container whose first process `target_pidfd` is."""

    bundle: Bundle
    stdio: LaunchStdio
    confinement: Confinement
    inherited_oom_score: int
    target_pidfd: int
    namespaces: int
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    user: str
    cwd: str
    tty: bool
    rows: int
    columns: int


@dataclass(frozen=True, slots=True)
class _Program:
    """What is left to become when the namespaces are right."""

    arguments: tuple[str, ...]
    environment: dict[str, str]
    cwd: str
    identity: Identity
    descriptors: tuple[int, int, int]
    has_terminal: bool
    keyring: str
    init: bool


def run(steps: Callable[[], NoReturn], channel: ChildEnd) -> NoReturn:
    """Run a child's steps to execve; report what goes wrong and end."""
    code = 128
    try:
        _forbid_imports()
        steps()
    except BaseException as error:  # noqa: BLE001 - the child must end here, and say why, whatever it is
        code = channel.send_failure(error)
    finally:
        os._exit(code)


def become_container(start: ContainerStart, channel: ChildEnd) -> NoReturn:
    """Become the container's program. Raises StartFailed, SyscallError."""
    bundle = start.bundle
    host_null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    os.setsid()
    limits.set_oom_score(bundle.oom_score_adj, start.inherited_oom_score)
    if bundle.cgroup_path:
        group.configure(bundle.cgroup_path, bundle.resources, start.device_rules)
        group.enter(bundle.cgroup_path)
        if bundle.cgroup_private:
            namespace.unshare(c.CLONE_NEWCGROUP)  # after joining: where we are becomes its root
    limits.apply_rlimits(bundle.rlimits)
    shared_memory_fd = _join_namespaces(start)
    _name_host(bundle)
    sysctls.write(bundle)
    tree = rootfs.build(bundle, shared_memory_fd)
    slave = _make_console(tree, channel) if bundle.tty else None
    rootfs.finish(bundle, tree)
    _finish(
        start.confinement,
        channel,
        _Program(
            arguments=bundle.args,
            environment=variables(bundle.environment),
            cwd=bundle.cwd,
            identity=users.resolve(bundle.user, bundle.group_add, *read_identity_files(tree)),
            descriptors=_stdio_descriptors(start.stdio, slave, host_null),
            has_terminal=slave is not None,
            keyring=f"_ses.{bundle.id}",
            init=bundle.init,
        ),
    )


def join_container(start: ExecStart, channel: ChildEnd) -> NoReturn:
    """Become a further program in a running container. Raises StartFailed, SyscallError."""
    bundle = start.bundle
    host_null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    os.setsid()
    limits.set_oom_score(bundle.oom_score_adj, start.inherited_oom_score)
    if bundle.cgroup_path:
        group.enter(bundle.cgroup_path)
    limits.apply_rlimits(bundle.rlimits)
    # setns leads to the root of the mount namespace, which is not the container's own `/` where pycompose
    # itself runs in a chroot. Opened before, for setns fails when the process was another one by then.
    root = f"/proc/{process.pid_of(start.target_pidfd)}/root"
    tree = Tree(os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC))
    namespace.setns(start.target_pidfd, start.namespaces)
    os.fchdir(tree.descriptor)
    os.chroot(".")
    slave = None
    if start.tty:
        master, slave = terminal.open_terminal(tree, start.rows, start.columns)
        channel.send_terminal(master)
    _finish(
        start.confinement,
        channel,
        _Program(
            arguments=start.arguments,
            environment=dict(start.environment),
            cwd=start.cwd,
            identity=users.resolve(start.user, bundle.group_add, *read_identity_files(tree)),
            descriptors=_stdio_descriptors(start.stdio, slave, host_null),
            has_terminal=slave is not None,
            keyring=f"_ses.{bundle.id}",
            init=False,
        ),
    )


def _forbid_imports() -> None:
    # From here on an import would sooner or later read the container's files: without finders it fails
    # instead. The old lists stay referenced: taking them apart would copy 600 us worth of pages.
    _abandoned.append((sys.meta_path, sys.path))
    sys.meta_path = []
    sys.path = []


def _finish(confinement: Confinement, channel: ChildEnd, wanted: _Program) -> NoReturn:
    join_session_keyring(wanted.keyring)
    take_over_stdio(wanted.descriptors, wanted.identity)
    if wanted.has_terminal:
        terminal.make_controlling(0)
    # Really closed, not only at exec: nothing of the host's may be reachable while we change folders.
    process.close_descriptors(3, channel.descriptor - 1)
    process.close_descriptors(channel.descriptor + 1)
    wanted.environment.setdefault("HOME", wanted.identity.home)
    channel.send_ready()
    confine(confinement, wanted.identity, wanted.cwd)
    if wanted.init:
        become_reaper(channel, controls_terminal=wanted.has_terminal)
    program.execute(wanted.arguments, wanted.environment)


def _join_namespaces(start: ContainerStart) -> int | None:
    """Join the sandbox and another container's IPC; return a clone of the shared memory to use."""
    if start.sandbox_fd is not None:
        namespace.setns(start.sandbox_fd, c.CLONE_NEWNET)
    if start.bundle.ipc_mode == "host":
        return _clone_shared_memory("/")
    if start.ipc_pidfd is None:
        return None
    # A mount can be cloned only in its own mount namespace: go there, and come back.
    home = os.open("/proc/self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    namespace.setns(start.ipc_pidfd, c.CLONE_NEWNS | c.CLONE_NEWIPC)
    clone = _clone_shared_memory("/")
    namespace.setns(home, c.CLONE_NEWNS)
    os.close(home)
    return clone


def _clone_shared_memory(root: str) -> int:
    """Return a detached clone of the /dev/shm below a root folder, reached without links."""
    tree = Tree(os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC))
    folder = tree.open(SHARED_MEMORY, os.O_PATH | os.O_DIRECTORY, links=False)
    return mount.open_tree(folder, "")


def _make_console(tree: Tree, channel: ChildEnd) -> int:
    master, slave = terminal.open_terminal(tree, rows=24, columns=80)
    terminal.mount_console(tree, slave)
    channel.send_terminal(master)
    return slave


def _name_host(bundle: Bundle) -> None:
    if bundle.uts_mode == "host":
        return
    if bundle.hostname:
        name = os.fsencode(bundle.hostname)
        check(_sethostname(name, len(name)), "sethostname", bundle.hostname)
    if bundle.domainname:
        name = os.fsencode(bundle.domainname)
        check(_setdomainname(name, len(name)), "setdomainname", bundle.domainname)


def _stdio_descriptors(stdio: LaunchStdio, slave: int | None, host_null: int) -> tuple[int, int, int]:
    if slave is not None:
        return slave, slave, slave
    given = (stdio.stdin_fd, stdio.stdout_fd, stdio.stderr_fd)
    null = _container_null(host_null) if None in given else -1
    first, second, third = (null if descriptor is None else descriptor for descriptor in given)
    return first, second, third


def _container_null(host_null: int) -> int:
    """Return the container's /dev/null, so that its path leads there, or the host's if that is a false one."""
    with contextlib.suppress(OSError):
        null = os.open("/dev/null", os.O_RDWR | os.O_NOFOLLOW | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
        if is_null_device(null):
            return null
    return host_null


def variables(environment: tuple[str, ...]) -> dict[str, str]:
    """Return `NAME=value` entries as a dictionary; the last of a name counts."""
    return {name: value for name, separator, value in (entry.partition("=") for entry in environment) if separator}
