"""A container as an image, and its files as an archive."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

from runtime.container import lifecycle, program
from runtime.container.partners import Partners
from runtime.errors import FailedPrecondition, NotFound, SyscallError
from runtime.image import diff
from runtime.image.output import written
from runtime.image.pieces import contents
from runtime.image.store import named_errors
from runtime.launch import bundle_file
from runtime.launch.overlay import new_view
from runtime.state import intents, journal
from schemas.engine.bundle import Rootfs
from schemas.engine.events import EngineEvent
from schemas.engine.records import ContainerRecord, ImageConfig, ImageRecord
from schemas.engine.specs import CommitSpec, ContainerSpec, Healthcheck
from schemas.engine.status import ContainerStatus

COMMIT = "commit-container"
_NANOSECONDS = 1_000_000_000
_CHANGED = "files of container `{}` changed while they were read"
_HINT = "pause the service meanwhile"


def commit(partners: Partners, record: ContainerRecord, spec: CommitSpec) -> ImageRecord:
    """Make an image of a container in any status. Call with the project's lock held.

    Raises InvalidArgument, Unsupported for the built-in image, FailedPrecondition.
    """
    rootfs = bundle_file.read(partners.paths.bundle(record.id)).rootfs
    try:
        image = partners.images.resolve(record.image_id)
    except NotFound:
        raise FailedPrecondition(
            f"the image of container `{record.name}` was removed", hint="load, pull or build it again"
        ) from None
    config = config_of(record.spec, image.config)
    with _told(record):
        still = _frozen(partners, record, wanted=spec.pause)
        committed = partners.images.commit(image.id, rootfs, config, config.command, spec, still)
    _tell(partners, record, "commit", {"imageID": committed.id, "imageRef": spec.reference, "comment": spec.message})
    return committed


def export(partners: Partners, record: ContainerRecord, target: Path) -> None:
    """Write the root file system of a container in any status as a tar, without what is mounted in it.

    Raises InvalidArgument, PermissionDenied, FailedPrecondition when files change meanwhile, ResourceExhausted.
    """
    rootfs = bundle_file.read(partners.paths.bundle(record.id)).rootfs
    with named_errors("export"), _told(record):
        root = _merged(rootfs)
        try:
            with written(target) as sink:
                for content in contents(diff.pieces(root, (), diff.Difference()), root, hint=_HINT):
                    sink.write(content)
        finally:
            os.close(root)
    _tell(partners, record, "export", {})


def _merged(rootfs: Rootfs) -> int:
    """Open what a container's root shows. It may run: what it wrote is one more layer of a mount that is new."""
    view = new_view((rootfs.upper, *rootfs.lower))
    try:
        return os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=view)
    finally:
        os.close(view)


def config_of(spec: ContainerSpec, image: ImageConfig) -> ImageConfig:
    """Return how to run what a container runs (moby daemon/commit.go, `merge`: the service's over the image's)."""
    environment = {name: f"{name}={value}" for name, value in spec.environment.items() if value is not None}
    inherited = [entry for entry in image.environment if entry.partition("=")[0] not in spec.environment]
    ports = [port if "/" in port else f"{port}/tcp" for port in spec.expose]
    ports += [f"{binding.container_port}/{binding.protocol}" for binding in spec.ports]
    own_entrypoint = spec.entrypoint is not None
    return replace(
        image,
        entrypoint=(spec.entrypoint or ()) if own_entrypoint else image.entrypoint,
        command=image.command if spec.command is None and not own_entrypoint else spec.command or (),
        environment=(*environment.values(), *inherited),
        working_dir=spec.working_dir or image.working_dir,
        user=spec.user or image.user,
        stop_signal=spec.stop_signal or image.stop_signal,
        exposed_ports=tuple(dict.fromkeys((*image.exposed_ports, *ports))),
        labels={**image.labels, **spec.labels},
        healthcheck=_plain(spec, image),
        on_build=(),
    )


def finish_commit(partners: Partners, intent: intents.Intent) -> None:
    """Thaw a container that a killed commit left frozen."""
    try:
        record = partners.find(intent.subject)
    except NotFound:
        pass
    else:
        if record.status is ContainerStatus.PAUSED:
            lifecycle.unpause(partners, record)
    with partners.database.transaction() as connection:
        intents.finish(connection, intent.id)


@contextmanager
def _frozen(partners: Partners, record: ContainerRecord, *, wanted: bool) -> Iterator[None]:
    if not wanted or record.status is not ContainerStatus.RUNNING:
        yield
        return
    with partners.database.transaction() as connection:
        number = intents.begin(connection, record.spec.project, COMMIT, record.id)
    try:
        with partners.supervisor(record.spec.project).paused(record.id):
            yield
    finally:
        finish_commit(partners, intents.Intent(number, COMMIT, record.id, {}))


@contextmanager
def _told(record: ContainerRecord) -> Iterator[None]:
    """Say what it means when a file is gone that was there a moment ago."""
    try:
        yield
    except (OSError, SyscallError) as error:
        if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
            raise
        raise FailedPrecondition(_CHANGED.format(record.name), hint=_HINT) from error


def _plain(spec: ContainerSpec, image: ImageConfig) -> dict[str, object] | None:
    if spec.healthcheck is not None and spec.healthcheck.test[:1] == ("NONE",):
        return {"Test": ["NONE"]}
    probe = program.healthcheck(spec, image)
    return image.healthcheck if probe is None else _document(probe)


def _document(probe: Healthcheck) -> dict[str, object]:
    values = asdict(probe)
    plain = {
        "Test": list(probe.test),
        **{
            name: round(values[key] * _NANOSECONDS)
            for name, key in (
                ("Interval", "interval_s"),
                ("Timeout", "timeout_s"),
                ("StartPeriod", "start_period_s"),
                ("StartInterval", "start_interval_s"),
            )
        },
        "Retries": probe.retries,
    }
    return {name: value for name, value in plain.items() if value}


def _tell(partners: Partners, record: ContainerRecord, action: str, attributes: dict[str, str]) -> None:
    spec = record.spec
    with partners.database.transaction() as connection:
        journal.append(
            connection, EngineEvent("container", action, record.id, spec.project, spec.service, record.name, attributes)
        )
