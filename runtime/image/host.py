"""The built-in image `host`: this machine's programs, under a root made fresh. It needs no download.

It is made of a small base folder (runtime.image.host_base) and of read-only binds: /usr, the folders
beside it on systems that keep them apart (/bin, /lib …), and the prefixes of the running interpreter when
they lie elsewhere. Nothing of the host's /etc, /root, /home, /var is in it, but for a prefix that lies there,
which is bound exactly, its parents empty.

Its id is a hash of the recipe: what is bound where, and how the base is made. The packages behind it
may change without changing it, as they do for every program on the machine.
"""

import functools
import hashlib
import json
import os
import sys
from pathlib import Path

from runtime.errors import Unsupported
from runtime.image.machine import machine_architecture
from schemas.dataclass import dataclass
from schemas.engine.identifiers import ImageID
from schemas.engine.records import ImageConfig, ImageRecord

HOST_REFERENCE = "host:latest"
RECIPE_VERSION = 1
STANDARD_PATH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
_BESIDE_USR = ("bin", "sbin", "lib", "lib32", "lib64", "libx32", "libo32", "libexec")
_NEVER_BOUND = frozenset({"/", "/etc", "/root", "/home", "/var", "/proc", "/sys", "/dev", "/tmp", "/run"})  # noqa: S108


@dataclass(frozen=True, slots=True)
class Recipe:
    """What the image shows of this machine."""

    links: tuple[tuple[str, str], ...]
    """Links in the root, as on a system with everything in /usr: (`bin`, `usr/bin`)."""
    binds: tuple[tuple[str, str], ...]
    """(source on the host, target in the image), parents before what is below them."""
    executables: tuple[str, ...]
    """Folders for PATH, before the usual ones."""


@functools.cache
def recipe() -> Recipe:
    """Look at the machine once. Raises Unsupported where programs are not in /usr (NixOS, Guix)."""
    links = []
    binds = [("/usr", "/usr")]
    for name in _BESIDE_USR:
        path = Path("/", name)
        if path.is_symlink():
            links.append((name, str(path.readlink())))
        elif path.is_dir():
            binds.append((str(path), str(path)))
    shell = Path("/bin/sh").resolve()
    if not shell.exists() or not any(shell.is_relative_to(source) for source, _ in binds):
        raise Unsupported(
            "this machine keeps its programs elsewhere than in /usr, so there is no `host` image",
            hint="import a root file system with `image import`",
        )
    prefixes = _interpreter_prefixes()
    binds.extend((os.path.realpath(prefix), prefix) for prefix in prefixes)
    executables = tuple(f"{prefix}/bin" for prefix in prefixes if Path(prefix, "bin").is_dir())
    return Recipe(tuple(links), tuple(binds), executables)


@functools.cache
def host_record() -> ImageRecord:
    """Return the image's record. Raises Unsupported."""
    made = recipe()
    path = ":".join((*made.executables, *STANDARD_PATH))
    document = json.dumps([RECIPE_VERSION, machine_architecture(), made.links, made.binds, path])
    return ImageRecord(
        id=ImageID(f"sha256:{hashlib.sha256(document.encode()).hexdigest()}"),
        references=(HOST_REFERENCE,),
        created_ns=os.stat("/usr").st_mtime_ns,  # noqa: PTH116 - in nanoseconds
        size_bytes=0,
        config=ImageConfig(command=("/bin/sh",), environment=(f"PATH={path}",)),
        architecture=machine_architecture(),
    )


def is_host(record: ImageRecord) -> bool:
    """Whether a record is the built-in image's."""
    return HOST_REFERENCE in record.references


def _interpreter_prefixes() -> list[str]:
    """Return the prefixes outside /usr, the virtual environment's first, none below another."""
    prefixes: list[str] = []
    for prefix in (sys.prefix, sys.base_prefix, os.path.realpath(sys.prefix), os.path.realpath(sys.base_prefix)):
        covered = any(Path(prefix).is_relative_to(known) for known in ("/usr", *prefixes))
        if not covered and prefix not in _NEVER_BOUND and Path(prefix).is_dir():
            prefixes.append(prefix)
    return prefixes
