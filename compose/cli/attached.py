"""Attached `up`: the containers' output while they start and run, Ctrl-C, and when it is all over.

The main thread prints. Starting, stopping and killing are calls on threads of their own, which
wake it through a pipe; so do signals.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from compose.cli.exit_codes import INTERRUPTED, SUCCESS
from compose.cli.following import Following, prefix_of
from compose.orchestration.interruption import Interruption
from compose.render.logs import LogPrinter
from runtime.api import Runtime
from runtime.errors import EngineError
from schemas.dataclass import dataclass
from schemas.engine.records import ContainerRecord

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Abortion:
    """When the end of one container ends all: `--abort-on-container-exit`, `-failure`, `--exit-code-from`."""

    on_exit: bool = False
    on_failure: bool = False
    code_from: str = ""
    """A service whose exit code is the command's."""

    def is_due(self, code: int) -> bool:
        """Whether a container that ended with `code` ends the others."""
        return self.on_exit or (self.on_failure and code != 0)


@dataclass(frozen=True, slots=True)
class Calls:
    """What the session has others do; each may raise, and is called on a thread of its own."""

    start: Callable[[Interruption], None]
    stop: Callable[[], None]


class Attached:
    """One attached session. `shown` are printed, `watched` keep it going and are killed by the second Ctrl-C."""

    def __init__(self, runtime: Runtime, project: str, printer: LogPrinter, abortion: Abortion, calls: Calls) -> None:
        self._runtime = runtime
        self._project = project
        self._printer = printer
        self._abortion = abortion
        self._calls = calls
        self._following = Following(runtime, printer, apart=True)
        self._interruption = Interruption()
        self._signals = 0
        self._woken, self._wake = os.pipe()
        self._starter = threading.Thread(target=self._run_start, daemon=True)
        self._stopper: threading.Thread | None = None
        self._failures: list[BaseException] = []
        self._code: int | None = None
        self._watched: dict[str, ContainerRecord] = {}

    def run(self, shown: Sequence[ContainerRecord], watched: Sequence[ContainerRecord], since_ns: int) -> int:
        """Print until everything has ended; return the exit code. Raises what starting or stopping raised."""
        self._watched = {record.id: record for record in watched}
        services = {record.spec.service for record in shown}
        events = self._runtime.subscribe(self._project)
        try:
            with self._signals_caught():
                self._following.watch(events, lambda record: record.spec.service in services, self._ended)
                self._following.listen(self._woken, self._awake)
                for record in shown:
                    self._following.add(record, since_ns=since_ns)
                self._starter.start()
                self._following.run(until_ended=False)
                self._following.drain()
        finally:
            events.close()
            self._following.close()
            os.close(self._woken)
        if self._failures:
            raise self._failures[0]
        return self._exit_code()

    def _exit_code(self) -> int:
        if self._signals:
            return INTERRUPTED
        if self._abortion.code_from and self._code is not None:
            codes = [
                self._runtime.container(record.id).exit_code
                for record in self._watched.values()
                if record.spec.service == self._abortion.code_from
            ]
            return next((code for code in codes if code), SUCCESS)
        return self._code or SUCCESS

    def _ended(self, identifier: str, code: int, restarting: bool) -> None:
        if identifier in self._watched and not restarting and self._stopper is None and self._abortion.is_due(code):
            self._code = code
            sys.stderr.write("Aborting on container exit...\n")
            self._begin_stop()
        self._finish_when_over()

    def _awake(self) -> None:
        os.read(self._woken, 64)
        if self._signals == 1 and self._stopper is None:
            sys.stderr.write("Gracefully stopping... (press Ctrl+C again to force)\n")
            self._interruption.set()
            self._begin_stop()
        elif self._signals == 2:
            threading.Thread(target=self._kill, daemon=True).start()
        elif self._signals > 2:
            self._following.finish()
        self._finish_when_over()

    def _finish_when_over(self) -> None:
        if self._starter.is_alive() and self._stopper is None:
            return
        if self._stopper is None:
            self._following.drop_ended()
            over = bool(self._failures) or not self._live()
        else:
            over = not self._stopper.is_alive()
        if over:
            self._following.finish()

    def _live(self) -> bool:
        records = self._runtime.containers(self._project)
        return any(record.status.is_live for record in records if record.id in self._watched)

    def _run_start(self) -> None:
        self._call(lambda: self._calls.start(self._interruption))

    def _begin_stop(self) -> None:
        self._stopper = threading.Thread(target=self._run_stop, daemon=True)
        self._stopper.start()

    def _run_stop(self) -> None:
        self._starter.join()
        self._call(self._calls.stop)

    def _call(self, call: Callable[[], None]) -> None:
        try:
            call()
        except Exception as error:  # noqa: BLE001 - raised again on the main thread
            self._failures.append(error)
        finally:
            threading.Thread(target=self._wake_after, args=(threading.current_thread(),), daemon=True).start()

    def _wake_after(self, thread: threading.Thread) -> None:
        thread.join()
        os.write(self._wake, b"\0")

    def _kill(self) -> None:
        # Without the project's lock: the stop that is too slow holds it.
        for record in self._runtime.containers(self._project):
            if record.id in self._watched and record.status.is_live:
                try:
                    self._runtime.kill_container(record.id)
                except EngineError:
                    continue

    @contextmanager
    def _signals_caught(self) -> Iterator[None]:
        def caught(_number: int, _frame: FrameType | None) -> None:
            self._signals += 1
            os.write(self._wake, b"\0")

        previous = {number: signal.signal(number, caught) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)


def printer_names(records: Sequence[ContainerRecord]) -> list[str]:
    """Return the prefixes in the order in which they get their colours: that of the containers' names."""
    return [prefix_of(record) for record in sorted(records, key=lambda record: record.name)]
