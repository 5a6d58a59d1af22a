"""What a Dockerfile says, instruction by instruction, before any variable is expanded.

Shapes and names follow BuildKit (frontend/dockerfile/instructions) and the Dockerfile reference. All are
frozen: a reader makes them, the planner turns them into the steps of runtime.build.plan.
"""

import re

from schemas.dataclass import dataclass

_LEADING_TABS = re.compile(r"^\t+", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Location:
    """Lines of a Dockerfile, counted from 1, both ends included."""

    file: str
    """As the user would name it; `Dockerfile` (inline) for `dockerfile_inline`."""
    first_line: int
    last_line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.first_line}"


@dataclass(frozen=True, slots=True)
class Instruction:
    """Any instruction. Its name is the class's, in capitals."""

    location: Location
    text: str
    """As written, continuation lines joined, heredoc bodies left out."""
    comments: tuple[str, ...]
    """The comment lines directly above."""

    @property
    def name(self) -> str:
        """`RUN`, `COPY` …"""
        return type(self).__name__.upper()


@dataclass(frozen=True, slots=True)
class Heredoc:
    """A here-document of RUN, COPY or ADD."""

    name: str
    content: str
    """As written, with its line ends."""
    expand: bool
    """Whether variables in it count: no part of its word was quoted."""
    strip_tabs: bool = False
    """`<<-`."""
    descriptor: int = 0
    """The number before `<<`, 0 without one."""

    @property
    def body(self) -> str:
        """Its content, without leading tabs where `<<-` asked for that."""
        return _LEADING_TABS.sub("", self.content) if self.strip_tabs else self.content


@dataclass(frozen=True, slots=True)
class CommandLine:
    """The shell form (one element, to be given to the shell) or the exec form (a JSON array)."""

    arguments: tuple[str, ...]
    shell_form: bool
    heredocs: tuple[Heredoc, ...] = ()


@dataclass(frozen=True, slots=True)
class Pair:
    """`name=value`; `value` is None for an ARG without default."""

    name: str
    value: str | None
    spaced: bool = False
    """Written in the old form `ENV name value`."""


@dataclass(frozen=True, slots=True)
class From(Instruction):
    """`FROM [--platform=…] base [AS alias]`."""

    base: str
    alias: str = ""
    """In lower case."""
    platform: str = ""


@dataclass(frozen=True, slots=True)
class Arg(Instruction):
    """`ARG name[=default] …`."""

    pairs: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class Env(Instruction):
    """`ENV name=value …`."""

    pairs: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class Label(Instruction):
    """`LABEL name=value …`."""

    pairs: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class Run(Instruction):
    """`RUN [--mount=…] [--network=…] [--security=…] [--device=…] command`."""

    command: CommandLine
    mounts: tuple[str, ...] = ()
    """The values of `--mount`, comma-separated: read after expansion (runtime.build.dockerfile.mounts)."""
    network: str = "default"
    """default, none or host."""
    security: str = "sandbox"
    """sandbox or insecure."""
    devices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Copy(Instruction):
    """`COPY [flags] source … destination`."""

    sources: tuple[str, ...]
    destination: str
    files: tuple[Heredoc, ...] = ()
    """Sources given as here-documents."""
    source_from: str = ""
    """`--from`: stage name or number, image, named context; empty for the build context."""
    chown: str = ""
    chmod: str = ""
    link: bool = False
    parents: bool = False
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Add(Instruction):
    """`ADD [flags] source … destination`."""

    sources: tuple[str, ...]
    destination: str
    files: tuple[Heredoc, ...] = ()
    chown: str = ""
    chmod: str = ""
    link: bool = False
    exclude: tuple[str, ...] = ()
    checksum: str = ""
    keep_git_dir: bool | None = None
    unpack: bool | None = None


@dataclass(frozen=True, slots=True)
class Expose(Instruction):
    """`EXPOSE port[-port][/protocol] …`."""

    ports: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Workdir(Instruction):
    """`WORKDIR path`."""

    path: str


@dataclass(frozen=True, slots=True)
class User(Instruction):
    """`USER user[:group]`."""

    user: str


@dataclass(frozen=True, slots=True)
class Cmd(Instruction):
    """`CMD …`."""

    command: CommandLine


@dataclass(frozen=True, slots=True)
class Entrypoint(Instruction):
    """`ENTRYPOINT …`."""

    command: CommandLine


@dataclass(frozen=True, slots=True)
class Shell(Instruction):
    """`SHELL ["program", "argument"]`."""

    shell: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Healthcheck(Instruction):
    """`HEALTHCHECK NONE` or `HEALTHCHECK [flags] CMD …`. Times in nanoseconds, 0 where not given."""

    test: tuple[str, ...]
    """As Docker keeps it: `NONE`; or `CMD` or `CMD-SHELL` and its words."""
    interval_ns: int = 0
    timeout_ns: int = 0
    start_period_ns: int = 0
    start_interval_ns: int = 0
    retries: int = 0


@dataclass(frozen=True, slots=True)
class Stopsignal(Instruction):
    """`STOPSIGNAL signal`."""

    signal: str


@dataclass(frozen=True, slots=True)
class Volume(Instruction):
    """`VOLUME path …`."""

    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Onbuild(Instruction):
    """`ONBUILD instruction`, kept as text: it is read again in the image built on this one."""

    trigger: str


@dataclass(frozen=True, slots=True)
class Maintainer(Instruction):
    """`MAINTAINER name`."""

    maintainer: str


@dataclass(frozen=True, slots=True)
class Stage:
    """A FROM and what follows it."""

    origin: From
    instructions: tuple[Instruction, ...]

    @property
    def alias(self) -> str:
        """Its name, or nothing."""
        return self.origin.alias


@dataclass(frozen=True, slots=True)
class Dockerfile:
    """A Dockerfile as read: stages in order, and the ARGs before the first."""

    file: str
    lines: tuple[str, ...]
    """The text, for messages that show a line."""
    global_args: tuple[Arg, ...]
    stages: tuple[Stage, ...]
    escape: str = "\\"
    syntax: str = ""
    """The value of `# syntax=`; it chooses nothing here."""
    check: str = ""
    """The value of `# check=`."""
    empty_continuations: tuple[Location, ...] = ()
    """Where an empty line stands inside an instruction."""
