"""Starting, stopping and signalling: the engine's half; the supervisor does the rest.

Before its process a container needs its sandbox, its published ports, its files. All three are made
here, given to the supervisor, and kept until the container is removed, so that a restart needs none of
it again.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from runtime.container import bundle, files
from runtime.container.partners import Partners
from runtime.errors import FailedPrecondition, NotFound
from runtime.launch import bundle_file
from runtime.network import resolvconf
from runtime.state import containers, journal, networks
from schemas.engine.events import EngineEvent
from schemas.engine.records import ContainerRecord
from schemas.engine.specs import partner_of
from schemas.engine.status import ContainerStatus


def start(partners: Partners, record: ContainerRecord) -> None:
    """Start a container's process; return once its program runs. Idempotent.

    Raises StartFailed, Conflict for a port that is taken, FailedPrecondition for a partner
    container that does not run.
    """
    if record.status is ContainerStatus.PAUSED:
        raise FailedPrecondition(f"container `{record.name}` is paused", hint="unpause it first")
    if record.status.is_live:
        return
    _require_networks(record)
    supervisor = partners.supervisor(record.spec.project)
    _write_files(partners, record)
    _provide_sandbox(partners, record)
    if record.spec.ports and record.spec.network_mode not in {"host", "none"}:
        _, reservations = partners.networks.publish(record)
        with _closing(reservations):
            supervisor.reserve(record.id, reservations)
    supervisor.start(record.id)


def stop(partners: Partners, record: ContainerRecord, *, timeout_s: float | None, signal: str) -> None:
    """Signal, wait, kill; return once it has ended. Idempotent. Negative `timeout_s`: wait for ever."""
    if record.status.is_live:
        built = bundle_file.read(partners.paths.bundle(record.id))
        partners.supervisor(record.spec.project).stop(
            record.id,
            signal=signal or built.stop_signal,
            timeout_s=built.stop_grace_period_s if timeout_s is None else timeout_s,
        )
    if record.spec.ports:
        partners.networks.unpublish(record.id)


def kill(partners: Partners, record: ContainerRecord, signal: str) -> None:
    """Send a signal. Raises FailedPrecondition when it does not run."""
    _require_live(record)
    partners.supervisor(record.spec.project).kill(record.id, signal)


def pause(partners: Partners, record: ContainerRecord) -> None:
    """Freeze every process. Raises FailedPrecondition when it does not run."""
    if record.status is not ContainerStatus.RUNNING:
        raise FailedPrecondition(f"container `{record.name}` is not running")
    partners.supervisor(record.spec.project).pause(record.id)


def unpause(partners: Partners, record: ContainerRecord) -> None:
    """Thaw. Raises FailedPrecondition when it is not paused."""
    if record.status is not ContainerStatus.PAUSED:
        raise FailedPrecondition(f"container `{record.name}` is not paused")
    partners.supervisor(record.spec.project).unpause(record.id)


def rename(partners: Partners, record: ContainerRecord, name: str) -> None:
    """Give it another name. Raises AlreadyExists."""
    spec = replace(record.spec, name=name)
    with partners.database.transaction() as connection:
        containers.rename(connection, record, spec)
        networks.rename_container(connection, record.id, record.spec.name, name)
        journal.append(
            connection,
            EngineEvent(
                "container", "rename", record.id, spec.project, spec.service, name, {"oldName": record.spec.name}
            ),
        )


def _require_live(record: ContainerRecord) -> None:
    if not record.status.is_live:
        raise FailedPrecondition(f"container `{record.name}` is not running")


def _require_networks(record: ContainerRecord) -> None:
    there = {endpoint.network for endpoint in record.endpoints}
    for wanted in record.spec.endpoints:
        if wanted.network not in there:
            raise NotFound(
                f"network `{wanted.network}` of container `{record.name}` was removed",
                hint="remove the container and create it again",
            )


def _provide_sandbox(partners: Partners, record: ContainerRecord) -> None:
    mode = record.spec.network_mode
    if mode == "host":
        return
    supervisor = partners.supervisor(record.spec.project)
    if supervisor.has_sandbox(record.id):
        return
    if owner := partner_of(mode):
        descriptor = _sandbox_of(partners, record, partners.find(owner))
    else:
        descriptor = partners.networks.create_sandbox(record.id, record.spec.project, record.endpoints)
    with _closing([descriptor]):
        supervisor.sandbox(record.id, descriptor)


def _sandbox_of(partners: Partners, record: ContainerRecord, owner: ContainerRecord) -> int:
    """Open the network namespace of another running container, known to be still the same process."""
    if owner.pid <= 0 or not owner.status.is_live:
        raise FailedPrecondition(
            f"cannot join the network of container `{owner.name}`: it is not running",
            hint=f"`{record.spec.service or record.name}` shares it; start `{owner.name}` first",
        )
    pidfd = os.pidfd_open(owner.pid)
    try:
        descriptor = os.open(f"/proc/{owner.pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            # Still the same process after the open: its pid was not given to another one in between.
            if partners.find(owner.id).pid != owner.pid:
                raise FailedPrecondition(f"container `{owner.name}` was restarted meanwhile", hint="try again")
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor
    finally:
        os.close(pidfd)


def _write_files(partners: Partners, record: ContainerRecord) -> None:
    folder = partners.paths.network_files(record.id)
    source = record
    if owner := partner_of(record.spec.network_mode):
        # The three files tell of the shared network stack, so they are its owner's.
        source = partners.find(owner)
    hostname = source.spec.hostname or bundle.default_hostname(source.id, source.spec)
    texts = resolvconf.container_files(source.spec, source.endpoints, hostname)
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    for name, text in texts.items():
        # Rewritten in place: the container sees this very inode.
        path = folder / name
        path.write_text(text)
        path.chmod(0o644)
    files.make(record.spec.files, partners.paths.made_files(record.spec.project, record.id))


@contextmanager
def _closing(descriptors: list[int]) -> Iterator[None]:
    try:
        yield
    finally:
        for descriptor in descriptors:
            os.close(descriptor)
