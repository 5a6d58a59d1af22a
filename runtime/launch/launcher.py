"""The parent's side: start a container or a process in one, and learn how it went.

The parent makes one folder, clones once and polls a socket; all the rest happens in the child, so
that several starts run side by side. The child is the caller's own: it gets SIGCHLD and reaps it
(by `Launched.pid` or the pidfd), but for a start that failed, which is reaped here.
"""

import contextlib
import errno
import functools
import os
from collections.abc import Callable, Mapping
from typing import NoReturn

from runtime.cgroup import group
from runtime.cgroup.devices import rules_for
from runtime.errors import FailedPrecondition, InvalidArgument, StartFailed, SyscallError
from runtime.launch import child, limits, sysctls
from runtime.launch.channel import ChildEnd, ParentEnd, open_channel
from runtime.launch.confinement import Confinement
from runtime.launch.defaults import DEFAULT_PATH
from runtime.launch.seccomp_compile import program_for
from runtime.launch.stdio import LaunchStdio
from runtime.syscall import capability, namespace, process
from runtime.syscall import constants as c
from schemas.dataclass import dataclass
from schemas.engine.bundle import Bundle
from schemas.engine.specs import ExecSpec, partner_of

_KILLED = 128


@dataclass(frozen=True, slots=True)
class Launched:
    """A process that has become its program. Both descriptors are the caller's to close."""

    pid: int
    """In the caller's process namespace."""
    pidfd: int
    pty_fd: int | None
    """The terminal's master, when one was asked for."""


class PendingLaunch:
    """A start on its way: poll `fileno()` for reading, then call `advance()`."""

    def __init__(self, pid: int, pidfd: int, channel: ParentEnd) -> None:
        self.pid = pid
        self.pidfd = pidfd
        self._channel = channel

    def fileno(self) -> int:
        """Return the descriptor that is readable when there is news; -1 once it is over."""
        return self._channel.channel.fileno()

    def advance(self) -> Launched | None:
        """Return the process once it has become its program, None before; never waits.

        Raises StartFailed, once, with the cause; the child is gone then.
        """
        if not self._channel.receive():
            return None
        self._channel.channel.close()
        failure = self._channel.failure
        if failure is None and self._channel.is_ready:
            return Launched(self.pid, self.pidfd, self._channel.terminal)
        self._reap()
        if failure is None:
            raise StartFailed("the container's first process was killed while it was set up", exit_code=_KILLED)
        raise StartFailed(failure.message, exit_code=failure.exit_code, hint=failure.hint)

    def cancel(self) -> None:
        """Kill the child and forget it; for a caller that no longer wants the start."""
        process.send_signal(self.pidfd, 9)
        self._channel.receive()
        self._channel.channel.close()
        self._reap()

    def _reap(self) -> None:
        with contextlib.suppress(ChildProcessError):  # the caller's own loop was faster
            os.waitpid(self.pid, 0)
        for descriptor in (self.pidfd, self._channel.terminal):
            if descriptor is not None:
                os.close(descriptor)


def start(
    bundle: Bundle, stdio: LaunchStdio, *, sandbox_fd: int | None, joined: Mapping[str, int] | None = None
) -> PendingLaunch:
    """Start a container. `sandbox_fd` is its network namespace (None: a new empty one, or the host's);
    `joined` has the pidfds of the containers whose process or IPC namespace it shares, by id.

    Descriptors stay the caller's and may be closed on return. Raises InvalidArgument, Unsupported,
    FailedPrecondition (threads), SyscallError; what fails later comes from `PendingLaunch.advance`.
    """
    sysctls.check(bundle)
    pidfds = joined or {}
    start_ = child.ContainerStart(
        bundle=bundle,
        stdio=stdio,
        confinement=_confinement(bundle),
        device_rules=rules_for(bundle.devices, bundle.device_cgroup_rules, bundle.privileged),
        inherited_oom_score=limits.oom_score(),
        sandbox_fd=sandbox_fd if bundle.network == "sandbox" else None,
        ipc_pidfd=_joined(bundle.ipc_mode, pidfds),
    )
    flags = c.CLONE_NEWNS
    flags |= 0 if bundle.pid_mode else c.CLONE_NEWPID
    flags |= 0 if bundle.ipc_mode == "host" or start_.ipc_pidfd is not None else c.CLONE_NEWIPC
    flags |= 0 if bundle.uts_mode == "host" else c.CLONE_NEWUTS
    flags |= 0 if bundle.network == "host" or start_.sandbox_fd is not None else c.CLONE_NEWNET
    cgroup_fd = group.prepare(bundle.cgroup_path) if bundle.cgroup_path else None
    return _launch(
        functools.partial(child.become_container, start_), flags, cgroup_fd, _joined(bundle.pid_mode, pidfds)
    )


def start_exec(bundle: Bundle, spec: ExecSpec, target_pidfd: int, stdio: LaunchStdio) -> PendingLaunch:
    """Start a further process in the running container whose first process `target_pidfd` is.

    It gets the container's environment with that of `spec` on top, its cgroup, and its restrictions,
    but for the capabilities of a privileged one. Raises as `start` does.
    """
    start_ = child.ExecStart(
        bundle=bundle,
        stdio=stdio,
        confinement=_confinement(bundle, privileged=spec.privileged),
        inherited_oom_score=limits.oom_score(),
        target_pidfd=target_pidfd,
        namespaces=_exec_namespaces(bundle),
        arguments=spec.command,
        environment=_exec_environment(bundle, spec),
        user=spec.user or bundle.user,
        cwd=spec.working_dir or bundle.cwd,
        tty=spec.tty,
        rows=spec.rows,
        columns=spec.columns,
    )
    steps = functools.partial(child.join_container, start_)
    try:
        cgroup_fd = group.open_unified(bundle.cgroup_path) if bundle.cgroup_path else None
        return _launch(steps, 0, cgroup_fd, target_pidfd)
    except SyscallError as error:
        if error.errno == errno.ENOENT:
            raise FailedPrecondition("the container is not running") from error
        if error.errno != errno.EBUSY or not bundle.cgroup_path:
            raise
        return _launch(steps, 0, group.open_unified_of(process.pid_of(target_pidfd)), target_pidfd)


def _launch(
    steps: Callable[[ChildEnd], NoReturn], flags: int, cgroup_fd: int | None, pid_namespace_of: int | None
) -> PendingLaunch:
    process.forbid_dumping()  # the child inherits it before anybody in the container can see it
    parent_end, child_end = open_channel()
    try:
        body = functools.partial(child.run, functools.partial(steps, child_end), child_end)
        pid, pidfd = _clone_in(body, flags, cgroup_fd, pid_namespace_of)
    except BaseException:
        parent_end.channel.close()
        raise
    finally:
        os.close(child_end.descriptor)
        if cgroup_fd is not None:
            os.close(cgroup_fd)
    return PendingLaunch(pid, pidfd, parent_end)


def _clone_in(
    body: Callable[[], NoReturn], flags: int, cgroup_fd: int | None, pid_namespace_of: int | None
) -> tuple[int, int]:
    """Clone, into another process's pid namespace when asked: our own children's is changed for that moment."""
    if pid_namespace_of is None:
        return process.clone(body, flags, cgroup_fd)
    own = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
    try:
        namespace.setns(pid_namespace_of, c.CLONE_NEWPID)
        try:
            return process.clone(body, flags, cgroup_fd)
        finally:
            namespace.setns(own, c.CLONE_NEWPID)
    except SyscallError as error:
        if error.errno == errno.ESRCH:
            raise FailedPrecondition("the container is not running") from error
        raise
    finally:
        os.close(own)


def _joined(mode: str, pidfds: Mapping[str, int]) -> int | None:
    partner = partner_of(mode)
    if not partner:
        return None
    if partner not in pidfds:
        raise InvalidArgument(f"cannot join the namespace of `{mode}`: it is not running")
    return pidfds[partner]


def _confinement(bundle: Bundle, *, privileged: bool = False) -> Confinement:
    last = capability.last_known()
    everything = capability.held()
    return Confinement(
        capabilities=everything if privileged else capability.to_mask(bundle.capabilities) & everything,
        last_capability=last,
        seccomp_program=program_for(bundle.seccomp, bundle.capabilities),
        no_new_privileges=bundle.no_new_privileges,
    )


def _exec_namespaces(bundle: Bundle) -> int:
    flags = c.CLONE_NEWNS | c.CLONE_NEWNET | c.CLONE_NEWIPC | c.CLONE_NEWUTS
    return flags | c.CLONE_NEWCGROUP if bundle.cgroup_path and bundle.cgroup_private else flags


def _exec_environment(bundle: Bundle, spec: ExecSpec) -> dict[str, str]:
    environment = {"PATH": DEFAULT_PATH, **({"TERM": "xterm"} if spec.tty else {})}
    environment.update(child.variables(bundle.environment))
    for name, value in spec.environment.items():
        if value is None:
            environment.pop(name, None)
        else:
            environment[name] = value
    return environment
