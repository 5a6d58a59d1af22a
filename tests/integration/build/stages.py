"""Builds without a Dockerfile: steps one after the other, on a busybox."""

import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from runtime.build.dockerfile.instructions import Location
from runtime.build.executor import Executor, StepResult
from runtime.build.plan import ContextSource, CopyStep, ImageSource, Mount, RunStep, Source, StageSource, WorkdirStep
from runtime.build.roots import FolderRoot, LayersRoot, Root, Surroundings
from runtime.image.layers import LayerStore
from runtime.image.store import ImageStore
from runtime.network.controller import NetworkController
from runtime.paths import Paths
from runtime.state.database import Database
from schemas.engine.identifiers import DiffID
from schemas.engine.records import ImageConfig

NOWHERE = Location("Dockerfile", 1, 1)
BASE = {"location": NOWHERE, "text": "", "history": None, "config": ImageConfig()}


@dataclass
class Builds:
    """The state directory of a test, in which one build follows another."""

    paths: Paths
    database: Database
    images: ImageStore
    context: Path
    base: tuple[DiffID, ...]
    ignore: tuple[str, ...] = ()
    stages: list[tuple[DiffID, ...]] = field(default_factory=list)

    def build(self, *steps: object, on: tuple[DiffID, ...] | None = None, **more: object) -> "Built":
        """Do steps on the base, each on what the one before made."""
        around = more.pop("around", Surroundings())
        controller = NetworkController(self.database, self.paths)
        try:
            with Executor(self.database, self.paths, self.images, lambda: controller, around) as executor:  # type: ignore[arg-type]
                built = Built(self, list(self.base if on is None else on))
                for step in steps:
                    result = executor.execute(step, built.layers, self.root, output=built.hear, **more)  # type: ignore[arg-type]
                    built.results.append(result)
                    if result.layer is None:
                        break
                    built.layers.append(result.layer.diff_id)
        finally:
            controller.close()
        return built

    def root(self, source: Source) -> Root:
        """Find a source."""
        if isinstance(source, ContextSource):
            return FolderRoot(self.context, self.ignore)
        if isinstance(source, StageSource):
            return LayersRoot(self.stages[source.index])
        return LayersRoot(self.base if isinstance(source, ImageSource) else ())

    def keep(self, built: "Built") -> StageSource:
        """Let a build be a stage that others read."""
        self.stages.append(tuple(built.layers))
        return StageSource(len(self.stages) - 1)


@dataclass
class Built:
    """What came of a build."""

    builds: Builds
    layers: list[DiffID]
    results: list[StepResult] = field(default_factory=list)
    heard: dict[str, bytes] = field(default_factory=lambda: {"stdout": b"", "stderr": b""})

    def hear(self, stream: str, piece: bytes) -> None:
        """Keep output."""
        self.heard[stream] += piece

    @property
    def output(self) -> str:
        """What was written to standard output."""
        return self.heard["stdout"].decode()

    @property
    def last(self) -> StepResult:
        """The last step's result."""
        return self.results[-1]

    def cached(self) -> list[bool]:
        """Which steps came from the cache."""
        return [result.is_cached for result in self.results]

    def names(self, number: int = -1) -> list[str]:
        """The entries of a layer that was built."""
        with (
            self.builds.images.blobs.open(self.layers[number]) as file,
            tarfile.open(fileobj=file, mode="r|", errors="surrogateescape") as tar,
        ):
            return [each.name for each in tar]

    def file(self, path: str, number: int = -1) -> Path:
        """A file in a layer that was built."""
        return LayerStore(self.builds.images.blobs).built(self.layers[number]) / "fs" / path


def run(
    *arguments: str, mounts: Iterable[Mount] = (), environment: Mapping[str, str] | None = None, **more: object
) -> RunStep:
    """RUN, in the shell when it is one word."""
    words = ("/bin/sh", "-c", *arguments) if len(arguments) == 1 else arguments
    entries = tuple(f"{name}={value}" for name, value in (environment or {}).items())
    settings = {"unkeyed_environment": (), "working_dir": "/", "user": "", **more}
    return RunStep(**BASE, arguments=words, environment=entries, mounts=tuple(mounts), **settings)  # type: ignore[arg-type]


def copy(*words: str, source: Source | None = None, **more: object) -> CopyStep:
    """COPY or ADD: sources, then the destination."""
    settings = {"add": False, "files": (), **more}
    return CopyStep(**BASE, source=source or ContextSource(), sources=words[:-1], destination=words[-1], **settings)  # type: ignore[arg-type]


def workdir(path: str) -> WorkdirStep:
    """WORKDIR."""
    return WorkdirStep(**BASE, path=path)  # type: ignore[arg-type]
