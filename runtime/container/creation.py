"""Making and unmaking containers: rows, folders, volumes, addresses; no process yet.

A container exists once its row does. Everything else is made before, under an intent, and undone
step by step on failure; after a SIGKILL `recovery` does the same from the intent.
"""

import shutil
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace

from runtime.cgroup import group
from runtime.container import bundle, files, mounts
from runtime.container.partners import Partners
from runtime.errors import AlreadyExists, FailedPrecondition, NotFound
from runtime.image import snapshot
from runtime.launch import bundle_file
from runtime.state import containers, intents, journal, volumes
from schemas.engine.bundle import Bundle
from schemas.engine.events import EngineEvent
from schemas.engine.identifiers import ContainerID, new_id
from schemas.engine.records import ContainerRecord, ImageRecord
from schemas.engine.specs import ContainerSpec, VolumeSpec, partner_of
from schemas.engine.status import ContainerStatus

CREATE = "create-container"
REMOVE = "remove-container"


def create(partners: Partners, spec: ContainerSpec, carried: Mapping[str, str]) -> ContainerRecord:
    """Make a container in status created.

    Raises AlreadyExists for its name, NotFound for its image, networks, volumes or bind sources,
    InvalidArgument for what cannot be; then nothing is left of it.
    """
    with partners.images.lease():
        return _create(partners, spec, carried)


def _create(partners: Partners, spec: ContainerSpec, carried: Mapping[str, str]) -> ContainerRecord:
    image = partners.images.resolve(spec.image)
    _check_name(partners, spec)
    files.check(spec.files)
    container_id = ContainerID(new_id())
    table = mounts.collect(spec, image.config.volumes, partners.find, dict(carried), new_id)
    made = [name for target, name in table.owned.items() if carried.get(target) != name]
    with partners.database.transaction() as connection:
        intent = intents.begin(connection, spec.project, CREATE, container_id, {"volumes": made})
    with ExitStack() as undo:
        undo.callback(_undo, partners, intent, container_id, made)
        folder = partners.paths.container(container_id)
        folder.mkdir(mode=0o710, parents=True)
        for name in made:
            partners.volumes.create(VolumeSpec(name=name, project=spec.project), anonymous=True)
        built = _build(partners, container_id, spec, image, table)
        bundle_file.write(built, partners.paths.bundle(container_id))
        record = ContainerRecord(
            id=container_id,
            spec=spec,
            image_id=image.id,
            created_ns=time.time_ns(),
            status=ContainerStatus.CREATED,
            command=built.args,
        )
        _store(partners, record, table, intent)
        undo.pop_all()
    return partners.find(container_id)


def remove(partners: Partners, record: ContainerRecord, *, with_volumes: bool) -> None:
    """Remove a container that has no process, and its anonymous volumes when asked."""
    doomed = [name for _, name in record.anonymous_volumes] if with_volumes else []
    with partners.database.transaction() as connection:
        intent = intents.begin(connection, record.spec.project, REMOVE, record.id, {"volumes": doomed})
        if record.status is not ContainerStatus.REMOVING:
            containers.change(connection, record.id, status=ContainerStatus.REMOVING.value)
    finish_removal(partners, record, intent, doomed)


def finish_removal(partners: Partners, record: ContainerRecord, intent: int, doomed: list[str]) -> None:
    """Remove what is still there of a container in status removing. Idempotent."""
    partners.supervisor(record.spec.project).forget(record.id)
    if record.ports:
        partners.networks.unpublish(record.id)
    group.remove(bundle.cgroup_path(record.id, record.spec))
    _remove_folders(partners, record.id)
    shutil.rmtree(partners.paths.made_files(record.spec.project, record.id), ignore_errors=True)
    with partners.database.transaction() as connection:
        containers.remove(connection, record.id)
        journal.append(connection, _event(record, "destroy"))
    remove_volumes(partners, doomed)
    with partners.database.transaction() as connection:
        intents.finish(connection, intent)


def undo_creation(partners: Partners, intent: intents.Intent) -> None:
    """Take back a creation that a killed command left half done."""
    try:
        partners.find(intent.subject)
    except NotFound:
        _undo(partners, intent.id, ContainerID(intent.subject), intent.detail.get("volumes", []))


def remove_volumes(partners: Partners, names: list[str]) -> None:
    """Remove anonymous volumes, but for those that another container mounts (volumes_from)."""
    for name in names:
        try:
            partners.volumes.remove(name)
        except (NotFound, FailedPrecondition):
            continue


def _check_name(partners: Partners, spec: ContainerSpec) -> None:
    # The row's insertion decides; this spares the work before it.
    try:
        other = partners.find(spec.name)
    except NotFound:
        return
    if other.name == spec.name:
        raise AlreadyExists(
            f'the container name "/{spec.name}" is already in use by container "{other.id}"',
            hint="remove or rename that container to be able to reuse the name",
        )


def _build(
    partners: Partners,
    container_id: ContainerID,
    spec: ContainerSpec,
    image: ImageRecord,
    table: mounts.MountTable,
) -> Bundle:
    lower, host_mounts = partners.images.lower_directories(image), partners.images.host_mounts(image)
    for mount in table.by_target.values():
        if mount.type == "volume":
            record = partners.volumes.find(mount.source)
            if not mount.no_copy and not mount.subpath:
                partners.volumes.copy_up(record, lower, mount.target, host_mounts)
    resolved = [mounts.bundle_mount(mount, partners.volumes.find) for mount in table.by_target.values()]
    made_files = files.mounts(spec.files, partners.paths.made_files(spec.project, container_id))
    parts = bundle.Parts(
        rootfs=snapshot.prepare(partners.paths, container_id, lower, read_only=spec.read_only),
        mounts=(*host_mounts, *resolved, *made_files),
        network_files=partners.paths.network_files(container_id),
    )
    return bundle.build(container_id, _with_partner_ids(partners, spec), image.config, parts)


def _with_partner_ids(partners: Partners, spec: ContainerSpec) -> ContainerSpec:
    """The launcher knows other containers by id alone: a name may go to another one meanwhile."""
    return replace(spec, pid_mode=_by_id(partners, spec.pid_mode), ipc_mode=_by_id(partners, spec.ipc_mode))


def _by_id(partners: Partners, mode: str) -> str:
    partner = partner_of(mode)
    return f"container:{partners.find(partner).id}" if partner else mode


def _store(partners: Partners, record: ContainerRecord, table: mounts.MountTable, intent: int) -> None:
    with partners.database.transaction() as connection:
        containers.insert(connection, record)
        partners.networks.allocate(connection, record.id, record.spec)
        for target, mount in table.by_target.items():
            if mount.type == "volume":
                volumes.use(connection, record.id, mount.source, target, owned=target in table.owned)
        journal.append(connection, _event(record, "create"))
        intents.finish(connection, intent)


def _undo(partners: Partners, intent: int, container_id: ContainerID, made: list[str]) -> None:
    _remove_folders(partners, container_id)
    remove_volumes(partners, made)
    with partners.database.transaction() as connection:
        intents.finish(connection, intent)


def _remove_folders(partners: Partners, container_id: ContainerID) -> None:
    snapshot.remove(partners.paths, container_id)
    shutil.rmtree(partners.paths.container(container_id), ignore_errors=True)


def _event(record: ContainerRecord, action: str) -> EngineEvent:
    spec = record.spec
    return EngineEvent("container", action, record.id, spec.project, spec.service, spec.name, {"image": spec.image})
