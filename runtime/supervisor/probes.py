"""Running a container's health probe when it is due, and recording what it says."""

import os
import time
from contextlib import suppress
from signal import SIGKILL

from runtime.errors import EngineError
from runtime.launch.launcher import Launched
from runtime.launch.stdio import LaunchStdio
from runtime.supervisor.chronicle import event
from runtime.supervisor.exits import Exit
from runtime.supervisor.health import KEPT_OUTPUT_BYTES, Health, command
from runtime.supervisor.loop import Timer
from runtime.supervisor.services import Services
from runtime.syscall.process import send_signal
from schemas.engine.bundle import Bundle
from schemas.engine.records import ContainerRecord, ProbeResult
from schemas.engine.specs import ExecSpec, Healthcheck
from schemas.engine.status import HealthStatus

TIMED_OUT = -1
DEFAULT_TIMEOUT_S = 30.0


class Probe:
    """One run of the probe's command."""

    def __init__(self) -> None:
        self.reader, self.writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self.output = b""
        self.launched: Launched | None = None
        self.began = time.monotonic()
        self.began_ns = time.time_ns()
        self.timer: Timer | None = None
        self.timed_out = False

    def take_output(self) -> bool:
        """Read what there is, keep the beginning of it; false at the end."""
        with suppress(BlockingIOError):
            while data := os.read(self.reader, 1 << 16):
                self.output = (self.output + data)[: KEPT_OUTPUT_BYTES + 1]
            return False
        return True

    def text(self) -> str:
        """Return at most KEPT_OUTPUT_BYTES of output."""
        if len(self.output) > KEPT_OUTPUT_BYTES:
            return self.output[: KEPT_OUTPUT_BYTES - 3].decode(errors="ignore") + "..."
        return self.output.decode(errors="replace")


class Probes:
    """The probes of one run of a container."""

    def __init__(
        self, container: ContainerRecord, bundle: Bundle, services: Services, target: int, status: HealthStatus
    ) -> None:
        check = bundle.healthcheck or Healthcheck(("NONE",))
        self._container = container
        self._bundle = bundle
        self._services = services
        self._target = target
        self._check = check
        self._health = Health(check, time.monotonic(), status)
        self._due: Timer | None = None
        self._running: Probe | None = None
        self._stopped = True

    @staticmethod
    def wanted(bundle: Bundle) -> bool:
        """Whether the container has a health probe."""
        return bool(command(bundle.healthcheck))

    def begin(self, *, fresh: bool) -> None:
        """Start probing: at once after a start (`fresh`), an interval from now otherwise."""
        self._stopped = False
        if not fresh:
            self._health.resume(time.monotonic())
        self._schedule()

    def end(self) -> None:
        """Stop probing; a probe that runs is killed and forgotten. Idempotent."""
        self._stopped = True
        if self._due is not None:
            self._due.cancel()
        if self._running is not None and self._running.launched is not None:
            send_signal(self._running.launched.pidfd, SIGKILL)

    def _schedule(self) -> None:
        if not self._stopped and self._running is None:
            self._due = self._services.loop.after(max(0.0, self._health.next_probe - time.monotonic()), self._run)

    def _run(self) -> None:
        if self._stopped or self._running is not None:
            return
        probe = self._running = Probe()
        spec = ExecSpec(command(self._check))
        stdio = LaunchStdio(None, probe.writer, probe.writer)
        try:
            self._services.launches.start_exec(
                self._bundle,
                spec,
                self._target,
                stdio,
                lambda launched: self._started(probe, launched),
                lambda error: self._failed(probe, error),
            )
        except (EngineError, OSError) as error:
            self._failed(probe, error)
        finally:
            os.close(probe.writer)

    def _started(self, probe: Probe, launched: Launched) -> None:
        probe.launched = launched
        # How long the start took does not count against the timeout.
        probe.timer = self._services.loop.after(
            self._check.timeout_s or DEFAULT_TIMEOUT_S, lambda: self._time_out(probe, launched)
        )
        self._services.loop.watch(probe.reader, lambda: self._output_ready(probe))
        self._services.processes.watch(launched.pid, launched.pidfd, lambda found: self._ended(probe, found))
        if self._stopped:
            send_signal(launched.pidfd, SIGKILL)

    def _output_ready(self, probe: Probe) -> None:
        if not probe.take_output():
            self._services.loop.unwatch(probe.reader)

    def _time_out(self, probe: Probe, launched: Launched) -> None:
        probe.timed_out = True
        send_signal(launched.pidfd, SIGKILL)

    def _ended(self, probe: Probe, found: Exit) -> None:
        probe.take_output()
        launched = probe.launched
        if probe.timer is not None:
            probe.timer.cancel()
        self._services.loop.unwatch(probe.reader)
        if launched is not None:
            self._services.loop.after(0, lambda: os.close(launched.pidfd))
        if probe.timed_out:
            limit_s = self._check.timeout_s or DEFAULT_TIMEOUT_S
            self._conclude(probe, TIMED_OUT, f"Health check exceeded timeout ({limit_s:g}s): {probe.text()}")
        else:
            self._conclude(probe, found.code, probe.text())

    def _failed(self, probe: Probe, error: Exception) -> None:
        self._conclude(probe, getattr(error, "exit_code", TIMED_OUT), str(error))

    def _conclude(self, probe: Probe, exit_code: int, output: str) -> None:
        os.close(probe.reader)
        self._running = None
        if self._stopped:
            return
        result = ProbeResult(probe.began_ns, time.time_ns(), exit_code, output)
        changed = self._health.take(result, probe.began, time.monotonic())
        status = self._health.status
        events = [event(self._container, "health_status", status=status.value)] if changed else []
        with suppress(EngineError):
            self._services.chronicle.record(
                self._container, *events, health=status.value, probes=tuple(self._health.results)
            )
        self._schedule()
