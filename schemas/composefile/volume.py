"""Named volumes, and mounts of a service.

Source: compose-spec, 07-volumes.md, 05-services.md, volumes.
"""

from schemas.composefile.base import Model
from schemas.composefile.frozen import EMPTY, Frozen


class VolumeConfig(Model):
    """A volume of the project; it outlives its containers."""

    name: str = ""
    """The real name: `<project>_<key>` unless set."""
    driver: str = ""
    """The kind of volume: `local` unless set."""
    driver_opts: Frozen[str, str] = EMPTY
    """Options of the driver, such as `type`, `o` and `device`."""
    external: bool = False
    """It exists already: it is neither made nor removed."""
    labels: Frozen[str, str] = EMPTY
    """Labels of the volume."""


class BindOptions(Model):
    """Options of a mount of a host path."""

    propagation: str = ""
    """Which later mounts are seen on the other side; `rprivate`, none, unless set."""
    # Only an explicit false counts.
    create_host_path: bool | None = None
    """Make the folder on the host where it is missing; yes unless set."""
    selinux: str = ""
    """Relabel the path for containers: `z` for several, `Z` for this one."""
    recursive: str = ""
    """What happens to mounts below the path."""


class VolumeOptions(Model):
    """Options of a mount of a volume."""

    nocopy: bool = False
    """Leave an empty volume empty: do not copy what the image has there."""
    subpath: str = ""
    """A folder in the volume to mount in its stead."""
    labels: Frozen[str, str] = EMPTY
    """Labels of a volume without a name."""


class TmpfsOptions(Model):
    """Options of a file system in memory."""

    size: int = 0
    """Its size: bytes, or with a unit such as `64m`."""
    mode: int = 0
    """Permission bits of its root, octal."""


class ImageOptions(Model):
    """Options of a mount of an image."""

    subpath: str = ""
    """A folder in the image to mount in its stead."""


class ServiceVolume(Model):
    """A mount; a text is `[source:]target[:options]`."""

    type: str
    """What is mounted: a path of the host, a volume, memory, …"""
    # bind: absolute; volume: the key in the project's `volumes`, empty if anonymous.
    source: str = ""
    """The host's path, the volume's name, or the image; a volume without a name where it is missing."""
    target: str = ""
    """Path in the container."""
    read_only: bool = False
    """Containers cannot write to it."""
    consistency: str = ""
    """How closely both sides agree; a hint for platforms with a virtual machine between."""
    bind: BindOptions | None = None
    """Options of a mount of a host path."""
    volume: VolumeOptions | None = None
    """Options of a mount of a volume."""
    tmpfs: TmpfsOptions | None = None
    """Options of a file system in memory."""
    image: ImageOptions | None = None
    """Options of a mount of an image."""
