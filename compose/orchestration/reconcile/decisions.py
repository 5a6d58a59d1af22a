"""What can become of the containers of a service: the vocabulary of decisions."""

from dataclasses import field

from compose.graph.dependencies import DependencyGraph
from compose.orchestration.observed import ObservedState
from compose.orchestration.options import ReconcileOptions
from schemas.composefile.project import Project
from schemas.composefile.service import ServiceConfig
from schemas.dataclass import dataclass
from schemas.engine.records import ContainerRecord
from schemas.engine.specs import ContainerSpec


@dataclass(frozen=True, slots=True)
class Creation:
    """A replica that does not exist yet."""

    spec: ContainerSpec
    cause: str


@dataclass(frozen=True, slots=True)
class Replacement:
    """A container that gives way to a new one. `in_place`: the old one has to go first."""

    record: ContainerRecord
    spec: ContainerSpec
    cause: str
    in_place: bool = False


@dataclass(frozen=True, slots=True)
class Kept:
    """A container that stays. `restart`: why it is stopped for a while, else empty."""

    record: ContainerRecord
    spec: ContainerSpec
    restart: str = ""


@dataclass(frozen=True, slots=True)
class Removal:
    """A container that has to go."""

    record: ContainerRecord
    cause: str


@dataclass(frozen=True, slots=True)
class Renaming:
    """A replacement whose recreation was interrupted after the old one was gone."""

    record: ContainerRecord
    name: str


@dataclass(slots=True)
class ServiceDecision:
    """Everything about one service."""

    service: ServiceConfig
    creations: list[Creation] = field(default_factory=list)
    replacements: list[Replacement] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    removals: list[Removal] = field(default_factory=list)
    renamings: list[Renaming] = field(default_factory=list)
    start: bool = True
    """False: only what was running runs afterwards (a service that was not asked for)."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the containers that there will be, in order of their numbers."""
        specs = [kept.spec for kept in self.kept]
        specs += [replacement.spec for replacement in self.replacements]
        specs += [creation.spec for creation in self.creations]
        return tuple(spec.name for spec in sorted(specs, key=lambda spec: spec.number))

    @property
    def is_recreated(self) -> bool:
        """Whether a container of it is replaced."""
        return bool(self.replacements)

    @property
    def is_made(self) -> bool:
        """Whether a container of it will be another one than now."""
        return bool(self.replacements or self.creations)


@dataclass(frozen=True, slots=True)
class Situation:
    """What decisions are made from."""

    project: Project
    observed: ObservedState
    options: ReconcileOptions
    graph: DependencyGraph
    changed_networks: dict[str, str]
    """Real name to cause: networks that are made anew, so that nothing may stand on them meanwhile."""
    changed_volumes: dict[str, str]
