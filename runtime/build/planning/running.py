"""RUN: its argument vector, its here-documents, its mounts (BuildKit, dockerfile2llb/convert{,_runmount}.go)."""

import posixpath
from collections.abc import Callable

from runtime.build.dockerfile import instructions as ast
from runtime.build.dockerfile.ignore import clean
from runtime.build.dockerfile.lines import parse_heredoc
from runtime.build.dockerfile.mounts import MountOptions
from runtime.build.dockerfile.words import WordError
from runtime.build.plan import (
    BindMount,
    CacheMount,
    ContextSource,
    InlineFile,
    Mount,
    ScratchSource,
    SecretMount,
    Source,
    SshMount,
    TmpfsMount,
)
from schemas.dataclass import dataclass
from schemas.engine.records import ImageConfig

DEFAULT_SHELL = ("/bin/sh", "-c")
PIPES = "/dev/pipes"
"""Where a script that a here-document holds is bound."""


def with_shell(config: ImageConfig, command: ast.CommandLine) -> tuple[str, ...]:
    """Return a whole argument vector: the shell's where the command is in shell form."""
    if not command.shell_form:
        return command.arguments
    return (*(config.shell or DEFAULT_SHELL), " ".join(command.arguments))


@dataclass(frozen=True, slots=True)
class RunCommand:
    """What RUN runs."""

    arguments: tuple[str, ...]
    files: tuple[InlineFile, ...] = ()
    """The script that `arguments` name, if they do."""
    document: str = ""
    """The here-document that is the whole command."""


def run_command(config: ImageConfig, command: ast.CommandLine) -> RunCommand:
    """Return the argument vector of RUN, with the here-documents it begins with."""
    if not command.heredocs:
        return RunCommand(with_shell(config, command))
    text = " ".join(command.arguments)
    first = command.heredocs[0]
    shell = config.shell or DEFAULT_SHELL
    if parse_heredoc(text) is None:
        # Other words are there too: the shell reads the here-documents itself.
        whole = text + "".join(f"\n{heredoc.content}{heredoc.name}" for heredoc in command.heredocs)
        return RunCommand((*shell, whole))
    if first.body.startswith("#!"):
        script = InlineFile(first.name, first.body, 0o755)
        return RunCommand((*shell, f"{PIPES}/{first.name}"), (script,), first.content)
    return RunCommand((*shell, first.body), document=first.content)


def resolve_mount(options: MountOptions, working_dir: str, source_of: Callable[[str], Source]) -> Mount:
    """Return a mount with its source and target. Raises WordError, and what `source_of` raises."""
    if options.type == "secret":
        return _secret(options, working_dir)
    if options.type == "ssh":
        target = _target(options.target, working_dir) if options.target else ""
        mode = 0o600 if options.mode is None else options.mode
        return SshMount(options.id or "default", target, options.required, mode, options.uid or 0, options.gid or 0)
    target = _target(options.target, working_dir)
    if options.type == "tmpfs":
        return TmpfsMount(target, options.size_bytes)
    path = clean(f"/{options.source}")
    if options.type == "cache":
        return CacheMount(
            target=target,
            id=options.id or clean(options.target),
            sharing=options.sharing or "shared",
            source=source_of(options.source_from) if options.source_from else ScratchSource(),
            path=path,
            read_only=bool(options.read_only),
            mode=0o755 if options.mode is None else options.mode,
            uid=options.uid or 0,
            gid=options.gid or 0,
        )
    source = source_of(options.source_from) if options.source_from else ContextSource()
    return BindMount(target, source, path, read_only=options.read_only is not False)


def _secret(options: MountOptions, working_dir: str) -> SecretMount:
    secret = options.source or options.id or posixpath.basename(options.target)
    target = options.target
    if not target and options.variable is None:
        target = f"/run/secrets/{posixpath.basename(secret)}"
    return SecretMount(
        id=secret,
        target=_target(target, working_dir) if target else "",
        variable="" if options.variable is None else options.variable or secret,
        required=options.required,
        mode=0o400 if options.mode is None else options.mode,
        uid=options.uid or 0,
        gid=options.gid or 0,
    )


def _target(target: str, working_dir: str) -> str:
    resolved = clean(posixpath.join("/", working_dir, target))
    if resolved == "/":
        raise WordError("invalid mount target `/`", "name a folder with `target=`")
    return resolved
