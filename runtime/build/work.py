"""Steps as work: what their key is made of, and what the worker is asked for them."""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from runtime.build.cache import key_of
from runtime.build.files.bringing import literal_pattern
from runtime.build.plan import CopyStep, RunStep, Step, WorkdirStep
from runtime.build.roots import Root, Surroundings
from runtime.build.worker.messages import BringFiles, Files, MakeFolder, Part, Place, Task
from runtime.errors import InvalidArgument
from schemas.dataclass import dataclass
from schemas.engine.codec import to_plain
from schemas.engine.identifiers import DiffID

FilesOf = Callable[[Root], Files]
"""Finds the files of a root; those that are not here yet are brought."""
_NOT_DONE = frozenset({"location", "text", "history", "config", "unkeyed_environment", "source", "mounts"})
"""Fields of a step that change nothing in the files, or count otherwise."""


@dataclass(frozen=True, slots=True)
class FolderWork:
    """WORKDIR."""

    step: WorkdirStep
    clamp_s: int | None
    digests: tuple[str, ...] = ()

    def key(self, on: Sequence[DiffID], digests: Sequence[str]) -> str:  # noqa: ARG002 - it reads nothing
        """Return its key."""
        return key_of("workdir", on, [self.step.path, self.step.owner, self.clamp_s])

    def task(self, place: Place, files_of: FilesOf) -> Task:  # noqa: ARG002 - it reads nothing
        """Return what the worker is asked."""
        return MakeFolder(place, self.step.path, self.step.owner)


@dataclass(frozen=True, slots=True)
class CopyWork:
    """COPY and ADD."""

    step: CopyStep
    copied: tuple[tuple[Root, Part], ...]
    """What is copied of which root; the parts have no files yet."""
    digests: tuple[str, ...]
    clamp_s: int | None

    def key(self, on: Sequence[DiffID], digests: Sequence[str]) -> str:
        """Return its key. `--link` makes it the same whatever it is done on, but for names of users."""
        what = [_plain(self.step), list(digests), self.clamp_s]
        is_free = self.step.link and not _has_names(self.step.owner)
        return key_of("copy", () if is_free else on, what)

    def task(self, place: Place, files_of: FilesOf) -> Task:
        """Return what the worker is asked."""
        step = self.step
        parts = [replace(part, files=files_of(root)) for root, part in self.copied]
        return BringFiles(
            place, (*parts, *_inline(step, place)), step.destination, step.owner, step.mode, link=step.link
        )


@dataclass(frozen=True, slots=True)
class RunWork:
    """RUN."""

    step: RunStep
    network: str
    around: Surroundings
    mounted: tuple[str, ...]
    """What is mounted of images and stages: their ChainIDs."""
    digests: tuple[str, ...]
    """Of the parts of contexts that are mounted."""

    def key(self, on: Sequence[DiffID], digests: Sequence[str]) -> str:
        """Return its key. Contents of secrets and caches are in none."""
        around = self.around
        mounts = [[type(each).__name__, _plain(each)] for each in self.step.mounts]
        what = [
            _plain(self.step),
            mounts,
            list(self.mounted),
            list(digests),
            self.network,
            list(around.extra_hosts),
            around.shm_size_bytes,
            list(around.ulimits),
            around.clamp_s,
            os.uname().machine,
        ]
        return key_of("run", on, what)


def _inline(step: CopyStep, place: Place) -> list[Part]:
    """Write here-documents to files beside the layer; return them as parts to copy."""
    parts = []
    for number, file in enumerate(step.files):
        folder = Path(place.scratch) / "inline" / str(number)
        folder.mkdir(parents=True)
        path = folder / file.name
        # The planner lets no other name through; here it would be a path of the host's.
        if path.parent != folder or path.name != file.name or file.name == "..":
            raise InvalidArgument(f"`{file.name}` is no name of a file")
        path.write_text(file.content, errors="surrogateescape")
        path.chmod(file.mode)
        parts.append(Part(Files(folder=str(folder), owned_by_root=True), (literal_pattern(file.name),)))
    return parts


def _plain(value: Step | object) -> dict[str, Any]:
    plain: dict[str, Any] = to_plain(value)
    return {name: item for name, item in plain.items() if name not in _NOT_DONE}


def _has_names(owner: str) -> bool:
    return any(part and not part.isdigit() for part in owner.split(":"))
