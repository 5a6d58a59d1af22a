"""One container under supervision: from the request to start it to the record of its end.

The status in the database is the truth; what is kept here follows it. Every change is recorded before
anybody is told, and an exit is recorded before the kernel may forget it.
"""

import signal as signals
import sys
import time
from contextlib import suppress

from runtime.cgroup import control
from runtime.errors import EngineError, FailedPrecondition, StartFailed, SyscallError
from runtime.launch import bundle_file
from runtime.launch.launcher import Launched
from runtime.launch.stdio import LaunchStdio
from runtime.signals import signal_number
from runtime.supervisor import restart
from runtime.supervisor.adoption import clear_group, find_process
from runtime.supervisor.audience import Audience, Done, Ended
from runtime.supervisor.chronicle import event
from runtime.supervisor.execs import Execs
from runtime.supervisor.exits import LOST_EXIT_CODE, Exit
from runtime.supervisor.loop import Timer
from runtime.supervisor.output import Output, close_side
from runtime.supervisor.probes import Probes
from runtime.supervisor.services import Services
from runtime.syscall.process import send_signal, start_time
from schemas.engine.bundle import Bundle
from schemas.engine.events import EngineEvent
from schemas.engine.records import ContainerRecord
from schemas.engine.status import ContainerStatus, HealthStatus


class Supervised:
    """A container that runs, or is about to."""

    def __init__(self, record: ContainerRecord, services: Services) -> None:
        self.record = record
        self.status = record.status
        self._services = services
        self.output = Output(record.id, services.project, services.paths, services.custody, services.loop)
        self.execs = Execs(record, services)
        self._probes: Probes | None = None
        self._bundle: Bundle | None = None
        self._pid = 0
        self._launching = False
        self._audience = Audience()
        self._stop_timer: Timer | None = None
        self._restart_timer: Timer | None = None
        self._manually_stopped = False
        self._restarts = record.restart_count
        self._last_delay_s = restart.remembered_delay(record.restart_count)
        self._exit_code = record.exit_code
        self._started = time.monotonic()
        self._oom_before = 0

    @property
    def is_busy(self) -> bool:
        """Whether there is a process, or one soon."""
        return self._launching or self.status.is_live

    @property
    def pidfd(self) -> int | None:
        """Of the running process; None without one."""
        return self._services.custody.get(f"pidfd:{self.record.id}") if self._pid else None

    @property
    def bundle(self) -> Bundle:
        """What it was last started with. Raises FailedPrecondition before the first start."""
        if self._bundle is None:
            raise FailedPrecondition(f"container `{self.record.name}` is not running")
        return self._bundle

    # -- starting ------------------------------------------------------------------------------

    def start(self, done: Done) -> None:
        """Start the process; `done` is called when its program runs, or with why it does not."""
        if self.status.is_live:
            done(None)
            return
        self._audience.add_starter(done)
        if not self._launching:
            self._restarts, self._last_delay_s, self._manually_stopped = 0, 0.0, False
            self._launch()

    def _launch(self) -> None:
        self._launching = True
        self._restart_timer = None
        side: LaunchStdio | None = None
        try:
            self.record = self._services.chronicle.find(self.record.id)
            self._bundle = bundle = bundle_file.read(self._services.paths.bundle(self.record.id))
            # Left by a supervisor that was killed in the middle of a start: nobody knows its pid.
            if control.is_populated(bundle.cgroup_path):
                clear_group(bundle.cgroup_path)
            self._oom_before = control.oom_kills(bundle.cgroup_path)
            side = self.output.prepare(bundle)
            self._services.names.open(self.record)
            self._services.launches.start(bundle, side, self._launched, self._start_failed)
        except EngineError as error:
            self._start_failed(error)
        except OSError as error:
            self._start_failed(SyscallError(error.errno or 0, "start", str(error.filename or self.record.name)))
        finally:
            if side is not None:
                close_side(side)

    def _launched(self, launched: Launched) -> None:
        record, bundle, services = self.record, self.bundle, self._services
        self._launching = False
        self._pid = launched.pid
        self._started = time.monotonic()
        # The keeper has them before the state says that it runs: a terminal lost would hang up.
        services.custody.hold(f"pidfd:{record.id}", launched.pidfd)
        self.output.begin(bundle, launched.pty_fd)
        health = HealthStatus.STARTING if Probes.wanted(bundle) else HealthStatus.NONE
        try:
            self._record_start(launched.pid, health)
        except EngineError as error:
            # It was removed meanwhile: what nobody knows of must not run.
            self._pid = 0
            clear_group(bundle.cgroup_path)
            services.custody.drop(f"pidfd:{record.id}")
            self._start_failed(error)
            return
        self._begin_running(launched.pid, launched.pidfd, health)
        self._audience.tell_started(None)

    def _record_start(self, pid: int, health: HealthStatus) -> None:
        self._change(
            ContainerStatus.RUNNING,
            event(self.record, "start"),
            pid=pid,
            pid_start_time=start_time(pid),
            boot_id=self._services.boot,
            started_ns=time.time_ns(),
            exit_code=0,
            oom_killed=0,
            error="",
            health=health.value,
            probes=(),
            restart_count=self._restarts,
            manually_stopped=int(self._manually_stopped),
        )

    def _begin_running(self, pid: int, pidfd: int, health: HealthStatus) -> None:
        self._pid = pid
        self._services.names.add(self.record)
        self._services.processes.watch(pid, pidfd, self._ended)
        if health is not HealthStatus.NONE:
            self._probes = Probes(self.record, self.bundle, self._services, pidfd, health)
            if self.status is ContainerStatus.RUNNING:
                self._probes.begin(fresh=health is HealthStatus.STARTING)

    def _start_failed(self, error: EngineError) -> None:
        self._launching = False
        code = error.exit_code if isinstance(error, StartFailed) else 128
        self._exit_code = code
        changes: dict[str, object] = {"error": error.message, "exit_code": code}
        with suppress(EngineError):
            if self.status is ContainerStatus.RESTARTING:
                self._change(ContainerStatus.EXITED, **changes)
            else:
                self._services.chronicle.record(self.record, **changes)
        self.output.close()
        self._release()
        self._audience.tell_started(error)
        self._audience.tell_ended(code)

    # -- ending --------------------------------------------------------------------------------

    def _ended(self, found: Exit) -> None:
        record, services = self.record, self._services
        self._stop_running()
        if self._bundle is not None and self._bundle.pid_mode:
            # No pid namespace of its own whose end would have taken the others along.
            control.kill(self._bundle.cgroup_path)
        self.output.drain()
        self._exit_code = found.code
        run = restart.Run(found.code, time.monotonic() - self._started, self._restarts, self._last_delay_s)
        delay_s = None if self._manually_stopped else restart.next_delay(record.spec.restart, run)
        oom = self._bundle is not None and control.oom_kills(self._bundle.cgroup_path) > self._oom_before
        if self._bundle is not None and self._bundle.pid_mode:
            clear_group(self._bundle.cgroup_path)
        happened = [event(record, "die", exitCode=str(found.code))]
        if oom:
            happened.insert(0, event(record, "oom"))
        if self._audience.has_stopper:
            happened.append(event(record, "stop"))
        self._record_end(delay_s is not None, happened, oom=oom)
        services.custody.drop(f"pty:{record.id}")
        self.output.end_run()
        if delay_s is None:
            self.output.close()
            self._release()
        else:
            self._last_delay_s = delay_s
            self._restart_timer = services.loop.after(delay_s, self._restart)
        self._audience.tell_ended(found.code)
        # Reaping needs the pidfd; it is the caller's next step.
        services.loop.after(0, self._drop_pidfd)

    def _record_end(self, again: bool, happened: list[EngineEvent], *, oom: bool, error: str = "") -> None:
        with suppress(EngineError):
            self._change(
                ContainerStatus.RESTARTING if again else ContainerStatus.EXITED,
                *happened,
                pid=0,
                pid_start_time=0,
                exit_code=self._exit_code,
                finished_ns=time.time_ns(),
                oom_killed=int(oom),
                **({"error": error} if error else {}),
            )

    def _drop_pidfd(self) -> None:
        if not self._pid:
            self._services.custody.drop(f"pidfd:{self.record.id}")

    def _stop_running(self) -> None:
        self._pid = 0
        if self._stop_timer is not None:
            self._stop_timer.cancel()
            self._stop_timer = None
        if self._probes is not None:
            self._probes.end()
            self._probes = None
        self.execs.kill_all()
        self._services.names.remove(self.record.id)

    def _restart(self) -> None:
        self._restarts += 1
        self._launch()

    def _release(self) -> None:
        """Give back what is held only while the container runs or restarts."""
        custody = self._services.custody
        custody.drop(*custody.names("port", self.record.id))
        if self.record.spec.ports:
            with suppress(EngineError):
                # Whoever asked for the stop closes them itself, for many containers at once.
                if self._services.chronicle.close_ports(self.record) and not self._audience.has_stopper:
                    self._services.ports.closed()
        self._services.ended()

    # -- what people ask for -------------------------------------------------------------------

    def wait(self, ended: Ended) -> None:
        """Call back with the exit code at the next end of the process, at once when it does not run."""
        if self.is_busy:
            self._audience.add_waiter(ended)
        else:
            ended(self._exit_code)

    def stop(self, signal: str, timeout_s: float, ended: Ended) -> None:
        """Signal, wait, kill; no restart policy brings it back. Negative `timeout_s`: wait for ever."""
        number = signal_number(signal)
        if self._launching:
            self._audience.add_starter(lambda _error: self.stop(signal, timeout_s, ended))
            return
        if not self.status.is_live:
            ended(self._exit_code)
            return
        self._manually_stopped = True
        if not self._pid:
            self._cancel_restart(ended)
            return
        self._audience.add_stopper(ended)
        self._services.chronicle.record(self.record, event(self.record, "kill", signal=str(number)), manually_stopped=1)
        self._send(number)
        if self._stop_timer is not None:
            self._stop_timer.cancel()
        if timeout_s >= 0 and number != signals.SIGKILL:
            self._stop_timer = self._services.loop.after(timeout_s, self._kill_all)

    def _kill_all(self) -> None:
        self._services.chronicle.record(self.record, event(self.record, "kill", signal=str(int(signals.SIGKILL))))
        self._send(signals.SIGKILL)

    def _cancel_restart(self, ended: Ended) -> None:
        if self._restart_timer is not None:
            self._restart_timer.cancel()
            self._restart_timer = None
        self._change(ContainerStatus.EXITED, event(self.record, "stop"), manually_stopped=1)
        self.output.close()
        self._release()
        self._audience.tell_ended(self._exit_code)
        ended(self._exit_code)

    def kill(self, signal: str) -> None:
        """Send a signal. Raises FailedPrecondition when it does not run."""
        number = signal_number(signal)
        self._require_process()
        final = number in {signals.SIGKILL, signal_number(self.bundle.stop_signal)}
        self._manually_stopped = self._manually_stopped or final
        self._services.chronicle.record(
            self.record,
            event(self.record, "kill", signal=str(number)),
            manually_stopped=int(self._manually_stopped),
        )
        self._send(number)

    def pause(self) -> None:
        """Freeze every process. Raises FailedPrecondition when it does not run."""
        self._require_process()
        if self.status is ContainerStatus.PAUSED:
            raise FailedPrecondition(f"container `{self.record.name}` is already paused")
        try:
            control.freeze(self.bundle.cgroup_path)
        except TimeoutError as error:
            raise FailedPrecondition(f"cannot pause container `{self.record.name}`: {error}") from error
        if self._probes is not None:
            self._probes.end()
        self._change(ContainerStatus.PAUSED, event(self.record, "pause"))

    def unpause(self) -> None:
        """Thaw. Raises FailedPrecondition when it is not paused."""
        if self.status is not ContainerStatus.PAUSED:
            raise FailedPrecondition(f"container `{self.record.name}` is not paused")
        control.thaw(self.bundle.cgroup_path)
        self._change(ContainerStatus.RUNNING, event(self.record, "unpause"))
        if self._probes is not None:
            self._probes.begin(fresh=False)

    def _require_process(self) -> None:
        if not self._pid:
            raise FailedPrecondition(f"container `{self.record.name}` is not running")

    def _send(self, number: int) -> None:
        pidfd = self.pidfd
        if pidfd is not None:
            send_signal(pidfd, number)
        if number == signals.SIGKILL and self.bundle.pid_mode:
            control.kill(self.bundle.cgroup_path)
        final = number in {signals.SIGKILL, signal_number(self.bundle.stop_signal)}
        if final and self.status is ContainerStatus.PAUSED:
            # A frozen process takes no signal but SIGKILL, and in cgroup version 1 not even that.
            control.thaw(self.bundle.cgroup_path)

    # -- after a supervisor's death ------------------------------------------------------------

    def adopt(self) -> None:
        """Take over from a supervisor that was killed: the process runs, ended unseen, or waits to be restarted."""
        self._manually_stopped = self._services.chronicle.is_manually_stopped(self.record.id)
        try:
            self._bundle = bundle_file.read(self._services.paths.bundle(self.record.id))
        except EngineError as error:
            sys.stderr.write(f"cannot adopt {self.record.id}: {error}\n")
            return
        if self.status is ContainerStatus.RESTARTING:
            self._adopt_restarting(self._bundle)
            return
        pidfd = find_process(self.record, self._bundle, self._services)
        if pidfd is None:
            self._ended_unseen()
            return
        self._started = time.monotonic() - max(0.0, (time.time_ns() - self.record.started_ns) / 1e9)
        self.output.adopt(self._bundle)
        self._begin_running(self.record.pid, pidfd, self.record.health)

    def _adopt_restarting(self, bundle: Bundle) -> None:
        if control.is_populated(bundle.cgroup_path):
            clear_group(bundle.cgroup_path)
        self._restart_timer = self._services.loop.after(max(self._last_delay_s, restart.FIRST_DELAY_S), self._restart)

    def _ended_unseen(self) -> None:
        status = self._services.custody.exits.get(self.record.pid)
        lost = status is None
        self._exit_code = LOST_EXIT_CODE if status is None else Exit(status, ours=False).code
        self.output.adopt(self.bundle)
        self.output.drain()
        lasted_s = max(0.0, (time.time_ns() - self.record.started_ns) / 1e9)
        run = restart.Run(self._exit_code, lasted_s, self._restarts, self._last_delay_s)
        delay_s = None if self._manually_stopped else restart.next_delay(self.record.spec.restart, run)
        # Without a supervisor nobody kept its network stack, and only the engine makes a new one.
        if self.bundle.network == "sandbox" and self._services.custody.get(f"sandbox:{self.record.id}") is None:
            delay_s = None
        self._record_end(
            delay_s is not None,
            [event(self.record, "die", exitCode=str(self._exit_code))],
            oom=False,
            error="it ended while no supervisor ran: its exit code is lost" if lost else "",
        )
        self.output.end_run()
        if delay_s is None:
            self.output.close()
            self._release()
        else:
            self._restart_timer = self._services.loop.after(delay_s, self._restart)

    def _change(self, status: ContainerStatus, *events: EngineEvent, **columns: object) -> None:
        self._services.chronicle.record(self.record, *events, status=status.value, **columns)
        self.status = status
