"""A build from its Dockerfile to an image: stages side by side where they do not need one another."""

import os
import select
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from runtime.api import BuildListener
from runtime.build.bases import BaseImages, Fetch
from runtime.build.definition import Definition, read_definition
from runtime.build.dockerfile.faults import error_at
from runtime.build.dockerfile.lint import Lint, read_lint_options
from runtime.build.dockerfile.words import WordError
from runtime.build.executor import Executor, StepResult
from runtime.build.plan import (
    BuildPlan,
    ContextSource,
    CopyStep,
    ImageSource,
    PlannedStage,
    RunStep,
    ScratchSource,
    Source,
    StageSource,
    Step,
    WorkdirStep,
)
from runtime.build.planning.options import BaseImage
from runtime.build.planning.outline import Outline, missing_bases, outline
from runtime.build.planning.planner import complete
from runtime.build.results import StageResult, configuration_of
from runtime.build.roots import LayersRoot, Root, Surroundings
from runtime.build.telling import Step as Told
from runtime.build.telling import Telling
from runtime.errors import BuildFailed, Cancelled, EngineError, FailedPrecondition, Unsupported
from runtime.image.identity import image_id
from runtime.image.platforms import format_platform, own_platform
from runtime.image.reference import familiar, parse
from runtime.image.store import ImageStore
from runtime.network.controller import NetworkController
from runtime.paths import Paths
from runtime.state.database import Database
from schemas.engine.builds import BuildCheck, BuildSpec, BuildWarning, BuiltImage

_MOST_STAGES_AT_ONCE = 8


class Builder:
    """Builds images into a store. Builds may go on at the same time, from several threads."""

    def __init__(
        self, database: Database, paths: Paths, store: ImageStore, controller: NetworkController, fetch: Fetch
    ) -> None:
        self._database = database
        self._paths = paths
        self._store = store
        self._controller = controller
        self._fetch = fetch

    def build(self, spec: BuildSpec, listener: BuildListener | None = None) -> BuiltImage:
        """Build an image. Raises as Runtime.build_image says."""
        telling = Telling(listener)
        with _cancelling(listener) as cancelling:
            bases = BaseImages(self._database, self._store, self._fetch, lambda: cancelling.is_set, pull=spec.pull)
            definition = _read(spec, telling)
            plan = _plan(definition, bases, telling)
            around = surroundings(spec, plan)
            with Executor(self._database, self._paths, self._store, self._controller, around) as executor:
                stages = _Stages(spec, plan, definition, bases, executor, telling, cancelling, self._store)
                built = self._export(spec, plan, stages.build(), executor, telling)
        self._store.collect()
        return built

    def check(self, spec: BuildSpec) -> BuildCheck:
        """Look a Dockerfile over. Raises as Runtime.check_build says."""
        bases = BaseImages(self._database, self._store, self._fetch, lambda: False, pull=False)
        definition = read_definition(spec)
        lint = _lint_of(definition)
        sketch = outline(definition.dockerfile, definition.options, lint)
        known: dict[ImageSource, BaseImage] = {}
        while missing := missing_bases(sketch, known):
            known.update({source: bases.base(source) for source in missing})
        complete(sketch, known, lint, all_stages=not spec.target)
        lines = definition.dockerfile.lines
        found = sorted(lint.warnings, key=lambda warning: warning.location.first_line)
        warnings = tuple(
            BuildWarning(
                rule=warning.rule.name,
                message=warning.message,
                description=warning.rule.description,
                url=warning.rule.url,
                file=warning.location.file,
                line=warning.location.first_line,
                text=lines[warning.location.first_line - 1],
            )
            for warning in found
        )
        return BuildCheck(warnings, fails=bool(warnings) and lint.options.error)

    def _export(
        self, spec: BuildSpec, plan: BuildPlan, result: StageResult, executor: Executor, telling: Telling
    ) -> BuiltImage:
        document = configuration_of(plan, plan.result, result, spec.labels)
        identity = image_id(document)
        with telling.step("exporting to image") as told:
            told.say("exporting layers done\n")
            executor.settle()
            known = {record.id for record in self._store.list()}
            names = [familiar(reference) for reference in spec.references]
            record = self._store.assembler.add_image(document, result.descriptors, names, action="build")
            told.say(f"writing image {identity} done\n")
            for name in names:
                told.say(f"naming to {parse(name)} done\n")
        return BuiltImage(record, identity not in known)


def surroundings(spec: BuildSpec, plan: BuildPlan) -> Surroundings:
    """Return what the programs of a build find beside their root. Raises NotFound for a secret's file."""
    return Surroundings(
        network=spec.network or "default",
        allow_insecure=spec.allow_insecure,
        extra_hosts=spec.extra_hosts,
        shm_size_bytes=spec.shm_size_bytes,
        ulimits=spec.ulimits,
        resources=spec.resources,
        secrets={secret.id: _secret(secret.file, secret.value) for secret in spec.secrets},
        ssh=spec.ssh,
        clamp_s=plan.epoch_s,
    )


def _secret(file: str, value: str) -> bytes:
    if not file:
        return value.encode("utf-8", "surrogateescape")
    try:
        with open(file, "rb") as opened:
            return opened.read()
    except OSError as error:
        raise FailedPrecondition(f"cannot read the secret `{file}`: {(error.strerror or '').lower()}") from error


def _read(spec: BuildSpec, telling: Telling) -> Definition:
    name = "Dockerfile" if spec.dockerfile_inline else spec.dockerfile or "Dockerfile"
    with telling.step(f"[internal] load build definition from {os.path.basename(name)}"):  # noqa: PTH119 - a name
        return read_definition(spec)


def _lint_of(definition: Definition) -> Lint:
    dockerfile = definition.dockerfile
    try:
        return Lint(read_lint_options(dockerfile.check))
    except WordError as error:
        location = dockerfile.stages[0].origin.location
        raise error_at(str(error), location, dockerfile.lines, error.hint) from None


def _plan(definition: Definition, bases: BaseImages, telling: Telling) -> BuildPlan:
    lint = _lint_of(definition)
    sketch = outline(definition.dockerfile, definition.options, lint)
    known: dict[ImageSource, BaseImage] = {}
    while missing := missing_bases(sketch, known):
        for source in missing:
            known[source] = _base(sketch, source, bases, telling)
    plan = complete(sketch, known, lint)
    if lint.options.error and lint.warnings:
        rules = ", ".join(sorted({warning.rule.name for warning in lint.warnings}))
        first = lint.warnings[0]
        raise error_at(
            f"lint violation found for rules: {rules}", first.location, sketch.dockerfile.lines, first.message
        )
    return plan


def _base(sketch: Outline, source: ImageSource, bases: BaseImages, telling: Telling) -> BaseImage:
    with telling.step(f"[internal] load metadata for {_reference(source)}"):
        try:
            return bases.base(source)
        except (Cancelled, KeyboardInterrupt):
            raise
        except EngineError as error:
            stage = next((it for it in sketch.stages if it.base == source), None)
            if stage is None or isinstance(error, BuildFailed):
                raise
            raise sketch.error(error.message, stage.stage.origin.location, error.hint, stage.base_name) from error


def _reference(source: ImageSource) -> str:
    with suppress(EngineError):
        return str(parse(source.reference).with_default_tag())
    return source.reference


@dataclass(slots=True)
class _Cancelling:
    """Ends a build, by the user's wish or since a part of it failed."""

    poll: select.epoll
    own: int
    by_user: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

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


@contextmanager
def _cancelling(listener: BuildListener | None) -> Iterator[_Cancelling]:
    own = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
    try:
        with select.epoll() as poll:
            poll.register(own, select.EPOLLIN)
            if listener is not None and listener.cancel_fd is not None:
                poll.register(listener.cancel_fd, select.EPOLLIN)
            yield _Cancelling(poll, own)
    finally:
        os.close(own)


class _Stages:
    """The stages of one build, while they are built."""

    def __init__(  # noqa: PLR0913 - what a build consists of
        self,
        spec: BuildSpec,
        plan: BuildPlan,
        definition: Definition,
        bases: BaseImages,
        executor: Executor,
        telling: Telling,
        cancelling: _Cancelling,
        store: ImageStore,
    ) -> None:
        self._spec = spec
        self._plan = plan
        self._definition = definition
        self._bases = bases
        self._executor = executor
        self._telling = telling
        self._cancelling = cancelling
        self._store = store
        self._results: dict[int, Future[StageResult]] = {}

    def build(self) -> StageResult:
        """Build every stage of the plan; return the target's. Raises what went wrong first."""
        stages = self._plan.stages
        # Stages are in the order of their needs: a thread that waits, waits for one that began before it.
        with ThreadPoolExecutor(min(len(stages), _MOST_STAGES_AT_ONCE), "stage") as pool:
            for stage in stages:
                self._results[stage.index] = pool.submit(self._attempt, stage)
        errors = [error for future in self._results.values() if (error := future.exception()) is not None]
        for error in (*(it for it in errors if not isinstance(it, Cancelled)), *errors):
            raise error
        return self._results[self._plan.target].result()

    def _attempt(self, stage: PlannedStage) -> StageResult:
        for index in stage.needs:
            if self._results[index].exception() is not None:
                raise Cancelled("a stage that it needs failed")
        try:
            return self._build_stage(stage)
        except KeyboardInterrupt:
            raise Cancelled("the build was stopped") from None
        except BaseException:
            self._cancelling.set()
            raise

    def _build_stage(self, stage: PlannedStage) -> StageResult:
        numbering = _Numbering(self._definition, stage)
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
            return self._results[base.index].result()
        if isinstance(base, ImageSource):
            with self._telling.step(numbering.title(f"FROM {_reference(base)}")) as told:
                told.is_cached = True
                return self._bases.result(base)
        if isinstance(base, ContextSource):
            raise Unsupported(
                f"stage `{stage.name}` stands on the additional context `{base.name}`, which is a folder",
                hint="use `FROM scratch` and `COPY --from`",
            )
        return StageResult()

    def _carry_out(self, stage: PlannedStage, step: Step, result: StageResult, told: Told) -> StageResult:
        self._check_platform(stage, step)
        use_cache = not (self._spec.no_cache or stage.name in self._spec.no_cache_stages)
        done = self._executor.execute(
            step,
            result.diff_ids,
            self._root,
            use_cache=use_cache,
            output=told.output,
            cancelled=self._cancelling.descriptor,
        )
        told.is_cached = done.is_cached
        if done.layer is None:
            if isinstance(step, RunStep) and (done.exit_code or done.failure):
                raise self._failed(step, done, told)
            return result
        size_bytes, made_ns = self._store.built_layer(done.layer.diff_id)
        return result.with_layer(done.layer, size_bytes, made_ns)

    def _failed(self, step: RunStep, done: StepResult, told: Told) -> BuildFailed:
        reason = done.failure or f"exit code: {done.exit_code}"
        shown = error_at(
            f'process "{" ".join(step.arguments)}" did not complete successfully: {reason}',
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
            return LayersRoot(self._results[source.index].result().diff_ids)
        if isinstance(source, ImageSource):
            return self._bases.root(source)
        if isinstance(source, ScratchSource):
            return LayersRoot()
        return self._definition.folder(source)


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
