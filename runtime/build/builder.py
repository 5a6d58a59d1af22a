"""A build from its Dockerfile to an image: stages side by side where they do not need one another."""

import functools
import os
from collections.abc import Callable

from runtime.api import BuildListener, Distribution, TransferListener
from runtime.build.bases import BaseImages, QuietTransfer
from runtime.build.contexts import Contexts
from runtime.build.definition import Definition, read_definition
from runtime.build.dockerfile.faults import error_at
from runtime.build.dockerfile.lint import Lint, read_lint_options
from runtime.build.dockerfile.words import WordError
from runtime.build.executor import Executor
from runtime.build.plan import BuildPlan, ImageSource
from runtime.build.planning.options import BaseImage
from runtime.build.planning.outline import Outline, missing_bases, outline
from runtime.build.planning.planner import complete
from runtime.build.pruning import prune_cache
from runtime.build.remotecache.documents import inline_of
from runtime.build.remotecache.exports import Exporter
from runtime.build.remotecache.imports import Imports, LayersLost
from runtime.build.remotecache.sources import open_cache
from runtime.build.results import StageResult, configuration_of
from runtime.build.roots import Surroundings
from runtime.build.session import Networks
from runtime.build.stages import Cancelling, Stages, cancelling, whole_reference
from runtime.build.telling import Telling
from runtime.build.turns import Turns
from runtime.errors import BuildFailed, Cancelled, EngineError, FailedPrecondition
from runtime.image.identity import image_id
from runtime.image.reference import familiar, parse
from runtime.image.store import ImageStore
from runtime.paths import Paths
from runtime.state.database import Database
from schemas.engine.builds import BuildCheck, BuildSpec, BuildWarning, BuiltImage, CacheKind
from schemas.engine.storage import CachePruning, PrunedCache
from schemas.engine.transfers import PulledImage


class Builder:
    """Builds images into a store. Builds may go on at the same time, from several threads."""

    def __init__(
        self,
        database: Database,
        paths: Paths,
        store: ImageStore,
        networks: Networks,
        registries: Callable[[], Distribution],
    ) -> None:
        """`registries` opens the client of registries, and is called when something is asked of one."""
        self._database = database
        self._paths = paths
        self._store = store
        self._networks = networks
        self._registries = registries
        self._turns = Turns()
        self._checked: dict[str, BaseImage] = {}
        """What images will be like, by the names that were checked."""

    def build(self, spec: BuildSpec, listener: BuildListener | None = None) -> BuiltImage:
        """Build an image. Raises as Runtime.build_image says."""
        telling = Telling(listener)
        with cancelling(listener) as ending:
            transfer = QuietTransfer(lambda: ending.is_set)
            bases = BaseImages(self._database, self._store, self._fetch, transfer, pull=spec.pull)
            caches = [open_cache(each, self._store, self._registries, transfer) for each in spec.cache_from]
            imports = Imports(caches, self._store.assembler.layers, telling)
            with self._executor(imports) as executor:
                contexts = Contexts(spec, executor, self._store, telling, ending.descriptor)
                definition = _read(spec, contexts, telling)
                plan = _plan(definition, bases, telling)
                executor.around = surroundings(spec, plan)
                stages = functools.partial(Stages, spec, plan, definition, bases, executor, contexts, telling, ending)
                result = _result(stages, executor, ending)
                built, is_changed = self._export(spec, plan, result, executor, telling)
                exporter = Exporter(self._database, self._store, self._registries, transfer, telling)
                if any(target.is_complete for target in spec.cache_to):
                    executor.bring_all()
                for target in spec.cache_to:
                    if target.kind is not CacheKind.INLINE:
                        exporter.export(target, executor.done(result.diff_ids))
        if is_changed or executor.has_done_steps or spec.cache_to:
            self._store.collect()
        return built

    def prune(self, wanted: CachePruning) -> PrunedCache:
        """Remove what builds keep. Raises OSError."""
        return prune_cache(self._database, self._store, self._paths.build_caches, wanted)

    def check(self, spec: BuildSpec) -> BuildCheck:
        """Look a Dockerfile over. Raises as Runtime.check_build says."""
        bases = BaseImages(self._database, self._store, self._fetch, QuietTransfer(lambda: False), pull=False)
        with self._executor() as executor:
            definition = read_definition(spec, Contexts(spec, executor, self._store, Telling(None), None))
        lint = _lint_of(definition)
        sketch = outline(definition.dockerfile, definition.options, lint)
        known: dict[ImageSource, BaseImage] = {}
        while missing := missing_bases(sketch, known):
            known.update({source: self._checked.get(source.reference) or bases.base(source) for source in missing})
        result = complete(sketch, known, lint, all_stages=not spec.target).result
        # Whoever is built on it is checked next, and nothing of it is there yet.
        self._checked |= dict.fromkeys(spec.references, BaseImage(result.config, author=result.author))
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

    def _executor(self, imports: Imports | None = None) -> Executor:
        return Executor(self._database, self._paths, self._store, self._networks, turns=self._turns, imports=imports)

    def _export(
        self, spec: BuildSpec, plan: BuildPlan, result: StageResult, executor: Executor, telling: Telling
    ) -> tuple[BuiltImage, bool]:
        """Return the image, and whether the store is another one by it."""
        with telling.step("exporting to image") as told:
            told.say("exporting layers done\n")
            executor.finish()
            executor.settle()
            cache = ""
            if any(target.kind is CacheKind.INLINE for target in spec.cache_to):
                done = executor.done(result.diff_ids)
                cache = inline_of(done.steps, done.notes, done.result)
                told.say("preparing layers for inline cache done\n")
            document = configuration_of(plan, plan.result, result, spec.labels, cache)
            identity = image_id(document)
            built = [executor.blob(diff_id) for diff_id in result.diff_ids[len(result.descriptors) :]]
            blobs = [*result.descriptors, *built]
            names = [familiar(reference) for reference in spec.references]
            found = self._store.assembler.find_image(document, blobs, names)
            is_new = found is None and all(record.id != identity for record in self._store.list())
            record = found or self._store.assembler.add_image(document, blobs, names, action="build")
            told.say(f"writing image {identity} done\n")
            for name in names:
                told.say(f"naming to {parse(name)} done\n")
        return BuiltImage(record, is_new), found is None

    def _fetch(self, reference: str, platform: str, listener: TransferListener) -> PulledImage:
        return self._registries().pull(reference, platform, listener)


def _result(stages: Callable[[], Stages], executor: Executor, ending: Cancelling) -> StageResult:
    """Build the stages, and again without what caches have not, until all layers of the result are here."""
    while True:
        try:
            result = stages().build()
            executor.bring(result.diff_ids)
        except LayersLost as lost:
            executor.begin_again(lost)
            ending.clear()
        else:
            return result


def surroundings(spec: BuildSpec, plan: BuildPlan) -> Surroundings:
    """Return what the programs of a build find beside their root.

    Raises FailedPrecondition for a secret's file that cannot be read, for an agent or key that is not there.
    """
    return Surroundings(
        network=spec.network or "default",
        allow_insecure=spec.allow_insecure,
        allow_host_network=spec.allow_host_network,
        extra_hosts=spec.extra_hosts,
        shm_size_bytes=spec.shm_size_bytes,
        ulimits=spec.ulimits,
        resources=spec.resources,
        secrets={secret.id: _secret(secret.file, secret.value) for secret in spec.secrets},
        ssh={name: _agent(name, path) for name, path in spec.ssh.items()},
        clamp_s=plan.epoch_s,
    )


def _agent(name: str, path: str) -> str:
    """The socket of an agent, or the file of a key. The worker looks again, and is not asked where nothing needs it."""
    if not os.path.exists(path):  # noqa: PTH110 - a text
        hint = "`ssh` leads to the socket of an agent, or to a private key"
        raise FailedPrecondition(f"the ssh agent `{name}` does not exist: `{path}`", hint=hint)
    return path


def _secret(file: str, value: str) -> bytes:
    if not file:
        return value.encode("utf-8", "surrogateescape")
    try:
        with open(file, "rb") as opened:
            return opened.read()
    except OSError as error:
        raise FailedPrecondition(f"cannot read the secret `{file}`: {(error.strerror or '').lower()}") from error


def _read(spec: BuildSpec, contexts: Contexts, telling: Telling) -> Definition:
    name = "Dockerfile" if spec.dockerfile_inline else spec.dockerfile or "Dockerfile"
    with telling.step(f"[internal] load build definition from {os.path.basename(name)}"):  # noqa: PTH119 - a name
        return read_definition(spec, contexts)


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
    with telling.step(f"[internal] load metadata for {whole_reference(source)}"):
        try:
            return bases.base(source)
        except (Cancelled, KeyboardInterrupt):
            raise
        except EngineError as error:
            stage = next((it for it in sketch.stages if it.base == source), None)
            if stage is None or isinstance(error, BuildFailed):
                raise
            raise sketch.error(error.message, stage.stage.origin.location, error.hint, stage.base_name) from error
