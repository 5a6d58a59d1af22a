"""Volumes: named folders that outlive containers.

    volumes/<name>/
    ├── _data       the content, unless the driver's options name a folder of the host
    ├── lock        held while the volume is filled from an image
    └── filling     there while that goes on; after a kill, what is missing is filled in

A row is written once its folder is there. A removal moves the folder out of the way and removes the row
in one transaction, then deletes at leisure, so that a name is never taken by half a volume.
"""

import os
import re
import time
from collections.abc import Sequence
from pathlib import Path

from runtime.errors import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound
from runtime.paths import Paths
from runtime.state import journal, volumes
from runtime.state.database import Database
from runtime.syscall.tree import remove_tree
from runtime.volume.copyup import copy_up
from runtime.volume.driver import check_driver
from schemas.engine.bundle import BundleMount
from schemas.engine.events import EngineEvent
from schemas.engine.identifiers import short
from schemas.engine.records import VolumeRecord
from schemas.engine.specs import VolumeSpec

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")
_MAX_NAME_LENGTH = 255
_GONE = ".gone-"


class VolumeStore:
    """Volumes of the local driver. Every method may be called from several threads."""

    def __init__(self, database: Database, paths: Paths) -> None:
        self._database = database
        self._root = paths.volumes

    def create(self, spec: VolumeSpec, *, anonymous: bool = False) -> VolumeRecord:
        """Make a volume; an anonymous one has a new id for its name. Idempotent for an equal spec.

        Raises AlreadyExists for another spec of that name, InvalidArgument, Unsupported.
        """
        if not _NAME.fullmatch(spec.name) or len(spec.name) > _MAX_NAME_LENGTH:
            raise InvalidArgument(f"`{spec.name}` is not a volume name", hint="names match [a-zA-Z0-9][a-zA-Z0-9_.-]*")
        check_driver(spec)
        record = VolumeRecord(spec, time.time_ns(), volumes.mountpoint(self._root, spec), anonymous)
        with self._database.transaction() as connection:
            try:
                known = volumes.find(connection, self._root, spec.name)
            except NotFound:
                leftover = self._set_aside(spec.name)
                self._make_folders(record)
                volumes.insert(connection, record)
                journal.append(connection, _event(record, "create"))
            else:
                leftover = None
                if known.spec != spec:
                    raise AlreadyExists(f"volume `{spec.name}` exists already, and is another one than asked for")
                # A removal that was killed may have left the row alone.
                self._make_folders(known)
                record = known
        if leftover is not None:
            remove_tree(leftover)
        return record

    def find(self, name: str) -> VolumeRecord:
        """Return a volume. Raises NotFound."""
        return volumes.find(self._database.read(), self._root, name)

    def remove(self, name: str) -> None:
        """Remove a volume and its content; of one with a `device`, only the name.

        Raises NotFound, FailedPrecondition while a container mounts it (running or not).
        """
        with self._database.transaction() as connection:
            record = volumes.find(connection, self._root, name)
            if users := volumes.users(connection, name):
                listed = ", ".join(short(user) for user in users)
                raise FailedPrecondition(
                    f"volume `{name}` is in use by container {listed}", hint="remove the containers first"
                )
            volumes.remove(connection, name)
            journal.append(connection, _event(record, "destroy"))
            gone = self._set_aside(name)
        if gone is not None:
            remove_tree(gone)

    def mountpoint(self, record: VolumeRecord) -> Path:
        """Return the folder to mount. Raises FailedPrecondition when a device is not there."""
        path = Path(record.mountpoint)
        if not path.is_dir():
            raise FailedPrecondition(f"volume `{record.name}` is at `{path}`, where there is no folder")
        return path

    def copy_up(
        self, record: VolumeRecord, lower: Sequence[str], target: str, mounts: Sequence[BundleMount] = ()
    ) -> None:
        """Fill an empty volume with what the image has at `target`, owner and mode of the folder too.

        `lower` are the image's directories, topmost first; `mounts` those that complete a built-in image.
        Raises FailedPrecondition, InvalidArgument when the image has a file there.
        """
        copy_up(self.mountpoint(record), self._root / record.name, lower, target, mounts)

    def _make_folders(self, record: VolumeRecord) -> None:
        folder = self._root / record.name
        # 0710: no other user of the host gets at what containers write, setuid files too (CVE-2021-41091).
        self._root.mkdir(mode=0o710, parents=True, exist_ok=True)
        folder.mkdir(mode=0o710, exist_ok=True)
        if not record.spec.driver_options.get("device"):
            content = Path(record.mountpoint)
            if not content.is_dir():
                content.mkdir()
                content.chmod(0o755)

    def _set_aside(self, name: str) -> Path | None:
        """Move a volume's folder away; return where to. A removal that was killed may have left it."""
        target = self._root / f"{_GONE}{os.urandom(8).hex()}"
        try:
            (self._root / name).rename(target)
        except FileNotFoundError:
            return None
        return target


def _event(record: VolumeRecord, action: str) -> EngineEvent:
    return EngineEvent("volume", action, record.name, project=record.spec.project, name=record.name)
