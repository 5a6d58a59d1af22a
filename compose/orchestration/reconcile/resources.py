"""Networks and volumes: which are missing, changed, or somebody else's."""

from dataclasses import field

from compose import errors, labels
from compose.errors import ProjectError
from compose.graph.dependencies import DependencyGraph
from compose.orchestration.observed import ObservedState
from compose.orchestration.options import ReconcileOptions
from compose.orchestration.reconcile.divergence import changed_fields
from compose.orchestration.specs.networking import PREDEFINED
from compose.orchestration.specs.resources import network_spec, volume_spec
from schemas.composefile.project import Project
from schemas.composefile.service import ServiceConfig
from schemas.dataclass import dataclass
from schemas.engine.records import NetworkRecord, VolumeRecord
from schemas.engine.specs import NetworkSpec, VolumeSpec


@dataclass(slots=True)
class ResourceDecisions:
    """Specs by real name; `changed_…` are those that exist in another form, with the cause."""

    networks: dict[str, NetworkSpec] = field(default_factory=dict)
    volumes: dict[str, VolumeSpec] = field(default_factory=dict)
    changed_networks: dict[str, str] = field(default_factory=dict)
    changed_volumes: dict[str, str] = field(default_factory=dict)
    warnings: list[errors.Warning] = field(default_factory=list)


def decide_resources(
    project: Project, observed: ObservedState, options: ReconcileOptions, graph: DependencyGraph
) -> ResourceDecisions:
    """Return which networks and volumes have to be made. Raises ProjectError for a missing external one."""
    check_external(project, observed)
    selected = graph.selection(options.services, with_dependencies=options.with_dependencies)
    services = [project.services[name] for name in selected]
    decisions = ResourceDecisions()
    for key in dict.fromkeys(key for service in services for key in service.networks):
        if key in project.networks and not project.networks[key].external:
            _decide_network(network_spec(project, key), observed, decisions)
    for service in services:
        if service.network_mode in {"bridge", "default"} and "bridge" not in observed.networks:
            decisions.networks["bridge"] = NetworkSpec(name="bridge", key="bridge")
    for key in dict.fromkeys(_volume_keys(services)):
        if key in project.volumes and not project.volumes[key].external:
            _decide_volume(volume_spec(project, key), observed, options, decisions)
    return decisions


def check_external(project: Project, observed: ObservedState) -> None:
    """Raise ProjectError for the first external network or volume that is not there."""
    for key, network in project.networks.items():
        name = network.name or key
        if network.external and name not in observed.networks and name not in PREDEFINED:
            raise ProjectError(f"network {name} declared as external, but could not be found")
    for key, volume in project.volumes.items():
        if volume.external and (volume.name or key) not in observed.volumes:
            raise ProjectError(f'external volume "{volume.name or key}" not found')


def _volume_keys(services: list[ServiceConfig]) -> list[str]:
    return [volume.source for service in services for volume in service.volumes if volume.type == "volume"]


def _decide_network(spec: NetworkSpec, observed: ObservedState, decisions: ResourceDecisions) -> None:
    record = observed.networks.get(spec.name)
    if record is None:
        decisions.networks[spec.name] = spec
    elif not _is_ours(record, spec):
        decisions.warnings.append(
            errors.Warning(
                f'a network with name {spec.name} exists but was not created for project "{spec.project}". '
                "Set `external: true` to use an existing network"
            )
        )
    elif record.spec.labels.get(labels.CONFIG_HASH) != spec.labels[labels.CONFIG_HASH]:
        decisions.networks[spec.name] = spec
        decisions.changed_networks[spec.name] = f"network {spec.key} changed: {changed_fields(record.spec, spec)}"


def _decide_volume(
    spec: VolumeSpec, observed: ObservedState, options: ReconcileOptions, decisions: ResourceDecisions
) -> None:
    record = observed.volumes.get(spec.name)
    if record is None:
        decisions.volumes[spec.name] = spec
    elif not _is_ours(record, spec):
        decisions.warnings.append(
            errors.Warning(
                f'volume "{spec.name}" already exists but was not created by this project. '
                "Use `external: true` to use an existing volume"
            )
        )
    elif record.spec.labels.get(labels.CONFIG_HASH) != spec.labels[labels.CONFIG_HASH]:
        what = changed_fields(record.spec, spec)
        if spec.name in options.recreate_volumes:
            decisions.volumes[spec.name] = spec
            decisions.changed_volumes[spec.name] = f"volume {spec.key} changed: {what}"
        else:
            decisions.warnings.append(
                errors.Warning(
                    f'volume "{spec.name}" exists but does not match the configuration in the Compose file ({what})',
                    hint="its content would be lost if it were made anew",
                )
            )


def changed_volumes(project: Project, observed: ObservedState) -> list[str]:
    """Return the real names of volumes that exist with another configuration, to ask about."""
    specs = [volume_spec(project, key) for key, config in project.volumes.items() if not config.external]
    records = [(spec, observed.volumes.get(spec.name)) for spec in specs]
    return [
        spec.name
        for spec, record in records
        if record is not None
        and _is_ours(record, spec)
        and record.spec.labels.get(labels.CONFIG_HASH) != spec.labels[labels.CONFIG_HASH]
    ]


def _is_ours(record: NetworkRecord | VolumeRecord, spec: NetworkSpec | VolumeSpec) -> bool:
    return record.spec.project == spec.project and record.spec.key == spec.key
