"""One thread that waits for all conditions of a run, woken by the project's events: it never polls.

Every wait is judged when it begins and again after each event of one of its containers. The
subscription is opened before the first judgement, so nothing can happen unseen in between.
"""

import os
import select
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import field
from queue import Empty, SimpleQueue

from compose.orchestration.conditions import Broken, Pending, Satisfied, Verdict, judge, records_of
from compose.orchestration.operation import WaitCondition
from runtime.api import EventStream, Runtime
from runtime.errors import EngineError
from schemas.dataclass import dataclass

Answer = Satisfied | Broken | Exception


@dataclass(slots=True)
class _Wait:
    operation: WaitCondition
    answer: Callable[[Answer], None]
    tell: Callable[[str], None]
    deadline: float | None
    told: str = ""
    keys: set[str] = field(default_factory=set)
    """Names and ids of its containers: a replacement is known by its id before it has the name."""


class ConditionWatcher:
    """Waits on behalf of the executor. `answer` and `tell` are called on its thread."""

    def __init__(self, runtime: Runtime, project: str) -> None:
        self._runtime = runtime
        self._project = project
        self._new: SimpleQueue[_Wait] = SimpleQueue()
        self._pending: list[_Wait] = []
        self._thread: threading.Thread | None = None
        self._closing = False
        self._failure: Exception | None = None
        self._wake_fd = -1

    def wait(self, operation: WaitCondition, answer: Callable[[Answer], None], tell: Callable[[str], None]) -> None:
        """Call `answer` once it is over, and `tell` with the details while it is not."""
        timeout_s = operation.timeout_s
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        self._new.put(_Wait(operation, answer, tell, deadline))
        if self._thread is None:
            self._wake_fd = os.eventfd(0, os.EFD_CLOEXEC)
            self._thread = threading.Thread(target=self._run, name="conditions", daemon=True)
            self._thread.start()
        self._wake()
        if self._failure is not None:
            # The thread has ended, perhaps before it saw this one.
            self._answer_all(self._failure)

    def close(self) -> None:
        """Give up what is still waited for; nobody is answered any more."""
        if self._thread is None:
            return
        self._closing = True
        self._wake()
        self._thread.join()
        os.close(self._wake_fd)
        self._thread = None

    def _wake(self) -> None:
        os.eventfd_write(self._wake_fd, 1)

    def _run(self) -> None:
        stream: EventStream | None = None
        try:
            stream = self._runtime.subscribe(self._project)
            while not self._closing:
                self._accept_new()
                stream = self._listen(stream)
        except Exception as error:  # noqa: BLE001 - whoever waits gets it, or would wait for ever
            self._failure = error
            self._answer_all(error)
        finally:
            if stream is not None:
                stream.close()

    def _answer_all(self, error: Exception) -> None:
        waits, self._pending = self._pending, []
        for wait in (*waits, *self._taken()):
            wait.answer(error)

    def _taken(self) -> Iterator[_Wait]:
        while True:
            try:
                yield self._new.get_nowait()
            except Empty:
                return

    def _accept_new(self) -> None:
        for wait in self._taken():
            self._pending.append(wait)
            self._judge(wait)

    def _listen(self, stream: EventStream) -> EventStream:
        poll = select.poll()
        poll.register(stream.fileno(), select.POLLIN)
        poll.register(self._wake_fd, select.POLLIN)
        ready = dict(poll.poll(self._timeout_ms()))
        if self._wake_fd in ready:
            os.eventfd_read(self._wake_fd)
        if stream.fileno() in ready:
            stream = self._read_events(stream)
        self._give_up_late_ones()
        return stream

    def _read_events(self, stream: EventStream) -> EventStream:
        touched: set[str] = set()
        try:
            while _is_readable(stream):
                event = stream.read(0)
                if event is None:
                    # The stream listens to a new supervisor: what happened in between was not told.
                    touched.update(self._awaited())
                else:
                    touched.update((event.name, event.id))
        except EngineError:
            stream.close()
            stream = self._runtime.subscribe(self._project)
            touched.update(self._awaited())
        for wait in tuple(self._pending):
            if touched & wait.keys:
                self._judge(wait)
        return stream

    def _awaited(self) -> Iterator[str]:
        return (name for wait in self._pending for name in wait.operation.containers)

    def _judge(self, wait: _Wait) -> None:
        records = records_of(wait.operation.containers, self._runtime)
        wait.keys = {*wait.operation.containers, *(record.id for record in records)}
        verdict: Verdict = judge(wait.operation, records)
        if isinstance(verdict, Pending):
            reason = wait.operation.cause + (f" ({verdict.detail})" if verdict.detail else "")
            if reason != wait.told:
                wait.told = reason
                wait.tell(reason)
            return
        self._pending.remove(wait)
        wait.answer(verdict)

    def _timeout_ms(self) -> float | None:
        deadlines = [wait.deadline for wait in self._pending if wait.deadline is not None]
        return max(0.0, (min(deadlines) - time.monotonic()) * 1000) if deadlines else None

    def _give_up_late_ones(self) -> None:
        now = time.monotonic()
        for wait in tuple(self._pending):
            if wait.deadline is not None and wait.deadline <= now:
                self._pending.remove(wait)
                wait.answer(Broken(f"application not healthy after {wait.operation.timeout_s:g}s"))


def _is_readable(stream: EventStream) -> bool:
    poll = select.poll()
    poll.register(stream.fileno(), select.POLLIN)
    return bool(poll.poll(0))
