"""What the launcher needs to make a container's process: nothing left to look up or decide.

The engine writes it once, to `bundle.json` in the container's folder; the supervisor reads it at
each start. It plays the part of the OCI runtime-spec's config.json.
"""

from dataclasses import field
from typing import Literal

from schemas.dataclass import dataclass
from schemas.engine.specs import Device, Healthcheck, LogConfig, Resources


@dataclass(frozen=True, slots=True)
class Rootfs:
    """The overlay that becomes `/`."""

    lower: tuple[str, ...]
    """Absolute host paths, topmost first; one at least."""
    upper: str
    work: str
    read_only: bool = False
    volatile: bool = False
    """Whether nothing need be on the disk before it is synced as a whole: a build's step."""
    initial_files: bool = True
    """Whether what Docker's init layer has is made where it is missing: not in a build, whose images would have it."""


@dataclass(frozen=True, slots=True)
class BundleMount:
    """A mount on top of Docker's default ones, in the order to make them (by depth)."""

    type: Literal["bind", "tmpfs"]
    target: str
    source: str = ""
    """bind: absolute host path of a file or folder that exists."""
    subpath: str = ""
    """bind: below source, resolved without leaving it."""
    read_only: bool = False
    recursive: bool = True
    recursive_read_only: bool = True
    propagation: str = "rprivate"
    options: tuple[str, ...] = ()
    """tmpfs: size=, mode=, uid=, gid=, exec, suid, dev …"""


@dataclass(frozen=True, slots=True)
class Bundle:
    """One container, ready to be launched."""

    id: str
    rootfs: Rootfs
    args: tuple[str, ...]
    environment: tuple[str, ...]
    """`NAME=value`; HOME is added by the launcher from the container's passwd when absent."""
    cwd: str = "/"
    user: str = ""
    """`user[:group]`, resolved in the container's own /etc/passwd and /etc/group."""
    group_add: tuple[str, ...] = ()
    hostname: str = ""
    domainname: str = ""
    tty: bool = False
    stdin_open: bool = False
    init: bool = False
    mounts: tuple[BundleMount, ...] = ()
    shm_size_bytes: int = 64 * 1024 * 1024
    network: Literal["sandbox", "host"] = "sandbox"
    """sandbox: join the network namespace whose descriptor comes with the start."""
    pid_mode: str = ""
    """Empty: own; host; or container:<id>, whose pidfd comes with the start."""
    ipc_mode: str = ""
    """Empty, private, shareable: own; none: own without /dev/shm; host; container:<id>."""
    uts_mode: str = ""
    cgroup_path: str = ""
    """Below each hierarchy's root, for example pycompose/shop/<id>."""
    cgroup_private: bool = True
    cgroup_writable: bool = False
    """Whether /sys/fs/cgroup can be written to; a privileged container's always can."""
    capabilities: tuple[str, ...] = ()
    """The bounding set, with CAP_."""
    privileged: bool = False
    seccomp: str = "default"
    """default, unconfined, or the text of a profile in Docker's JSON."""
    no_new_privileges: bool = False
    masked_paths: tuple[str, ...] = ()
    read_only_paths: tuple[str, ...] = ()
    sysctls: dict[str, str] = field(default_factory=dict)
    rlimits: tuple[tuple[str, int, int], ...] = ()
    oom_score_adj: int = 0
    devices: tuple[Device, ...] = ()
    device_cgroup_rules: tuple[str, ...] = ()
    resources: Resources = field(default_factory=Resources)
    healthcheck: Healthcheck | None = None
    """The spec's or else the image's; None where there is none."""
    stop_signal: str = "SIGTERM"
    stop_grace_period_s: float = 10.0
    log: LogConfig = field(default_factory=LogConfig)
