"""Secrets and configs: files that are made for one container, with the owner and mode asked for.

They lie in the run directory (a tmpfs on ordinary hosts) and are made again at each start (compose-spec
09-secrets.md). Their content stands in the container's spec, so in the state file too, which is root's
alone. A file source without an owner or a mode of its own is bound as it is, so that its later content
is seen.
"""

import os
import posixpath
import stat
from collections.abc import Iterable
from pathlib import Path

from runtime.errors import InvalidArgument, NotFound
from schemas.engine.bundle import BundleMount
from schemas.engine.specs import FileObject


def mounts(files: Iterable[FileObject], folder: Path) -> list[BundleMount]:
    """Return the mounts of a container's secrets and configs; `folder` will hold the made ones."""
    return [
        BundleMount(type="bind", target=_target(each), source=each.source or str(folder / str(index)), read_only=True)
        for index, each in enumerate(files)
    ]


def check(files: Iterable[FileObject]) -> None:
    """Raise NotFound when the source of a secret or config is not there."""
    for each in files:
        if each.source and not Path(each.source).exists():
            raise NotFound(
                f"bind source path does not exist: `{each.source}`", hint=f"it is the source of {each.target}"
            )


def make(files: Iterable[FileObject], folder: Path) -> None:
    """Write the files that have their content in the spec. Existing ones are rewritten in place."""
    for index, each in enumerate(files):
        if each.content is None:
            continue
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(folder / str(index), os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with open(descriptor, "wb") as file:
            file.write(each.content.encode())
            os.fchown(descriptor, each.uid, each.gid)
            os.fchmod(descriptor, stat.S_IMODE(each.mode))


def _target(each: FileObject) -> str:
    target = posixpath.normpath(each.target)
    if not target.startswith("/") or target == "/" or "\0" in target:
        raise InvalidArgument(f"`{each.target}` cannot be the target of a secret or config")
    return target
