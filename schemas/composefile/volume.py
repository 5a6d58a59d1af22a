"""Named volumes, and mounts of a service. Source: compose-spec, 07-volumes.md, 05-services.md, volumes."""

from schemas.composefile.base import Model
from schemas.composefile.frozen import EMPTY, Frozen


class VolumeConfig(Model):
    """A top-level volume."""

    name: str = ""
    """The real name: `<project>_<key>` unless given."""
    driver: str = ""
    driver_opts: Frozen[str, str] = EMPTY
    external: bool = False
    labels: Frozen[str, str] = EMPTY


class BindOptions(Model):
    """Options of a mount of a host path."""

    propagation: str = ""
    create_host_path: bool | None = None
    """Make a missing host folder; only an explicit false does not."""
    selinux: str = ""
    recursive: str = ""


class VolumeOptions(Model):
    """Options of a mount of a volume."""

    nocopy: bool = False
    subpath: str = ""
    labels: Frozen[str, str] = EMPTY


class TmpfsOptions(Model):
    """Options of a tmpfs; size in bytes, mode as permission bits, 0 is not set."""

    size: int = 0
    mode: int = 0


class ImageOptions(Model):
    """Options of a mount of an image."""

    subpath: str = ""


class ServiceVolume(Model):
    """One mount of a service."""

    type: str
    """bind, volume, tmpfs, image, npipe or cluster."""
    source: str = ""
    """bind: absolute host path; volume: key in the project's `volumes`, empty if anonymous; image: a reference."""
    target: str = ""
    read_only: bool = False
    consistency: str = ""
    bind: BindOptions | None = None
    volume: VolumeOptions | None = None
    tmpfs: TmpfsOptions | None = None
    image: ImageOptions | None = None
