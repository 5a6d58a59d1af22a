"""What the build worker is asked, and answers.

A request is one packet without content but with descriptors: a memory file with the task, the socket for the answer,
and what the task needs (its output, its sandbox). Whoever closes the socket for the answer cancels the step.
"""

from dataclasses import field

from schemas.dataclass import dataclass
from schemas.engine.bundle import Bundle


@dataclass(frozen=True, slots=True)
class Files:
    """A tree to read: the layers of a stage, or a folder of the host's."""

    lowers: tuple[str, ...] = ()
    """Absolute folders, topmost first; empty and no folder: nothing."""
    folder: str = ""
    ignore: tuple[str, ...] = ()
    """Patterns of a `.dockerignore`."""
    owned_by_root: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """Some files of a tree, as COPY names them."""

    files: Files
    patterns: tuple[str, ...]
    exclude: tuple[str, ...] = ()
    parents: bool = False
    unpack: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where a step's changes go."""

    lowers: tuple[str, ...]
    """The stage so far: absolute folders, topmost first."""
    scratch: str
    """An empty folder of the store's; becomes the layer, or is removed by whoever asked."""
    clamp_s: int | None = None
    """SOURCE_DATE_EPOCH."""


@dataclass(frozen=True, slots=True)
class BringFiles:
    """COPY and ADD."""

    place: Place
    parts: tuple[Part, ...]
    destination: str
    owner: str = ""
    mode: str = ""
    link: bool = False
    """Whether the layer is to be the same on any stage: nothing of the stage's is looked at."""


@dataclass(frozen=True, slots=True)
class MakeFolder:
    """WORKDIR."""

    place: Place
    path: str
    owner: str = ""


@dataclass(frozen=True, slots=True)
class ReadDigest:
    """Nothing but the digest of files."""

    part: Part
    scratch: str
    """A folder of the store's, removed by whoever asked."""


@dataclass(frozen=True, slots=True)
class BindFiles:
    """Files shown to a program; what it writes to them is thrown away."""

    target: str
    files: Files
    path: str = "/"
    read_only: bool = True


@dataclass(frozen=True, slots=True)
class BindCache:
    """A folder that outlives the build."""

    target: str
    folder: str
    """Of this cache alone; made when missing."""
    sharing: str = "shared"
    files: Files = field(default_factory=Files)
    """What a new one begins with."""
    path: str = "/"
    read_only: bool = False
    mode: int = 0o755
    uid: int = 0
    gid: int = 0


@dataclass(frozen=True, slots=True)
class BindSecret:
    """A file that exists in memory, for the time of the step."""

    target: str
    content: str
    """Base64."""
    mode: int = 0o400
    uid: int = 0
    gid: int = 0


@dataclass(frozen=True, slots=True)
class BindSocket:
    """An agent's socket: the step gets one of its own, whose connections the worker passes on."""

    target: str
    source: str
    mode: int = 0o600
    uid: int = 0
    gid: int = 0


@dataclass(frozen=True, slots=True)
class Script:
    """A here-document that is run: /dev/pipes/NAME."""

    name: str
    content: str


@dataclass(frozen=True, slots=True)
class RunProgram:
    """RUN. `bundle` has neither root nor mounts yet, but the tmpfs ones."""

    place: Place
    bundle: Bundle
    hosts: str
    """Text of /etc/hosts; resolv_conf likewise."""
    resolv_conf: str
    files: tuple[BindFiles, ...] = ()
    caches: tuple[BindCache, ...] = ()
    secrets: tuple[BindSecret, ...] = ()
    sockets: tuple[BindSocket, ...] = ()
    scripts: tuple[Script, ...] = ()


Task = BringFiles | MakeFolder | ReadDigest | RunProgram
TASKS: dict[str, type[BringFiles] | type[MakeFolder] | type[ReadDigest] | type[RunProgram]] = {
    each.__name__: each for each in (BringFiles, MakeFolder, ReadDigest, RunProgram)
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a task."""

    diff_id: str = ""
    """Of the layer that it made; empty where it makes none."""
    size_bytes: int = 0
    """Of the layer's files."""
    digests: tuple[str, ...] = ()
    """Of the files it read, part by part, as they were when it read them."""
    exit_code: int = 0
    """Of the program; above 0 there is no layer."""
    failure: str = ""
    """Why the program could not be started."""
