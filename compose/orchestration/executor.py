"""Runs a plan: starts each operation as soon as its own predecessors are over.

It carries no decision logic: what to do, in which order and why has been decided by whoever made the plan.
"""

import heapq
from collections.abc import Callable, Sequence
from dataclasses import field
from queue import SimpleQueue

from compose import errors
from compose.errors import ComposeError, ErrorGroup, ExecutionError
from compose.events import EventProcessor
from compose.graph.schedule import Schedule
from compose.orchestration import conditions
from compose.orchestration.building import build_image
from compose.orchestration.calls import Result, perform
from compose.orchestration.engine_errors import for_user
from compose.orchestration.interruption import Interruption
from compose.orchestration.operation import BuildImage, CreateContainer, PullImage, StartContainer, WaitCondition
from compose.orchestration.plan import Plan, PlanNode
from compose.orchestration.progress import ProgressReporter, labels_of
from compose.orchestration.watcher import Answer, ConditionWatcher
from compose.orchestration.workers import Workers
from runtime.api import Runtime
from runtime.errors import Cancelled, EngineError
from schemas.dataclass import dataclass
from schemas.engine.records import ContainerRecord


@dataclass(frozen=True, slots=True)
class Execution:
    """How a plan is run, whatever the plan."""

    events: EventProcessor
    parallel: int = 0
    """Runtime calls at a time; 0 or less is without limit. Waits do not count."""
    interruption: Interruption = field(default_factory=Interruption)


@dataclass(slots=True)
class Outcome:
    """What came of a plan."""

    failures: list[ComposeError] = field(default_factory=list)
    warnings: list[errors.Warning] = field(default_factory=list)
    skipped: list[PlanNode] = field(default_factory=list)
    interrupted: bool = False
    started: list[ContainerRecord] = field(default_factory=list)
    """Containers that were started, in the order in which they were."""
    unpulled: list[PullImage] = field(default_factory=list)
    """Pulls that failed, those whose failure is none of the command's too."""

    def raise_failures(self) -> None:
        """Raise the failure, or an ErrorGroup of several."""
        found = [each for failure in self.failures for each in _parts(failure)]
        if len(found) == 1:
            raise found[0]
        if found:
            raise ErrorGroup(found)


def _parts(failure: ComposeError) -> Sequence[ComposeError]:
    return failure.errors if isinstance(failure, ErrorGroup) else (failure,)


def execute(plan: Plan, runtime: Runtime, project: str, execution: Execution) -> Outcome:
    """Run a plan and return what came of it. Failures are in the outcome; defects are raised."""
    if not plan.nodes:
        return Outcome()
    run = _Run(plan, runtime, project, execution)
    try:
        return run.go()
    finally:
        run.close()


_Message = Callable[[], None]


class _Run:
    """One execution. Everything but the calls themselves happens on the thread of `go`."""

    def __init__(self, plan: Plan, runtime: Runtime, project: str, execution: Execution) -> None:
        self._nodes = {node.number: node for node in plan}
        self._schedule = Schedule(
            {node.number: node.after for node in plan}, {node.number: node.after_any for node in plan}
        )
        self._runtime = runtime
        self._limit = execution.parallel if execution.parallel > 0 else len(plan)
        self._interruption = execution.interruption
        self._execution = execution
        self._progress = ProgressReporter(execution.events, plan)
        self._workers = Workers()
        self._watcher = ConditionWatcher(runtime, project)
        self._inbox: SimpleQueue[_Message] = SimpleQueue()
        self._ready: list[int] = self._schedule.ready()
        heapq.heapify(self._ready)
        self._calls = 0
        self._waits: set[int] = set()
        self._outcome = Outcome()
        self._interruption.on_set(self._wake)

    def go(self) -> Outcome:
        """Run until nothing is left to run."""
        while True:
            self._start_ready()
            if not self._calls and (self._interruption.is_set or not self._waits):
                break
            self._inbox.get()()
        self._outcome.interrupted = self._interruption.is_set and len(self._schedule) > 0
        return self._outcome

    def close(self) -> None:
        """Let go of threads and subscriptions."""
        self._interruption.forget(self._wake)
        self._watcher.close()
        if not self._calls:
            self._workers.close()

    def _wake(self) -> None:
        # SimpleQueue.put is reentrant: this runs inside a signal handler, perhaps during `get`.
        self._inbox.put(lambda: None)

    def _start_ready(self) -> None:
        held = []
        while self._ready and not self._interruption.is_set:
            node = self._nodes[heapq.heappop(self._ready)]
            if isinstance(node.operation, WaitCondition):
                self._start_wait(node, node.operation)
            elif self._calls < self._limit:
                self._start_call(node)
            else:
                held.append(node.number)
        for number in held:
            heapq.heappush(self._ready, number)

    def _start_call(self, node: PlanNode) -> None:
        self._calls += 1
        self._progress.started(node)
        self._workers.submit(lambda: self._call(node))

    def _call(self, node: PlanNode) -> None:
        # On a worker's thread.
        try:
            if isinstance(node.operation, BuildImage):
                result = build_image(self._runtime, node.operation, self._execution)
            else:
                listener = self._progress.listener(node.operation, self._interruption)
                result = perform(self._runtime, node.operation, listener)
        except Exception as error:  # noqa: BLE001 - judged, or raised again, on the executor's thread
            failure = error
            self._inbox.put(lambda: self._call_failed(node, failure))
        else:
            self._inbox.put(lambda: self._call_finished(node, result))

    def _call_finished(self, node: PlanNode, result: Result) -> None:
        self._calls -= 1
        if result.note:
            self._warn(f"{labels_of(node.operation)[0]}: {result.word or result.note}")
        if result.container is not None and isinstance(node.operation, StartContainer):
            self._outcome.started.append(result.container)
        self._progress.finished(node, result.word, result.note)
        self._release(self._schedule.finish(node.number))

    def _call_failed(self, node: PlanNode, error: Exception) -> None:
        self._calls -= 1
        if isinstance(error, Cancelled):
            self._progress.interrupted(node)
        elif isinstance(error, ComposeError):
            self._fail(node, error)
        elif isinstance(error, EngineError) and isinstance(node.operation, PullImage):
            self._pull_failed(node, node.operation, error)
        elif isinstance(error, EngineError):
            self._fail(node, for_user(error, labels_of(node.operation)[0]))
        else:
            raise error

    def _pull_failed(self, node: PlanNode, pull: PullImage, error: EngineError) -> None:
        self._outcome.unpulled.append(pull)
        if pull.lenient:
            self._progress.failed(node, error.message)
            self._release(self._schedule.finish(node.number))
        else:
            users = f"service{'s' if pull.also else ''} {', '.join(f'`{name}`' for name in pull.services)}"
            message = f"cannot pull image `{pull.image}` of {users}: {error.message}"
            self._fail(node, ExecutionError(message, hint=error.hint), error.message)

    def _start_wait(self, node: PlanNode, wait: WaitCondition) -> None:
        self._waits.add(node.number)
        self._progress.started(node)
        self._watcher.wait(
            wait,
            lambda answer: self._inbox.put(lambda: self._wait_over(node, wait, answer)),
            lambda reason: self._inbox.put(lambda: self._progress.waiting(node, reason)),
        )

    def _wait_over(self, node: PlanNode, wait: WaitCondition, answer: Answer) -> None:
        self._waits.discard(node.number)
        match answer:
            case conditions.Satisfied(word=word):
                self._progress.finished(node, word)
                self._release(self._schedule.finish(node.number))
            case conditions.Broken() if not wait.required:
                note = conditions.optional_note(wait, answer)
                self._warn(note)
                self._progress.finished(node, "Skipped", note)
                self._release(self._schedule.finish(node.number))
            case conditions.Broken():
                self._fail(node, conditions.error_of(wait, answer, self._runtime))
            case EngineError():
                self._fail(node, ExecutionError(f"cannot wait for {wait.service}: {answer.message}", hint=answer.hint))
            case Exception():
                raise answer

    def _fail(self, node: PlanNode, error: ComposeError, shown: str = "") -> None:
        self._progress.failed(node, shown or error.message)
        ready, lost = self._schedule.fail(node.number)
        skipped = [self._nodes[number] for number in lost]
        self._outcome.skipped.extend(skipped)
        # That a container is not started which could not be created goes without saying.
        others = [each for each in skipped if labels_of(each.operation) != labels_of(node.operation)]
        for each in others:
            self._progress.skipped(each, error.message)
        _name_the_chain(error, others)
        self._outcome.failures.append(error)
        self._release(ready)

    def _release(self, numbers: list[int]) -> None:
        for number in numbers:
            heapq.heappush(self._ready, number)

    def _warn(self, message: str) -> None:
        self._outcome.warnings.append(errors.Warning(message))


def _name_the_chain(error: ComposeError, skipped: list[PlanNode]) -> None:
    """Say in the error which containers were not started because of it."""
    names = dict.fromkeys(
        node.operation.name for node in skipped if isinstance(node.operation, StartContainer | CreateContainer)
    )
    if names:
        sentence = f"not started because of it: {', '.join(names)}"
        error.context = f"{error.context}\n{sentence}" if error.context else sentence
