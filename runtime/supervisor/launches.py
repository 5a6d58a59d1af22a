"""Starts under way: polled by the loop, several side by side."""

import os
from collections.abc import Callable, Iterable

from runtime.errors import EngineError, FailedPrecondition, SyscallError
from runtime.launch import launcher
from runtime.launch.launcher import Launched, PendingLaunch
from runtime.launch.stdio import LaunchStdio
from runtime.supervisor.custody import Custody
from runtime.supervisor.loop import Loop
from runtime.syscall.process import is_exiting
from schemas.engine.bundle import Bundle
from schemas.engine.identifiers import short
from schemas.engine.specs import ExecSpec, partner_of

Success = Callable[[Launched], None]
Failure = Callable[[EngineError], None]


class Launches:
    """Begins launches and says how they went."""

    def __init__(self, loop: Loop, custody: Custody, open_partner: Callable[[str], int | None]) -> None:
        self._loop = loop
        self._custody = custody
        self._open_partner = open_partner
        self._pending: set[PendingLaunch] = set()
        self.on_quiet: Callable[[], None] = _nothing
        """Called whenever the last launch under way is over."""

    @property
    def is_quiet(self) -> bool:
        """Whether no launch is under way: no child is about to be reaped by it."""
        return not self._pending

    def start(self, bundle: Bundle, stdio: LaunchStdio, success: Success, failure: Failure) -> None:
        """Launch a container. Raises EngineError for what is wrong at once."""
        sandbox = None
        if bundle.network == "sandbox":
            sandbox = self._custody.get(f"sandbox:{bundle.id}")
            if sandbox is None:
                raise FailedPrecondition("its network stack is gone", hint="start it with `pycompose start` or `up`")
        joined = self._open_partners(bundle)
        try:
            pending = launcher.start(bundle, stdio, sandbox_fd=sandbox, joined=joined)
        except EngineError as error:
            raise self._with_partner_blamed(error, joined) from error
        finally:
            for pidfd in joined.values():
                os.close(pidfd)
        self._follow(pending, success, lambda error: failure(self._with_partner_blamed(error, joined)))

    def _with_partner_blamed(self, error: EngineError, partners: Iterable[str]) -> EngineError:
        """Return what to say of a failed start: whose partner ended meanwhile fails in one of many ways."""
        for partner in partners:
            pidfd = self._open_partner(partner)
            if pidfd is None:
                return _partner_gone(partner)
            # The launch hears of it before the loop does.
            has_ended = is_exiting(pidfd)
            os.close(pidfd)
            # A precondition that a launch itself finds missing is a pid namespace to enter.
            if has_ended or isinstance(error, FailedPrecondition):
                return _partner_gone(partner)
        return error

    def _open_partners(self, bundle: Bundle) -> dict[str, int]:
        """Return a pidfd for each container whose namespaces it shares."""
        joined: dict[str, int] = {}
        for mode in {bundle.pid_mode, bundle.ipc_mode}:
            if partner := partner_of(mode):
                pidfd = self._open_partner(partner)
                if pidfd is None:
                    for opened in joined.values():
                        os.close(opened)
                    raise _partner_gone(partner)
                joined[partner] = pidfd
        return joined

    def start_exec(
        self, bundle: Bundle, spec: ExecSpec, target: int, stdio: LaunchStdio, success: Success, failure: Failure
    ) -> None:
        """Launch a further process in the container of the pidfd `target`. Raises EngineError as `start` does."""
        self._follow(launcher.start_exec(bundle, spec, target, stdio), success, failure)

    def _follow(self, pending: PendingLaunch, success: Success, failure: Failure) -> None:
        self._pending.add(pending)
        self._loop.watch(pending.fileno(), lambda: self._advance(pending, success, failure))

    def _advance(self, pending: PendingLaunch, success: Success, failure: Failure) -> None:
        if pending not in self._pending:
            return
        descriptor = pending.fileno()
        callback = self._loop.unwatch(descriptor)
        try:
            launched = pending.advance()
        except (EngineError, OSError) as error:
            self._pending.discard(pending)
            failure(error if isinstance(error, EngineError) else SyscallError(error.errno or 0, "start"))
        else:
            if launched is None:
                if callback is not None:
                    self._loop.watch(descriptor, callback)
                return
            self._pending.discard(pending)
            success(launched)
        if not self._pending:
            self.on_quiet()


def _partner_gone(partner: str) -> FailedPrecondition:
    return FailedPrecondition(
        f"it shares a namespace of container `{short(partner)}`, which does not run",
        hint="`ps -a` tells how that ended",
    )


def _nothing() -> None:
    """Nobody listens yet."""
