"""The stages of a build, each on a thread of its own: one begins when those that it needs are done."""

import os
import select
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from runtime.api import BuildListener
from runtime.build.bases import BaseImages
from runtime.build.contexts import Contexts
from runtime.build.definition import Definition
from runtime.build.dockerfile.faults import error_at
from runtime.build.executor import Executor, StepResult
from runtime.build.plan import (
    BuildPlan,
    ContextSource,
    CopyStep,
    History,
    ImageSource,
    PlannedStage,
    RunStep,
    ScratchSource,
    Source,
    StageSource,
    Step,
    WorkdirStep,
)
from runtime.build.remotecache.imports import LayersLost
from runtime.build.results import StageResult
from runtime.build.roots import LayersRoot, Root
from runtime.build.telling import Step as Told
from runtime.build.telling import Telling
from runtime.errors import BuildFailed, Cancelled, EngineError, SourceError
from runtime.image.platforms import format_platform, own_platform
from runtime.image.reference import parse
from schemas.dataclass import dataclass
from schemas.engine.builds import BuildSpec
from schemas.oci.image import MAX_LAYERS

_MOST_AT_ONCE = 8


def whole_reference(source: ImageSource) -> str:
    """Return an image's name as progress shows it."""
    with suppress(EngineError):
        return str(parse(source.reference).with_default_tag())
    return source.reference


@dataclass(slots=True)
class Cancelling:
    """Ends a build, by the user's wish or since a part of it failed."""

    poll: select.epoll
    own: int

    @property
    def descriptor(self) -> int:
        """Readable once the build has to end."""
        return self.poll.fileno()

    @property
    def is_set(self) -> bool:
        """Whether it has to end."""
        return bool(self.poll.poll(0))

    def set(self) -> None:
        """End it."""
        os.eventfd_write(self.own, 1)

    def clear(self) -> None:
        """Let it begin again, unless the user wants it to end."""
        with suppress(BlockingIOError):
            os.eventfd_read(self.own)


@contextmanager
def cancelling(listener: BuildListener | None) -> Iterator[Cancelling]:
    """Give what ends a build."""
    own = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
    try:
        with select.epoll() as poll:
            poll.register(own, select.EPOLLIN)
            if listener is not None and listener.cancel_fd is not None:
                poll.register(listener.cancel_fd, select.EPOLLIN)
            yield Cancelling(poll, own)
    finally:
        os.close(own)


class _Promise:
    """What a stage's thread will leave behind."""

    def __init__(self) -> None:
        self._is_over = threading.Event()
        self._result: StageResult | None = None
        self.error: BaseException | None = None

    def settle(self, result: StageResult | None, error: BaseException | None) -> None:
        """Leave a result or an error behind."""
        self._result, self.error = result, error
        self._is_over.set()

    def wait(self) -> None:
        """Wait until it is over, well or not."""
        self._is_over.wait()

    @property
    def result(self) -> StageResult:
        """The result, once it is there."""
        if self._result is None:
            raise Cancelled("a stage that it needs failed")
        return self._result


class Stages:
    """The stages of one build, while they are built."""

    def __init__(  # noqa: PLR0913 - what a build consists of
        self,
        spec: BuildSpec,
        plan: BuildPlan,
        definition: Definition,
        bases: BaseImages,
        executor: Executor,
        contexts: Contexts,
        telling: Telling,
        cancelling: Cancelling,
    ) -> None:
        self._spec = spec
        self._plan = plan
        self._definition = definition
        self._bases = bases
        self._executor = executor
        self._contexts = contexts
        self._telling = telling
        self._cancelling = cancelling
        self._promises = {stage.index: _Promise() for stage in plan.stages}
        self._places = threading.BoundedSemaphore(_MOST_AT_ONCE)

    def build(self) -> StageResult:
        """Build every stage of the plan; return the target's. Raises what went wrong."""
        steps = [step for stage in self._plan.stages for step in stage.steps]
        self._executor.expect(steps, self._root, use_cache=not self._spec.no_cache)
        threads = [
            threading.Thread(target=self._attempt, args=(stage,), name=f"stage {stage.name}")
            for stage in self._plan.stages
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        errors = [promise.error for promise in self._promises.values() if promise.error is not None]
        for error in sorted(errors, key=_severity):
            raise error
        return self._promises[self._plan.target].result

    def _attempt(self, stage: PlannedStage) -> None:
        promise = self._promises[stage.index]
        try:
            for index in stage.needs:
                self._promises[index].wait()
            with self._places:
                promise.settle(self._build_stage(stage), None)
        except KeyboardInterrupt:
            promise.settle(None, Cancelled("the build was stopped"))
        except BaseException as error:  # noqa: BLE001 - raised again by whoever waits for all stages
            self._cancelling.set()
            promise.settle(None, error)

    def _build_stage(self, stage: PlannedStage) -> StageResult:
        numbering = _Numbering(self._definition, stage)
        for index in stage.needs:
            # Raises where one of them failed.
            _ = self._promises[index].result
        result = self._begin(stage, numbering)
        for step in stage.steps:
            if self._cancelling.is_set:
                raise Cancelled("the build was stopped")
            if isinstance(step, RunStep | CopyStep | WorkdirStep):
                with self._telling.step(numbering.title(step.text)) as told:
                    result = self._carry_out(stage, step, result, told)
            result = result.with_history(step.history)
        return result

    def _begin(self, stage: PlannedStage, numbering: "_Numbering") -> StageResult:
        base = stage.base
        if isinstance(base, StageSource):
            return self._promises[base.index].result
        if isinstance(base, ImageSource):
            with self._telling.step(numbering.title(f"FROM {whole_reference(base)}")) as told:
                told.is_cached = True
                return self._bases.result(base)
        if isinstance(base, ContextSource):
            with self._telling.step(numbering.title(stage.text)):
                return self._begin_on_files(stage, base)
        return StageResult()

    def _begin_on_files(self, stage: PlannedStage, base: ContextSource) -> StageResult:
        layer, made_ns = self._contexts.layer_of(self._definition.root(base))
        below = StageResult().with_layer(layer, made_ns)
        # BuildKit's word for a layer that no instruction made.
        return below.with_history(History(stage.text, empty_layer=False, comment="buildkit.exporter.image.v0"))

    def _carry_out(self, stage: PlannedStage, step: Step, result: StageResult, told: Told) -> StageResult:
        self._check_platform(stage, step)
        if len(result.diff_ids) >= MAX_LAYERS:
            message = f"an image has no more than {MAX_LAYERS} layers"
            hint = "several commands in one RUN make one layer"
            raise error_at(message, step.location, self._definition.dockerfile.lines, hint)
        done = self._execute(stage, step, result, told)
        told.is_cached = done.is_cached
        if done.layer is None:
            if isinstance(step, RunStep) and (done.exit_code or done.failure):
                raise self._failed(stage, step, done, told)
            return result
        return result.with_layer(done.layer, done.made_ns)

    def _execute(self, stage: PlannedStage, step: Step, result: StageResult, told: Told) -> StepResult:
        """Do a step. Raises BuildFailed, which shows its line, Cancelled, SourceError of what it needs."""
        use_cache = not (self._spec.no_cache or stage.name in self._spec.no_cache_stages)
        try:
            return self._executor.execute(
                step,
                result.diff_ids,
                self._root,
                use_cache=use_cache,
                output=told.output,
                cancelled=self._cancelling.descriptor,
            )
        except (Cancelled, SourceError):
            raise
        except EngineError as error:
            message = f"{self._origin(stage, step)}{error.message}"
            shown = error_at(message, step.location, self._definition.dockerfile.lines)
            raise BuildFailed(shown.message, place=shown.place, output=told.last_output, hint=error.hint) from error

    def _origin(self, stage: PlannedStage, step: Step) -> str:
        """Name a step that stands in no line of this Dockerfile: the line shown is FROM's."""
        is_trigger = step.location == self._definition.dockerfile.stages[stage.index].origin.location
        return f"ONBUILD trigger `{step.text}` of the base image: " if is_trigger else ""

    def _failed(self, stage: PlannedStage, step: RunStep, done: StepResult, told: Told) -> BuildFailed:
        reason = done.failure or f"exit code: {done.exit_code}"
        process = f'process "{" ".join(step.arguments)}" did not complete successfully: {reason}'
        shown = error_at(
            f"{self._origin(stage, step)}{process}",
            step.location,
            self._definition.dockerfile.lines,
        )
        return BuildFailed(shown.message, place=shown.place, output=told.last_output)

    def _check_platform(self, stage: PlannedStage, step: Step) -> None:
        if not isinstance(step, RunStep) or not isinstance(stage.base, ImageSource):
            return
        record = self._bases.find(stage.base)
        own = own_platform()
        if record.architecture and record.architecture != own.architecture:
            message = f"cannot run a program for {record.os}/{record.architecture} on {format_platform(own)}"
            raise error_at(
                message,
                step.location,
                self._definition.dockerfile.lines,
                "there is no emulation: build on such a machine",
            )

    def _root(self, source: Source) -> Root:
        if isinstance(source, StageSource):
            return LayersRoot(self._promises[source.index].result.diff_ids)
        if isinstance(source, ImageSource):
            return self._bases.root(source)
        if isinstance(source, ScratchSource):
            return LayersRoot()
        return self._definition.root(source)


def _severity(error: BaseException) -> int:
    """What ended the others, before what it ended."""
    return 0 if not isinstance(error, Cancelled) else 1 if isinstance(error, LayersLost) else 2


class _Numbering:
    """`[build 2/5]`: which step of which stage, counted as BuildKit counts."""

    def __init__(self, definition: Definition, stage: PlannedStage) -> None:
        is_counted = isinstance(stage.base, ImageSource | ContextSource)
        counted = sum(isinstance(step, RunStep | CopyStep | WorkdirStep) for step in stage.steps)
        self._total = counted + is_counted
        self._name = f"{stage.name} " if len(definition.dockerfile.stages) > 1 else ""
        self._count = 0

    def title(self, text: str) -> str:
        """Return the title of the next step."""
        self._count += 1
        return f"[{self._name}{self._count:>{len(str(self._total))}}/{self._total}] {text}"
